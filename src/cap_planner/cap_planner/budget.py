"""What one program may use up. No ROS."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from cap_planner.labels import InstructionError, Label

END_S = 60.0
"""Beyond its budgets, an instruction may take so long to begin and to end [s]."""


@dataclass(frozen=True)
class Limits:
    """Budgets of one instruction; seconds are of the steady clock.

    Attributes:
        wall_s: from the instruction to its end, with the robot's motion.
        model_s: thinking time of the language model, apart from `wall_s`.
        text_s: of `model_s`, for one text.
        text_tokens: of one text; what a reasoning model thinks counts.
        window_tokens: of a prompt with its answer: earlier requests that do not fit are left out.
        tokens: of all prompts and answers together, as the endpoint counts them.
        compute_s: the program's own time, without that of its calls.
        motion_s: of all actions together.
        calls: API calls in all, without those that wait for a picture: they cannot spin.
        calls_per_s: in any one second.
        programs: completions asked of the model, repairs and generated functions included.
        tries: of one text, before the stronger model is asked and the instruction is split.
    """

    wall_s: float
    model_s: float
    text_s: float
    text_tokens: int
    window_tokens: int
    tokens: int
    compute_s: float
    motion_s: float
    calls: int
    calls_per_s: int
    programs: int
    tries: int

    @property
    def longest_s(self) -> float:
        """How long an instruction may take in all; see END_S."""
        return self.wall_s + self.model_s + END_S


class Budget:
    """Counts what a program uses. What raises, raises InstructionError with BUDGET_EXCEEDED."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._calls = 0
        self._recent: deque[float] = deque()
        self._motion_s = 0.0
        self._moving_since: float | None = None
        self._model_s = 0.0
        self._programs = 0
        self._tokens = 0
        self._started = time.monotonic()

    @property
    def text_s(self) -> float:
        """How long the next text may take."""
        return min(self.limits.text_s, self.limits.model_s - self._model_s)

    def exceeded(self) -> InstructionError | None:
        """Why a program and its action have to end now. Not to be asked while the model thinks."""
        now = time.monotonic()
        if now - self._started - self._model_s > self.limits.wall_s:
            return _over(f'more than {self.limits.wall_s:g} s')
        moving_s = 0.0 if self._moving_since is None else now - self._moving_since
        if self._motion_s + moving_s > self.limits.motion_s:
            return _over(f'more than {self.limits.motion_s:g} s of motion')
        return None

    def call(self, waits: bool = False) -> None:
        """One API call is about to be made, or raise.

        Args:
            waits: it takes its time by itself, and is not counted.
        """
        if waits:
            return
        self._calls += 1
        if self._calls > self.limits.calls:
            raise _over(f'more than {self.limits.calls} API calls')
        now = time.monotonic()
        self._recent.append(now)
        while self._recent[0] < now - 1.0:
            self._recent.popleft()
        if len(self._recent) > self.limits.calls_per_s:
            raise _over(f'more than {self.limits.calls_per_s} API calls in one second')

    @contextlib.contextmanager
    def motion(self) -> Iterator[None]:
        """An action is under way in here."""
        since = self._moving_since = time.monotonic()
        try:
            yield
        finally:
            self._moving_since = None
            self._motion_s += time.monotonic() - since

    def program(self) -> None:
        """One more text is about to be asked of the model, or raise.

        Also when nothing is left for the program that it would be: writing takes time, too.
        """
        if over := self.exceeded():
            raise over
        self._programs += 1
        if self._programs > self.limits.programs:
            raise _over(f'more than {self.limits.programs} texts asked of the language model')
        self.check_thinking()

    def thought(self, duration_s: float, tokens: int = 0) -> None:
        """The model took so long, and read and wrote so much."""
        self._model_s += duration_s
        self._tokens += tokens

    def check_thinking(self) -> None:
        """Raise if no thinking time is left, or no tokens."""
        if self._model_s >= self.limits.model_s:
            raise _over(f'the language model thought for {self.limits.model_s:g} s')
        if self._tokens >= self.limits.tokens:
            raise _over(f'{self._tokens} tokens of {self.limits.tokens} went to the language model')


def _over(what: str) -> InstructionError:
    return InstructionError(Label.BUDGET_EXCEEDED, f'the program used up its budget: {what}')
