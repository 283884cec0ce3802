"""How long each phase of a skill took, and with what. No ROS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields


@dataclass
class Phase:
    """One phase; seconds of the steady clock.

    Attributes:
        planning_s, moving_s, waiting_s: spent on plans, on motions, and standing still for the
            gripper or the sensors; what is missing to the whole was spent on none of them.
    """

    name: str
    planning_s: float = 0.0
    moving_s: float = 0.0
    waiting_s: float = 0.0


PHASE_FIELDS = tuple(field.name for field in fields(Phase))


class Phases:
    """The phases of one goal, in their order."""

    def __init__(self) -> None:
        self.all: list[Phase] = []

    def begin(self, name: str) -> None:
        """From now on it is this one."""
        self.all.append(Phase(name))

    @contextmanager
    def planning(self) -> Iterator[None]:
        """What is done within is planning."""
        with self._time('planning_s'):
            yield

    @contextmanager
    def moving(self) -> Iterator[None]:
        """What is done within is motion."""
        with self._time('moving_s'):
            yield

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What is done within is standing still."""
        with self._time('waiting_s'):
            yield

    @contextmanager
    def _time(self, what: str) -> Iterator[None]:
        if not self.all:
            self.begin('')
        phase, started = self.all[-1], time.perf_counter()
        try:
            yield
        finally:
            setattr(phase, what, getattr(phase, what) + time.perf_counter() - started)
