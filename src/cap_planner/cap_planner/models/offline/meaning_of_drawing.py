"""What a request at the whiteboard means: the trees that the grammar builds. No ROS."""

from __future__ import annotations

from dataclasses import dataclass

from cap_planner.models.offline.meaning import (
    Change,
    Direction,
    Pronoun,
    Question,
    Reference,
    Say,
    Things,
    Undo,
)


@dataclass(frozen=True)
class ShapeRef:
    """A shape that was drawn: `hexagon` for the variable hexagon_pts."""

    base: str


@dataclass(frozen=True)
class BoardPlace:
    """A place on the board, each part 0 to 1."""

    x: float
    y: float


Mark = ShapeRef | BoardPlace | Things
"""What the place of a figure refers to."""


@dataclass(frozen=True)
class Spot:
    """Where a figure is.

    Attributes:
        how: 'at', 'beside', 'around', 'on', 'inside', 'through', 'from to' or 'between'.
        distance: of 'beside' [m]; None: close.
    """

    how: str
    marks: tuple[Mark, ...]
    direction: Direction | None = None
    distance: float | None = None


@dataclass(frozen=True)
class Figure:
    """A figure that is to be drawn.

    Attributes:
        kind: 'hexagon', 'line'.
        size, of: in metres, of its 'side', 'radius', 'width' or 'length'.
        height: of a rectangle or an oval that is as wide as `size`.
        scale: 'small' is less than 1.
        way: of a line: 'horizontal', 'vertical' or 'diagonal'.
        count: points of a star, turns of a spiral, waves.
    """

    kind: str
    size: float | None = None
    of: str = ''
    height: float | None = None
    scale: float = 1.0
    way: str = ''
    count: int = 0
    spot: Spot | None = None


@dataclass(frozen=True)
class Draw:
    """Draw a figure.

    Attributes:
        noun: by which it is kept.
        text: its description.
    """

    noun: str
    text: str
    figure: Figure


@dataclass(frozen=True)
class DrawEach:
    """Draw such a figure around each of these things."""

    noun: str
    text: str
    things: Reference


@dataclass(frozen=True)
class DrawLike:
    """Draw once more what is there, changed.

    Attributes:
        noun: of the new one.
    """

    noun: str
    like: ShapeRef
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class MoveTo:
    """To a place."""

    spot: Spot
    text: str


@dataclass(frozen=True)
class ChangeDrawing:
    """Change shapes that were drawn, all together.

    Attributes:
        shapes: which; a pronoun: those of the last requests.
    """

    shapes: tuple[ShapeRef, ...] | Pronoun
    change: Change | MoveTo


@dataclass(frozen=True)
class Erase:
    """Erase shapes; none named: all of them."""

    shapes: tuple[ShapeRef, ...] | Pronoun


@dataclass(frozen=True)
class WhatDrawn:
    """What is on the board?"""


Drawn = Draw | DrawEach | DrawLike | ChangeDrawing | Erase | Undo | WhatDrawn | Question | Say
