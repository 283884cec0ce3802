"""What the actions of the tabletop API do, and whether they did it. No ROS.

`TabletopRobot` has a method for every query and action that api/tabletop.py declares.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cap_common.errors import CapError
from cap_planner.api.spec import Point, Target
from cap_planner.robot import Manner, SceneRobot
from cap_planner.scene import Scene, SceneObject, normalize_name

# The camera errs by millimetres [m].
_DISPLACED_M = 0.02


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
    """The tabletop for one instruction."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._placements: dict[str, Placement] = {}

    # ── actions, declared in api/tabletop.py ─────────────────────────────────────────────────

    def put_first_on_second(  # noqa: D102
        self, first: Target, second: Target, speed: float = 1.0, force: float | None = None
    ) -> None:
        manner, asked = Manner(speed, force), first
        with self._attempt('put_first_on_second', _text(first)):
            scene = self.scene()
            first, second = self._resolve(scene, first), self._resolve(scene, second)
            moved = first if isinstance(first, str) else _topmost_at(scene, first)
            support = second if isinstance(second, str) else None
            x, y = scene.find(second).xy if isinstance(second, str) else second
            placed = Placement(moved or '', (float(x), float(y)), support)
            if not moved:
                self._place_unseen(scene, placed, first, second, manner)
        if moved:
            self._place(scene, placed, first, second, manner)
        if isinstance(asked, str):
            self._found.pop(asked, None)  # where a search saw it, it is no more

    def pick_up(  # noqa: D102
        self, obj: Target, speed: float = 1.0, force: float | None = None
    ) -> None:
        with self._attempt('pick_up', _text(obj)):
            scene = self.scene()
            obj = self._resolve(scene, obj)
            name = obj if isinstance(obj, str) else _topmost_at(scene, obj)
            try:
                self._skills.pick(name or obj, Manner(speed, force))
                phases = self._skills.phases
                self._skills.look()
                self._skills.phases = [*phases, *self._skills.phases]
            except CapError:
                self.has_moved()
                self._tell_displaced(scene, name or '')
                raise
            self.has_moved()
        start = scene.find(name).xy if name else np.asarray(obj)
        if name:
            self._placements.pop(name, None)
        what = repr(name) if name else 'what was there'
        self._has_changed(f'picked up {what} from {_place(start)}')

    def _place(
        self, scene: Scene, placed: Placement, first: Target, second: Target, manner: Manner
    ) -> None:
        """Place an object that is known, and can be looked for at the end."""
        name, item = placed.name, scene.find(placed.name)
        try:
            self._pick_place(first, second, manner)
        except CapError as error:
            # A program may catch a failure. It has done what was asked only if the object is in the
            # end where this, or a later attempt, was to put it.
            self._placements[name] = replace(placed, failure=error)
            self._tell_displaced(scene, name)
            raise
        self._placements[name] = placed
        self._tell_put_back(scene, name)
        if item.held:  # `pick_up` has told where it was
            self._has_changed(_put(f'put down {name!r} at', placed))
        else:
            self._has_changed(_put(f'moved {name!r} from {_place(item.xy)} to', placed))

    def _place_unseen(
        self, scene: Scene, placed: Placement, first: Target, second: Target, manner: Manner
    ) -> None:
        """Place what is not seen where it is to be picked, and cannot be looked for at the end."""
        what = f'what was at {_text(first)}'
        try:
            self._pick_place(first, second, manner)
        except CapError:
            self._tell_displaced(scene)
            self._has_changed(f'may have moved {what}')
            raise
        self._has_changed(_put(f'moved {what} to', placed))

    def _pick_place(self, first: Target, second: Target, manner: Manner) -> None:
        try:
            self._skills.pick_place(first, second, manner)
        finally:
            # Whatever came of it, nobody knows where things are until they are seen again.
            self.has_moved()

    def _tell_put_back(self, before: Scene, name: str) -> None:
        """What was held had to go somewhere before another thing was picked."""
        for item in before.objects:
            if item.held and item.name != name:
                try:
                    where = f' at {_place(self.scene().find(item.name).xy)}'
                except CapError:  # the action itself has succeeded
                    where = ''
                self._has_changed(f'put down {item.name!r}{where}')

    def _tell_displaced(self, before: Scene, name: str = '') -> None:
        """After a failure: what is seen elsewhere, and that the object itself may be.

        Args:
            name: of the object, if it is known.
        """
        try:
            # Who stopped it does not wait for pictures.
            now = () if self._skills.stopped() else self.scene().objects
        except CapError:
            now = ()
        seen = {item.name: item.xy for item in now if item.visible}
        for item in before.objects:
            if item.name not in seen:
                if item.name == name:
                    self._has_changed(f'may have moved {name!r} from {_place(item.xy)}')
            elif np.linalg.norm(seen[item.name] - item.xy) > _DISPLACED_M:
                where = f'from {_place(item.xy)} to {_place(seen[item.name])}'
                self._has_changed(f'displaced {item.name!r} {where}')

    def point_gripper_to(self, target: Target, speed: float = 1.0) -> None:  # noqa: D102
        with self._attempt('point_gripper_to', _text(target)):
            scene = self.scene()
            target = self._resolve(scene, target)
        name = target if isinstance(target, str) else _topmost_at(scene, target)
        what = _text(name or target)
        with self._attempt('point_gripper_to', what):
            self._skills.move_to(target, Manner(speed))
        self.done.append(f'pointed the gripper to {what}')

    # ── what came of it ──────────────────────────────────────────────────────────────────────

    def starts_over(self) -> None:
        """See SceneRobot."""
        super().starts_over()
        self._placements = {
            name: placed for name, placed in self._placements.items() if not placed.failure
        }

    def _wrong(self) -> list[tuple[str, CapError | None]]:
        """Also: an object is not where it was to be put."""
        scene = self.scene()
        misplaced: list[tuple[str, CapError | None]] = [
            (text, placed.failure)
            for placed in self._placements.values()
            if (text := self._misplaced(scene, placed))
        ]
        return [*super()._wrong(), *misplaced]

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


def _put(text: str, placed: Placement) -> str:
    """A line for the session: enough to undo it, and to do the same with another object."""
    text = f'{text} {_place(placed.xy)}'
    return f'{text} on {placed.support!r}' if placed.support else text


def _text(target: Target) -> str:
    return repr(normalize_name(target)) if isinstance(target, str) else _place(target)


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
