"""What an instruction means: the trees that the grammar builds. No ROS.

Every noun phrase keeps its `text`, because the programs pass descriptions on in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal['left', 'right', 'top', 'bottom']


@dataclass(frozen=True)
class Place:
    """A named place: 'middle', 'left side', 'top left corner'."""

    name: str


@dataclass(frozen=True)
class Pronoun:
    """'it' or 'them'."""

    text: str
    plural: bool


@dataclass(frozen=True)
class Relation:
    """What a noun phrase says of where its objects are, or of their colour.

    Attributes:
        kind: a direction, 'in', 'on', 'holds', 'near', 'at' (a named place), 'same color' or
            'different color'.
    """

    kind: str
    anchor: Anchor
    negated: bool = False


@dataclass(frozen=True)
class Order:
    """'The second from the left': index 1, 'left'; index -1 is the last."""

    direction: Direction
    index: int = 0


@dataclass(frozen=True)
class ByDistance:
    """'Closest to' an anchor; index 1 is the second closest."""

    farthest: bool
    anchor: Anchor
    index: int = 0


@dataclass(frozen=True)
class Things:
    """A noun phrase.

    Attributes:
        head: the noun in the singular; '' when anything is meant.
        definite: 'the'; otherwise 'a', 'any'.
        name: set when the words are the name of an object of the scene.
        count: 'two'.
        by_look: 'biggest', 'smallest', 'darkest', 'brightest', 'sweetest' or 'sourest'.
        middle: 'the middle block'.
        other: 'the other blocks'; what was spoken of before is not meant.
    """

    text: str
    head: str
    plural: bool
    definite: bool = True
    name: str | None = None
    adjectives: tuple[str, ...] = ()
    not_adjectives: tuple[str, ...] = ()
    count: int | None = None
    order: Order | None = None
    by_distance: ByDistance | None = None
    by_look: str | None = None
    middle: bool = False
    relations: tuple[Relation, ...] = ()
    excluded: Anchor | None = None
    other: bool = False

    @property
    def lexical(self) -> bool:
        """Whether the names of the scene alone tell what is meant."""
        return not (
            self.order or self.by_distance or self.by_look or self.middle or self.relations
        ) and not (self.excluded or self.other)


@dataclass(frozen=True)
class Group:
    """'The red block and the blue block'."""

    text: str
    members: tuple[Reference, ...]
    plural: bool = True


Reference = Things | Group | Pronoun
Anchor = Things | Group | Pronoun | Place

# ── where something goes ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class On:
    """On or in an object."""

    things: Things | Pronoun


@dataclass(frozen=True)
class Beside:
    """In a direction from something.

    Attributes:
        distance: from centre to centre [m]; None: whatever is free and close.
    """

    direction: Direction
    anchor: Anchor
    distance: float | Literal['a little', 'a lot'] | None = None


@dataclass(frozen=True)
class NearTo:
    """Next to something, on any side."""

    anchor: Anchor


@dataclass(frozen=True)
class Between:
    """The mean of the positions of some objects and places."""

    anchors: tuple[Anchor | ExtremePlace, ...]


@dataclass(frozen=True)
class ExtremePlace:
    """The corner (or side) that is closest to, or farthest from, something."""

    kind: Literal['corner', 'side']
    farthest: bool
    anchor: Anchor


@dataclass(frozen=True)
class FromTowards:
    """At a distance [m] from one thing in the direction of another."""

    start: Anchor
    goal: Anchor
    distance: float


@dataclass(frozen=True)
class Shape:
    """Points on a line or circle.

    Attributes:
        kind: 'horizontal', 'vertical', 'diagonal' or 'circle'.
        points: how many.
        size: length or radius [m]; None: whatever is free.
        where: its centre; None: wherever it is free.
    """

    kind: str
    points: int
    size: float | None = None
    where: Position | None = None


@dataclass(frozen=True)
class Segment:
    """Points on the line from one thing to another, both ends included."""

    start: Anchor
    end: Anchor | ExtremePlace
    points: int


Position = (
    Beside
    | NearTo
    | Between
    | ExtremePlace
    | FromTowards
    | Place
    | Shape
    | Segment
    | Things
    | Pronoun
)


@dataclass(frozen=True)
class AtPosition:
    """At a position, described in words that parse_position understands."""

    text: str
    position: Position


@dataclass(frozen=True)
class ByColor:
    """In the containers of the same (or another) colour as each object."""

    head: str
    same: bool


@dataclass(frozen=True)
class EachOwn:
    """Each in a corner, on a side or in a container of its own.

    Attributes:
        start: of the corners or sides, the first; the others follow clockwise, or the other way.
    """

    kind: str
    start: Place | None = None
    clockwise: bool = True


@dataclass(frozen=True)
class Shift:
    """By a distance [m] from where it is."""

    direction: Direction
    distance: float


@dataclass(frozen=True)
class Towards:
    """By a distance [m] toward something."""

    anchor: Anchor
    distance: float


@dataclass(frozen=True)
class InLine:
    """In a shape: 'a horizontal line', and where ('near the top side')."""

    shape: str
    where: str = ''


@dataclass(frozen=True)
class OnEachOther:
    """On top of each other, perhaps somewhere."""

    target: On | AtPosition | None = None


Target = On | AtPosition | ByColor | EachOwn | Shift | Towards | InLine | OnEachOther

# ── sentences ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Put:
    """Bring objects to a target."""

    things: Reference
    target: Target


@dataclass(frozen=True)
class PickUp:
    """Pick up one object, and hold it."""

    things: Reference


@dataclass(frozen=True)
class Swap:
    """Exchange the positions of two objects."""

    first: Reference
    second: Reference


@dataclass(frozen=True)
class PointTo:
    """Bring the gripper above something."""

    target: On | AtPosition


@dataclass(frozen=True)
class Tower:
    """A tower of what was spoken of before."""

    target: On | AtPosition | None


@dataclass(frozen=True)
class WaitFor:
    """Wait until the camera sees an object of that name."""

    name: str


@dataclass(frozen=True)
class Say:
    """Say a text."""

    text: str


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        kind: 'which', 'how many', 'exists', 'is' (with relations in `things`), 'is one of',
            'color', 'where', 'distance'.
        answer: what kind of value answers it.
    """

    text: str
    kind: str
    things: Reference
    answer: Literal['yes or no', 'names', 'value']
    predicate: Things | None = None
    second: Reference | Place | None = None


# ── conversation ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Undo:
    """Take back what was done last."""


@dataclass(frozen=True)
class Repeat:
    """The last command once more; with other things, if there are some."""

    things: Reference | None = None


@dataclass(frozen=True)
class Why:
    """Why were these things moved? None: why was that done?"""

    things: Reference | None


@dataclass(frozen=True)
class WhatMoved:
    """Which things were moved last?

    Attributes:
        head: of what kind; '' for any.
        count: how many, rather than which.
    """

    head: str = ''
    count: bool = False


@dataclass(frozen=True)
class WasMoved:
    """Were these things moved last?"""

    things: Reference


@dataclass(frozen=True)
class TheirNames:
    """The names of what was spoken of last."""


@dataclass(frozen=True)
class Ability:
    """Can the robot do this?"""

    verb: str
    can: bool


@dataclass(frozen=True)
class Imagine:
    """Things stand for something else from now on.

    Attributes:
        things: which.
        nouns: for what; several: one for each thing.
        parts: all the things together are the parts of the one.
    """

    things: Reference
    nouns: tuple[str, ...]
    parts: bool = False


@dataclass(frozen=True)
class Erupt:
    """Something comes out of the first and falls into the second."""

    first: Reference
    second: Reference


# ── shapes ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Scale:
    """Bigger or smaller by a factor."""

    factor: float


@dataclass(frozen=True)
class Rotate:
    """By an angle [deg], counter-clockwise."""

    angle_deg: float


@dataclass(frozen=True)
class Flip:
    """Mirrored left to right ('horizontally') or top to bottom."""

    horizontally: bool


Change = Scale | Rotate | Flip | Shift


@dataclass(frozen=True)
class ChangeShape:
    """Change a shape that objects form.

    Attributes:
        noun: 'square'; '' for the one of the last request.
    """

    noun: str
    change: Change


Command = (
    Put
    | PickUp
    | Swap
    | PointTo
    | Say
    | Question
    | Tower
    | WaitFor
    | Undo
    | Repeat
    | Why
    | WhatMoved
    | WasMoved
    | TheirNames
    | Ability
    | Imagine
    | Erupt
    | ChangeShape
)
