"""A slice of the benchmark, and how it tells when the arm brakes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cap_bringup.cancel_bench import CancelBench, Step, braking
from cap_bringup.workspace import ROOT

STEP_S = 0.002


def turning(speeds, slowed_at=10**9):
    """Steps of an arm that is to turn at these speeds, and does; half as fast from a step on."""
    q, steps = 0.0, []
    for index, planned in enumerate(speeds):
        speed = planned / 2 if index >= slowed_at else planned
        q += speed * STEP_S
        steps.append(Step(index * STEP_S, np.full(6, q), bool(speed), np.full(6, speed)))
    return steps


def test_braking_begins_where_two_runs_part():
    speeds = [1.0] * 50 + [0.0] * 20
    begin, rest = braking(turning(speeds), turning(speeds, slowed_at=30), 0.049)
    assert begin.time_s == pytest.approx(30 * STEP_S)
    assert rest.time_s == pytest.approx(50 * STEP_S)


def test_an_arm_that_stands_need_not_brake():
    whole = turning([1.0] * 20 + [0.0] * 20 + [1.0] * 20)
    begin, rest = braking(whole, whole[:40], 0.061)
    assert begin is rest
    assert begin.time_s == pytest.approx(31 * STEP_S)


def test_an_arm_that_brakes_for_contact_brakes_already():
    whole = [replace(step, follows=step.time_s < 0.03) for step in turning([1.0] * 50)]
    begin, _ = braking(whole, whole, 0.041)
    assert begin.time_s == pytest.approx(21 * STEP_S)


def test_what_goes_on_to_the_end_of_its_motion_has_not_braked_before():
    whole = turning([1.0] * 50 + [0.0] * 20)
    begin, _ = braking(whole, whole, 0.021)
    assert begin.time_s == pytest.approx(50 * STEP_S)


def test_a_slice_of_the_benchmark():
    bench = CancelBench(7, 'jaw', ROOT / 'config')
    for name in ('carry', 'place'):
        phase = next(phase for phase in bench.phases if phase.name.startswith(name))
        cancel = bench.cancel(phase, 0.4)
        assert cancel.good, cancel
        assert cancel.phase == name
        assert cancel.speed > 0.02
        assert cancel.held
        assert cancel.until_s > 0.0
