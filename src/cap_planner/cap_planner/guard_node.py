"""guard_node: the latched stop and the motion lease, in a process of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState

from cap_common.awake import awake_s
from cap_common.ears import Ears
from cap_common.heartbeat import PERIOD_S, STEADY, Beat, BeatMonitor
from cap_common.parameters import load_parameters
from cap_common.qos import BEAT, SENSOR
from cap_common.spin import run_node
from cap_interfaces.msg import Lease
from cap_interfaces.srv import Resume, Stop
from cap_planner.goal_canceler import GoalCanceler
from cap_planner.guard import LeaseState, MotionLease, StandstillJudge, StopState, stop_verdict
from cap_planner.guard_latch import StopFile

_CANCEL_PERIOD_S = 0.25


@dataclass(frozen=True)
class GuardParameters:
    """See config/guard.yaml."""

    watched_nodes: tuple[str, ...]
    canceled_actions: tuple[str, ...]
    beat_timeout_s: float
    stop_deadline_s: float
    still_rad_s: float
    still_hold_s: float
    joint_state_silence_s: float
    stop_file: str


class GuardNode(Node):
    """Beats the lease; while it is not granted, cancels all goals on skills and controller."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('guard', **kwargs)
        self._settings = p = load_parameters(self, GuardParameters)
        self._lock = threading.Lock()
        self._stop_file = StopFile(Path(p.stop_file) if p.stop_file else None)
        # Held over what the lease and the file are told together; before _lock, never after it.
        self._latching = threading.Lock()
        self._lease = MotionLease(p.watched_nodes, self._stop_file.read())
        self._tell_latch()
        self._standstill = StandstillJudge(p.still_rad_s, p.still_hold_s, p.joint_state_silence_s)
        self._ears = Ears(self)
        self._beats = BeatMonitor(self._ears.listen, lambda _: self._renew())
        self._ears.listen(JointState, 'joint_states', self._on_joint_state, SENSOR)
        self._cancelers = [
            GoalCanceler(self, self._ears.listen, action) for action in p.canceled_actions
        ]
        self._canceled_at = 0.0
        self._sequence = 0
        self._renewing = threading.Lock()
        self._publisher = self.create_publisher(Lease, 'lease', BEAT)
        self._beat = Beat(self)
        self._ears.start()
        self.create_timer(
            PERIOD_S,
            self._renew,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=STEADY,
        )
        waiting = ReentrantCallbackGroup()
        self.create_service(Stop, 'stop', self._on_stop, callback_group=waiting)
        self.create_service(Resume, 'resume', self._on_resume, callback_group=waiting)

    def close(self) -> None:
        """End the threads."""
        self._ears.close()
        self._beats.close()

    def _tell_latch(self) -> None:
        if not self._settings.stop_file:
            self.get_logger().warning('stop_file is not set: a stop ends with this process')
        if self._lease.stop_reason:
            self.get_logger().warning(f'still in force: {self._lease.stop_reason}')

    def _on_joint_state(self, message: JointState) -> None:
        with self._lock:
            self._standstill.observe(awake_s(), tuple(message.velocity))

    def _renew(self) -> None:
        """Look for every watched node and say what that means: 20 times a second, and at once
        when the process of one ends.
        """
        with self._renewing:
            with self._lock:
                before = self._lease.status
                status = self._lease.observe(self._lost_nodes())
            if status.state is not LeaseState.GRANTED:
                self._keep_canceling(anew=before.state is LeaseState.GRANTED)
            self._sequence += 1
            self._publisher.publish(
                Lease(
                    state=int(status.state),
                    why=status.why,
                    silent=status.silent,
                    sequence=self._sequence,
                )
            )
        if status.state != before.state:
            self.get_logger().info(f'lease {status.state.name.lower()}: {status.why or "all beat"}')

    def _lost_nodes(self) -> dict[str, str]:
        found = {
            name: self._beats.lost(name, self._settings.beat_timeout_s)
            for name in self._settings.watched_nodes
        }
        return {name: why for name, why in found.items() if why}

    def _keep_canceling(self, *, anew: bool) -> None:
        """Now and then, for as long as something moves or a goal may not have ended."""
        due = time.monotonic() - self._canceled_at >= _CANCEL_PERIOD_S
        if anew or (due and self._verdict()[0] is not StopState.STOPPED):
            self._cancel_everything(anew=anew)

    def _cancel_everything(self, *, anew: bool) -> None:
        self._canceled_at = time.monotonic()
        for canceler in self._cancelers:
            canceler.cancel(anew=anew)

    def _verdict(self) -> tuple[StopState, str]:
        with self._lock:
            joints = self._standstill.state(awake_s())
        return stop_verdict(
            joints,
            [c.action for c in self._cancelers if c.has_goals],
            [c.action for c in self._cancelers if not c.is_answered],
        )

    def _on_stop(self, request: Stop.Request, response: Stop.Response) -> Stop.Response:
        with self._lock:
            self._lease.stop(request.who, request.why)
            why = self._lease.status.why
        self._cancel_everything(anew=True)
        self._renew()
        self.get_logger().warning(why)
        deadline = time.monotonic() + self._settings.stop_deadline_s
        # Not before, nor in this thread: neither motion nor the answer may wait for a disk.
        unkept: list[str] = []
        keeper = threading.Thread(target=lambda: unkept.append(self._keep_stop()), daemon=True)
        keeper.start()
        pause = threading.Event()
        # A skill between two motions stands still too: give the lease the time to reach it.
        pause.wait(2 * PERIOD_S)
        state, response.why = self._verdict()
        while state is not StopState.STOPPED and time.monotonic() < deadline:
            pause.wait(0.02)
            state, response.why = self._verdict()
        keeper.join(max(0.0, deadline - time.monotonic()))
        response.state = int(state)
        response.why += unkept[0] if unkept else '; it is not on the disk yet'
        return response

    def _keep_stop(self) -> str:
        """Put the stop on the disk, unless `resume` came first. Returns why it is not there."""
        with self._latching:
            with self._lock:
                reason = self._lease.stop_reason
            if reason is None:
                return ''
            try:
                self._stop_file.write(reason)
            except OSError as error:
                self.get_logger().error(f'cannot keep the stop: {error}')
                return f'; but it would end with the guard, for it cannot be kept: {error}'
        return ''

    def _on_resume(self, request: Resume.Request, response: Resume.Response) -> Resume.Response:
        with self._latching:
            with self._lock:
                status = self._lease.resume()
            left = ''
            try:
                self._stop_file.remove()
            except OSError as error:
                left = f'; a guard that is started again will be stopped: {error}'
                self.get_logger().error(left[2:])
        self.get_logger().info(f'resume by {request.who or "somebody"}: {status.state.name}')
        response.resumed = status.state is LeaseState.GRANTED
        response.why = status.why + left
        return response


def main() -> int:
    """Entry point."""
    return run_node(GuardNode)
