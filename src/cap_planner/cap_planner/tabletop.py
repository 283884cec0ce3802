"""What the actions of the tabletop API do, and whether they did it. No ROS.

`TabletopRobot` has a method for every query and action that api/tabletop.py declares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cap_common.errors import CapError
from cap_planner.api.spec import Point, Target
from cap_planner.labels import InstructionError, Label, label_of
from cap_planner.places import Table
from cap_planner.robot import SceneRobot, Skills
from cap_planner.scene import Scene, SceneObject, SceneSource


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


class TabletopRobot(SceneRobot):
    """The tabletop for one instruction.

    Args:
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
        super().__init__(scenes, skills, table, spoken)
        self._tolerance_m = tolerance_m
        self._placements: dict[str, Placement] = {}

    # ── actions, declared in api/tabletop.py ─────────────────────────────────────────────────

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
            self.has_moved()
            if moved:
                # A program may catch a failure. It has done what was asked only if the object is
                # in the end where this, or a later attempt, was to put it.
                place = (float(xy[0]), float(xy[1]))
                self._placements[moved] = Placement(moved, place, support, failure)
                if failure is None:
                    self.done.append(_moved(scene.find(moved), place, support))

    def point_gripper_to(self, target: Target) -> None:  # noqa: D102
        self._skills.move_to(self._resolve(self.scene(), target))

    # ── what came of it ──────────────────────────────────────────────────────────────────────

    def check_outcome(self) -> None:
        """Compare the scene with what was placed.

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
            # What lies with its centre beyond the edge does not rest on it. On a plate things lie
            # side by side, wherever there is room.
            edge = min(support.size[:2]) / 2
            goal, limit = support.xy, edge if support.class_name == 'plate' else min(limit, edge)
        distance = float(np.linalg.norm(item.xy - goal))
        if distance > limit:
            return f'{text} and is seen {distance * 100:.1f} cm off, at {_xy(item.xy)}'
        if support and (wrong := _wrong_height(scene, item, support)):
            return f'{text} and is seen {wrong}'
        return None


def _moved(item: SceneObject, xy: tuple[float, float], support: str | None) -> str:
    """A line for the session: enough to undo it, and to do the same with another object."""
    text = f'moved {item.name!r} from {_place(item.xy)} to {_place(xy)}'
    return f'{text} on {support!r}' if support else text


def _place(position: Point | tuple[float, float]) -> str:
    x, y = (round(float(value), 3) + 0.0 for value in position)  # no -0.000
    return f'[{x:.3f}, {y:.3f}]'


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
