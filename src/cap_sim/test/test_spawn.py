"""An object that comes while the cell runs: all else goes on as if nothing had been."""

import numpy as np
import pytest

from cap_sim.layout import LayoutError, NoRoomError, ObjectSpec
from cap_sim.spawn import spawn

BLOCK = ObjectSpec('block', 'red', (0.0, -0.5))
EGG = {'kind': 'egg', 'color': '', 'position': (), 'yaw': 0.0, 'seed': 1}


def hold_the_block(cell):
    cell.tool_down(0.5, 0.0, 0.06, 1.5)
    cell.cell.grip(0.0)
    cell.tool_down(0.5, 0.0, 0.036)
    cell.cell.step(100)
    cell.tool_down(0.5, 0.0, 0.2)


def test_an_egg_comes_to_a_free_place(bench):
    cell = bench(BLOCK)
    egg = spawn(cell.cell, **EGG)
    assert egg.name == 'egg'
    cell.cell.step(500)
    assert [item.spec.name for item in cell.state.objects] == ['red block', 'egg']
    pose = next(item.pose for item in cell.state.objects if item.spec.name == 'egg')
    np.testing.assert_allclose(pose[:2, 3], egg.xy, atol=1e-3)
    assert np.hypot(*(pose[:2, 3] - BLOCK.xy)) > 0.07


def test_what_is_held_stays_held_and_a_motion_goes_on(bench):
    cell = bench(BLOCK)
    hold_the_block(cell)
    motion = cell.move_joints(cell.state.q + np.array([0.5, 0, 0, 0, 0, 0]), 1.0, path_rad=0.02)
    cell.cell.step(250)
    before = cell.state
    spawn(cell.cell, **EGG)
    after = cell.state
    assert after.time_s == before.time_s
    np.testing.assert_array_equal(after.q, before.q)
    np.testing.assert_array_equal(after.qd, before.qd)
    assert (after.tool.held, after.tool.pressure_pa) == ('red block', before.tool.pressure_pa)
    cell.finish(motion)
    assert motion.state.name == 'SUCCEEDED'
    assert cell.state.tool.held == 'red block'


def test_it_is_put_where_it_is_asked_for_and_nowhere_else(bench):
    cell = bench(BLOCK)
    assert spawn(cell.cell, 'plate', 'green', (0.2, -0.4), 0.0, 0).xy == (0.2, -0.4)
    with pytest.raises(NoRoomError, match=r'no room for the egg at .*: red block'):
        spawn(cell.cell, 'egg', '', (0.01, -0.51), 0.0, 0)
    assert len(cell.state.objects) == 2


def test_it_does_not_come_into_the_arm(bench):
    cell = bench()
    cell.tool_down(0.5, 0.0, 0.01, 1.5)
    with pytest.raises(NoRoomError, match='cup'):
        spawn(cell.cell, 'apple', '', (0.0, -0.5), 0.0, 0)


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        ({'kind': 'pear'}, "no kind 'pear'; there are .*egg"),
        ({'kind': 'plate'}, 'no colour of its own'),
        ({'kind': 'plate', 'color': 'mauve'}, 'no colour mauve'),
        ({'color': 'red'}, 'every egg is white, not red'),
        ({'kind': 'block', 'color': 'red'}, 'more than one red block'),
        ({'position': (0.1,)}, 'a position is x and y'),
        ({'position': (0.1, float('nan'))}, 'a position is x and y'),
    ],
)
def test_what_cannot_come_is_refused_and_changes_nothing(bench, change, text):
    cell = bench(BLOCK)
    with pytest.raises(LayoutError, match=text):
        spawn(cell.cell, **{**EGG, **change})
    assert [item.spec.name for item in cell.state.objects] == ['red block']


def test_on_a_level_board_it_stands_and_none_comes_onto_one_that_leans(bench):
    level = bench(tool='marker')
    assert spawn(level.cell, 'block', 'red', (0.0, -0.5), 0.0, 0).z == 0.005
    leaning = bench(tool='marker', board_rpy='0.5 0 0', board_xyz='0 -0.5 0.12')
    for place in ((0.0, -0.5), (0.0, -0.35), (0.32, -0.5)):
        with pytest.raises(NoRoomError, match='slide off'):
            spawn(leaning.cell, 'block', 'red', place, 0.0, 0)
    beside = spawn(leaning.cell, 'block', 'red', (0.42, -0.5), 0.0, 0)
    with pytest.raises(NoRoomError, match='slide off'):
        leaning.cell.move('red block', (0.0, -0.5), 0.0)
    leaning.cell.step(250)
    np.testing.assert_allclose(leaning.state.objects[0].pose[:3, 3], (*beside.xy, 0.02), atol=0.001)


def test_a_free_place_is_beside_a_board_that_leans(bench):
    cell = bench(
        tool='marker', board_rpy='0.5 0 0', board_xyz='-0.2 -0.5 0.06', board_size='0.2 0.2'
    )
    for seed in range(5):
        egg = spawn(cell.cell, **EGG | {'seed': seed})
        assert egg.z == 0
        assert not cell.cell.board.is_at(egg.xy, egg.radius)
        cell.cell.remove('egg')
