"""A slice of the benchmark, and what it judges by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_bringup.cell_robot import BenchCell
from cap_bringup.hands_bench import (
    STACK,
    HandsBench,
    free_motions,
    free_spot,
    joint_limit_s,
    stack_fault,
    world_of,
)
from cap_bringup.recorded import Plan
from cap_bringup.workspace import ROOT
from cap_eval.state import ObjectState, WorldState, distance_xy
from cap_sim.layout import Layout, ObjectSpec
from cap_skills.model import Free, Straight, Surroundings, Trajectory
from cap_skills.timing import MotionLimits

CONFIG = ROOT / 'config'
LIMITS = MotionLimits(np.full(6, 2.0), np.full(6, 8.0), 1.0, 0.02)
SIDE = 0.04


def block(name, x=0.0, y=-0.5, bottom=0.0):
    return ObjectState(name, 'block', name, (x, y, bottom + SIDE / 2), (SIDE,) * 3)


def test_a_slice_of_the_benchmark():
    bench = world_of(3, 4, 3, CONFIG, 'suction')
    trials = list(bench.random_trials(3, 4))
    assert [trial.why for trial in trials] == [''] * 4
    assert [trial.collisions for trial in trials] == [[]] * 4
    assert all(trial.motions >= 5 and trial.cpu_s > 0 for trial in trials)
    assert all(motion.ratio > 0.7 for trial in trials for motion in trial.free_motions)
    assert {motion.carrying for trial in trials for motion in trial.free_motions} == {True, False}
    on_spots = [trial.error_m for trial in trials if trial.error_m is not None]
    assert on_spots
    assert max(on_spots) < 0.01
    assert 0.0 < bench.check_us(100) < 1e4


def test_a_stack():
    bench = world_of(5, STACK, 0, CONFIG, 'suction')
    built, why = bench.stack(5)
    assert why == ''
    assert [trial.collisions for trial in built] == [[]] * (STACK - 1)
    tops = sorted(each.top for each in bench.world().blocks)
    assert tops == pytest.approx([SIDE, 2 * SIDE, 3 * SIDE, 4 * SIDE], abs=0.003)


def test_a_failure_is_told_and_ends_a_world():
    bench = HandsBench(Layout((ObjectSpec('block', 'red', (0.45, -0.5)),)), CONFIG, 'suction')
    (trial,) = bench.random_trials(1, 5)
    assert 'LimitError' in trial.why
    assert trial.error_m is None


@given(st.integers(0, 10_000))
def test_free_spots_are_free(seed):
    blocks = (block('red', -0.1), block('blue', 0.1), block('green', 0.0, -0.35))
    bowl = replace(block('red bowl', 0.1, -0.65), class_name='bowl', size=(0.12, 0.12, 0.045))
    world = WorldState((*blocks, bowl))
    xy = free_spot(np.random.default_rng(seed), blocks[0], world)
    assert all(distance_xy(each, xy) > 0.08 for each in blocks[1:])
    assert distance_xy(bowl, xy) > 0.11


def test_a_full_table_has_no_free_spot():
    whole = replace(block('red bowl'), class_name='bowl', size=(2.0, 2.0, 0.045))
    assert free_spot(np.random.default_rng(1), block('red'), WorldState((whole,))) is None


@pytest.mark.parametrize(
    ('changed', 'fault'),
    [
        ({}, ''),
        ({'x': 0.012}, '12 mm off the axis'),
        ({'bottom': SIDE - 0.015}, '-15 mm off its height'),
    ],
)
def test_what_stands_as_a_stack(changed, fault):
    second = block('blue', **{'bottom': SIDE, **changed})
    blocks = [block('red'), second, block('green', bottom=2 * SIDE)]
    assert fault in stack_fault(blocks)
    assert bool(stack_fault(blocks)) == bool(fault)


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_no_joint_is_faster_than_its_limits(way):
    seconds = joint_limit_s(np.zeros(6), np.array(way), LIMITS)
    far = max(map(abs, way))
    # Half of the time speeding up, half slowing down; or at full speed all the time.
    assert far <= 8.0 * (seconds / 2) ** 2 + 1e-9
    assert far <= 2.0 * seconds + 1e-9
    exact = 2 * np.sqrt(far / 8.0) if far < 0.5 else far / 2.0 + 0.25
    assert seconds == pytest.approx(exact)


def test_the_free_legs_of_a_plan_are_found():
    bench = BenchCell(Layout(()), CONFIG)
    kinematics = bench.planner.kinematics
    start = np.array([0.0, -1.9, 2.2, -1.8708, -1.5708, 0.0])
    above = start + np.array([1.0, 0, 0, 0, 0, 0])
    low = kinematics.forward(above)
    low[2, 3] -= 0.05
    positions = np.array([start, above, kinematics.closest(low, above)])
    trajectory = Trajectory(np.array([0.0, 1.5, 2.0]), positions, np.zeros((3, 6)))
    legs = (Free(above), Straight(low, 0.25))
    plan = Plan(start, legs, Surroundings(()), 1.0, trajectory)
    (found,) = free_motions(plan, bench.planner, LIMITS)
    assert found.ratio == pytest.approx(1.5 / (1.0 / 2.0 + 2.0 / 8.0))
    assert 0.99 < found.alone < 1.3
    assert not found.carrying
