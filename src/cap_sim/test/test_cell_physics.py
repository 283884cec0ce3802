"""The world of the cell: things rest, stack, fall into bowls; a reset is the seed's world again."""

import itertools

import numpy as np
import pytest

from cap_sim.arm import MotionState
from cap_sim.cell import PhysicsError
from cap_sim.layout import ObjectSpec, random_layout
from cap_sim.pace import Pace, Rate

COLORS = ('red', 'blue', 'green', 'yellow')


def test_what_rests_stays_at_rest(bench):
    cell = bench(*random_layout(5, 4, 4).objects)
    names = [spec.name for spec in cell.cell.layout.objects]
    cell.cell.step(250)
    before = {name: cell.body(name) for name in names}
    cell.cell.step(1500)
    for name in names:
        np.testing.assert_allclose(cell.body(name), before[name], atol=2e-5)
    assert np.abs(cell.cell._data.qvel).max() < 1e-4


def test_a_stack_of_four_blocks_stands(bench):
    cell = bench(
        *(ObjectSpec('block', color, (0.06 * i, -0.5), 0.3 * i) for i, color in enumerate(COLORS))
    )
    for i, color in enumerate(COLORS):
        cell.put(f'{color} block', 0.5 + 0.002 * i, 0.001 * i, 0.02 + 0.0405 * i)
    cell.cell.step(2500)
    for i, color in enumerate(COLORS):
        x, y, z = cell.body(f'{color} block')[:3]
        assert (x, y) == pytest.approx((0.5 + 0.002 * i, 0.001 * i), abs=0.001)
        assert z == pytest.approx(0.02 + 0.04 * i, abs=0.001)


def test_a_block_dropped_into_a_bowl_comes_to_rest_in_it(bench):
    cell = bench(
        ObjectSpec('block', 'red', (0.2, -0.5), 0.4), ObjectSpec('bowl', 'blue', (0, -0.5))
    )
    cell.put('red block', 0.515, 0.01, 0.10)
    cell.cell.step(1000)
    x, y, z = cell.body('red block')[:3]
    assert np.hypot(x - 0.5, y) < 0.03
    # Hollow: it lies on the bottom, 4 mm thick, and not on a lid.
    assert z < 0.035
    assert np.abs(cell.cell._data.qvel).max() < 0.01


def test_the_arm_pushes_things_aside(bench):
    cell = bench(ObjectSpec('block', 'red', (0.0, -0.5)))
    cell.tool_down(0.5, 0.08, 0.02, 1.5)
    cell.tool_down(0.5, -0.02, 0.02, 1.5)
    assert cell.body('red block')[1] < -0.04


def test_a_reset_by_seed_is_the_same_world_and_time_goes_on(bench):
    cell = bench(*random_layout(3).objects)

    def run():
        cell.cell.step(1)
        first = [item.pose for item in cell.state.objects]
        cell.cell.step(199)
        return first, [item.pose for item in cell.state.objects], cell.state.q

    cell.cell.step(77)
    runs = []
    for _ in range(2):
        before = cell.cell.time_s
        cell.cell.reset(random_layout(3))
        assert cell.cell.time_s == before
        runs.append(run())
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    np.testing.assert_array_equal(runs[0][1], runs[1][1])
    np.testing.assert_array_equal(runs[0][2], runs[1][2])
    cell.cell.reset(random_layout(4, 1, 1))
    assert len(cell.state.objects) == 2


def test_a_diverged_state_is_an_error_until_a_reset(bench):
    cell = bench(*random_layout(3).objects)
    motion = cell.move_joints(cell.state.q, 1.0)
    cell.cell._data.qvel[-1] = np.nan
    with pytest.raises(PhysicsError):
        cell.cell.step(1)
    assert motion.state is MotionState.FAULT
    stopped = cell.cell.time_s
    with pytest.raises(PhysicsError):
        cell.cell.step(1)
    assert cell.cell.time_s == stopped
    cell.cell.reset(random_layout(3))
    cell.cell.step(100)
    assert np.isfinite(cell.state.q).all()


def test_objects_are_told_in_the_workspace(bench):
    cell = bench(ObjectSpec('block', 'red', (0.1, -0.4), 0.5))
    pose = cell.state.objects[0].pose
    assert pose[:3, 3] == pytest.approx([0.1, -0.4, 0.02])
    assert np.arctan2(pose[1, 0], pose[0, 0]) == pytest.approx(0.5)


def test_rates_and_pace():
    rate = Rate(10.0)
    due = [step for step in range(1, 1001) if rate.due(step * 0.002)]
    assert len(due) == 20 or len(due) == 21
    assert {b - a for a, b in itertools.pairwise(due[1:])} == {50}
    assert Pace(0.0).delay_s(100.0) == 0.0
    pace = Pace(2.0)
    assert pace.delay_s(0.0) == pytest.approx(0.0, abs=0.01)
    assert pace.delay_s(4.0) == pytest.approx(2.0, abs=0.05)
