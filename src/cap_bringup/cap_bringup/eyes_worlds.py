"""Tables to look at, and what happens to things on them: for the benchmark `eyes`.

Nothing here steps the physics but for things that come to rest; a carried thing is put where the
tool is, picture by picture, and the arm is in the picture where it would be. No ROS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix
from cap_common.palette import PALETTE
from cap_description import transform
from cap_sim.clutter import Clutter
from cap_sim.layout import Layout, LayoutError, ObjectSpec, free_place
from cap_sim.shapes import KINDS, PLATE, size_of
from cap_sim.still import OUT_OF_VIEW, StillCell
from cap_skills.kinematics import ArmKinematics, tool_down
from cap_skills.robot_model import robot_model

FEWEST, MOST = 3, 12
# Of what is no bowl or plate, the share that lies in one.
IN_DISH = 0.15
# How far from a dish's middle things come into it, along x and y, and how high [m].
_DISHES = {'bowl': (0.01, 0.012), 'plate': (0.025, PLATE.wall)}
_SETTLE_STEPS = 400
_DRAWS = 200
# Of what happens, a picture every 0.1 s: ways of the tool and of what is pushed [m].
_STEP, _PUSH_STEP = 0.03, 0.012
_UP = np.array([0.0, 0.0, 0.16])  # to where the tool is on its way
_OCCLUDED_FRAMES = 10


def draw_table(seed: int) -> Layout:
    """3 to 12 blocks and bowls of the ten colours; some of the blocks above bowls, to fall in."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(FEWEST, MOST + 1))
    names = [(kind, color) for kind in ('block', 'bowl') for color in PALETTE]
    things = [names[i] for i in rng.permutation(len(names))[:count]]
    return _scatter(rng, things, IN_DISH)


def draw_fruits(seed: int) -> Layout:
    """3 to 12 fruits, bottles, blocks and plates; some of the small things on plates."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(FEWEST, MOST + 1))
    things = [(name, kind.color) for name, kind in KINDS.items() if kind.color]
    for kind in ('bottle', 'block', 'plate'):
        things += [(kind, str(color)) for color in rng.permutation(list(PALETTE))[:2]]
    return _scatter(rng, [things[i] for i in rng.permutation(len(things))[:count]], IN_DISH)


def _scatter(
    rng: np.random.Generator, things: list[tuple[str, str]], in_dish: float = 0.0
) -> Layout:
    # The large ones first: they would find no room between the small ones.
    things = sorted(things, key=lambda thing: thing[0] not in _DISHES)
    for _ in range(_DRAWS):
        specs: list[ObjectSpec] = []
        empty: list[ObjectSpec] = []
        try:
            for kind, color in things:
                yaw = float(rng.uniform(-np.pi, np.pi))
                if kind not in _DISHES and empty and rng.random() < in_dish:
                    dish = empty.pop()
                    spread, z = _DISHES[dish.kind]
                    x, y = dish.xy + rng.uniform(-spread, spread, 2)
                    specs.append(ObjectSpec(kind, color, (float(x), float(y)), yaw, z))
                    continue
                specs.append(ObjectSpec(kind, color, free_place(rng, kind, specs, 60), yaw))
                if kind in _DISHES:
                    empty.append(specs[-1])
        except LayoutError:
            continue
        return Layout(tuple(specs))
    raise LayoutError(f'{len(things)} things found no room in {_DRAWS} draws')


def settled(cell: StillCell) -> StillCell:
    """The same, when all has come to rest."""
    cell.settle(_SETTLE_STEPS)
    return cell


@dataclass(frozen=True)
class Twins:
    """Two or three things of one name among others.

    Attributes:
        bodies: their names in the layout, where each has a colour of its own.
        paint: their common colour, by body; see StillCell.
    """

    layout: Layout
    bodies: tuple[str, ...]
    paint: dict[str, str]


def draw_twins(seed: int) -> Twins:
    """A table with two or three blocks, or bowls, of one colour, and a few other things."""
    rng = np.random.default_rng(seed)
    kind = 'block' if rng.random() < 0.7 else 'bowl'
    colors = [str(color) for color in rng.permutation(list(PALETTE))]
    count, others = int(rng.integers(2, 4)), int(rng.integers(1, 5))
    twins = [(kind, color) for color in colors[:count]]
    rest = [(('block', 'bowl')[int(rng.integers(2))], color) for color in colors[count:]][:others]
    bodies = tuple(f'{color} {kind}' for _, color in twins)
    return Twins(_scatter(rng, twins + rest), bodies, dict.fromkeys(bodies, colors[0]))


@dataclass(frozen=True)
class Hold:
    """The tool in one picture.

    Attributes:
        workspace_from_tool: its working point, z out of the tool.
        holding: whether it tells that it holds something.
    """

    workspace_from_tool: Matrix
    holding: bool


class Hand:
    """Moves the arm of a still cell, and what it holds, picture by picture."""

    def __init__(self, cell: StillCell, rng: np.random.Generator) -> None:
        self._cell, self._rng = cell, rng
        self._kinematics: ArmKinematics = robot_model(cell.urdf).kinematics
        self._base_from_workspace = transform(cell.urdf, 'base_link', 'workspace')
        self._held = ''
        self._tool_from_held: Matrix = np.eye(4)

    def carry(self, body: str, to: tuple[float, float]) -> Iterator[Hold]:
        """Pick a thing, put it down elsewhere on the table, and leave: each yield is a picture."""
        pose = self._cell.truth()[body]
        top = pose[:3, 3] + [0, 0, size_of(body.split()[1])[2] / 2]
        off = [*self._rng.uniform(-0.006, 0.006, 2), 0.0]
        start, end = top + off, np.array([*to, top[2]]) + off
        above, over = start + _UP, end + _UP
        yield from self._swing(above)
        yield from self._go(above, start)
        self._held = body
        self._tool_from_held = np.linalg.inv(self._cell.tool()) @ pose
        for a, b in ((start, above), (above, over), (over, end)):
            yield from self._go(a, b)
        self._held = ''
        yield from self._go(end, over)
        yield from self._home()

    def cover(self, xy: NDArray[np.float64], push: tuple[str, NDArray[np.float64]] | None
              ) -> Iterator[Hold]:  # fmt: skip
        """Be above a place for a second, in which a thing there may be pushed."""
        x, y = xy
        yield from self._swing(np.array([x, y, 0.12]))
        for frame in range(_OCCLUDED_FRAMES):
            if push is not None and frame == _OCCLUDED_FRAMES // 2:
                body, way = push
                self._shift(body, way)
            yield self._hold()
        yield from self._home()

    def push(self, body: str, way: NDArray[np.float64], frames: int) -> Iterator[Hold]:
        """A nudge by somebody else: (2,) [m], over so many pictures."""
        for _ in range(frames):
            self._shift(body, way / frames)
            yield self._hold()

    def wait(self, frames: int) -> Iterator[Hold]:
        """Nothing happens."""
        for _ in range(frames):
            yield self._hold()

    def _shift(self, body: str, way: NDArray[np.float64]) -> None:
        pose = self._cell.truth()[body].copy()
        pose[:2, 3] += way
        self._cell.place(body, pose)

    def _hold(self) -> Hold:
        return Hold(self._cell.tool(), bool(self._held))

    def _go(self, start: NDArray[np.float64], end: NDArray[np.float64]) -> Iterator[Hold]:
        """Straight, from after `start` to `end`, in workspace."""
        count = int(np.ceil(np.linalg.norm(end - start) / _STEP))
        for share in np.linspace(0, 1, count + 1)[1:]:
            self._arm(self._joints(start + share * (end - start)))
            yield self._hold()

    def _swing(self, to: NDArray[np.float64]) -> Iterator[Hold]:
        yield from self._turn(self._joints(to))

    def _home(self) -> Iterator[Hold]:
        yield from self._turn(np.array(OUT_OF_VIEW))

    def _turn(self, joints: NDArray[np.float64], frames: int = 5) -> Iterator[Hold]:
        start = np.array(self._cell.joints)
        for share in np.linspace(0, 1, frames + 1)[1:]:
            self._arm(start + share * (joints - start))
            yield self._hold()

    def _joints(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        base = self._base_from_workspace @ [*position, 1.0]
        return np.array(self._kinematics.down(tool_down(base[:3]), np.array(self._cell.joints),
                                              free_yaw=True))  # fmt: skip

    def _arm(self, joints: NDArray[np.float64]) -> None:
        self._cell.arm(tuple(joints))
        if self._held:
            self._cell.place(self._held, self._cell.tool() @ self._tool_from_held)


def draw_event(cell: StillCell, hand: Hand, bodies: tuple[str, ...], rng: np.random.Generator
               ) -> tuple[str, Iterator[Hold]]:  # fmt: skip
    """Something that happens to one of some things of one kind: what, and the pictures of it.

    A carried one goes anywhere free on the table; a pushed one up to 6 cm, in one picture or as
    many as a hand takes; one that the arm covers for a second is pushed meanwhile, or not.
    """
    body = str(rng.choice(bodies))
    kind = body.split()[1]
    # A bowl has nothing above that a cup could hold.
    what = str(rng.choice(['carried', 'pushed', 'covered'] if kind == 'block' else
                          ['pushed', 'covered']))  # fmt: skip
    truth = cell.truth()
    others: list[ObjectSpec | Clutter] = [*cell.layout.clutter]
    for spec in cell.layout.objects:
        if spec.name != body:
            x, y = truth[spec.name][:2, 3].tolist()
            others.append(replace(spec, xy=(x, y)))
    here = truth[body][:2, 3]
    if what == 'carried':
        return f'{body} carried', hand.carry(body, free_place(rng, kind, others, 2000))
    way = _free_way(rng, kind, here, others, 0.06 if what == 'pushed' else 0.02)
    if what == 'pushed':
        frames = int(rng.choice([1, max(1, int(np.hypot(*way) / _PUSH_STEP))]))
        return f'{body} pushed {np.hypot(*way) * 100:.1f} cm', hand.push(body, way, frames)
    push = (body, way) if rng.random() < 0.5 else None
    return f'{body} covered{" and pushed" if push else ""}', hand.cover(here, push)


def _free_way(
    rng: np.random.Generator,
    kind: str,
    start: NDArray[np.float64],
    others: list[ObjectSpec | Clutter],
    most: float,
) -> NDArray[np.float64]:
    """A way (2,) [m] to a place free of other things, on the table; none if none is found."""
    radius = ObjectSpec(kind, 'red', (0.0, 0.0)).radius
    for _ in range(_DRAWS):
        turn, length = rng.uniform(-np.pi, np.pi), rng.uniform(0.01, most)
        way = length * np.array([np.cos(turn), np.sin(turn)])
        x, y = start + way
        if not (-0.32 < x < 0.32 and -0.78 < y < -0.26):
            continue
        if all(np.hypot(x - o.xy[0], y - o.xy[1]) > radius + o.radius + 0.003 for o in others):
            return np.asarray(way)
    return np.zeros(2)
