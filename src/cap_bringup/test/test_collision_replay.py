"""What an executed trajectory touches is found, in the shapes that the physics has."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from cap_bringup.collision_replay import STEP, CollisionReplay, samples
from cap_bringup.recorded import Executed
from cap_bringup.workspace import ROOT
from cap_common.config import read_config
from cap_description import ARM_JOINTS, cell_urdf
from cap_sim.layout import Layout, ObjectSpec
from cap_sim.parameters import Parameters
from cap_sim.world import build_model
from cap_skills.kinematics import tool_down
from cap_skills.model import Trajectory
from cap_skills.paths import motion_between
from cap_skills.robot_model import robot_model

# In workspace; x_base = -y, y_base = x.
RED, BLUE = (0.0, -0.5), (0.1, -0.5)
PARK = np.array([1.13, -1.9, 2.2, -1.8708, -1.5708, 0.0])
KINEMATICS = robot_model(cell_urdf()).kinematics


@pytest.fixture(scope='module')
def model():
    blocks = (ObjectSpec('block', 'red', RED), ObjectSpec('block', 'blue', BLUE))
    parameters = read_config(ROOT / 'config' / 'sim.yaml', 'sim', Parameters)
    return build_model(cell_urdf(), Layout(blocks), parameters)


@pytest.fixture(scope='module')
def replay(model):
    return CollisionReplay(model)


def over(xy, z):
    return KINEMATICS.down(tool_down(np.array([-xy[1], xy[0], z])), PARK, free_yaw=True)


def executed(model, *joints, held='', seconds=None):
    """From one joint position to the next; the objects are where the model has them."""
    times = np.arange(len(joints), dtype=float)
    trajectory = Trajectory(times, np.array(joints), np.zeros((len(joints), 6)))
    data = mujoco.MjData(model)
    for name, angle in zip(ARM_JOINTS, joints[0], strict=True):
        data.joint(name).qpos = angle
    return Executed(
        trajectory, trajectory.duration if seconds is None else seconds, data.qpos.copy(), held
    )


def pairs(replay, each, expected=()):
    return {collision.pair for collision in replay.collisions(each, expected)}


def test_a_motion_above_all_touches_nothing(model, replay):
    assert not pairs(replay, executed(model, PARK, over(RED, 0.10), over(BLUE, 0.10)))


def test_what_is_gone_through_is_found(model, replay):
    through = executed(model, over((-0.1, -0.5), 0.02), over(BLUE, 0.02))
    found = replay.collisions(through)
    assert {'red block', 'blue block'} <= {name for each in found for name in each.pair}
    assert all(0 < each.depth < 0.05 for each in found)
    assert all('mm' in str(each) for each in found)


def test_what_comes_after_a_motion_was_ended_does_not_count(model, replay):
    down = [over(RED, 0.10), over(RED, 0.05), over(RED, 0.02)]
    assert pairs(replay, executed(model, *down))
    assert not pairs(replay, executed(model, *down, seconds=1.0))


def test_a_motion_may_touch_what_it_feels_for_and_nothing_else(model, replay):
    down = executed(model, over(RED, 0.06), over(RED, 0.035))
    assert not pairs(replay, down, {'red block'})
    assert all('red block' in pair for pair in pairs(replay, down, {'table'}))
    table = executed(model, over((-0.1, -0.5), 0.02), over((-0.1, -0.5), -0.004))
    assert not pairs(replay, table, {'table'})
    assert any('table' in pair for pair in pairs(replay, table))


def test_what_touches_at_the_start_may_be_left(model, replay):
    assert not pairs(replay, executed(model, over(RED, 0.0395), over(RED, 0.15)))
    pressed = executed(model, over(RED, 0.03), over((0.03, -0.5), 0.03), over(BLUE, 0.15))
    assert any('red block' in pair for pair in pairs(replay, pressed))


def test_what_is_held_moves_along_and_counts(model, replay):
    lift = [over(RED, 0.04), over(RED, 0.10)]
    held = {'held': 'red block'}
    assert not pairs(replay, executed(model, *lift, over(BLUE, 0.10), **held))
    into = executed(model, *lift, over(BLUE, 0.06), **held)
    assert pairs(replay, into) == {('blue block', 'red block')}
    assert not pairs(replay, into, {'blue block'})
    # Without its load the cup has room there.
    assert not pairs(replay, executed(model, over(RED, 0.06), *lift[1:], over(BLUE, 0.06)))


def test_the_arm_in_itself_counts(model, replay):
    folded = PARK.copy()
    folded[2], folded[3] = 3.0, 0.5
    found = pairs(replay, executed(model, PARK, folded))
    assert any(a.endswith('link') and b.endswith('link') for a, b in found)


def test_samples_are_no_further_apart_than_asked():
    rng = np.random.default_rng(1)
    positions = np.cumsum(rng.uniform(-0.05, 0.05, (20, 6)), axis=0)
    velocities = np.gradient(positions, 0.02, axis=0)
    velocities[[0, -1]] = 0.0
    trajectory = Trajectory(np.arange(20) * 0.02, positions, velocities)
    times, joints = samples(trajectory, 0.3)
    assert times[0] == 0.0
    assert times[-1] == 0.3
    # What a point of the arm moves at most is bounded by this; the tool moves less.
    assert max(map(motion_between, joints, joints[1:])) < 1.5 * STEP
