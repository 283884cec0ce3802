"""The planner and the robot of a BenchCell, which note what they do: for benchmarks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cap_bringup.cell_robot import CellRobot
from cap_skills.collision import Pair
from cap_skills.model import Joints, Leg, Surroundings, Trajectory, Vector
from cap_skills.planner import EmbeddedPlanner
from cap_skills.robot import Check, Until


@dataclass(frozen=True)
class Plan:
    """What was asked of the planner, and its answer."""

    start: Joints
    legs: tuple[Leg, ...]
    surroundings: Surroundings
    speed_scale: float
    trajectory: Trajectory


@dataclass(frozen=True)
class Executed:
    """A trajectory that the arm followed.

    Attributes:
        seconds: for which it did, in simulated time: to its end, or until contact ended it.
        qpos: positions of the whole cell just before, as MuJoCo has them.
        held: name of what the tool held then; empty: nothing.
    """

    trajectory: Trajectory
    seconds: float
    qpos: Vector
    held: str


class RecordedPlanner(EmbeddedPlanner):
    """The embedded planner.

    Attributes:
        plans: since `clear`.
        wall_s, cpu_s: spent in it since then, failed plans and all.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.clear()

    def clear(self) -> None:
        """Forget all that was noted."""
        self.plans: list[Plan] = []
        self.wall_s = self.cpu_s = 0.0

    def plan(
        self,
        start: Joints,
        legs: Sequence[Leg],
        surroundings: Surroundings,
        speed_scale: float = 1.0,
    ) -> Trajectory:
        """See MotionPlanner."""
        with self._timed():
            trajectory = super().plan(start, legs, surroundings, speed_scale)
        self.plans.append(Plan(start, tuple(legs), surroundings, speed_scale, trajectory))
        return trajectory

    def touching(self, joints: Joints, surroundings: Surroundings) -> frozenset[Pair]:
        """See MotionPlanner."""
        with self._timed():
            return super().touching(joints, surroundings)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            self.wall_s += time.perf_counter() - wall
            self.cpu_s += time.thread_time() - cpu


class RecordedRobot(CellRobot):
    """The simulated cell as a Robot.

    Attributes:
        executed: all trajectories since it was emptied.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.executed: list[Executed] = []

    def execute(self, trajectory: Trajectory, check: Check, until: Until | None = None) -> bool:
        """See Robot."""
        before = self._cell.state()
        qpos = self._cell.picture_state()[3]
        try:
            return super().execute(trajectory, check, until)
        finally:
            seconds = min(self._cell.time_s - before.time_s, trajectory.duration)
            self.executed.append(Executed(trajectory, seconds, qpos, before.tool.held))
