"""The suction cup: what it holds, and what it must not."""

import mujoco
import numpy as np
import pytest

from cap_sim.layout import ObjectSpec
from cap_sim.suction import AMBIENT_PA

BLOCK = ObjectSpec('block', 'red', (0.0, -0.5))
SEALED_PA = 60000.0


def press(cell, x=0.5, y=0.0, z=0.036):
    """Come down on a point with the pump on, until the cup is pushed in by 4 mm."""
    cell.tool_down(x, y, z + 0.1, 1.5)
    cell.tool_down(x, y, z + 0.014)
    cell.cell.grip(0.0)
    cell.tool_down(x, y, z)
    cell.cell.step(100)


def height(cell):
    return cell.body('red block')[2]


def test_a_centred_block_is_lifted_and_does_not_drift(bench):
    cell = bench(BLOCK)
    press(cell)
    assert cell.state.tool.pressure_pa < SEALED_PA
    assert cell.state.tool.held == 'red block'
    cell.tool_down(0.5, 0.0, 0.2)
    cell.cell.step(250)
    lifted = cell.body('red block')
    assert lifted[2] == pytest.approx(0.18, abs=0.002)
    assert cell.state.force[2] == pytest.approx(0.03 * 9.81, abs=0.1)
    cell.cell.step(2500)
    np.testing.assert_allclose(cell.body('red block')[:3], lifted[:3], atol=0.0002)


def test_it_holds_through_a_swing_and_lets_go_when_told(bench):
    cell = bench(BLOCK)
    press(cell)
    cell.tool_down(0.5, 0.0, 0.2)
    cell.finish(cell.move_joints(cell.state.q + np.array([1.0, 0, 0, 0, 0, 1.0]), 0.75))
    assert cell.state.tool.held == 'red block'
    cell.cell.grip(1.0)
    cell.cell.step(500)
    assert cell.state.tool.pressure_pa == pytest.approx(AMBIENT_PA, abs=10)
    assert height(cell) < 0.05


def in_the_cup(cell):
    """Where the block's centre is, in the cup's frame [m]."""
    data = cell.cell._data
    cup, block = data.site('tcp'), data.body('red block')
    return cup.xmat.reshape(3, 3).T @ (block.xpos - cup.xpos)


def swing(cell, seconds):
    """A turn of the base by 60 degrees, there and back, as far as it is followed."""
    for way in (1.05, -1.05):
        goal = cell.state.q + np.array([way, 0, 0, 0, 0, 0])
        cell.finish(cell.move_joints(goal, seconds))


def test_what_is_held_does_not_creep_in_a_swing(bench):
    cell = bench(BLOCK)
    press(cell)
    cell.tool_down(0.5, 0.0, 0.2)
    before = in_the_cup(cell)
    for _ in range(3):
        swing(cell, 0.7)
    np.testing.assert_allclose(in_the_cup(cell), before, atol=0.0003)


@pytest.mark.parametrize(('push', 'slips'), [(28.0, False), (34.0, True)])
def test_it_slips_where_the_push_is_more_than_the_friction(bench, push, slips):
    """30 N of adhesion with a coefficient of 1; pushed along the face, so that nothing peels."""
    cell = bench(BLOCK)
    press(cell)
    cell.tool_down(0.5, 0.0, 0.2)
    before = in_the_cup(cell)
    block = cell.cell._data.body('red block')
    block.xfrc_applied[:] = (0.0, push, 0.0, -before[2] * push, 0.0, 0.0)
    cell.cell.step(2)
    block.xfrc_applied[:] = 0.0
    cell.cell.step(200)
    slipped = np.linalg.norm(in_the_cup(cell) - before)
    assert cell.state.tool.held == 'red block'
    assert slipped > 0.001 if slips else slipped < 0.0003


def test_a_small_offset_leaks_and_slips(bench):
    centred, off = bench(BLOCK), bench(BLOCK)
    press(centred)
    press(off, y=0.010)
    assert off.state.tool.pressure_pa > centred.state.tool.pressure_pa + 10000
    assert off.state.tool.effort_n < 0.7 * centred.state.tool.effort_n


def test_past_the_edge_nothing_is_held(bench):
    cell = bench(BLOCK)
    press(cell, y=0.015)
    cell.tool_down(0.5, 0.015, 0.2)
    assert not cell.state.tool.holding
    assert height(cell) < 0.021


@pytest.mark.parametrize(('mass', 'lifted'), [(2.0, True), (4.0, False)])
def test_it_breaks_above_30_newtons(bench, mass, lifted):
    cell = bench(BLOCK)
    model = cell.cell.model
    body = model.body('red block').id
    model.body_inertia[body] *= mass / model.body_mass[body]
    model.body_mass[body] = mass
    # What the contacts' stiffness is scaled by follows from the masses; it leaves the start pose.
    scratch = mujoco.MjData(model)
    mujoco.mj_setConst(model, scratch)
    press(cell)
    assert cell.state.tool.holding
    cell.tool_down(0.5, 0.0, 0.15, 2.0)
    assert bool(height(cell) > 0.1) is lifted


def test_the_side_of_the_cup_does_not_hold(bench):
    cell = bench(BLOCK)
    cell.tool_down(0.5, 0.05, 0.02, 1.5)
    cell.cell.grip(0.0)
    cell.tool_down(0.5, 0.0325, 0.02)
    assert cell.cell._data.ncon > 0
    assert cell.body('red block')[1] < -0.0002, 'the cup pushes the block sideways'
    cell.tool_down(0.5, 0.0325, 0.2)
    assert not cell.state.tool.holding
    assert height(cell) < 0.021


def test_free_air_gives_no_vacuum(bench):
    cell = bench(BLOCK)
    cell.cell.grip(0.0)
    cell.cell.step(500)
    assert cell.state.tool.pressure_pa == pytest.approx(AMBIENT_PA)
    np.testing.assert_allclose(cell.state.force, 0, atol=0.01)


def test_the_wrench_tells_when_the_cup_is_pushed_in(bench):
    """Against tcp's z, which points out of the tool."""
    cell = bench(BLOCK)
    cell.tool_down(0.5, 0.0, 0.1, 1.5)
    cell.tool_down(0.5, 0.0, 0.036)
    assert cell.state.force[2] == pytest.approx(-2.0 - 400 * 0.004, abs=0.3)
