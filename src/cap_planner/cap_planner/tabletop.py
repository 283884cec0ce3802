"""What the calls of the tabletop API do: queries on the scene, actions through skills. No ROS.

`TabletopRobot` has a method for every query and action that api/tabletop.py declares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cap_common.errors import CapError
from cap_common.palette import PALETTE
from cap_planner.api.spec import Point, Target
from cap_planner.labels import InstructionError, Label, label_of
from cap_planner.places import Table, nearest
from cap_planner.sandbox.text import for_people
from cap_planner.scene import Scene, SceneObject, SceneSource, normalize_name

_MAX_SPOKEN = 1000


class Skills(Protocol):
    """The skill servers, as the broker calls them. A target is an object's name or a position.

    All raise the errors of cap_common.errors.

    Attributes:
        stopped: polled while one of them works; true cancels it.
    """

    stopped: Callable[[], bool]

    def pick_place(self, first: Target, second: Target) -> None:
        """Pick the first, put it on the second."""
        ...

    def move_to(self, target: Target) -> None:
        """Bring the tool above the target."""
        ...

    def look(self) -> None:
        """Take the arm out of the camera's sight."""
        ...

    def say(self, text: str) -> None:
        """Say it."""
        ...


@dataclass(frozen=True)
class Placement:
    """An object was to be put somewhere, and ought to be there when the program ends.

    Attributes:
        xy: where, in `workspace` [m].
        support: the name of what it was to be put on, or None for a bare position.
        failure: what the skill said, if it failed.
    """

    name: str
    xy: tuple[float, float]
    support: str | None
    failure: CapError | None = None


class TabletopRobot:
    """The tabletop for one program.

    Args:
        spoken: called with every text that is said.
        tolerance_m: how far a placed object may be from where it was put.
    """

    def __init__(
        self,
        scenes: SceneSource,
        skills: Skills,
        table: Table,
        spoken: Callable[[str], None],
        tolerance_m: float,
    ) -> None:
        self._scenes = scenes
        self._skills = skills
        self._table = table
        self._spoken = spoken
        self._tolerance_m = tolerance_m
        self._fresh_after_ns = -1
        self._placements: dict[str, Placement] = {}

    # ── queries ──────────────────────────────────────────────────────────────────────────────

    def get_obj_names(self) -> list[str]:  # noqa: D102 - declared in api/tabletop.py, as all below
        return self.scene().names

    def get_obj_pos(self, name: str) -> Point:  # noqa: D102
        place = self._table.places.get(normalize_name(name))
        return place if place is not None else self._find(name).xy

    def get_bbox(self, name: str) -> list[float]:  # noqa: D102
        return self._find(name).bbox

    def get_color(self, name: str) -> list[float]:  # noqa: D102
        red, green, blue = PALETTE.get(self._find(name).color, (128, 128, 128))
        return [red / 255, green / 255, blue / 255, 1.0]

    def is_obj_visible(self, name: str) -> bool:  # noqa: D102
        scene = self._scenes.newer(self._scenes.now_ns())
        wanted = normalize_name(name)
        return any(normalize_name(item.name) == wanted and item.visible for item in scene.objects)

    def denormalize_xy(self, pos_normalized: Point) -> Point:  # noqa: D102
        return self._table.denormalize(pos_normalized)

    def get_corner_positions(self) -> list[Point]:  # noqa: D102
        return list(self._table.corners.values())

    def get_side_positions(self) -> list[Point]:  # noqa: D102
        return list(self._table.sides.values())

    def get_corner_name(self, pos: Point) -> str:  # noqa: D102
        return nearest(self._table.corners, pos)

    def get_side_name(self, pos: Point) -> str:  # noqa: D102
        return nearest(self._table.sides, pos)

    # ── actions ──────────────────────────────────────────────────────────────────────────────

    def put_first_on_second(self, first: Target, second: Target) -> None:  # noqa: D102
        scene = self.scene()
        first, second = self._resolve(scene, first), self._resolve(scene, second)
        moved = first if isinstance(first, str) else _topmost_at(scene, first)
        support = second if isinstance(second, str) else None
        xy = scene.find(second).xy if isinstance(second, str) else second
        failure = None
        try:
            self._skills.pick_place(first, second)
        except CapError as error:
            failure = error
            raise
        finally:
            # Whatever came of it, nobody knows where the object is until it is seen again.
            self._fresh_after_ns = self._scenes.now_ns()
            if moved:
                # A program may catch a failure. It has done what was asked only if the object is
                # in the end where this, or a later attempt, was to put it.
                place = (float(xy[0]), float(xy[1]))
                self._placements[moved] = Placement(moved, place, support, failure)

    def point_gripper_to(self, target: Target) -> None:  # noqa: D102
        self._skills.move_to(self._resolve(self.scene(), target))

    def say(self, message: str) -> None:  # noqa: D102
        text = for_people(message, _MAX_SPOKEN)
        self._skills.say(text)
        self._spoken(text)

    def look(self) -> None:
        """Take the arm out of the camera's sight; what follows is seen afterwards."""
        self._skills.look()
        self._fresh_after_ns = self._scenes.now_ns()

    # ── what came of it ──────────────────────────────────────────────────────────────────────

    def scene(self) -> Scene:
        """As it is now, seen after the last motion."""
        if self._fresh_after_ns < 0:
            return self._scenes.latest()
        return self._scenes.newer(self._fresh_after_ns)

    def check_placements(self) -> Scene:
        """Compare the scene with what was placed; returns the scene.

        Raises:
            InstructionError: an object is not where it was to be put. The label is that of the
                first one's failure; WRONG_OUTCOME, if the skill knew of none.
        """
        scene = self.scene()
        wrong = [
            (placed, text)
            for placed in self._placements.values()
            if (text := self._misplaced(scene, placed))
        ]
        if wrong:
            failure = wrong[0][0].failure
            label = label_of(failure.name) if failure else Label.WRONG_OUTCOME
            raise InstructionError(label, '; '.join(text for _, text in wrong))
        return scene

    def _misplaced(self, scene: Scene, placed: Placement) -> str | None:
        where = f'on the {placed.support}' if placed.support else f'at {_xy(placed.xy)}'
        text = f'the {placed.name} was to be put {where}'
        text += f' ({placed.failure})' if placed.failure else ''
        try:
            item = scene.find(placed.name)
            # Where the support is now: if it was moved, it has taken along what stood on it.
            support = scene.find(placed.support) if placed.support else None
        except CapError as error:
            return f'{text}: {error}'
        goal, limit = np.array(placed.xy), self._tolerance_m
        if support:
            # What lies with its centre beyond the edge does not rest on it.
            goal, limit = support.xy, min(limit, min(support.size[:2]) / 2)
        distance = float(np.linalg.norm(item.xy - goal))
        if distance > limit:
            return f'{text} and is seen {distance * 100:.1f} cm off, at {_xy(item.xy)}'
        if support and (wrong := _wrong_height(scene, item, support)):
            return f'{text} and is seen {wrong}'
        return None

    # ── helpers ──────────────────────────────────────────────────────────────────────────────

    def _find(self, name: str) -> SceneObject:
        return self.scene().find(name, also=self._table.places)

    def _resolve(self, scene: Scene, target: Target) -> Target:
        """An object's exact name, or a position."""
        if not isinstance(target, str):
            return target
        place = self._table.places.get(normalize_name(target))
        return place if place is not None else scene.find(target, also=self._table.places).name


def _wrong_height(scene: Scene, item: SceneObject, support: SceneObject) -> str | None:
    """What tells that an item, seen from above at the right spot, does not rest on its support.

    The margins are some 2 cm, where the camera errs by millimetres and a block may lie tilted.
    """
    height = f'at a height of {item.position[2] * 100:.1f} cm'
    if support.class_name != 'bowl':
        # Others may lie between, so there is no upper bound.
        return f'{height}, not on top' if item.position[2] < support.top else None
    reach = min(support.size[:2]) / 2
    is_stacked = any(
        other not in (item, support)
        and other.position[2] < item.position[2]
        and np.linalg.norm(other.xy - support.xy) < reach
        for other in scene.objects
    )
    return f'{height}, above the rim' if item.bottom > support.top and not is_stacked else None


def _topmost_at(scene: Scene, xy: Point) -> str | None:
    """The highest object over a position."""
    over = [
        item
        for item in scene.objects
        if item.bbox[0] <= xy[0] <= item.bbox[2] and item.bbox[1] <= xy[1] <= item.bbox[3]
    ]
    return max(over, key=lambda item: item.position[2]).name if over else None


def _xy(position: Point | tuple[float, float]) -> str:
    return f'({position[0]:.3f}, {position[1]:.3f})'
