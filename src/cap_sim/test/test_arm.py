"""The arm's controller on the simulated arm, under gravity."""

import re
import threading

import numpy as np
import pytest

from cap_sim.arm import MotionState
from cap_sim.layout import ObjectSpec

FAR = np.array([2.0, 0.3, -0.5, -1.0, 2.0, -2.0])
# Rest to rest by a cubic, peaking at the joints' limit of pi rad/s.
FASTEST_S = 1.5 * 2.0 / np.pi


def test_it_tracks_below_2_milliradians_at_full_speed(bench):
    cell = bench()
    motion = cell.finish(cell.move_joints(cell.state.q + FAR, FASTEST_S))
    assert motion.state is MotionState.SUCCEEDED
    assert cell.worst_error < 0.002


def test_it_holds_still_under_gravity(bench):
    cell = bench()
    before = cell.state.q
    cell.cell.step(1000)
    np.testing.assert_allclose(cell.state.q, before, atol=1e-6)


def test_a_brake_at_full_speed_stops_on_the_path_within_half_a_second(bench):
    cell = bench()
    motion = cell.move_joints(cell.state.q + FAR, FASTEST_S)
    cell.cell.step(240)
    assert np.abs(cell.state.qd).max() > 3.0
    start = cell.cell.time_s
    cell.cell.brake(motion)
    speeds = []
    while not motion.ended.is_set():
        cell.cell.step(1)
        speeds.append(np.abs(cell.state.qd).max())
        # On the path, all joints have gone the same part of their way.
        parts = (cell.cell.reference().q - motion.trajectory.at(0.0).q) / FAR
        assert np.ptp(parts) < 1e-6
    assert motion.state is MotionState.CANCELED
    assert cell.cell.time_s - start < 0.5
    # 8 rad/s^2 asked for; what it takes to keep to the path comes on top.
    assert np.abs(np.diff(speeds)).max() / 0.002 < 16.0
    cell.cell.step(50)
    rest = cell.state.q
    cell.cell.step(500)
    np.testing.assert_allclose(cell.state.q, rest, atol=1e-4)


@pytest.mark.parametrize('steps', [50, 150, 250, 350, 450, 550])
def test_a_brake_takes_as_long_as_told_wherever_on_the_path_it_begins(bench, steps):
    cell = bench()
    motion = cell.move_joints(cell.state.q + FAR, FASTEST_S + 0.3)
    cell.cell.step(steps)
    speed, start = np.abs(cell.state.qd).max(), cell.cell.time_s
    cell.cell.brake(motion)
    while not motion.ended.is_set():
        cell.cell.step(1)
    assert cell.cell.time_s - start == pytest.approx(speed / 8.0, abs=0.01)
    cell.cell.step(20)
    assert np.abs(cell.state.qd).max() < 0.01


def test_a_brake_waits_for_no_step_that_is_under_way(bench):
    cell = bench()
    motion = cell.move_joints(cell.state.q + FAR, FASTEST_S)
    cell.cell.step(100)
    with cell.cell._lock:  # as by the thread of the physics
        other = threading.Thread(target=cell.cell.brake, args=(motion,), daemon=True)
        other.start()
        other.join(10.0)
        assert not other.is_alive()
        assert motion.state is MotionState.RUNNING
    cell.cell.step(500)
    assert motion.state is MotionState.CANCELED


def test_a_canceled_motion_is_canceled_even_if_another_takes_over_at_once(bench):
    cell = bench()
    first = cell.move_joints(cell.state.q + FAR, FASTEST_S)
    cell.cell.step(100)
    cell.cell.brake(first)
    second = cell.move_joints(cell.state.q, FASTEST_S)
    assert first.state is MotionState.CANCELED
    cell.cell.step(10)
    assert second.state is MotionState.RUNNING


def test_a_newer_motion_takes_over_without_a_jump(bench):
    cell = bench()
    first = cell.move_joints(cell.state.q + FAR, FASTEST_S)
    cell.cell.step(200)
    speed = cell.state.qd
    second = cell.move_joints(cell.state.q, 1.5)
    assert first.state is MotionState.PREEMPTED
    assert first.ended.is_set()
    cell.cell.step(1)
    np.testing.assert_allclose(cell.state.qd, speed, atol=0.1)
    assert cell.finish(second).state is MotionState.SUCCEEDED


def test_an_arm_that_is_kept_from_its_path_stops_and_says_which_joint(bench):
    cell = bench(ObjectSpec('bowl', 'red', (0.3, -0.7)))
    cell.tool_down(0.5, 0.0, 0.15, 1.5)
    through_the_table = cell.state.q + np.array([0.0, 0.9, 0.0, 0.0, 0.0, 0.0])
    motion = cell.finish(cell.move_joints(through_the_table, 2.0, path_rad=0.03))
    assert motion.state is MotionState.PATH_TOLERANCE
    assert re.fullmatch(r'\w+_joint is 0\.03\d rad from its path', motion.text)


@pytest.mark.parametrize(
    ('path_rad', 'state'),
    [
        (0.03, MotionState.PATH_TOLERANCE),
        (np.inf, MotionState.GOAL_TOLERANCE),
        (np.inf, MotionState.CANCELED),
    ],
)
def test_a_jammed_arm_lets_go_and_drives_home(bench, path_rad, state):
    cell = bench()
    home = cell.state.q
    cell.tool_down(0.5, 0.0, 0.15, 1.5)
    through_the_table = cell.state.q + np.array([0.0, 0.9, 0.0, 0.0, 0.0, 0.0])
    jammed = cell.move_joints(through_the_table, 2.0, path_rad)
    if state is MotionState.CANCELED:
        cell.cell.step(900)
        cell.cell.brake(jammed)
    assert cell.finish(jammed).state is state
    cell.cell.step(250)
    np.testing.assert_allclose(cell.cell.reference().q, cell.state.q, atol=0.03)
    assert cell.finish(cell.move_joints(home, 2.0)).state is MotionState.SUCCEEDED


def test_a_reset_ends_the_motion(bench):
    cell = bench()
    motion = cell.move_joints(cell.state.q + FAR, FASTEST_S)
    cell.cell.step(100)
    cell.cell.reset(cell.cell.layout)
    assert motion.state is MotionState.FAULT
    assert motion.ended.is_set()
