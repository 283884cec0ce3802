"""An object that is moved or taken away while the cell runs, as if by somebody's hand."""

import numpy as np
import pytest

from cap_sim.layout import LayoutError, NoRoomError, ObjectSpec
from cap_sim.spawn import move

FAR = ObjectSpec('bowl', 'blue', (0.2, -0.6))
BLOCK = ObjectSpec('block', 'red', (0.0, -0.5))
OTHER = ObjectSpec('block', 'green', (-0.2, -0.6), yaw=0.3)
TOOLS = pytest.mark.parametrize('tool', ['suction', 'jaw'])


def hold_the_block(cell, tool):
    cell.tool_down(0.5, 0.0, 0.08, 1.5)
    if tool == 'jaw':
        cell.tool_down(0.5, 0.0, 0.014)
        cell.grip(0.0)
    else:
        cell.cell.grip(0.0)
        cell.tool_down(0.5, 0.0, 0.036)
        cell.cell.step(100)
    cell.tool_down(0.5, 0.0, 0.2)
    assert cell.state.tool.held == 'red block'


def pose(cell, name):
    return next(item.pose for item in cell.state.objects if item.spec.name == name)


def names(cell):
    return [item.spec.name for item in cell.state.objects]


def test_it_stands_where_it_was_moved_to_and_all_else_where_it_was(bench):
    cell = bench(FAR, BLOCK, OTHER)
    cell.cell.step(100)
    others = [pose(cell, spec.name) for spec in (FAR, OTHER)]
    time_s, epoch = cell.state.time_s, cell.cell.picture_state()[0]
    assert move(cell.cell, 'red block', (0.06, -0.5), 0.4) == (
        'red block is at x=0.060, y=-0.500 m of workspace'
    )
    assert cell.state.time_s == time_s
    assert cell.cell.picture_state()[0] != epoch
    assert names(cell) == ['blue bowl', 'red block', 'green block']
    for there, was in zip((pose(cell, spec.name) for spec in (FAR, OTHER)), others, strict=True):
        np.testing.assert_allclose(there, was, atol=1e-12)
    cell.cell.step(500)
    moved = pose(cell, 'red block')
    np.testing.assert_allclose(moved[:3, 3], (0.06, -0.5, 0.02), atol=1e-3)
    assert np.arctan2(moved[1, 0], moved[0, 0]) == pytest.approx(0.4, abs=1e-3)


def test_what_is_gone_is_gone(bench):
    cell = bench(FAR, BLOCK, OTHER)
    cell.cell.step(100)
    kept = pose(cell, 'green block')
    epoch = cell.cell.picture_state()[0]
    assert move(cell.cell, 'red block', (), 0.0) == 'red block is gone'
    assert names(cell) == ['blue bowl', 'green block']
    assert cell.cell.picture_state()[0] != epoch
    np.testing.assert_allclose(pose(cell, 'green block'), kept, atol=1e-12)
    for name in ('blue bowl', 'green block'):
        move(cell.cell, name, (), 0.0)
    cell.cell.step(10)
    assert names(cell) == []


def test_what_stood_on_it_falls(bench):
    on_top = ObjectSpec('block', 'green', BLOCK.xy, z=0.04)
    cell = bench(BLOCK, on_top)
    cell.cell.step(1000)
    assert pose(cell, 'green block')[2, 3] == pytest.approx(0.06, abs=1e-3)
    move(cell.cell, 'red block', (), 0.0)
    cell.cell.step(500)
    assert pose(cell, 'green block')[2, 3] == pytest.approx(0.02, abs=1e-3)


@TOOLS
@pytest.mark.parametrize('position', [(), (0.2, -0.4)])
def test_what_is_held_may_be_taken(bench, tool, position):
    cell = bench(BLOCK, OTHER, tool=tool)
    hold_the_block(cell, tool)
    motion = cell.move_joints(cell.state.q + np.array([0.5, 0, 0, 0, 0, 0]), 1.0, path_rad=0.02)
    cell.cell.step(250)
    before = cell.state
    move(cell.cell, 'red block', position, 0.0)
    after = cell.state
    assert after.tool.held in ('', 'red block')  # what the sensors said last
    np.testing.assert_array_equal(after.q, before.q)
    np.testing.assert_array_equal(after.qd, before.qd)
    cell.finish(motion)
    assert motion.state.name == 'SUCCEEDED'
    assert (cell.state.tool.held, cell.state.tool.holding) == ('', False)
    if position:
        np.testing.assert_allclose(pose(cell, 'red block')[:3, 3], (0.2, -0.4, 0.02), atol=1e-3)


@TOOLS
def test_what_is_held_stays_held_when_something_before_it_goes(bench, tool):
    cell = bench(OTHER, BLOCK, FAR, tool=tool)
    hold_the_block(cell, tool)
    move(cell.cell, 'green block', (), 0.0)
    assert cell.state.tool.held == 'red block'
    cell.cell.step(500)
    assert cell.state.tool.held == 'red block'
    assert pose(cell, 'red block')[2, 3] > 0.15


def test_where_something_is_nothing_is_moved_to(bench):
    cell = bench(BLOCK, OTHER)
    cell.cell.step(100)
    before = pose(cell, 'red block')
    with pytest.raises(NoRoomError, match=r'no room for the red block at .*: green block'):
        cell.cell.move('red block', (-0.19, -0.61), 0.0)
    np.testing.assert_array_equal(pose(cell, 'red block'), before)


@pytest.mark.parametrize(
    ('name', 'position', 'text'),
    [
        ('plaid block', (), "no object 'plaid block'; there are red block, green block"),
        ('plaid block', (0.1, -0.4), "no object 'plaid block'; there are red block, green block"),
        ('red block', (0.1,), 'a position is x and y'),
        ('red block', (0.1, float('nan')), 'a position is x and y'),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(bench, name, position, text):
    cell = bench(BLOCK, OTHER)
    with pytest.raises(LayoutError, match=text):
        move(cell.cell, name, position, 0.0)
    assert names(cell) == ['red block', 'green block']
