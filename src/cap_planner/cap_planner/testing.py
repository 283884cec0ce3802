"""For tests: a table of names and positions in place of robot and camera, and a scripted model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cap_common.errors import GraspFailedError
from cap_planner.api.spec import Target
from cap_planner.models.base import Completion, Message, Options
from cap_planner.scene import Scene, SceneObject

BLOCK, BOWL = (0.04, 0.04, 0.04), (0.12, 0.12, 0.045)


class SymbolicTable:
    """SceneSource and Skills at once: a placed object is at once where it was put.

    Attributes:
        objects: positions by name, as (x, y, z) of the centre [m].
        failures: errors that the next actions raise, in order; None: that one succeeds.
        strokes: what was drawn and erased, as points of shape (N, 2) [m].
    """

    def __init__(self, **objects: tuple[float, float]) -> None:
        self.objects = {name.replace('_', ' '): (x, y, 0.02) for name, (x, y) in objects.items()}
        self.failures: list[Exception | None] = []
        self.moves: list[tuple[Target, Target]] = []
        self.strokes: list[tuple[str, NDArray[np.float64]]] = []
        self.slip = np.zeros(2)
        self.looks = 0
        self.stopped: Callable[[], bool] = lambda: False
        self._time_ns = 0

    def latest(self) -> Scene:
        """See SceneSource."""
        self._time_ns += 1
        return Scene(self._time_ns, tuple(self._object(name) for name in self.objects))

    def newer(self, than_ns: int) -> Scene:
        """See SceneSource."""
        return self.latest()

    def now_ns(self) -> int:
        """See SceneSource."""
        return self._time_ns

    def pick_place(self, first: Target, second: Target) -> None:
        """See Skills."""
        self.moves.append((first, second))
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        if not isinstance(first, str):
            raise GraspFailedError(f'nothing at {first}')
        goal = np.array(self.objects[second][:2] if isinstance(second, str) else second)
        x, y = goal + self.slip
        self.objects[first] = (float(x), float(y), self._height_over(x, y, first) + BLOCK[2] / 2)

    def move_to(self, target: Target) -> None:
        """See Skills."""
        self.moves.append((target, target))

    def draw(self, points: NDArray[np.float64]) -> None:
        """See Skills."""
        self.strokes.append(('draw', points))

    def erase(self, points: NDArray[np.float64]) -> None:
        """See Skills."""
        self.strokes.append(('erase', points))

    def look(self) -> None:
        """See Skills."""
        self.looks += 1

    def say(self, text: str) -> None:
        """See Skills."""

    def _height_over(self, x: float, y: float, besides: str) -> float:
        """Of what carries a block there: the table, a bowl's bottom or another block."""
        heights = [0.0]
        for name, (other_x, other_y, z) in self.objects.items():
            if name != besides and np.hypot(other_x - x, other_y - y) < BLOCK[0]:
                heights.append(0.01 if name.endswith('bowl') else z + BLOCK[2] / 2)
        return max(heights)

    def _object(self, name: str) -> SceneObject:
        color, kind = name.split()
        size = BOWL if kind == 'bowl' else BLOCK
        x, y, z = self.objects[name]
        position = (x, y, z if kind == 'block' else size[2] / 2)
        return SceneObject(name, kind, color, position, size, 0.0, True)


class ScriptedModel:
    """Answers one text after the other, the last one ever after, and keeps what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self._last = ''
        self.asked: list[list[Message]] = []

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """See LanguageModel."""
        self.asked.append(list(messages))
        self._last = self.answers.pop(0) if self.answers else self._last
        return Completion(self._last, 'scripted', 1, 1, 0.0)


class GivenTexts:
    """A FunctionDraft with its texts given.

    Attributes:
        reports: why the texts were not good enough.
    """

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.reports: list[str] = []

    def next(self) -> str:
        """See FunctionDraft."""
        return self.texts.pop(0)

    def failed(self, report: str) -> None:
        """See FunctionDraft."""
        self.reports.append(report)
