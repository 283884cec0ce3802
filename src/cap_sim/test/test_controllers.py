"""The controllers in front of a cell whose time goes on only when a test steps it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory, GripperCommand
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future
from trajectory_msgs.msg import JointTrajectoryPoint

from cap_common.action_client import OrderedActionClient
from cap_common.domain import free_domain_id
from cap_description import ARM_JOINTS
from cap_sim import controllers
from cap_sim.arm import Motion
from cap_sim.controllers import GripperController, TrajectoryController
from cap_sim.layout import ObjectSpec
from cap_sim.parameters import Parameters
from cap_sim.trajectory import MAX_POINTS

pytestmark = pytest.mark.system
DEADLINE_S = 60.0


class Bed:
    """The cell, both servers and their clients in one process."""

    def __init__(self, bench: Any, parameters: Parameters) -> None:
        self.bench = bench
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=free_domain_id())
        self._node = Node('bed', context=self._context)
        self._servers = (
            TrajectoryController(self._node, bench.cell, parameters),
            GripperController(self._node, bench.cell),
        )
        self._arm = OrderedActionClient(
            self._node,
            FollowJointTrajectory,
            'joint_trajectory_controller/follow_joint_trajectory',
        )
        self._gripper = OrderedActionClient(self._node, GripperCommand, 'gripper_cmd')
        self._executor = MultiThreadedExecutor(4, context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._executor.shutdown(timeout_sec=1.0)
        rclpy.shutdown(context=self._context)
        self._thread.join(DEADLINE_S)

    def turn(self, points: int, angle: float, seconds: float) -> Any:
        return self.finish(self.begin_turn(points, angle, seconds).get_result_async())

    def begin_turn(self, points: int, angle: float, seconds: float) -> Any:
        goal = FollowJointTrajectory.Goal()
        goal.trajectory.joint_names = list(ARM_JOINTS)
        start = self.bench.state.q
        for part in np.linspace(0.0, 1.0, points + 1)[1:]:
            at = Duration(sec=int(part * seconds), nanosec=int(part * seconds % 1 * 1e9))
            turned = start + part * np.array([angle, 0, 0, 0, 0, 0])
            goal.trajectory.points.append(
                JointTrajectoryPoint(positions=turned.tolist(), time_from_start=at)
            )
        return self._send(self._arm, goal)

    def hold_back(self, until: threading.Event) -> None:
        """Answer goals of the arm at once, and take them up no sooner than told."""
        controller = self._servers[0]

        def late(handle: Any) -> None:
            assert until.wait(DEADLINE_S)
            controller._accept(handle)

        controller._server.register_handle_accepted_callback(late)

    def step_until(self, condition: Callable[[], bool]) -> None:
        """Let simulated time go on until something is so."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f'not in {DEADLINE_S:g} s'
            self.bench.cell.step(1)

    def grip(self, position: float) -> Any:
        return self.finish(self.begin_grip(position))

    def begin_grip(self, position: float, effort: float = 0.0) -> Future:
        goal = GripperCommand.Goal()
        goal.command.position, goal.command.max_effort = position, effort
        return self._send(self._gripper, goal).get_result_async()

    def _send(self, client: OrderedActionClient, goal: Any) -> Any:
        assert client.wait_for_server(DEADLINE_S)
        handle = self.finish(client.send_goal_async(goal))
        assert handle.accepted
        return handle

    def finish(self, future: Future) -> Any:
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        assert done.wait(DEADLINE_S), 'no answer'
        return future.result()


@pytest.fixture
def bed(bench: Callable[..., Any], parameters: Parameters) -> Iterator[Bed]:
    bed = Bed(bench(), parameters)
    yield bed
    bed.close()


def test_a_motion_of_a_dead_simulation_does_not_go_on_when_it_lives_again(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controllers, '_STILL_S', 0.1)
    start = bed.bench.state.q
    response = bed.turn(1, angle=1.0, seconds=2.0)
    assert response.status == GoalStatus.STATUS_ABORTED
    assert 'stands still' in response.result.error_string
    bed.bench.cell.step(1500)
    np.testing.assert_allclose(bed.bench.state.q, start, atol=0.05)


def test_a_canceled_motion_brakes_from_the_next_step_on(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controllers, '_POLL_S', DEADLINE_S)
    handle = bed.begin_turn(1, angle=1.0, seconds=2.0)
    # The goal's answer comes before the motion.
    bed.step_until(lambda: bed.bench.state.qd[0] > 0.1)
    bed.bench.cell.step(250)
    speed = bed.bench.state.qd[0]
    assert speed > 0.3
    bed.finish(handle.cancel_goal_async())
    bed.bench.cell.step(15)
    assert bed.bench.state.qd[0] < speed - 0.1
    bed.bench.cell.step(100)
    response = bed.finish(handle.get_result_async())
    assert response.status == GoalStatus.STATUS_CANCELED
    assert abs(bed.bench.state.qd[0]) < 0.02


def test_a_cancel_that_comes_before_the_motion_brakes_it(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controllers, '_STILL_S', np.inf)
    start = bed.bench.state.q
    braked, canceled = threading.Event(), threading.Event()
    brake = bed.bench.cell.brake

    def noted(motion: Motion) -> None:
        brake(motion)
        braked.set()

    monkeypatch.setattr(bed.bench.cell, 'brake', noted)
    bed.hold_back(canceled)
    handle = bed.begin_turn(1, angle=1.0, seconds=2.0)
    bed.finish(handle.cancel_goal_async())
    assert not braked.is_set()
    canceled.set()
    assert braked.wait(DEADLINE_S), 'the motion goes on'
    bed.bench.cell.step(100)
    response = bed.finish(handle.get_result_async())
    assert response.status == GoalStatus.STATUS_CANCELED
    np.testing.assert_allclose(bed.bench.state.q, start, atol=0.02)


def test_more_points_than_it_checks_in_time_are_refused(bed: Bed) -> None:
    response = bed.turn(MAX_POINTS + 1, angle=0.1, seconds=100.0)
    assert response.result.error_code == FollowJointTrajectory.Result.INVALID_GOAL
    assert f'{MAX_POINTS} are the most' in response.result.error_string


@pytest.mark.parametrize('position', [float('nan'), float('inf')])
def test_a_command_that_is_no_number_lets_go_of_nothing(bed: Bed, position: float) -> None:
    bed.bench.cell.grip(0.0)
    assert bed.grip(position).status == GoalStatus.STATUS_ABORTED
    assert bed.bench.cell._tool._on


def test_fingers_tell_where_they_stopped_and_how_hard_they_press(
    bench: Callable[..., Any], parameters: Parameters
) -> None:
    cell = bench(ObjectSpec('block', 'red', (0.0, -0.5)), tool='jaw')
    cell.tool_down(0.5, 0.0, 0.1, 1.5)
    cell.tool_down(0.5, 0.0, 0.022, 1.0)
    bed = Bed(cell, parameters)
    try:
        results = []
        for position, effort in ((0.06, 0.0), (0.0, 25.0), (0.085, 0.0)):
            future = bed.begin_grip(position, effort)
            bed.step_until(future.done)
            results.append(future.result().result)
    finally:
        bed.close()
    opened, closed, apart = results
    assert opened.position == pytest.approx(0.06, abs=3e-4)
    assert (opened.stalled, opened.reached_goal) == (False, True)
    assert closed.position == pytest.approx(0.04, abs=5e-4)
    assert closed.effort == pytest.approx(25.0, rel=0.05)
    assert (closed.stalled, closed.reached_goal) == (True, True)
    assert apart.position == pytest.approx(0.085, abs=3e-4)
