"""MotionPlanner: legs and surroundings to a timed, collision-free trajectory.

Provider: EmbeddedPlanner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cap_skills.collision import Pair
from cap_skills.kinematics import ArmKinematics
from cap_skills.model import Joints, Leg, Surroundings, Trajectory


class MotionPlanner(Protocol):
    """Plans motions of the arm."""

    @property
    def kinematics(self) -> ArmKinematics:
        """Of the arm that it plans for."""
        ...

    def plan(
        self,
        start: Joints,
        legs: Sequence[Leg],
        surroundings: Surroundings,
        speed_scale: float = 1.0,
    ) -> Trajectory:
        """One motion through all legs, from rest to rest.

        What touches at the start may go on touching until it comes free.

        Raises:
            UnreachableError: no joint position for a pose.
            NoPathError: no collision-free way was found; the text says what is in it.
            LimitError: no timing keeps to the limits.
        """
        ...

    def touching(self, joints: Joints, surroundings: Surroundings) -> frozenset[Pair]:
        """Names of what would touch at a joint position; empty: it is free."""
        ...
