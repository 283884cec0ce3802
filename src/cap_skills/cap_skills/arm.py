"""The arm as skills use it: poses over things, motions that feel, what hangs on the cup. No ROS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cap_common.errors import CapError, LimitError, ObjectLostError, UnreachableError
from cap_common.frames import Matrix
from cap_skills.kinematics import tool_down
from cap_skills.model import (
    Free,
    GripperReading,
    Held,
    Item,
    Joints,
    Straight,
    Surroundings,
    Trajectory,
    Vector,
)
from cap_skills.planner import MotionPlanner
from cap_skills.robot import Check, Robot
from cap_skills.targets import Spot, tool_poses

# Joints closer than this to their goal are there [rad].
_THERE = 0.002
UNKNOWN = 'what hangs on the cup'


class OverloadError(LimitError):
    """What hangs on the cup is too heavy to be carried."""


@dataclass(frozen=True)
class SkillConfig:
    """How the skills move; SI units.

    Attributes:
        park_joints: positions [rad] that hide nothing of the work area from the overhead camera.
        hover: of the cup above what it will touch, before going down.
        clearance: above the expected contact, where slow guarded motion begins.
        depth: below the expected contact, where guarded motion gives up.
        early_contact: so far above the expected contact it is one with something else.
        near_speed, guarded_speed: of the tool, near objects and until contact.
        carry_scale: of all speeds but the guarded one while something is held: it would slip.
        min_speed_scale: slowest that a call may ask for.
        contact_force: that counts as contact.
        min_force_limit, force_limit: least and most that a call may allow to push at the cup.
        payload_force: pull on the cup above which a load is too heavy.
        sealed_below: pressure in the cup that means something is held [Pa].
        open_above: pressure at which nothing is pulled at any more [Pa].
        seal_s, release_s: how long these may take.
        scene_age_s: oldest scene to act on.
        nudge: how far aside of its target a thing may be put where that is half taken.
        max_height: of move_to above its target.
        unknown_size: edge of the cube that is assumed of something held that nobody knows.
    """

    park_joints: tuple[float, ...]
    hover: float
    clearance: float
    depth: float
    early_contact: float
    near_speed: float
    guarded_speed: float
    carry_scale: float
    min_speed_scale: float
    contact_force: float
    min_force_limit: float
    force_limit: float
    payload_force: float
    sealed_below: float
    open_above: float
    seal_s: float
    release_s: float
    scene_age_s: float
    nudge: float
    max_height: float
    unknown_size: float

    @property
    def park(self) -> Joints:
        """Joint positions, shape (6,) [rad]."""
        return np.array(self.park_joints)


@dataclass(frozen=True)
class Call:
    """What one goal brings along: limits, and its line to the caller."""

    check: Check
    step: Callable[[str], None]
    speed_scale: float = 1.0
    force_limit: float = 0.0


class Arm:
    """Robot, planner and what is held, as one.

    Attributes:
        held: what hangs on the cup, as far as it is known.
        wanted: what the cup was going for: if the call ends in between, this is what it holds.
    """

    def __init__(self, robot: Robot, planner: MotionPlanner, config: SkillConfig) -> None:
        self.robot = robot
        self.planner = planner
        self._config = config
        self.held: Held | None = None
        self.wanted: Held | None = None

    def sealed(self, reading: GripperReading) -> bool:
        """Whether the cup holds something."""
        return reading.pressure < self._config.sealed_below

    def open(self, reading: GripperReading) -> bool:
        """Whether the cup pulls at nothing any more."""
        return reading.pressure > self._config.open_above

    def notice(self) -> None:
        """Bring what is believed to be held in line with what the cup feels."""
        if not self.sealed(self.robot.gripper()):
            self.held = None
        elif self.held is None and self.wanted is not None:
            self.held = self.wanted
        elif self.held is None:
            # Held since before this process was there. Its name would be a guess.
            size = self._config.unknown_size
            tcp_from_object = np.eye(4)
            tcp_from_object[2, 3] = size / 2
            tcp_from_object[:3, :3] = np.diag([1.0, -1.0, -1.0])
            stranger = Item(UNKNOWN, 'block', self.tcp() @ tcp_from_object, np.array([size] * 3))
            self.held = Held(stranger, tcp_from_object)

    # Poses ---------------------------------------------------------------------------------------

    def tcp(self) -> Matrix:
        """base_from_tcp now."""
        return self.planner.kinematics.forward(self.robot.joints())

    def down(self, pose: Matrix, free_yaw: bool = False) -> Joints:
        """Joint positions for a pose that points down, near where the arm is."""
        return self.planner.kinematics.down(pose, self.robot.joints(), free_yaw)

    def hover(self, contact: Vector, near: Joints, items: tuple[Item, ...]) -> Matrix:
        """base_from_tcp over a contact point, above everything if that can be reached.

        The last joint stays as it is in `near`.
        """
        highest = max([contact[2], *(item.top for item in items)])
        for height in (highest + self._config.hover, contact[2] + self._config.hover, contact[2]):
            pose = tool_down(np.array([*contact[:2], height]))
            try:
                joints = self.planner.kinematics.down(pose, near, free_yaw=True)
            except UnreachableError:
                if height == contact[2]:
                    raise
                continue
            return self.planner.kinematics.forward(joints)
        raise AssertionError

    def carry_pose(self, held: Held, down: Matrix, others: list[Item]) -> Matrix:
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

    def place_pose(self, held: Held, spot: Spot) -> Matrix:
        """base_from_tcp when the object stands on the spot, with the least turning of the wrist."""
        near = self.robot.joints()
        tcp = self.tcp_holding(held)
        options = tool_poses(held.item.at(tcp @ held.tcp_from_object), tcp, spot)
        reached = []
        error = UnreachableError('')
        for pose in options:
            try:
                reached.append((self.planner.kinematics.down(pose, near), pose))
            except UnreachableError as failure:
                error = failure
        if not reached:
            raise UnreachableError(f'the target is out of reach: {error}')
        return min(reached, key=lambda option: abs(option[0][5] - near[5]))[1]

    def tcp_holding(self, held: Held) -> Matrix:
        """base_from_tcp at the moment of the grasp."""
        return held.item.pose @ np.linalg.inv(held.tcp_from_object)

    # Motions -------------------------------------------------------------------------------------

    def rise(
        self, items: list[Item] | tuple[Item, ...], height: float | None = None
    ) -> list[Straight]:
        """Straight up first, where the tool is low among things."""
        tcp = self.tcp()
        if height is None:
            below = 0.0
            if self.held is not None:
                below = float(self.held.tcp_from_object[2, 3]) + self.held.item.half_height
            height = max([0.0, *(item.top for item in items)]) + below + self._config.hover / 2
        up = raised(tcp, height)
        if tcp[2, 3] > height - 0.01 or not self.planner.kinematics.solutions(up):
            return []
        return [Straight(up, self._config.near_speed)]

    def retreat(self, around: Surroundings, call: Call) -> None:
        """Straight up, off what the cup touches. A motion of its own: no corner is rounded."""
        up = raised(self.tcp(), self.tcp()[2, 3] + self._config.hover)
        if self.planner.kinematics.solutions(up):
            self.move([Straight(up, self._config.near_speed)], around, call)

    def move(self, legs: Sequence[Free | Straight], around: Surroundings, call: Call) -> None:
        """One motion. Ends where the cup feels more than it may, or loses what it holds."""
        config = self._config
        start = self.robot.joints()
        if all(isinstance(leg, Free) and np.abs(leg.goal - start).max() < _THERE for leg in legs):
            return
        scale = call.speed_scale * (config.carry_scale if self.held is not None else 1.0)
        trajectory = self.planner.plan(start, legs, around, scale)
        self._follow(trajectory, call, lambda reading: False, config.payload_force)

    def guarded(
        self,
        goal: Matrix,
        around: Surroundings,
        call: Call,
        also: Callable[[GripperReading], bool],
    ) -> bool:
        """Slowly down to a pose, until contact or `also`; returns whether that came."""
        config = self._config
        trajectory = self.planner.plan(
            self.robot.joints(), [Straight(goal, config.guarded_speed)], around, call.speed_scale
        )
        rest = self.robot.gripper().force
        # Going down only takes weight off the cup.
        return self._follow(
            trajectory,
            call,
            lambda reading: reading.force - rest > config.contact_force or also(reading),
            pull_limit=np.inf,
        )

    def _follow(
        self,
        trajectory: Trajectory,
        call: Call,
        until: Callable[[GripperReading], bool],
        pull_limit: float,
    ) -> bool:
        """Follow a trajectory; returns whether `until` ended it.

        Raises:
            LimitError: the cup was pushed with more than the call allows.
            OverloadError: more than `pull_limit` [N] pulled at it.
            ObjectLostError: what it held is gone.
        """
        name = self.held.item.name if self.held is not None else ''
        errors: list[CapError] = []

        def ends(reading: GripperReading) -> bool:
            if name and not self.sealed(reading):
                errors.append(ObjectLostError(f'{name!r} fell off the cup'))
            elif reading.force > call.force_limit:
                errors.append(
                    LimitError(
                        f'{reading.force:.1f} N pushed at the cup; {call.force_limit:g} N may'
                    )
                )
            elif -reading.force > pull_limit:
                errors.append(
                    OverloadError(f'{-reading.force:.1f} N pulled at the cup; {pull_limit:g} N may')
                )
            return bool(errors) or until(reading)

        ended = self.robot.execute(trajectory, call.check, ends)
        if errors:
            if name and not self.sealed(self.robot.gripper()):
                self.robot.suction(False)
                self.held = self.wanted = None
            raise errors[0]
        return ended


def raised(pose: Matrix, height: float) -> Matrix:
    """The same pose at another height [m]."""
    raised = pose.copy()
    raised[2, 3] = height
    return raised
