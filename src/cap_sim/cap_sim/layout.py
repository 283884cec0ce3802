"""Which objects a world has and where they lie: drawn by a seed, or as asked. No ROS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cap_common.palette import COLORS, PALETTE
from cap_sim.board import Board
from cap_sim.clutter import Clutter, draw_clutter
from cap_sim.shapes import KINDS, PLATE

# The centres of a few are drawn in this part of the workspace [m], further apart than MIN_DISTANCE.
SPAWN_X = (-0.2, 0.2)
SPAWN_Y = (-0.7, -0.3)
MIN_DISTANCE = 0.15
FEW_OBJECTS = 8
# With more, the table is full: they stand as near to each other as _FULL has it.
MAX_OBJECTS = 20
# A draw that has painted itself into a corner starts anew: 8 objects need 2 restarts on average.
_TRIES_PER_OBJECT = 60
_RESTARTS = 2000

# The worlds that a seed draws, by name.
BLOCKS, FRUITS, WHITEBOARD = 'blocks', 'fruits', 'whiteboard'
# Low and high corner of where the edges of things may be in the worlds of other things [m].
TABLE_LOW, TABLE_HIGH = (-0.32, -0.78), (0.32, -0.26)
# Where things stand on a whiteboard, as shares of its width and height from its middle: circles fit
# around them, and the middle, the top right and the bottom are free.
_BOARD_PLACES = ((-0.3625, 0.2875), (-0.3625, -0.075), (0.3625, -0.075), (-0.158, 0.295))
# How far from there [m].
_BOARD_JITTER = 0.004


class LayoutError(ValueError):
    """The world asked for cannot be; the text says why and what can."""


class NoRoomError(LayoutError):
    """Something stands where an object is to be."""


@dataclass(frozen=True)
class _Room:
    """Where things may be [m].

    Attributes:
        low, high: corners of where their edges may be.
        gap: between the circles around two of them.
    """

    low: tuple[float, float]
    high: tuple[float, float]
    gap: float


# The gaps: for the cup and one thing's side face, and for a finger.
_TABLE = _Room(TABLE_LOW, TABLE_HIGH, 0.025)
_FULL = _Room((-0.32, -0.78), (0.32, -0.2), 0.02)
_CLUTTERED = _Room((-0.38, -0.84), (0.38, -0.2), 0.012)


@dataclass(frozen=True)
class ObjectSpec:
    """One object.

    Attributes:
        kind: a name in shapes.KINDS.
        color: a name in palette.COLORS; the kind's own, where it has one.
        xy, yaw: its place in the workspace [m], and its rotation there [rad].
        z: height of what it stands on [m].
    """

    kind: str
    color: str
    xy: tuple[float, float]
    yaw: float = 0.0
    z: float = 0.0

    @property
    def name(self) -> str:
        """As a person would call it; unique in a layout."""
        return self.kind if KINDS[self.kind].color else f'{self.color} {self.kind}'

    @property
    def radius(self) -> float:
        """Of the circle around it, seen from above [m]."""
        return radius_of(self.kind)


@dataclass(frozen=True)
class Layout:
    """All objects of a world. Names are unique.

    Attributes:
        clutter: what lies about between them, and has no name.
    """

    objects: tuple[ObjectSpec, ...]
    clutter: tuple[Clutter, ...] = ()

    def __post_init__(self) -> None:
        strange = sorted({spec.kind for spec in self.objects} - set(KINDS))
        if strange:
            raise LayoutError(f'no kind {", ".join(strange)}; there are {", ".join(KINDS)}')
        unknown = sorted({spec.color for spec in self.objects} - set(COLORS))
        if unknown:
            raise LayoutError(f'no colour {", ".join(unknown)}; there are {", ".join(COLORS)}')
        for spec in self.objects:
            own = KINDS[spec.kind].color
            if own not in ('', spec.color):
                raise LayoutError(f'every {spec.kind} is {own}, not {spec.color}')
        names = [spec.name for spec in self.objects]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise LayoutError(f'each colour once per kind; more than one {", ".join(twice)}')


def random_layout(
    seed: int,
    blocks: int = 3,
    bowls: int = 3,
    block_colors: Sequence[str] = (),
    bowl_colors: Sequence[str] = (),
) -> Layout:
    """A layout drawn by a seed; the same arguments give the same layout.

    The colours of the bowls are drawn from those of the blocks, as in the published demo: with both
    drawn from all, most worlds would have little to match.

    Args:
        blocks: how many blocks, when `block_colors` is empty; likewise `bowls`.
        block_colors: the blocks' colours as they are to be; likewise `bowl_colors`.

    Raises:
        LayoutError: too many objects, or colours that are unknown or given twice.
    """
    rng = np.random.default_rng(seed)
    blocks_drawn = list(block_colors) or _draw_colors(rng, 'block', blocks)
    bowls_drawn = list(bowl_colors) or _draw_colors(rng, 'bowl', bowls, prefer=blocks_drawn)
    wanted = [('block', color) for color in blocks_drawn]
    wanted += [('bowl', color) for color in bowls_drawn]
    if len(wanted) > MAX_OBJECTS:
        raise LayoutError(f'{len(wanted)} objects asked for; there is room for {MAX_OBJECTS}')
    if len(wanted) > FEW_OBJECTS:
        # The bowls first: they need the larger places.
        bowls_first = _scatter(rng, wanted[::-1], _FULL)
        return Layout(tuple(bowls_first[::-1]))
    places = _draw_places(rng, len(wanted))
    return Layout(
        tuple(
            ObjectSpec(kind, color, xy, float(rng.uniform(-np.pi, np.pi)) if kind == 'block' else 0)
            for (kind, color), xy in zip(wanted, places, strict=True)
        )
    )


def draw_layout(
    world: str, seed: int, blocks: int, bowls: int, board: Board | None = None
) -> Layout:
    """The layout that a seed draws of a world.

    Args:
        world: BLOCKS or FRUITS; where there is a board, WHITEBOARD alone; '': the first of those.

    Raises:
        LayoutError: as `random_layout`, or no such world.
    """
    if board is not None:
        if world in ('', WHITEBOARD):
            return whiteboard_layout(seed, board)
        raise LayoutError(f'no world {world!r} in a cell with a board; there is {WHITEBOARD!r}')
    if world in ('', BLOCKS):
        return random_layout(seed, blocks, bowls)
    if world == FRUITS:
        return fruit_layout(seed)
    raise LayoutError(
        f'no world {world!r}; there are {BLOCKS!r} and {FRUITS!r}, and with a board {WHITEBOARD!r}'
    )


def fruit_layout(seed: int) -> Layout:
    """Fruits, bottles and plates, drawn by a seed; the smallest fruit lies on the yellow plate."""
    rng = np.random.default_rng(seed)
    things = [('plate', color) for color in ('green', 'blue', 'yellow')]
    things += [('bottle', 'blue'), ('bottle', 'black'), ('banana', 'yellow'), ('apple', 'red')]
    specs = _scatter(rng, things, _TABLE)
    x, y = specs[2].xy
    # Off the middle, as it is where somebody has put several things there.
    turn, away = rng.uniform(-np.pi, np.pi), PLATE.foot_radius - 2 * radius_of('plum')
    plum = (x + away * float(np.cos(turn)), y + away * float(np.sin(turn)))
    return Layout((*specs, ObjectSpec('plum', 'purple', plum, z=PLATE.wall)))


def whiteboard_layout(seed: int, board: Board) -> Layout:
    """Two blocks and two fruits on a board, drawn by a seed; nothing on one that leans."""
    if not board.is_level:
        return Layout(())
    rng = np.random.default_rng(seed)
    things = [('block', color) for color in _draw_colors(rng, 'block', 2)]
    things += [('apple', 'red'), ('lemon', 'yellow')]
    places = rng.permutation(_BOARD_PLACES) * board.size
    places += rng.uniform(-_BOARD_JITTER, _BOARD_JITTER, places.shape)
    specs = []
    for (kind, color), (x, y) in zip(things, places, strict=True):
        xy = board.place(float(x), float(y))
        yaw = float(rng.uniform(-np.pi, np.pi))
        specs.append(ObjectSpec(kind, color, xy, yaw, board.height))
    return Layout(tuple(specs))


def with_clutter(layout: Layout, seed: int, count: int) -> Layout:
    """A layout with so many things of no name beside its objects, drawn by a seed.

    Raises:
        LayoutError: there is no room for them.
    """
    rng = np.random.default_rng([seed, 4])
    clutter: list[Clutter] = []
    for _ in range(count):
        item = draw_clutter(rng, tuple(COLORS))
        taken: list[ObjectSpec | Clutter] = [*layout.objects, *clutter]
        xy = _free_place(rng, item.radius, taken, _RESTARTS, _CLUTTERED)
        if xy is None:
            raise LayoutError(f'no free place on the table for {count} things of no name')
        clutter.append(replace(item, xy=xy))
    return replace(layout, clutter=tuple(clutter))


def free_place(
    rng: np.random.Generator,
    kind: str,
    taken: Iterable[ObjectSpec | Clutter],
    tries: int = _RESTARTS,
    room: _Room = _TABLE,
) -> tuple[float, float]:
    """A free place on the table for one more thing.

    Raises:
        LayoutError: none was found.
    """
    radius = radius_of(kind)
    xy = _free_place(rng, radius, tuple(taken), tries, room)
    if xy is None:
        raise LayoutError(f'no free place on the table for a {kind} of {2 * radius:.2f} m')
    return xy


def _free_place(
    rng: np.random.Generator,
    radius: float,
    taken: Sequence[ObjectSpec | Clutter],
    tries: int,
    room: _Room,
) -> tuple[float, float] | None:
    """Where a circle of that radius [m] is free of others; None: not found."""
    for _ in range(tries):
        xy = rng.uniform(np.add(room.low, radius), np.subtract(room.high, radius))
        if all(np.hypot(*(xy - other.xy)) > radius + other.radius + room.gap for other in taken):
            return float(xy[0]), float(xy[1])
    return None


def radius_of(kind: str) -> float:
    """Of the circle around an object of that kind, seen from above [m]."""
    width, depth, _ = KINDS[kind].size
    return max(width, depth) / 2 if kind != 'block' else float(np.hypot(width, depth)) / 2


def _scatter(
    rng: np.random.Generator, things: Sequence[tuple[str, str]], room: _Room
) -> list[ObjectSpec]:
    """Kinds with their colours, the largest first, each where it has room."""
    for _ in range(_RESTARTS):
        specs: list[ObjectSpec] = []
        try:
            for kind, color in things:
                yaw = float(rng.uniform(-np.pi, np.pi))
                place = free_place(rng, kind, specs, _TRIES_PER_OBJECT, room)
                specs.append(ObjectSpec(kind, color, place, yaw))
        except LayoutError:
            continue
        return specs
    raise LayoutError(f'{len(things)} things found no room in {_RESTARTS} draws')


def _draw_colors(
    rng: np.random.Generator, kind: str, count: int, prefer: Sequence[str] = ()
) -> list[str]:
    """Distinct colours, first from those preferred."""
    if not 0 <= count <= len(PALETTE):
        raise LayoutError(f'{count} {kind}s asked for; there are {len(PALETTE)} colours for them')
    others = [color for color in PALETTE if color not in prefer]
    return [*map(str, rng.permutation(prefer)), *map(str, rng.permutation(others))][:count]


def _draw_places(rng: np.random.Generator, count: int) -> list[tuple[float, float]]:
    for _ in range(_RESTARTS):
        places: list[tuple[float, float]] = []
        for _ in range(_TRIES_PER_OBJECT * count):
            if len(places) == count:
                break
            x, y = float(rng.uniform(*SPAWN_X)), float(rng.uniform(*SPAWN_Y))
            if all(np.hypot(x - px, y - py) > MIN_DISTANCE for px, py in places):
                places.append((x, y))
        if len(places) == count:
            return places
    raise LayoutError(f'{count} objects found no room in {_RESTARTS} draws')
