"""What every domain's robot can do: answer queries from the scene, speak, look. No ROS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cap_common.palette import COLORS
from cap_planner.api.spec import Point, Target
from cap_planner.places import Table, nearest
from cap_planner.sandbox.text import for_people
from cap_planner.scene import Scene, SceneObject, SceneSource, normalize_name

_MAX_SPOKEN = 1000
# Without an action between them, so many queries are answered at once; then so many per picture.
_FREE_QUERIES = 200
_QUERIES_PER_PICTURE = 20


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

    def draw(self, points: NDArray[np.float64]) -> None:
        """Draw a line through points of the board, shape (N, 2)."""
        ...

    def erase(self, points: NDArray[np.float64]) -> None:
        """Wipe along points of the board, shape (N, 2)."""
        ...

    def look(self) -> None:
        """Take the arm out of the camera's sight."""
        ...

    def say(self, text: str) -> None:
        """Say it."""
        ...


class SceneRobot:
    """The queries that all domains share, for one instruction.

    Args:
        spoken: called with every text that is said.

    Attributes:
        done: what has been done to the world, a line for each thing.
    """

    def __init__(
        self, scenes: SceneSource, skills: Skills, table: Table, spoken: Callable[[str], None]
    ) -> None:
        self._scenes = scenes
        self._skills = skills
        self._table = table
        self._spoken = spoken
        self._fresh_after_ns = -1
        self._queries = 0
        self.done: list[str] = []

    # ── queries, declared in api/tabletop.py ─────────────────────────────────────────────────

    def get_obj_names(self) -> list[str]:  # noqa: D102
        return self.scene().names

    def get_obj_pos(self, name: str) -> Point:  # noqa: D102
        place = self._table.places.get(normalize_name(name))
        return place if place is not None else self._find(name).xy

    def get_bbox(self, name: str) -> list[float]:  # noqa: D102
        return self._find(name).bbox

    def get_color(self, name: str) -> list[float]:  # noqa: D102
        red, green, blue = COLORS.get(self._find(name).color, (128, 128, 128))
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

    # ── actions that move nothing ────────────────────────────────────────────────────────────

    def say(self, message: str) -> None:  # noqa: D102
        text = for_people(message, _MAX_SPOKEN)
        self._skills.say(text)
        self._spoken(text)

    def look(self) -> None:
        """Take the arm out of the camera's sight; what follows is seen afterwards."""
        self._skills.look()
        self.has_moved()

    # ── what came of it ──────────────────────────────────────────────────────────────────────

    def has_moved(self) -> None:
        """What is seen from now on counts."""
        self._fresh_after_ns = self._scenes.now_ns()
        self._queries = 0

    def scene(self) -> Scene:
        """As it is now, seen after the last motion."""
        if self._fresh_after_ns < 0:
            return self._scenes.latest()
        return self._scenes.newer(self._fresh_after_ns)

    def pace_query(self) -> bool:
        """Let a loop over queries wait for the next picture; whether one has been waited for.

        A program that waits for something to change asks the same again and again. It shall see
        every picture, and neither spin nor use up its calls.
        """
        self._queries += 1
        waited = self._queries > _FREE_QUERIES
        if waited and self._queries % _QUERIES_PER_PICTURE == 0:
            self._scenes.newer(self._scenes.now_ns())
        return waited

    def check_outcome(self) -> None:
        """Compare the scene with what the actions were to bring about.

        Raises:
            InstructionError: it is not so.
        """

    # ── helpers ──────────────────────────────────────────────────────────────────────────────

    def _find(self, name: str) -> SceneObject:
        return self.scene().find(name, also=self._table.places)

    def _resolve(self, scene: Scene, target: Target) -> Target:
        """An object's exact name, or a position."""
        if not isinstance(target, str):
            return target
        place = self._table.places.get(normalize_name(target))
        return place if place is not None else scene.find(target, also=self._table.places).name
