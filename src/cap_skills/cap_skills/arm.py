"""The arm as skills use it: poses over things, motions that feel, what the hand holds. No ROS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cap_common.errors import CapError, LimitError, NoPathError, ObjectLostError, UnreachableError
from cap_common.frames import Matrix
from cap_skills.collision import Pair
from cap_skills.hand import Grasp, Hand
from cap_skills.kinematics import tool_down
from cap_skills.model import (
    Free,
    GripperReading,
    Held,
    Item,
    Joints,
    Leg,
    Straight,
    Surroundings,
    Trajectory,
    Vector,
)
from cap_skills.phases import Phases
from cap_skills.planner import MotionPlanner
from cap_skills.robot import Check, Robot
from cap_skills.targets import Spot, tool_poses

# Joints closer than this to their goal are there [rad].
_THERE = 0.002
# The link that things stand on. A guarded motion feels for it, so it may expect to touch it.
TABLE = 'table'
UNKNOWN = 'what the gripper holds'


class OverloadError(LimitError):
    """What the hand holds is too heavy to be carried."""


class PushedError(LimitError):
    """The tool was pushed with more than the call allows: something is in its way."""


@dataclass(frozen=True)
class SkillConfig:
    """How the skills move; SI units.

    Attributes:
        park_joints: positions [rad] that hide nothing of the work area from the overhead camera.
        hover: of the tool above what it will touch, before going down.
        clearance: above the expected contact, where slow guarded motion begins.
        depth: below the expected contact, where guarded motion gives up.
        early_contact: so far above the expected contact it is one with something else.
        moved: a target seen so far from where it was has been moved.
        near_speed: of the tool, near objects.
        carry_scale: of all speeds but the guarded one while something is held: it would slip.
        min_speed_scale: slowest that a call may ask for.
        contact_force: that counts as contact.
        min_force_limit, force_limit: least and most that a call may allow to push at the tool.
        payload_force: pull on the tool above which a load is too heavy.
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
    moved: float
    near_speed: float
    carry_scale: float
    min_speed_scale: float
    contact_force: float
    min_force_limit: float
    force_limit: float
    payload_force: float
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
    """What one goal brings along: limits, and its line to the caller.

    Attributes:
        tell: called with the name of each phase.
        force_limit: that the tool may be pushed with [N]; 0: the configured.
        effort: that fingers may press with [N]; 0: the configured.
        phases: how long each took.
    """

    check: Check
    tell: Callable[[str], None]
    speed_scale: float = 1.0
    force_limit: float = 0.0
    effort: float = 0.0
    phases: Phases = field(default_factory=Phases)

    def step(self, text: str) -> None:
        """A new phase."""
        self.phases.begin(text)
        self.tell(text)


class Arm:
    """Robot, hand, planner and what is held, as one.

    Attributes:
        held: what the hand holds, as far as it is known.
        wanted: what it was going for: if the call ends in between, this is what it holds.
    """

    def __init__(
        self, robot: Robot, hand: Hand, planner: MotionPlanner, config: SkillConfig
    ) -> None:
        self.robot = robot
        self.hand = hand
        self.planner = planner
        self._config = config
        self._opening: float | None = None
        self.held: Held | None = None
        self.wanted: Held | None = None

    def notice(self, call: Call) -> None:
        """Bring what is believed to be held in line with what the hand feels."""
        if not self.hand.sense(self.robot, call.check):
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
            self.held = Held(stranger, tcp_from_object, self._gap())

    # The hand ------------------------------------------------------------------------------------

    def holds(self) -> bool:
        """Whether the hand feels something."""
        return self.hand.holds(self.robot.gripper())

    def make_ready(self, grasp: Grasp, call: Call) -> None:
        """Open the hand as the grasp needs it."""
        with call.phases.waiting():
            self.hand.make_ready(self.robot, grasp, call.check)
        self._opening = self.hand.opening(grasp.width)

    def take(self, item: Item, at: Matrix, call: Call) -> bool:
        """Take hold of an object; returns whether the hand feels it.

        Args:
            at: base_from_tcp when it does.
        """
        with call.phases.waiting():
            holds = self.hand.take(self.robot, call.effort, call.check)
        if holds:
            place = self.hand.true_place(np.linalg.inv(at) @ item.pose)
            self._opening = self._gap()
            self.held = Held(item, place, self._opening)
        return holds

    def let_go(self, call: Call) -> bool:
        """Release what is held; returns whether the hand feels nothing any more."""
        assert self.held is not None
        with call.phases.waiting():
            free = self.hand.let_go(self.robot, self.held.opening, call.check)
        if free:
            self.held = self.wanted = None
            self._opening = self._gap()
        return free

    def abandon(self) -> None:
        """Release what is not held properly."""
        self.hand.abandon(self.robot)
        self.held = self.wanted = None
        self._opening = None

    def _gap(self) -> float | None:
        """Between the fingers now [m], if there are any."""
        opening = self.robot.gripper().opening
        return None if np.isnan(opening) else opening

    # Poses ---------------------------------------------------------------------------------------

    def tcp(self) -> Matrix:
        """base_from_tcp now."""
        return self.planner.kinematics.forward(self.robot.joints())

    def down(self, pose: Matrix, free_yaw: bool = False) -> Joints:
        """Joint positions for a pose that points down, near where the arm is."""
        return self.planner.kinematics.down(pose, self.robot.joints(), free_yaw)

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
                joints = self.planner.kinematics.down(pose, near, free_yaw=yaw is None)
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

    def place_pose(self, held: Held, spot: Spot, others: Sequence[Item], target: str) -> Matrix:
        """base_from_tcp when the object stands on the spot, with the least turning of the wrist.

        Raises:
            UnreachableError: the arm cannot get there.
            NoPathError: something is in the way, however the object is turned.
        """
        near = self.robot.joints()
        tcp = self.tcp_holding(held)
        reached = []
        error = UnreachableError('')
        for pose in tool_poses(held.item.at(tcp @ held.tcp_from_object), tcp, spot):
            try:
                reached.append((abs(self.planner.kinematics.down(pose, near)[5] - near[5]), pose))
            except UnreachableError as failure:
                error = failure
        if not reached:
            raise UnreachableError(f'the target is out of reach: {error}')
        around = Surroundings(
            others, held, touch=spot.supports | {TABLE}, opening=held.opening or self._opening
        )
        blocked: frozenset[Pair] = frozenset()
        for _, pose in sorted(reached, key=lambda option: option[0]):
            before = raised(pose, pose[2, 3] + self._config.clearance)
            touching = self.planner.touching(self.down(before), around)
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
        free = replace(around, held=None, opening=self.hand.opening(held.opening))
        return self.planner.touching(self.down(pose), free)

    def tcp_holding(self, held: Held) -> Matrix:
        """base_from_tcp at the moment of the grasp."""
        return held.item.pose @ np.linalg.inv(held.tcp_from_object)

    # Motions -------------------------------------------------------------------------------------

    def rise(self, items: Sequence[Item], height: float | None = None) -> list[Straight]:
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

    def move(
        self, legs: Sequence[Leg], around: Surroundings, call: Call, scale: float = 1.0
    ) -> None:
        """One motion. Ends where the tool feels more than it may, or the hand loses what it holds.

        Args:
            scale: of all speeds, beside that of the call.
        """
        config = self._config
        start = self.robot.joints()
        if all(isinstance(leg, Free) and np.abs(leg.goal - start).max() < _THERE for leg in legs):
            return
        scale *= call.speed_scale * (config.carry_scale if self.held is not None else 1.0)
        trajectory = self._plan(start, legs, around, scale, call)
        self._follow(
            trajectory, call, lambda reading: False, call.force_limit, config.payload_force
        )

    def guarded(
        self,
        goal: Matrix,
        around: Surroundings,
        call: Call,
        also: Callable[[GripperReading], bool] = lambda reading: False,
    ) -> bool:
        """Slowly down to a pose, until contact or `also`; returns whether that came."""
        config = self._config
        speed = self.hand.touch_speed(call.force_limit - config.contact_force)
        legs = [Straight(goal, speed)]
        trajectory = self._plan(self.robot.joints(), legs, around, call.speed_scale, call)
        rest = self.robot.gripper().force
        # Going down only takes weight off the tool; and contact ends it, however hard it is.
        return self._follow(
            trajectory,
            call,
            lambda reading: reading.force - rest > config.contact_force or also(reading),
            push_limit=np.inf,
            pull_limit=np.inf,
        )

    def follow(
        self,
        legs: Sequence[Leg],
        around: Surroundings,
        call: Call,
        judge: Callable[[GripperReading], CapError | None],
    ) -> None:
        """One motion while the tool touches something; `judge` says what is wrong, if anything."""
        trajectory = self._plan(self.robot.joints(), legs, around, call.speed_scale, call)
        wrong: list[CapError] = []

        def ends(reading: GripperReading) -> bool:
            if (error := judge(reading)) is not None:
                wrong.append(error)
            return bool(wrong)

        self._follow(trajectory, call, ends, call.force_limit, self._config.payload_force)
        if wrong:
            raise wrong[0]

    def _plan(
        self,
        start: Joints,
        legs: Sequence[Leg],
        around: Surroundings,
        scale: float,
        call: Call,
    ) -> Trajectory:
        if around.opening is None:
            around = replace(around, opening=self._opening)
        with call.phases.planning():
            return self.planner.plan(start, legs, around, scale)

    def _follow(
        self,
        trajectory: Trajectory,
        call: Call,
        until: Callable[[GripperReading], bool],
        push_limit: float,
        pull_limit: float,
    ) -> bool:
        """Follow a trajectory; returns whether `until` ended it.

        What pushes too hard at the start, as after a motion that it has ended, may go on until the
        tool comes free, and no harder.

        Raises:
            PushedError: more than `push_limit` [N] pushed at the tool.
            OverloadError: more than `pull_limit` [N] pulled at it.
            ObjectLostError: what it held is gone.
        """
        name = self.held.item.name if self.held is not None else ''
        errors: list[CapError] = []
        most = max(push_limit, self.robot.gripper().force + self._config.contact_force)

        def ends(reading: GripperReading) -> bool:
            nonlocal most
            if reading.force <= push_limit:
                most = push_limit
            if name and not self.hand.holds(reading):
                errors.append(ObjectLostError(f'{name!r} fell off the gripper'))
            elif reading.force > most:
                errors.append(
                    PushedError(f'{reading.force:.1f} N pushed at the tool; {push_limit:g} N may')
                )
            elif -reading.force > pull_limit:
                errors.append(
                    OverloadError(
                        f'{-reading.force:.1f} N pulled at the tool; {pull_limit:g} N may'
                    )
                )
            return bool(errors) or until(reading)

        with call.phases.moving():
            ended = self.robot.execute(trajectory, call.check, ends)
        if errors:
            if name and not self.holds():
                self.abandon()
            raise errors[0]
        return ended


def raised(pose: Matrix, height: float) -> Matrix:
    """The same pose at another height [m]."""
    raised = pose.copy()
    raised[2, 3] = height
    return raised
