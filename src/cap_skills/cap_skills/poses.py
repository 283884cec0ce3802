"""Where the tool goes over things: to hover, to carry, to come down, to put down. No ROS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from cap_common.errors import NoPathError, UnreachableError
from cap_common.frames import Matrix
from cap_skills.call import SkillConfig
from cap_skills.collision import Pair
from cap_skills.hand import Hand
from cap_skills.kinematics import tool_down
from cap_skills.model import Held, Item, Joints, Surroundings, Vector
from cap_skills.motion_planner import MotionPlanner
from cap_skills.robot import Robot
from cap_skills.targets import Spot, tool_poses

# The link that things stand on. A guarded motion feels for it, so it may expect to touch it.
TABLE = 'table'


class Poses:
    """Poses that the arm can reach from where it is."""

    def __init__(
        self, robot: Robot, hand: Hand, planner: MotionPlanner, config: SkillConfig
    ) -> None:
        self._robot = robot
        self._hand = hand
        self._planner = planner
        self._kinematics = planner.kinematics
        self._config = config

    def tcp(self) -> Matrix:
        """base_from_tcp now."""
        return self._kinematics.forward(self._robot.joints())

    def down(self, pose: Matrix, free_yaw: bool = False) -> Joints:
        """Joint positions for a pose that points down, near where the arm is."""
        return self._kinematics.down(pose, self._robot.joints(), free_yaw)

    def hover(
        self, contact: Vector, yaw: float | None, near: Joints, items: tuple[Item, ...]
    ) -> Matrix:
        """base_from_tcp over a contact point, above everything if that can be reached.

        Args:
            yaw: of the tool [rad]; None: the last joint stays as it is in `near`.
        """
        highest = max([contact[2], *(item.top for item in items)])
        for height in (highest + self._config.hover, contact[2] + self._config.hover, contact[2]):
            pose = tool_down(np.array([*contact[:2], height]), yaw or 0.0)
            try:
                joints = self._kinematics.down(pose, near, free_yaw=yaw is None)
            except UnreachableError:
                if height == contact[2]:
                    raise
                continue
            return self._kinematics.forward(joints)
        raise AssertionError

    def carry(self, held: Held, down: Matrix, others: list[Item]) -> Matrix:
        """Over the place, so high that what is held clears all, as far as the arm reaches."""
        below = float(held.tcp_from_object[2, 3]) + held.item.half_height
        over_all = max([0.0, *(item.top for item in others)]) + below + self._config.hover / 2
        for height in (
            over_all,
            down[2, 3] + self._config.hover,
            down[2, 3] + self._config.clearance,
        ):
            pose = raised(down, max(height, down[2, 3] + self._config.clearance))
            try:
                self.down(pose)
            except UnreachableError:
                continue
            return pose
        return raised(down, down[2, 3] + self._config.clearance)

    def slow_from(self, pose: Matrix, lowest: float, tops: Iterable[float], most: Matrix) -> Matrix:
        """Over a pose, where guarded motion down to it begins.

        That is above all that it would come down on if what it goes to has been moved a little.

        Args:
            lowest: height of the lowest point of tool and load at the pose [m].
            tops: of what it goes down to, or into [m].
            most: no higher than this pose.
        """
        above = [top + self._config.early_contact - lowest for top in tops]
        way = max([self._config.clearance, *above])
        return raised(pose, min(pose[2, 3] + way, most[2, 3]))

    def place(self, held: Held, spot: Spot, others: Sequence[Item], target: str) -> Matrix:
        """base_from_tcp when the object stands on the spot, with the least turning of the wrist.

        Raises:
            UnreachableError: the arm cannot get there.
            NoPathError: something is in the way, however the object is turned.
        """
        near = self._robot.joints()
        tcp = tcp_holding(held)
        reached = []
        error = UnreachableError('')
        for pose in tool_poses(held.item.at(tcp @ held.tcp_from_object), tcp, spot):
            try:
                reached.append((abs(self._kinematics.down(pose, near)[5] - near[5]), pose))
            except UnreachableError as failure:
                error = failure
        if not reached:
            raise UnreachableError(f'the target is out of reach: {error}')
        around = Surroundings(others, held, touch=spot.supports | {TABLE}, opening=held.opening)
        blocked: frozenset[Pair] = frozenset()
        for _, pose in sorted(reached, key=lambda option: option[0]):
            before = raised(pose, pose[2, 3] + self._config.clearance)
            touching = self._planner.touching(self.down(before), around)
            touching = touching or self._touching_free(held, pose, around)
            if not touching:
                return pose
            blocked = blocked or touching
        raise NoPathError(
            f'{held.item.name!r} cannot be set down on {target}: '
            + ', '.join(f'{a} would touch {b}' for a, b in sorted(blocked))
        )

    def _touching_free(self, held: Held, pose: Matrix, around: Surroundings) -> frozenset[Pair]:
        """What fingers would touch once they have let go; a cup is above all."""
        if held.opening is None:
            return frozenset()
        free = replace(around, held=None, opening=self._hand.opening(held.opening))
        return self._planner.touching(self.down(pose), free)


def tcp_holding(held: Held) -> Matrix:
    """base_from_tcp at the moment of the grasp."""
    return held.item.pose @ np.linalg.inv(held.tcp_from_object)


def raised(pose: Matrix, height: float) -> Matrix:
    """The same pose at another height [m]."""
    raised = pose.copy()
    raised[2, 3] = height
    return raised
