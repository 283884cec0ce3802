"""Recorded motions whose braking is known, because it was put there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline

from cap_bringup.braking import Plan, Sample, find_braking

RATE_S = 0.008
DECELERATION = 8.0
WALL_S = 1000.0  # of the wall's clock when simulated time is 0


def turn(start_s: float, angles: tuple[float, ...], acceleration: float = 7.0) -> Plan:
    """A plan that accelerates to the middle and decelerates from there, as hard as a brake does."""
    way = np.array(angles)
    half = np.sqrt(np.abs(way).max() / acceleration)
    times = np.append(np.arange(0.0, 2 * half, 0.02), 2 * half)
    share = times / half
    done = np.where(share < 1, share**2 / 2, 1 - (2 - share) ** 2 / 2)
    rate = np.where(share < 1, share, 2 - share) / half
    return Plan(WALL_S + start_s, times, np.outer(done, way), np.outer(rate, way))


def drive(plan: Plan, until_s: float, brake_s: float | None, noise: float = 0.0) -> list[Sample]:
    """The arm on its plan from the plan's own time on; from `brake_s` on it brakes on its path."""
    position = CubicHermiteSpline(plan.times, plan.positions, plan.velocities)
    velocity = position.derivative()
    at, rate, samples = 0.0, 1.0, []
    shaken = np.random.default_rng(0)
    start_s = plan.wall_s - WALL_S
    for time_s in np.arange(0.0, until_s, RATE_S):
        planned = velocity(at) if at < plan.times[-1] else np.zeros(6)
        q, qd = position(min(at, plan.times[-1])), rate * planned
        shake = noise * shaken.standard_normal(6) if np.abs(qd).max() > 0.05 else 0.0
        samples.append(Sample(WALL_S + time_s, float(time_s), q, qd + shake))
        if time_s >= start_s:
            if brake_s is not None and time_s >= brake_s:
                speed = max(float(np.abs(planned).max()), 1e-6)
                rate = max(0.0, rate - DECELERATION / speed * RATE_S)
            at += rate * RATE_S
    return samples


def test_a_plan_that_was_followed_has_no_braking():
    plan = turn(0.1, (1.5, -0.4, 0, 0, 0.2, 0))
    found = find_braking(drive(plan, 2.0, None, noise=0.004), [plan])
    assert found is not None
    assert found.planned
    assert found.seen is found.rest is found.left
    assert found.rest.time_s == pytest.approx(0.1 + plan.times[-1], abs=2 * RATE_S)


@settings(deadline=None, max_examples=40)
@given(
    # What brakes later comes to rest where the plan ends, and cannot be told from what followed it.
    share=st.floats(0.1, 0.85),
    way=st.tuples(*[st.floats(0.1, 0.6)] * 3),
    noise=st.sampled_from([0.0, 0.002]),
)
def test_braking_is_seen_wherever_in_the_plan_it_begins(share, way, noise):
    plan = turn(0.1, (way[0], -way[1], way[2], 0, 0, 0))
    brake_s = 0.1 + share * plan.times[-1]
    samples = drive(plan, brake_s + 1.5, brake_s, noise)
    found = find_braking(samples, [plan])
    assert found is not None
    assert not found.planned
    assert found.left.time_s <= brake_s + 1.5 * RATE_S
    assert found.left.time_s < found.seen.time_s
    assert brake_s <= found.seen.time_s <= brake_s + 0.02 + 2 * RATE_S
    assert found.seen.time_s < found.rest.time_s < brake_s + found.left.speed / 4 + 0.05


@settings(deadline=None, max_examples=40)
@given(share=st.floats(0.55, 0.85), way=st.floats(0.8, 2.0), noise=st.sampled_from([0.0, 0.002]))
def test_braking_hardly_harder_than_the_plan_slows_down_is_seen_with_its_reason(share, way, noise):
    plan = turn(0.1, (way, 0, 0, 0, 0, 0), acceleration=7.0)
    brake_s = 0.1 + share * plan.times[-1]
    samples = drive(plan, brake_s + 1.5, brake_s, noise)
    found = find_braking(samples, [plan], WALL_S + brake_s)
    assert brake_s <= found.seen.time_s <= brake_s + 0.02
    assert found.seen.time_s <= find_braking(samples, [plan]).seen.time_s


def test_braking_that_comes_to_rest_where_the_plan_ends_is_seen():
    plan = turn(0.1, (1.0, 0, 0, 0, 0, 0), acceleration=10.0)
    samples = drive(plan, 0.1 + 0.45 * plan.times[-1], None)
    last = samples[-1]
    left = plan.positions[-1, 0] - last.q[0] - 0.003
    deceleration = last.speed**2 / (2 * left)
    for after_s in np.arange(RATE_S, 1.0, RATE_S):
        braking_s = min(after_s, last.speed / deceleration)
        q, qd = last.q.copy(), np.zeros(6)
        q[0] += last.speed * braking_s - deceleration * braking_s**2 / 2
        qd[0] = last.speed - deceleration * braking_s
        samples.append(Sample(last.wall_s + after_s, last.time_s + after_s, q, qd))
    found = find_braking(samples, [plan], last.wall_s)
    assert not found.planned
    assert last.time_s < found.seen.time_s < last.time_s + 0.03


def test_where_a_plan_is_about_to_end_nobody_can_tell():
    plan = turn(0.1, (1.0, 0, 0, 0, 0, 0))
    end_s = 0.1 + plan.times[-1]
    found = find_braking(drive(plan, 2.0, end_s - 0.02), [plan], WALL_S + end_s - 0.02)
    assert found.planned
    assert end_s - 0.05 < found.told.time_s < end_s - 0.02


def test_contact_may_end_a_motion_before_the_one_that_is_braked():
    touch, lift = turn(0.1, (0.3, 0, 0, 0, 0, 0)), turn(1.0, (0.0, 1.0, 0, 0, 0, 0))
    first = drive(touch, 1.0, 0.2)
    stands = first[-1].q
    lift = Plan(lift.wall_s, lift.times, lift.positions + stands, lift.velocities)
    second = [s for s in drive(lift, 3.0, 1.3) if s.time_s >= 1.0]
    found = find_braking([*first, *second], [touch, lift])
    assert found is not None
    assert not found.planned
    assert found.seen.time_s == pytest.approx(1.3, abs=0.04)


def test_an_arm_that_moves_to_the_end_of_the_recording_has_not_braked():
    plan = turn(0.1, (2.0, 0, 0, 0, 0, 0))
    assert find_braking(drive(plan, 0.4, None), [plan]) is None
    assert find_braking([], [plan]) is None


def test_an_arm_that_never_moved_is_at_rest_from_the_first_sample_on():
    samples = drive(turn(5.0, (1.0, 0, 0, 0, 0, 0)), 1.0, None)
    found = find_braking(samples, [])
    assert found is not None
    assert found.planned
    assert found.rest is samples[0]


def test_what_lags_behind_its_plan_and_gains_speed_does_not_brake():
    plan = turn(0.1, (1.5, -0.4, 0, 0, 0.2, 0))
    brake_s = 0.3
    samples = [
        replace(s, qd=s.qd * 0.97) if s.time_s < brake_s + RATE_S else s
        for s in drive(plan, 2.0, brake_s)
    ]
    found = find_braking(samples, [plan])
    assert found.left.time_s == pytest.approx(brake_s, abs=2 * RATE_S)


def test_what_lags_behind_its_plan_does_not_brake_before_there_is_a_reason():
    plan = turn(0.1, (1.5, -0.4, 0, 0, 0.2, 0), acceleration=3.0)
    brake_s = 0.9  # it decelerates by itself
    samples = [
        # Half of what is enough to be seen, and a bit.
        replace(s, qd=s.qd * 0.97) if s.time_s < brake_s + RATE_S else s
        for s in drive(plan, 2.0, brake_s)
    ]
    assert find_braking(samples, [plan]).left.time_s < brake_s - 5 * RATE_S
    found = find_braking(samples, [plan], WALL_S + brake_s - RATE_S)
    assert found.left.time_s == pytest.approx(brake_s - RATE_S, abs=RATE_S + 1e-6)
    assert found.seen.time_s - found.left.time_s < 6 * RATE_S
