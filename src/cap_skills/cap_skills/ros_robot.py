"""Robot over ROS interfaces: joint states, trajectory controller, gripper and its sensors."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory, GripperCommand
from geometry_msgs.msg import WrenchStamped
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import FluidPressure, JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from cap_common.action_client import OrderedActionClient
from cap_common.awake import awake_s
from cap_common.ears import Ears
from cap_common.errors import RobotFaultError, SkillTimeoutError, StoppedError
from cap_common.qos import SENSOR
from cap_description.cell import ARM_JOINTS
from cap_skills.model import GripperReading, Joints, Trajectory
from cap_skills.robot import Check, Until

_POLL_S = 0.01
_ACCEPT_S = 2.0
# A canceled motion brakes within this.
_BRAKE_S = 2.0
# After someone else canceled the motion, the lease that says why may be on its way.
_WHY_S = 0.3
_TRAJECTORY_ACTION = 'joint_trajectory_controller/follow_joint_trajectory'
_GRIPPER_ACTION = 'gripper_cmd'


class RosRobot:
    """Conforms to Robot. Called from a thread that is not the executor's only one.

    A reading that is no number counts as none: a sensor that sends no others is a silent one.

    Args:
        ears: where it listens to the sensors.
        silence_s: by the clock of awake.py; older joint states or gripper readings are a fault.
        slowest: of simulated to steady time; deadlines of motions are stretched by its inverse.
        has_cup: whether there is a vacuum to listen to.
        fingers: travel of a jaw's joints from open, 0, to closed [m], by name.
    """

    def __init__(
        self,
        node: Node,
        ears: Ears,
        silence_s: float,
        slowest: float,
        has_cup: bool = True,
        fingers: Mapping[str, float] | None = None,
    ) -> None:
        self._clock = ears.clock
        self._silence_s = silence_s
        self._stretch = 1.0 / slowest
        self._news = threading.Condition()
        self._joints: Joints | None = None
        self._force = self._pressure = self._opening = math.nan
        listened: list[tuple[Any, str, Any]] = [
            (JointState, 'joint_states', self._on_joints),
            (WrenchStamped, 'gripper/wrench', self._on_wrench),
        ]
        if has_cup:
            listened.append((FluidPressure, 'gripper/vacuum', self._on_vacuum))
        self._fingers = dict(fingers or {})
        # Its opening comes with the joint states.
        self._gripper_topics = [
            topic for _, topic, _ in listened if self._fingers or topic != 'joint_states'
        ]
        self._heard = dict.fromkeys([topic for _, topic, _ in listened], -np.inf)
        for kind, topic, callback in listened:
            ears.listen(kind, topic, callback, SENSOR)
        self._gripping: Future | None = None
        self._planned = node.create_publisher(JointTrajectory, 'planned_trajectory', 10)
        clients = ReentrantCallbackGroup()
        self._follow = OrderedActionClient(
            node, FollowJointTrajectory, _TRAJECTORY_ACTION, callback_group=clients
        )
        self._grip = OrderedActionClient(
            node, GripperCommand, _GRIPPER_ACTION, callback_group=clients
        )

    def wake(self) -> None:
        """Whoever waits asks its check now."""
        with self._news:
            self._news.notify_all()

    def heard_all(self) -> bool:
        """Whether every sensor has spoken at least once."""
        with self._news:
            return all(np.isfinite(at) for at in self._heard.values())

    def joints(self) -> Joints:
        """See Robot."""
        with self._news:
            self._require_heard('joint_states')
            assert self._joints is not None
            return self._joints.copy()

    def gripper(self) -> GripperReading:
        """See Robot."""
        with self._news:
            for topic in self._gripper_topics:
                self._require_heard(topic)
            return GripperReading(self._force, self._pressure, self._opening)

    def execute(self, trajectory: Trajectory, check: Check, until: Until | None = None) -> bool:
        """See Robot."""
        check()
        goal = FollowJointTrajectory.Goal()
        goal.trajectory.joint_names = list(ARM_JOINTS)
        goal.trajectory.points = _points(trajectory)
        if self._planned.get_subscription_count():  # for people and for measurements
            self._planned.publish(goal.trajectory)
        handle = self._send(self._follow, _TRAJECTORY_ACTION, goal, check)
        result = handle.get_result_async()
        deadline = time.monotonic() + trajectory.duration * self._stretch + 2.0
        try:
            while not result.done():
                check()
                if until is not None and until(self.gripper()):
                    self._brake(handle, result)
                    return True
                if time.monotonic() > deadline:
                    raise SkillTimeoutError(
                        f'a motion of {trajectory.duration:.1f} s has not ended in time'
                    )
                self._wait_news(result)
        except BaseException:
            self._brake(handle, result)
            raise
        self._judge(result.result(), check)
        self._next_joints()
        return bool(until is not None and until(self.gripper()))

    def grip(self, opening: float, effort: float = 0.0) -> None:
        """See Robot."""
        goal = GripperCommand.Goal()
        goal.command.position, goal.command.max_effort = opening, effort
        handle = self._send(self._grip, _GRIPPER_ACTION, goal, lambda: None)
        self._gripping = handle.get_result_async()

    def gripped(self, timeout_s: float, check: Check) -> bool:
        """See Robot."""
        gripping = self._gripping
        if gripping is None:
            return True
        self._wait_until(gripping.done, timeout_s, check)
        if gripping.done():
            self._next_joints()
        return bool(gripping.done())

    def wait(self, until: Until, timeout_s: float, check: Check) -> bool:
        """See Robot."""
        return self._wait_until(lambda: until(self.gripper()), timeout_s, check)

    # The middleware's side -----------------------------------------------------------------------

    def _on_joints(self, message: JointState) -> None:
        # One without positions is allowed, and no news; names beyond them are none either.
        positions = dict(zip(message.name, message.position, strict=False))
        joints = np.array([positions.get(name, np.nan) for name in ARM_JOINTS])
        if not np.all(np.isfinite(joints)):
            return
        opening = math.nan
        if self._fingers:
            # One that mimics the other has no encoder.
            told = [positions[name] for name in self._fingers if name in positions]
            closed = sum(told) * len(self._fingers) / len(told) if told else math.nan
            opening = sum(self._fingers.values()) - closed
            if not math.isfinite(opening):
                return
        with self._news:
            self._joints, self._opening = joints, opening
            self._heard['joint_states'] = awake_s()
            self._news.notify_all()

    def _on_wrench(self, message: WrenchStamped) -> None:
        # What acts on the cup from outside, in tcp, whose z points out of the tool.
        force = -message.wrench.force.z
        if not math.isfinite(force):
            return
        with self._news:
            self._force = force
            self._heard['gripper/wrench'] = awake_s()
            self._news.notify_all()

    def _on_vacuum(self, message: FluidPressure) -> None:
        if not math.isfinite(message.fluid_pressure):
            return
        with self._news:
            self._pressure = message.fluid_pressure
            self._heard['gripper/vacuum'] = awake_s()
            self._news.notify_all()

    def _require_heard(self, topic: str) -> None:
        age = awake_s() - self._heard[topic]
        if age > self._silence_s:
            said = 'has never come' if np.isinf(age) else f'is silent since {age:.1f} s'
            raise RobotFaultError(f'{topic!r} {said}: is the robot running?')

    def _send(self, client: OrderedActionClient, name: str, goal: Any, check: Check) -> Any:
        if not client.server_is_ready() and not client.wait_for_server(timeout_sec=_ACCEPT_S):
            raise RobotFaultError(f'action {name!r} has no server: is the robot running?')
        sent = client.send_goal_async(goal)
        try:
            self._finish(sent, _ACCEPT_S, check)
        except BaseException:
            sent.add_done_callback(_cancel_late)
            raise
        if not sent.done():
            sent.add_done_callback(_cancel_late)
            raise RobotFaultError(f'{name!r} did not answer in {_ACCEPT_S:g} s')
        handle = sent.result()
        if handle is None or not handle.accepted:
            raise RobotFaultError(f'{name!r} refused the goal')
        return handle

    def _finish(self, future: Future, timeout_s: float, check: Check = lambda: None) -> None:
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        deadline = time.monotonic() + timeout_s
        while not done.wait(_POLL_S) and time.monotonic() < deadline:
            check()

    def _brake(self, handle: Any, result: Future) -> None:
        """End a motion now, and return when the arm stands."""
        if not result.done():
            handle.cancel_goal_async()
            self._finish(result, _BRAKE_S)
            if not result.done():
                raise RobotFaultError(
                    f'the controller did not end a canceled motion in {_BRAKE_S:g} s'
                )
        self._next_joints()

    def _judge(self, response: Any, check: Check) -> None:
        if response.status == GoalStatus.STATUS_SUCCEEDED:
            return
        if response.status == GoalStatus.STATUS_CANCELED:
            deadline = time.monotonic() + _WHY_S
            while time.monotonic() < deadline:
                check()
                self._wait_news()
            raise StoppedError('the motion was canceled at the controller by someone else')
        raise RobotFaultError(
            'the controller gave the motion up: '
            f'{response.result.error_string or "no reason given"} '
            f'(error code {response.result.error_code})'
        )

    def _next_joints(self) -> None:
        """Wait for a joint state from after now: the next motion starts where the arm stands."""
        with self._news:
            since = awake_s()
            self._news.wait_for(lambda: self._heard['joint_states'] > since, self._silence_s)

    def _wait_until(self, done: Callable[[], bool], timeout_s: float, check: Check) -> bool:
        """Wait for so long, in ROS time; by the steady clock where that does not go on."""
        clock = self._clock
        end = clock.now().nanoseconds + timeout_s * 1e9
        deadline = time.monotonic() + timeout_s * self._stretch + 1.0
        while not done():
            check()
            if clock.now().nanoseconds > end or time.monotonic() > deadline:
                return False
            self._wait_news()
        return True

    def _wait_news(self, result: Future | None = None) -> None:
        with self._news:
            if result is None or not result.done():
                self._news.wait(_POLL_S)


def _cancel_late(future: Future) -> None:
    handle: Any = future.result()
    if handle is not None and handle.accepted:
        handle.cancel_goal_async()


def _points(trajectory: Trajectory) -> list[JointTrajectoryPoint]:
    points = []
    rows = zip(
        trajectory.times.tolist(),
        trajectory.positions.tolist(),
        trajectory.velocities.tolist(),
        strict=True,
    )
    for at, positions, velocities in rows:
        sec = int(at)
        points.append(
            JointTrajectoryPoint(
                positions=positions,
                velocities=velocities,
                time_from_start=Duration(sec=sec, nanosec=int((at - sec) * 1e9)),
            )
        )
    return points
