"""The arm as skills use it: motions that feel, and what the hand holds. No ROS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from cap_common.errors import CapError
from cap_common.frames import Matrix
from cap_skills.call import Call, SkillConfig
from cap_skills.force_watch import ForceWatch
from cap_skills.hand import Grasp, Hand
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
)
from cap_skills.motion_planner import MotionPlanner
from cap_skills.poses import Poses, raised
from cap_skills.robot import Robot

# Joints closer than this to their goal are there [rad].
_THERE = 0.002
UNKNOWN = 'what the gripper holds'


class Arm:
    """Robot, hand, planner and what is held, as one.

    Attributes:
        poses: where it may go.
        held: what the hand holds, as far as it is known.
        wanted: what it was going for: if the call ends in between, this is what it holds.
    """

    def __init__(
        self, robot: Robot, hand: Hand, planner: MotionPlanner, config: SkillConfig
    ) -> None:
        self.robot = robot
        self.hand = hand
        self.planner = planner
        self.poses = Poses(robot, hand, planner, config)
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
            stranger = Item(
                UNKNOWN, 'block', self.poses.tcp() @ tcp_from_object, np.array([size] * 3)
            )
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

    # Motions -------------------------------------------------------------------------------------

    def rise(self, items: Sequence[Item], height: float | None = None) -> list[Straight]:
        """Straight up first, where the tool is low among things."""
        tcp = self.poses.tcp()
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
        up = raised(self.poses.tcp(), self.poses.tcp()[2, 3] + self._config.hover)
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
        watch = ForceWatch(
            self.held.item.name if self.held is not None else '',
            self.hand.holds,
            push_limit,
            pull_limit,
            most=max(push_limit, self.robot.gripper().force + self._config.contact_force),
        )
        with call.phases.moving():
            ended = self.robot.execute(
                trajectory, call.check, lambda reading: watch.ends(reading) or until(reading)
            )
        if watch.error is not None:
            if self.held is not None and not self.holds():
                self.abandon()
            raise watch.error
        return ended
