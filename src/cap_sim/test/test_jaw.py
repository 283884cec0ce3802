"""The parallel jaw: what friction holds, and what it does not."""

import mujoco
import numpy as np
import pytest

from cap_description import ARM_JOINTS, joint_limits
from cap_sim.convert import joint_state
from cap_sim.layout import ObjectSpec, random_layout
from cap_sim.shapes import BOWL, KINDS

BLOCK = ObjectSpec('block', 'red', (0.0, -0.5))
STROKE = 0.085
# How far below the top of a block its fingers' tips are.
DEPTH = 0.018


@pytest.fixture
def jaw(bench):
    return lambda *objects: bench(*objects, tool='jaw')


def grasp(cell, x=0.5, y=0.0, z=0.04 - DEPTH, effort=0.0, yaw=0.0, opening=STROKE):
    """Come down around a point with open fingers, and close them."""
    cell.grip(opening)
    cell.tool_down(x, y, z + 0.13, 1.5, yaw)
    cell.tool_down(x, y, z, 1.0, yaw)
    cell.grip(0.0, effort)


def in_the_jaw(cell, name='red block'):
    """tcp_from_object."""
    data = cell.cell._data
    tcp, body = data.site('tcp'), data.body(name)
    axes = tcp.xmat.reshape(3, 3)
    pose = np.eye(4)
    pose[:3, :3] = axes.T @ body.xmat.reshape(3, 3)
    pose[:3, 3] = axes.T @ (body.xpos - tcp.xpos)
    return pose


def slipped(cell, before, name='red block'):
    """How far what is held has moved since [m], and turned [rad]."""
    now = in_the_jaw(cell, name)
    turn = now[:3, :3] @ before[:3, :3].T
    angle = np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))
    return np.linalg.norm(now[:3, 3] - before[:3, 3]), angle


def set_mass(cell, name, mass):
    model = cell.cell.model
    body = model.body(name).id
    model.body_inertia[body] *= mass / model.body_mass[body]
    model.body_mass[body] = mass
    mujoco.mj_setConst(model, mujoco.MjData(model))


def test_it_opens_and_closes_as_far_and_as_fast_as_told(jaw):
    cell = jaw()
    assert cell.state.tool.opening_m == pytest.approx(STROKE, abs=1e-5)
    for gap in (0.05, 0.0, 0.085, 0.012):
        before, start = cell.state.tool.opening_m, cell.cell.time_s
        cell.grip(gap)
        took = cell.cell.time_s - start
        assert cell.state.tool.opening_m == pytest.approx(gap, abs=2e-4)
        assert took == pytest.approx(abs(gap - before) / 0.1 + 0.05, abs=0.15)
        assert not cell.state.tool.holding
    cell.grip(1.0)
    assert cell.state.tool.opening_m == pytest.approx(STROKE, abs=2e-4)


def test_both_fingers_move_alike_and_one_is_told_of(jaw):
    cell = jaw()
    cell.grip(0.03)
    (joint,) = cell.state.tool.joints
    right = cell.cell._data.joint('right_finger_joint').qpos[0]
    assert joint.name == 'left_finger_joint'
    assert joint.position == pytest.approx((STROKE - 0.03) / 2, abs=2e-4)
    assert right == pytest.approx(joint.position, abs=2e-5)
    limit = joint_limits(cell.urdf)['left_finger_joint']
    assert limit.upper == pytest.approx(STROKE / 2)
    message = joint_state(cell.state)
    assert message.name == [*ARM_JOINTS, 'left_finger_joint']
    assert message.position[-1] == joint.position
    assert len(message.velocity) == len(message.effort) == len(message.name)


@pytest.mark.parametrize('effort', [20.0, 40.0, 235.0])
def test_the_pads_press_as_hard_as_told_and_hardly_sink_in(jaw, effort):
    cell = jaw(BLOCK)
    grasp(cell, effort=effort)
    cell.cell.step(250)
    tool = cell.state.tool
    assert (tool.holding, tool.held) == (True, 'red block')
    assert tool.effort_n == pytest.approx(effort, rel=0.05)
    assert 0.0 < (0.04 - tool.opening_m) / 2 < 0.0003
    assert np.abs(cell.cell._data.qvel).max() < 0.01


def test_a_block_is_lifted_and_does_not_creep(jaw):
    cell = jaw(BLOCK)
    grasp(cell)
    cell.tool_down(0.5, 0.0, 0.2)
    cell.cell.step(250)
    before = in_the_jaw(cell)
    assert cell.body('red block')[2] == pytest.approx(0.2 + DEPTH - 0.02, abs=0.001)
    assert cell.state.force[2] == pytest.approx(0.03 * 9.81, abs=0.1), 'its weight'
    cell.cell.step(5000)
    assert slipped(cell, before)[0] < 0.0005


@pytest.mark.parametrize(
    ('offset', 'mass', 'effort'),
    [(0.0, 0.03, 40.0), (0.012, 0.03, 40.0), (0.0, 0.03, 5.0), (0.0, 0.25, 20.0), (0.0, 1.0, 40.0)],
)
def test_what_is_held_stays_where_it_is_in_fast_swings(jaw, offset, mass, effort):
    """Every joint at its full speed; held in the middle and off it, lightly, and what is heavy."""
    cell = jaw(BLOCK)
    set_mass(cell, 'red block', mass)
    grasp(cell, y=offset, effort=effort)
    cell.tool_down(0.5, 0.0, 0.3)
    before = in_the_jaw(cell)
    start = cell.state.q
    for turn in ([1.2, 0, 0, 0, 0, 1.2], [0, 0.3, -0.4, 0.9, 0.9, -1.0], [-1.2, 0, 0, 0, 0, 0]):
        # A cubic from rest to rest peaks at 1.5 times its mean speed.
        seconds = 1.5 * max(np.abs(turn)) / np.pi * 1.02
        cell.finish(cell.move_joints(start + np.array(turn), seconds))
        cell.finish(cell.move_joints(start, seconds))
    distance, angle = slipped(cell, before)
    assert cell.state.tool.held == 'red block'
    assert distance < 0.0005
    assert angle < 0.02


@pytest.mark.parametrize(
    ('kind', 'depth'), [('bottle', 0.05), ('egg', 0.025), ('apple', 0.035), ('banana', 0.025)]
)
def test_other_things_are_lifted(jaw, kind, depth):
    spec = ObjectSpec(kind, KINDS[kind].color or 'blue', (0.0, -0.5))
    cell = jaw(spec)
    # In the workspace a thing's x points along base_link's y.
    across = 0.0 if KINDS[kind].size[0] > KINDS[kind].size[1] else np.pi / 2
    grasp(cell, z=KINDS[kind].size[2] - depth, yaw=across)
    cell.tool_down(0.5, 0.0, 0.25, yaw=across)
    cell.cell.step(500)
    assert cell.state.tool.held == spec.name
    assert cell.body(spec.name)[2] > 0.15
    assert cell.state.tool.opening_m > 0.02


def test_a_bowl_is_lifted_by_its_rim(jaw):
    cell = jaw(ObjectSpec('bowl', 'green', (0.0, -0.5)))
    x = 0.5 + BOWL.rim_radius - BOWL.wall / 2
    grasp(cell, x=x, z=BOWL.height - 0.012, opening=0.03)
    cell.tool_down(x, 0.0, 0.25)
    cell.cell.step(500)
    assert cell.state.tool.held == 'green bowl'
    assert cell.state.tool.opening_m < 0.012
    assert cell.state.force[2] == pytest.approx(BOWL.mass * 9.81, abs=0.2)


def test_nothing_between_the_fingers_is_told_by_the_gap(jaw):
    cell = jaw(BLOCK)
    grasp(cell, y=0.06)
    tool = cell.state.tool
    assert not tool.holding
    assert tool.opening_m == pytest.approx(0.0, abs=3e-4)
    cell.tool_down(0.5, 0.06, 0.2)
    assert cell.body('red block')[2] < 0.021


@pytest.mark.parametrize(('mass', 'effort', 'lifted'), [(2.0, 40.0, True), (2.0, 5.0, False)])
def test_a_grip_that_is_too_weak_slips(jaw, mass, effort, lifted):
    """Two pads with a coefficient of 0.9 bear 1.8 times what they press with."""
    cell = jaw(BLOCK)
    set_mass(cell, 'red block', mass)
    grasp(cell, effort=effort)
    assert cell.state.tool.held == 'red block'
    cell.tool_down(0.5, 0.0, 0.2, 2.0)
    assert bool(cell.body('red block')[2] > 0.15) is lifted
    assert cell.state.tool.holding is lifted


@pytest.mark.parametrize(('pull', 'slips'), [(62.0, False), (80.0, True)])
def test_it_slips_where_the_pull_is_more_than_the_friction(jaw, pull, slips):
    cell = jaw(BLOCK)
    grasp(cell)
    cell.tool_down(0.5, 0.0, 0.2)
    before = in_the_jaw(cell)
    block = cell.cell._data.body('red block')
    # Sideways, at the height of the pads' middle.
    block.xfrc_applied[:] = (0.0, pull, 0.0, -0.009 * pull, 0.0, 0.0)
    cell.cell.step(5)
    block.xfrc_applied[:] = 0.0
    cell.cell.step(200)
    distance, _ = slipped(cell, before)
    assert distance > 0.001 if slips else distance < 0.0005


def test_it_lets_go_into_a_bowl_and_comes_out(jaw):
    cell = jaw(BLOCK, ObjectSpec('bowl', 'blue', (0.2, -0.5)))
    grasp(cell)
    cell.tool_down(0.5, 0.0, 0.2)
    cell.tool_down(0.5, 0.2, 0.2, 1.0)
    cell.tool_down(0.5, 0.2, BOWL.wall + 0.04 - DEPTH + 0.001, 1.0)
    bowl = cell.body('blue bowl')
    cell.grip(0.04 + 2 * 0.008)
    assert not cell.state.tool.holding
    cell.tool_down(0.5, 0.2, 0.25)
    cell.cell.step(500)
    np.testing.assert_allclose(cell.body('blue bowl')[:3], bowl[:3], atol=0.002)
    x, y, z = cell.body('red block')[:3]
    assert np.hypot(x - 0.5, y - 0.2) < 0.01
    assert z == pytest.approx(BOWL.wall + 0.02, abs=0.002)


def test_fingers_that_push_at_the_table_are_felt_and_hold_nothing(jaw):
    cell = jaw()
    cell.tool_down(0.5, 0.0, 0.1, 1.5)
    cell.tool_down(0.5, 0.0, 0.003)
    np.testing.assert_allclose(cell.state.force, 0, atol=0.1)
    down = cell.move_joints(cell.joints_at(_down(0.5, 0.0, -0.001)), 0.5, path_rad=0.05)
    for _ in range(300):
        cell.cell.step(1)
    assert cell.state.force[2] < -10.0
    assert not cell.state.tool.holding
    cell.cell.brake(down)


def _down(x, y, z):
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = x, y, z
    return pose


def test_nothing_is_felt_in_free_motion_at_full_speed(jaw):
    """The sensor carries 0.9 kg whose middle is far from the tips."""
    cell = jaw()
    cell.tool_down(0.5, 0.0, 0.3, 1.5)
    start = cell.state.q
    for turn in ([1.5, 0.3, -0.4, 0.5, 1.5, -1.5], [0.5, 0, 0, 1.0, -1.5, 1.5]):
        motion = cell.move_joints(start + np.array(turn), 1.5 * 1.5 / np.pi * 1.02)
        worst = np.zeros(6)
        while not motion.ended.is_set():
            cell.cell.step(1)
            felt = np.concatenate([cell.state.force, cell.state.moment])
            worst = np.maximum(worst, np.abs(felt))
        assert worst[:3].max() < 1.5
        assert worst[3:].max() < 0.15
        cell.finish(cell.move_joints(start, 1.5))


def test_what_is_held_stays_held_when_an_object_comes(jaw):
    cell = jaw(BLOCK)
    grasp(cell, effort=25.0)
    cell.tool_down(0.5, 0.0, 0.2)
    before = in_the_jaw(cell)
    cell.cell.add(ObjectSpec('egg', 'white', (0.2, -0.4)))
    cell.cell.step(500)
    assert cell.state.tool.held == 'red block'
    assert cell.state.tool.effort_n == pytest.approx(25.0, rel=0.05)
    assert slipped(cell, before)[0] < 0.0005


def test_the_same_commands_in_the_same_world_give_the_same_to_the_last_bit(jaw):
    """Among 10 blocks and 10 bowls, which sleep until they are touched."""

    def run():
        layout = random_layout(11, 10, 10)
        cell = jaw(*layout.objects)
        block = next(item for item in cell.state.objects if item.spec.kind == 'block')
        x, y = -block.pose[1, 3], block.pose[0, 3]
        yaw = np.arctan2(block.pose[1, 0], block.pose[0, 0])
        grasp(cell, x, y, yaw=yaw, opening=0.056)
        cell.tool_down(x, y, 0.2, yaw=yaw)
        swung = cell.state.q + np.array([0.5, 0, 0, 0, 0, 0.5])
        cell.finish(cell.move_joints(swung, 0.6))
        state = cell.state
        assert state.tool.held == block.spec.name
        return [state.q, state.qd, state.torque, state.force, state.moment, state.poses]

    for first, again in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(first, again)


def test_what_sleeps_wakes_when_it_is_touched_or_its_support_goes(jaw):
    cell = jaw(BLOCK, ObjectSpec('block', 'blue', (0.0, -0.5), z=0.04))
    cell.cell.step(500)
    data, model = cell.cell._data, cell.cell.model
    tree = model.body_treeid[model.body('blue block').id]
    assert data.tree_asleep[tree] >= 0
    # The fingers push the lower one away by its side.
    cell.tool_down(0.5, 0.12, 0.005, 1.5)
    cell.tool_down(0.5, 0.0, 0.005, 1.0)
    cell.cell.step(500)
    assert cell.body('red block')[1] < -0.02
    assert cell.body('blue block')[2] < 0.05
