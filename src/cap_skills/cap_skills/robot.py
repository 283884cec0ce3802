"""Robot: what skills need of an arm with a gripper.

Providers: RosRobot over the ROS interfaces, and KinematicRobot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cap_skills.model import GripperReading, Joints, Trajectory

# Raises a CapError when the motion must end: canceled, no lease, no scene.
Check = Callable[[], None]
Until = Callable[[GripperReading], bool]


class Robot(Protocol):
    """An arm with a gripper. Times are of its own clock, ROS time; every wait ends."""

    def joints(self) -> Joints:
        """Joint positions now.

        Raises:
            RobotFaultError: the joint states are missing or too old.
        """
        ...

    def gripper(self) -> GripperReading:
        """What the gripper feels now.

        Raises:
            RobotFaultError: its sensors are silent.
        """
        ...

    def execute(self, trajectory: Trajectory, check: Check, until: Until | None = None) -> bool:
        """Follow a trajectory from where the arm stands, and return when it stands again.

        Args:
            check: called often; what it raises ends the motion at once and is raised again.
            until: called with every reading; once it is true the arm brakes.

        Returns:
            Whether `until` ended it.

        Raises:
            RobotFaultError: the controller is not there, refused, failed, or is silent.
            SkillTimeoutError: it did not end in time.
        """
        ...

    def grip(self, opening: float, effort: float = 0.0) -> None:
        """Command the gripper; does not wait for what it does.

        Args:
            opening: between the fingers [m]; 0 closes, and switches suction on; more switches it
                off.
            effort: of the fingers [N]; 0: the gripper's own.

        Raises:
            RobotFaultError: the gripper is not there.
        """
        ...

    def gripped(self, timeout_s: float, check: Check) -> bool:
        """Stand still until the last `grip` has ended, wherever; whether it did in `timeout_s`."""
        ...

    def wait(self, until: Until, timeout_s: float, check: Check) -> bool:
        """Stand still until `until` is true, or for `timeout_s`; returns whether it was."""
        ...
