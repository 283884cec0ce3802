"""What one program may use up. No ROS."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from cap_planner.labels import InstructionError, Label


@dataclass(frozen=True)
class Limits:
    """Budgets of one instruction; seconds are of the steady clock.

    Attributes:
        wall_s: from the instruction to its end, with the robot's motion.
        model_s: thinking time of the language model, apart from `wall_s`.
        compute_s: the program's own time, without that of its calls.
        motion_s: of all actions together.
        calls: API calls in all.
        calls_per_s: in any one second.
        programs: completions asked of the model, repairs and generated functions included.
        repairs: of one program.
    """

    wall_s: float
    model_s: float
    compute_s: float
    motion_s: float
    calls: int
    calls_per_s: int
    programs: int
    repairs: int


class Budget:
    """Counts what a program uses, and ends it when that is too much.

    All methods raise InstructionError with BUDGET_EXCEEDED.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._calls = 0
        self._recent: deque[float] = deque()
        self._motion_s = 0.0
        self._model_s = 0.0
        self._programs = 0
        self._started = time.monotonic()

    @property
    def model_s_left(self) -> float:
        """What is left of the thinking time."""
        return self.limits.model_s - self._model_s

    def call(self) -> None:
        """One API call is about to be made."""
        self._calls += 1
        if self._calls > self.limits.calls:
            raise _over(f'more than {self.limits.calls} API calls')
        now = time.monotonic()
        if now - self._started - self._model_s > self.limits.wall_s:
            raise _over(f'more than {self.limits.wall_s:g} s')
        self._recent.append(now)
        while self._recent[0] < now - 1.0:
            self._recent.popleft()
        if len(self._recent) > self.limits.calls_per_s:
            raise _over(f'more than {self.limits.calls_per_s} API calls in one second')

    def motion(self, duration_s: float) -> None:
        """An action took so long."""
        self._motion_s += duration_s
        if self._motion_s > self.limits.motion_s:
            raise _over(f'more than {self.limits.motion_s:g} s of motion')

    def program(self) -> None:
        """One more text is about to be asked of the model."""
        self._programs += 1
        if self._programs > self.limits.programs:
            raise _over(f'more than {self.limits.programs} texts asked of the language model')
        if self._model_s > self.limits.model_s:
            raise _over(f'the language model thought for more than {self.limits.model_s:g} s')

    def thought(self, duration_s: float) -> None:
        """The model took so long."""
        self._model_s += duration_s


def _over(what: str) -> InstructionError:
    return InstructionError(Label.BUDGET_EXCEEDED, f'the program used up its budget: {what}')
