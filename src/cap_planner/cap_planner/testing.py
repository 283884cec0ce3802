"""For tests: a table of names and positions in place of robot and camera, and a scripted model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cap_common.errors import GraspFailedError
from cap_planner.api.spec import Mask, Target
from cap_planner.budget import Limits
from cap_planner.domains import DOMAINS
from cap_planner.engine import Engine
from cap_planner.evidence import EvidenceStore
from cap_planner.instruction_run import Parts
from cap_planner.models.base import Completion, LanguageModel, Message, Options
from cap_planner.places import Table
from cap_planner.robot import ORDINARY, Manner
from cap_planner.sandbox.host import Sandbox
from cap_planner.scene import Scene, SceneObject

BLOCK, BOWL = (0.04, 0.04, 0.04), (0.12, 0.12, 0.045)
LIMITS = Limits(
    wall_s=30.0,
    model_s=30.0,
    text_s=20.0,
    text_tokens=500,
    window_tokens=20_000,
    tokens=1_000_000,
    compute_s=2.0,
    motion_s=30.0,
    calls=200,
    calls_per_s=150,
    programs=20,
    tries=3,
)


class SymbolicTable:
    """SceneSource, Eyes and Skills at once: a placed object is at once where it was put.

    Attributes:
        SIZES: full extents by kind of object [m]; of others that of a block.
        objects: positions by name, as (x, y, z) of the centre [m].
        failures: errors that the next actions raise, in order; None: that one succeeds.
        strokes: what was drawn and erased, as points of shape (N, 2) [m].
        manners: how each of these was to be done.
        held: the name of what is held; '': nothing.
        unlisted: what is there, and not in the scene.
        searches: what was looked for, and for how long.
    """

    SIZES: ClassVar[dict[str, tuple[float, float, float]]] = {'bowl': BOWL}

    def __init__(self, **objects: tuple[float, float]) -> None:
        self.objects: dict[str, tuple[float, float, float]] = {}
        for name, (x, y) in objects.items():
            self.appear(name.replace('_', ' '), x, y)
        self.failures: list[Exception | None] = []
        self.moves: list[tuple[Target, Target]] = []
        self.strokes: list[tuple[str, NDArray[np.float64]]] = []
        self.manners: list[Manner] = []
        self.held = ''
        self.slip = np.zeros(2)
        self.unlisted: list[SceneObject] = []
        self.searches: list[tuple[str, float]] = []
        self.looks = 0
        self.stopped: Callable[[], bool] = lambda: False
        self.phases: list[dict[str, Any]] = []
        self._time_ns = 0

    def appear(self, name: str, x: float, y: float) -> None:
        """An object is there from now on, on the table."""
        self.objects[name] = (x, y, self._size(name)[2] / 2)

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

    def look_for(self, phrase: str, timeout_s: float) -> tuple[SceneObject, ...]:
        """See Eyes: things whose names end in the phrase, and what only a search finds."""
        self.searches.append((phrase, timeout_s))
        seen = [item for item in self.latest().objects if item.name.endswith(phrase)]
        return (*seen, *(item for item in self.unlisted if item.name == phrase))

    def mask(self, item: SceneObject) -> Mask:
        """See Eyes: a picture of 4 by 3 pixels, of which a thing has the first."""
        mask = np.zeros((3, 4), bool)
        mask[0, 0] = True
        return mask

    def pick_place(self, first: Target, second: Target, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        self.moves.append((first, second))
        self.manners.append(manner)
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        if not isinstance(first, str):
            raise GraspFailedError(f'nothing at {first}')
        if self.held not in ('', first):
            self.objects[self.held] = (0.2, -0.3, self._size(self.held)[2] / 2)
        goal = np.array(self.objects[second][:2] if isinstance(second, str) else second)
        x, y = goal + self.slip
        z = self._height_over(x, y, first) + self._size(first)[2] / 2
        self.objects[first] = (float(x), float(y), z)
        self.held = ''

    def pick(self, obj: Target, manner: Manner = ORDINARY) -> None:
        """See Skills: it hangs 30 cm above the table."""
        self.manners.append(manner)
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        if not isinstance(obj, str):
            raise GraspFailedError(f'nothing at {obj}')
        self.held = obj
        x, y, _ = self.objects[obj]
        self.objects[obj] = (x, y, 0.3)

    def move_to(self, target: Target, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        self.moves.append((target, target))
        self.manners.append(manner)

    def draw(self, points: NDArray[np.float64], manner: Manner = ORDINARY) -> None:
        """See Skills."""
        self.strokes.append(('draw', points))
        self.manners.append(manner)

    def erase(self, points: NDArray[np.float64], manner: Manner = ORDINARY) -> None:
        """See Skills."""
        self.strokes.append(('erase', points))
        self.manners.append(manner)

    def look(self) -> None:
        """See Skills."""
        self.looks += 1

    def say(self, text: str) -> None:
        """See Skills."""

    def _size(self, name: str) -> tuple[float, float, float]:
        return self.SIZES.get(name.rpartition(' ')[2], BLOCK)

    def _height_over(self, x: float, y: float, besides: str) -> float:
        """Of what carries an object there: the table, a bowl's bottom or another object."""
        heights = [0.0]
        for name, (other_x, other_y, z) in self.objects.items():
            size = self._size(name)
            reach = max(size[0] / 2, BLOCK[0])
            if name != besides and np.hypot(other_x - x, other_y - y) < reach:
                heights.append(0.01 if name.endswith('bowl') else z + size[2] / 2)
        return max(heights)

    def _object(self, name: str) -> SceneObject:
        color, _, kind = name.rpartition(' ')
        return SceneObject(
            name,
            kind,
            color,
            self.objects[name],
            self._size(name),
            0.0,
            True,
            held=name == self.held,
        )


class FruitTable(SymbolicTable):
    """With fruits, bottles, plates, and an egg that comes while somebody waits for it.

    Attributes:
        pictures_to_egg: it comes with the picture after so many.
    """

    SIZES: ClassVar[dict[str, tuple[float, float, float]]] = {
        **SymbolicTable.SIZES,
        'apple': (0.06, 0.06, 0.052),
        'banana': (0.112, 0.036, 0.032),
        'plum': (0.044, 0.044, 0.032),
        'egg': (0.056, 0.044, 0.032),
        'lemon': (0.062, 0.046, 0.035),
        'bottle': (0.046, 0.046, 0.11),
        'plate': (0.2, 0.2, 0.016),
    }
    COLORS: ClassVar[dict[str, str]] = {
        'apple': 'red',
        'banana': 'yellow',
        'plum': 'purple',
        'egg': 'white',
        'lemon': 'yellow',
    }
    pictures_to_egg = 0

    def newer(self, than_ns: int) -> Scene:
        """See SceneSource."""
        self.pictures_to_egg -= 1
        if self.pictures_to_egg == 0:
            self.appear('egg', 0.0, -0.7)
        return super().newer(than_ns)

    def _object(self, name: str) -> SceneObject:
        item = super()._object(name)
        return replace(item, color=self.COLORS.get(name, item.color))


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


def symbolic_engine(
    model: LanguageModel,
    table: SymbolicTable,
    sandbox: Sandbox,
    evidence: Path,
    limits: Limits = LIMITS,
    domain: str = 'tabletop',
    **more: Any,
) -> Engine:
    """The real planner over a symbolic table.

    Args:
        more: further fields of Parts.
    """
    parts = Parts(
        domain=DOMAINS[domain],
        model=model,
        sandbox=sandbox,
        scenes=table,
        eyes=table,
        skills=table,
        table=Table(-0.25, -0.75, 0.25, -0.25),
        evidence=EvidenceStore(evidence),
        limits=limits,
        settle_s=0.2,
        placement_tolerance_m=0.045,
        **more,
    )
    return Engine(parts, max_instruction_chars=500)
