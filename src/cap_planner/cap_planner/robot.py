"""What every domain's robot can do: answer queries from the scene, speak, look. No ROS."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cap_common.errors import CapError, InvalidGoalError, ObjectNotFoundError
from cap_common.palette import COLORS
from cap_planner.api.spec import Mask, Point, Target
from cap_planner.labels import InstructionError, Label, label_of
from cap_planner.places import Table, nearest
from cap_planner.sandbox.text import for_people
from cap_planner.scene import Eyes, Scene, SceneObject, SceneSource, normalize_name

_MAX_SPOKEN = 1000
_MOST_QUOTED = 100
# Without an action between them, so many queries are answered at once; then so many per picture.
_FREE_QUERIES = 200
_QUERIES_PER_PICTURE = 20
_MAX_SEARCH_S = 60.0
_SAME_M = 0.05  # so far apart two searches see the same thing
_LOOK_S = 1.0  # for so long a search does not hear that it is stopped


@dataclass(frozen=True)
class Manner:
    """How an action is done. The skill servers refuse what is beyond their limits.

    Attributes:
        speed: share of the robot's full speed.
        force: the most that it may press with [N]; None: what it is set up for.
    """

    speed: float = 1.0
    force: float | None = None


ORDINARY = Manner()


class Skills(Protocol):
    """The skill servers, as the broker calls them. A target is an object's name or a position.

    All raise the errors of cap_common.errors.

    Attributes:
        stopped: polled while one of them works; true cancels it.
        phases: what the last of them spent its time on: name, planning_s, moving_s and waiting_s
            of each phase.
    """

    stopped: Callable[[], bool]
    phases: list[dict[str, Any]]

    def pick_place(self, first: Target, second: Target, manner: Manner = ORDINARY) -> None:
        """Pick the first, put it on the second."""
        ...

    def pick(self, obj: Target, manner: Manner = ORDINARY) -> None:
        """Pick it up, and hold it."""
        ...

    def move_to(self, target: Target, manner: Manner = ORDINARY) -> None:
        """Bring the tool above the target."""
        ...

    def draw(self, points: NDArray[np.float64], manner: Manner = ORDINARY) -> None:
        """Draw a line through points of the board, shape (N, 2)."""
        ...

    def erase(self, points: NDArray[np.float64], manner: Manner = ORDINARY) -> None:
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
        tolerance_m: how far a placed object may be from where it was put.

    Attributes:
        done: what has been done for the instruction, a line for each thing.
        changes: those of the lines that tell how the world was changed, or may have been.
    """

    def __init__(
        self,
        scenes: SceneSource,
        skills: Skills,
        eyes: Eyes,
        table: Table,
        spoken: Callable[[str], None],
        tolerance_m: float,
    ) -> None:
        self._scenes = scenes
        self._skills = skills
        self._eyes = eyes
        self._table = table
        self._spoken = spoken
        self._tolerance_m = tolerance_m
        self._fresh_after_ns = -1
        self._queries = 0
        # What failed and was not made good, by action and what it was to act on.
        self._failed: dict[tuple[str, str], CapError] = {}
        # What was found and is not in the scene, which programs may call by name all the same.
        self._found: dict[str, SceneObject] = {}
        self.done: list[str] = []
        self.changes: list[str] = []

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

    def get_color_rgb(self, name: str) -> list[float]:  # noqa: D102
        return list(self._find(name).rgb or self.get_color(name)[:3])

    def get_segmask(self, name: str) -> Mask:  # noqa: D102
        return self._eyes.mask(self._find(name))

    def get_visible_obj_names(self) -> list[str]:  # noqa: D102
        scene = self._scenes.newer(self._scenes.now_ns())
        return [item.name for item in scene.objects if item.visible]

    def is_obj_visible(self, name: str) -> bool:  # noqa: D102
        wanted = normalize_name(name)
        return wanted in map(normalize_name, self.get_visible_obj_names())

    def detect_obj(self, description: str) -> bool:  # noqa: D102
        if self.is_obj_visible(description):
            return True
        try:
            return bool(self._eyes.look_for(description, 0.0))
        except InvalidGoalError:
            return False  # what nobody can look for is not seen

    def find_object(self, description: str, timeout: float = 5.0) -> str:  # noqa: D102
        if self.is_obj_visible(description):
            return self._find(description).name
        return self._search(description, timeout)[0]

    def find_all_objects(self, description: str, timeout: float = 5.0) -> list[str]:  # noqa: D102
        return self._search(description, timeout)

    def _search(self, description: str, timeout_s: float) -> list[str]:
        """Names of what is found; what the scene does not have is remembered by a name."""
        timeout_s = min(timeout_s, _MAX_SEARCH_S)
        deadline = time.monotonic() + timeout_s
        found: tuple[SceneObject, ...] = ()
        try:
            while not found and not self._skills.stopped():
                left = deadline - time.monotonic()
                found = self._eyes.look_for(description, max(0.0, min(left, _LOOK_S)))
                if left <= 0:
                    break
        except InvalidGoalError as error:
            raise ObjectNotFoundError(f'{error}; the scene has {self.scene().names}') from error
        if not found:
            names = self.scene().names or 'nothing'
            raise ObjectNotFoundError(
                f'no {description!r} was seen within {timeout_s:g} s; the scene has {names}'
            )
        in_scene = set(self.scene().names)
        return [
            item.name if item.name in in_scene else self._remember(item, in_scene) for item in found
        ]

    def _remember(self, item: SceneObject, taken: Collection[str]) -> str:
        """Its name: the one that it has from an earlier search, or a new one."""
        names = itertools.chain([item.name], (f'{item.name} {n}' for n in itertools.count(2)))
        name = next(
            name
            for name in names
            if name not in taken and (name not in self._found or _is_same(self._found[name], item))
        )
        self._found[name] = replace(item, name=name)
        return name

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
        quoted = repr(for_people(text, _MOST_QUOTED))
        with self._attempt('say', quoted):
            self._skills.say(text)
        self._spoken(text)
        self.done.append(f'said {quoted}')

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

    def phases(self) -> list[dict[str, Any]]:
        """See Skills; those of the last action, told once."""
        phases, self._skills.phases = self._skills.phases, []
        return phases

    def refused(self, action: str, error: CapError) -> None:
        """An action was asked for in a way in which it cannot be tried."""
        self._failed[action, ''] = error

    def program_begins(self) -> None:
        """What failed before was told to who wrote this one: any such action makes it good.

        The program may ask for another name or position, but not go without the action.
        """
        self._failed = {(action, ''): error for (action, _), error in self._failed.items()}

    def starts_over(self) -> None:
        """What failed before is to be done by several programs, one after the other."""
        self._failed.clear()

    def check_outcome(self) -> None:
        """Compare what there is with what the actions were to bring about.

        Raises:
            InstructionError: it is not so. The label is that of the first action's failure;
                WRONG_OUTCOME, if the skill knew of none.
        """
        if wrong := self._wrong():
            _, failure = wrong[0]
            label = label_of(failure.name) if failure else Label.WRONG_OUTCOME
            raise InstructionError(label, '; '.join(text for text, _ in wrong))

    def _wrong(self) -> list[tuple[str, CapError | None]]:
        """What has not come about, and what the skill said of it."""
        return [
            (f'{action}{what and f" ({what})"} failed and was not made good: {error}', error)
            for (action, what), error in self._failed.items()
        ]

    @contextmanager
    def _attempt(self, action: str, what: str) -> Iterator[None]:
        """An action of which nothing can be seen at the end: if it fails, it has to be made good.

        A program may catch the error. It has done what was asked only if the same succeeds later.

        Args:
            what: it acts on; with this it is the same.
        """
        try:
            yield
        except CapError as error:
            self._failed[action, what] = error
            raise
        for key in ((action, what), (action, '')):
            self._failed.pop(key, None)

    def _has_changed(self, line: str) -> None:
        self.done.append(line)
        self.changes.append(line)

    # ── helpers ──────────────────────────────────────────────────────────────────────────────

    def _find(self, name: str) -> SceneObject:
        scene = self.scene()
        if name in self._found and name not in scene.names:
            return self._found[name]
        return scene.find(name, also=self._table.places)

    def _resolve(self, scene: Scene, target: Target) -> Target:
        """An object's exact name, or a position: the skill servers know names of the scene."""
        if not isinstance(target, str):
            return target
        place = self._table.places.get(normalize_name(target))
        if place is not None:
            return place
        if target in self._found and target not in scene.names:
            return self._found[target].xy
        return scene.find(target, also=self._table.places).name


def _is_same(one: SceneObject, other: SceneObject) -> bool:
    """Whether two searches have seen the same thing."""
    return float(np.linalg.norm(one.xy - other.xy)) < _SAME_M
