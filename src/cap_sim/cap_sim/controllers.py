"""The action servers of the arm and of the gripper, as ros2_control's controllers offer them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory, GripperCommand
from control_msgs.msg import JointTolerance
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory

from cap_description import ARM_JOINTS
from cap_sim.arm import Motion, MotionState, Tolerances
from cap_sim.cell import Cell
from cap_sim.convert import time_message
from cap_sim.parameters import Parameters
from cap_sim.trajectory import (
    PreparedTrajectory,
    TrajectoryError,
    Vector,
    Waypoint,
)

_POLL_S = 0.02
_FEEDBACK_S = 0.1
# An accepted cancellation is noted within this.
_NOTED_S = 1.0
# The simulation has died when its time stands still for so long [s].
_STILL_S = 5.0
# How long the gripper may take, in simulated time [s].
_GRIP_S = 1.5


class StoodStillError(RuntimeError):
    """Simulated time does not go on."""


class SimulatedWait:
    """Bounds a wait: by simulated time where it goes on, by the steady clock where it does not."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self.started_s = self._time_s = cell.time_s
        self._seen = time.monotonic()

    def elapsed_s(self) -> float:
        """Simulated seconds since it began.

        Raises:
            StoodStillError: for 5 real seconds there were none.
        """
        now, time_s = time.monotonic(), self._cell.time_s
        if time_s != self._time_s:
            self._time_s, self._seen = time_s, now
        elif now - self._seen > _STILL_S:
            raise StoodStillError(f'the simulation stands still at {time_s:.3f} s')
        return time_s - self.started_s


class TrajectoryController:
    """joint_trajectory_controller/follow_joint_trajectory.

    A goal that cannot run is accepted and aborted, so that its result can say why.
    """

    def __init__(self, node: Node, cell: Cell, parameters: Parameters) -> None:
        self._cell, self._parameters = cell, parameters
        self._lock = threading.Lock()
        self._motions: dict[bytes, Motion | TrajectoryError] = {}
        self._server = ActionServer(
            node,
            FollowJointTrajectory,
            'joint_trajectory_controller/follow_joint_trajectory',
            execute_callback=self._execute,
            handle_accepted_callback=self._accept,
            cancel_callback=self._cancel,
            callback_group=ReentrantCallbackGroup(),
        )

    def _accept(self, handle: ServerGoalHandle) -> None:
        """Start the motion at once: goals take over in the order in which they came."""
        with self._lock:
            try:
                started: Motion | TrajectoryError = self._start(handle.request)
            except TrajectoryError as error:
                started = error
            self._motions[bytes(handle.goal_id.uuid)] = started
        handle.execute()

    def _cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        """Brake at once: the thread that waits for the motion's end has yet to wake."""
        with self._lock:
            motion = self._motions.get(bytes(handle.goal_id.uuid))
        if isinstance(motion, Motion):
            self._cell.brake(motion)
        return CancelResponse.ACCEPT

    def _start(self, goal: FollowJointTrajectory.Goal) -> Motion:
        tolerances = self._tolerances(goal)
        prepared = PreparedTrajectory(
            goal.trajectory.joint_names,
            _waypoints(goal.trajectory),
            self._cell.limits,
            self._parameters.start_tolerance_rad,
        )
        return self._cell.follow(prepared.join, tolerances)

    def _tolerances(self, goal: FollowJointTrajectory.Goal) -> Tolerances:
        late = _seconds(goal.goal_time_tolerance)
        return Tolerances(
            _tolerance(goal.path_tolerance, self._parameters.path_tolerance_rad),
            _tolerance(goal.goal_tolerance, self._parameters.goal_tolerance_rad),
            late if late > 0.0 else self._parameters.goal_time_tolerance_s,
        )

    def _execute(self, handle: ServerGoalHandle) -> FollowJointTrajectory.Result:
        goal_id = bytes(handle.goal_id.uuid)
        with self._lock:
            motion = self._motions[goal_id]
        try:
            return self._result(handle, motion)
        finally:
            with self._lock:
                del self._motions[goal_id]

    def _result(
        self, handle: ServerGoalHandle, motion: Motion | TrajectoryError
    ) -> FollowJointTrajectory.Result:
        result = FollowJointTrajectory.Result()
        if isinstance(motion, TrajectoryError):
            result.error_code = result.INVALID_JOINTS if motion.names else result.INVALID_GOAL
            result.error_string = str(motion)
            handle.abort()
            return result
        self._watch(handle, motion)
        result.error_string = motion.text
        result.error_code = {
            MotionState.SUCCEEDED: result.SUCCESSFUL,
            MotionState.CANCELED: result.SUCCESSFUL,
            MotionState.PATH_TOLERANCE: result.PATH_TOLERANCE_VIOLATED,
            MotionState.GOAL_TOLERANCE: result.GOAL_TOLERANCE_VIOLATED,
        }.get(motion.state, result.INVALID_GOAL)
        if motion.state is MotionState.SUCCEEDED:
            handle.succeed()
        elif _is_canceled(handle, motion):
            handle.canceled()
        else:
            handle.abort()
        return result

    def _watch(self, handle: ServerGoalHandle, motion: Motion) -> None:
        """Until the motion has ended; a motion of a dead simulation ends as a fault."""
        wait = SimulatedWait(self._cell)
        fed_back = 0.0
        try:
            while not motion.ended.wait(_POLL_S):
                if handle.is_cancel_requested:
                    # One that came right after the goal's answer found no motion to brake yet.
                    self._cell.brake(motion)
                elapsed = wait.elapsed_s()
                if elapsed - fed_back >= _FEEDBACK_S:
                    fed_back = elapsed
                    handle.publish_feedback(self._feedback(elapsed))
        except StoodStillError as error:
            # Should it come back to life, nobody owns the motion any more.
            self._cell.brake(motion)
            motion.end(MotionState.FAULT, str(error))

    def _feedback(self, elapsed_s: float) -> FollowJointTrajectory.Feedback:
        state, reference = self._cell.state(), self._cell.reference()
        feedback = FollowJointTrajectory.Feedback(joint_names=list(ARM_JOINTS))
        feedback.header.stamp = time_message(state.time_s)
        since = time_message(elapsed_s)
        for point, q, qd in (
            (feedback.desired, reference.q, reference.qd),
            (feedback.actual, state.q, state.qd),
            (feedback.error, reference.q - state.q, reference.qd - state.qd),
        ):
            point.positions, point.velocities = q.tolist(), qd.tolist()
            point.time_from_start = Duration(sec=since.sec, nanosec=since.nanosec)
        return feedback


def _is_canceled(handle: ServerGoalHandle, motion: Motion) -> bool:
    """Whether the goal ends as canceled; rclpy notes so after the callback that brakes."""
    deadline = time.monotonic() + (_NOTED_S if motion.state is MotionState.CANCELED else 0.0)
    pause = threading.Event()
    while not handle.is_cancel_requested and time.monotonic() < deadline:
        pause.wait(1e-3)
    return bool(handle.is_cancel_requested)


class GripperController:
    """gripper_cmd; see Tool.command. It ends when the gripper is still, wherever that is."""

    def __init__(self, node: Node, cell: Cell) -> None:
        self._cell = cell
        self._server = ActionServer(
            node,
            GripperCommand,
            'gripper_cmd',
            execute_callback=self._execute,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def _execute(self, handle: ServerGoalHandle) -> GripperCommand.Result:
        command = handle.request.command
        if not math.isfinite(command.position) or not math.isfinite(command.max_effort):
            handle.abort()
            return GripperCommand.Result(position=command.position)
        self._cell.grip(command.position, command.max_effort)
        try:
            settled = self._wait(handle)
        except StoodStillError:
            handle.abort()
            return GripperCommand.Result(position=command.position)
        tool = self._cell.state().tool
        if handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.succeed()
        return GripperCommand.Result(
            position=command.position if math.isnan(tool.opening_m) else tool.opening_m,
            effort=tool.effort_n,
            stalled=tool.holding,
            reached_goal=settled,
        )

    def _wait(self, handle: ServerGoalHandle) -> bool:
        """Until the gripper is still, canceled, or late; returns whether it is still."""
        wait = SimulatedWait(self._cell)
        pause = threading.Event()
        while not self._cell.grip_settled():
            if wait.elapsed_s() > _GRIP_S or handle.is_cancel_requested:
                return False
            pause.wait(_POLL_S)
        return True


def _waypoints(trajectory: JointTrajectory) -> list[Waypoint]:
    return [
        Waypoint(
            _seconds(point.time_from_start),
            tuple(point.positions),
            tuple(point.velocities),
            tuple(point.accelerations),
        )
        for point in trajectory.points
    ]


def _tolerance(asked: Sequence[JointTolerance], default: float) -> Vector:
    """Per joint of the arm: the default where none or 0 is asked, none where it is negative."""
    values = dict.fromkeys(ARM_JOINTS, default)
    for tolerance in asked:
        if tolerance.name not in values:
            raise TrajectoryError(
                f'a tolerance names {tolerance.name!r}; the arm has {list(ARM_JOINTS)}', names=True
            )
        if not np.isfinite(tolerance.position):
            raise TrajectoryError(f'the tolerance of {tolerance.name} is not finite')
        if tolerance.position != 0.0:
            values[tolerance.name] = tolerance.position if tolerance.position > 0 else np.inf
    return np.array(list(values.values()))


def _seconds(duration: Duration) -> float:
    return float(duration.sec + duration.nanosec * 1e-9)
