"""Trajectories: interpolation and what is refused."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cap_description import ARM_JOINTS, cell_urdf, joint_limits
from cap_sim.trajectory import (
    MAX_POINTS,
    PreparedTrajectory,
    Reference,
    TrajectoryError,
    Waypoint,
)

LIMITS = {name: joint_limits(cell_urdf())[name] for name in ARM_JOINTS}
ZERO = np.zeros(6)
REST = Reference(ZERO, ZERO, ZERO)
STILL = (0.0,) * 6


def make(points, names=ARM_JOINTS, start=REST):
    return PreparedTrajectory(names, points, LIMITS, 0.05).join(start)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1.0, 1.0), min_size=12, max_size=12), st.booleans())
def test_it_passes_its_points_with_their_velocities(numbers, quintic):
    middle, end = numbers[:6], numbers[6:]
    extra = (STILL,) if quintic else ()
    points = [
        Waypoint(2.0, tuple(middle), (0.1,) * 6, *extra),
        Waypoint(4.0, tuple(end), STILL, *extra),
    ]
    trajectory = make(points)
    for time_s, q, qd in ((0.0, ZERO, ZERO), (2.0, middle, np.full(6, 0.1)), (4.0, end, ZERO)):
        at = trajectory.at(time_s)
        np.testing.assert_allclose(at.q, q, atol=1e-9)
        np.testing.assert_allclose(at.qd, qd, atol=1e-9)
    # The velocity is the derivative of the position, across the joint in the middle too.
    for time_s in np.linspace(0.01, 3.99, 50):
        before, after = trajectory.at(time_s - 1e-5), trajectory.at(time_s + 1e-5)
        np.testing.assert_allclose((after.q - before.q) / 2e-5, trajectory.at(time_s).qd, atol=1e-3)
    np.testing.assert_array_equal(trajectory.at(9.0).qd, ZERO)


def test_positions_alone_make_straight_lines():
    trajectory = make([Waypoint(2.0, (1.0,) * 6)])
    np.testing.assert_allclose(trajectory.at(0.5).q, 0.25)


def test_joints_may_come_in_any_order():
    names = list(reversed(ARM_JOINTS))
    trajectory = make([Waypoint(2.0, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), STILL)], names)
    np.testing.assert_allclose(trajectory.at(2.0).q, [0.6, 0.5, 0.4, 0.3, 0.2, 0.1])


def test_it_begins_where_the_arm_is_and_as_fast():
    moving = Reference(np.full(6, 0.02), np.full(6, 0.3), ZERO)
    points = [Waypoint(0.0, STILL, STILL), Waypoint(2.0, (0.5,) * 6, STILL)]
    at = make(points, start=moving).at(0.0)
    np.testing.assert_allclose(at.q, 0.02)
    np.testing.assert_allclose(at.qd, 0.3)


@pytest.mark.parametrize(
    ('points', 'text'),
    [
        ([], 'no points'),
        ([Waypoint(1.0, (0.0,) * 5)], '5 positions'),
        ([Waypoint(1.0, STILL, (0.0,))], '1 velocities'),
        ([Waypoint(1.0, (np.nan, *STILL[1:]))], 'not finite'),
        ([Waypoint(np.inf, STILL)], 'not finite'),
        ([Waypoint(1.0, STILL), Waypoint(1.0, STILL)], 'times must rise'),
        ([Waypoint(-1.0, STILL)], 'times must rise'),
        ([Waypoint(9.0, (7.0, *STILL[1:]))], 'shoulder_pan_joint at 7.000.*6.283'),
        ([Waypoint(9.0, (0.0, 0.0, 3.5, 0.0, 0.0, 0.0))], 'elbow_joint'),
        ([Waypoint(9.0, STILL, (4.0, *STILL[1:])), Waypoint(10.0, STILL, STILL)], '4.000 rad/s'),
        ([Waypoint(0.1, (1.0, *STILL[1:]))], 'would move at 10.000 rad/s'),
        # Its mean speed is below the limit, the speed of its middle is not.
        ([Waypoint(0.4, (1.0, *STILL[1:]), STILL)], 'would move at'),
        # Its points are within the limits; the swing between them is not.
        (
            [
                Waypoint(6.0, (6.28, *STILL[1:]), (3.0, *STILL[1:])),
                Waypoint(8.0, (6.28, *STILL[1:]), STILL),
            ],
            r'shoulder_pan_joint would be at 7\.1\d\d rad; its limits.*6\.283',
        ),
        # At each eighth of its way it is slow enough.
        (
            [
                Waypoint(1.0, STILL, STILL, STILL),
                Waypoint(2.0, (0.82, *STILL[1:]), STILL, (-43.7, *STILL[1:])),
            ],
            r'shoulder_pan_joint would move at 3\.4',
        ),
        ([Waypoint(0.01 * (i + 1), STILL) for i in range(MAX_POINTS + 1)], '10001 points'),
        ([Waypoint(0.0, (0.1, *STILL[1:])), Waypoint(1.0, STILL)], 'starts 0.100 rad from'),
        ([Waypoint(1.0, STILL, (0.5, *STILL[1:]))], 'last point has a velocity'),
    ],
)
def test_what_the_arm_cannot_do_is_refused_with_the_reason(points, text):
    with pytest.raises(TrajectoryError, match=text) as caught:
        make(points)
    assert not caught.value.names


@pytest.mark.parametrize('names', [ARM_JOINTS[:5], (*ARM_JOINTS[:5], 'gripper'), ()])
def test_wrong_joint_names_are_told_apart(names):
    with pytest.raises(TrajectoryError, match='wrist_3_joint') as caught:
        make([Waypoint(1.0, STILL)], names)
    assert caught.value.names


def test_only_the_way_to_the_first_point_waits_for_the_arm():
    points = [Waypoint(0.03 * (i + 1), STILL, STILL) for i in range(MAX_POINTS)]
    began = time.perf_counter()
    prepared = PreparedTrajectory(ARM_JOINTS, points, LIMITS, 0.05)
    preparing = time.perf_counter() - began
    joining = []
    for _ in range(5):  # the machine may have paused in one of them
        began = time.perf_counter()
        joined = prepared.join(REST)
        joining.append(time.perf_counter() - began)
    assert min(joining) < 0.1 * preparing
    assert joined.duration_s == pytest.approx(0.03 * MAX_POINTS)
