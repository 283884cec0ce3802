"""What every MotionPlanner keeps to. The embedded one is the only provider so far."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cap_common.errors import NoPathError, UnreachableError
from cap_skills.arm import SkillConfig
from cap_skills.collision import CollisionWorld
from cap_skills.kinematics import tool_down
from cap_skills.model import Free, Item, Joints, Straight, Surroundings, Trajectory
from cap_skills.parameters import SkillsParameters
from cap_skills.planner import EmbeddedPlanner, motion_between, round_corners, sample_edge
from cap_skills.robot_model import RobotModel

_FIXTURES = [HealthCheck.function_scoped_fixture]


def _post(x: float = 0.45, width: float = 0.04, height: float = 0.3) -> Item:
    pose = np.eye(4)
    pose[:3, 3] = x, 0.0, height / 2
    return Item('post', 'block', pose, np.array([0.3, width, height]))


def _over(planner: EmbeddedPlanner, config: SkillConfig, x: float, y: float, z: float) -> Joints:
    return planner.kinematics.down(tool_down(np.array([x, y, z])), config.park, free_yaw=True)


def _densely(planner: EmbeddedPlanner, trajectory: Trajectory, step: float) -> np.ndarray:
    """The trajectory as a controller interpolates it: cubic between its points."""
    rows = []
    for k in range(len(trajectory.times) - 1):
        span = trajectory.times[k + 1] - trajectory.times[k]
        a, b = trajectory.positions[k], trajectory.positions[k + 1]
        va, vb = trajectory.velocities[k] * span, trajectory.velocities[k + 1] * span
        count = max(2, int(np.ceil(motion_between(a, b) / step)) + 1)
        t = np.linspace(0, 1, count)[:, None]
        rows.append(
            a * (1 + 2 * t) * (1 - t) ** 2
            + va * t * (1 - t) ** 2
            + b * t**2 * (3 - 2 * t)
            + vb * t**2 * (t - 1)
        )
    return np.concatenate(rows)


@settings(max_examples=25, deadline=None, suppress_health_check=_FIXTURES)
@given(st.floats(0.25, 0.7), st.floats(-0.3, -0.12), st.floats(0.25, 0.7), st.floats(0.12, 0.3))
def test_no_path_touches_anything(
    planner: EmbeddedPlanner, robot: RobotModel, config: SkillConfig,
    x1: float, y1: float, x2: float, y2: float,
) -> None:  # fmt: skip
    """Checked again at 2 mm, against the obstacle itself, as the controller will move."""
    around = Surroundings((_post(),))
    start, goal = _over(planner, config, x1, y1, 0.12), _over(planner, config, x2, y2, 0.12)
    trajectory = planner.plan(start, [Free(goal)], around)
    world = CollisionWorld(robot, around, 0.0)
    for joints in _densely(planner, trajectory, 0.002):
        assert not world.collides(joints), world.pairs(joints)
    assert np.allclose(trajectory.positions[0], start)
    # toppra's solver can all but stand still at a point of a path.
    assert trajectory.duration < 4.0
    assert np.allclose(trajectory.end, goal, atol=1e-6)


def test_limits_are_kept(
    planner: EmbeddedPlanner, config: SkillConfig, parameters: SkillsParameters
) -> None:
    low = planner.kinematics.forward(_over(planner, config, 0.7, -0.2, 0.05))
    legs = [Free(_over(planner, config, 0.7, -0.2, 0.2)), Straight(low, 0.25)]
    for scale in (1.0, 0.3):
        trajectory = planner.plan(config.park, legs, Surroundings(()), scale)
        speeds = np.abs(trajectory.velocities).max(axis=0)
        assert np.all(speeds <= np.array(parameters.joint_velocity) * scale * 1.02)
        tool = np.array([planner.kinematics.forward(q)[:3, 3] for q in trajectory.positions])
        rate = np.linalg.norm(np.diff(tool, axis=0), axis=1) / np.diff(trajectory.times)
        assert rate.max() <= parameters.tool_speed * scale * 1.05
        near = tool[1:, 2] < 0.12
        assert rate[near].max() <= 0.25 * scale * 1.05
        assert not trajectory.velocities[0].any()
        assert not trajectory.velocities[-1].any()


def test_straight_is_straight(planner: EmbeddedPlanner, config: SkillConfig) -> None:
    start = _over(planner, config, 0.5, 0.1, 0.25)
    goal = planner.kinematics.forward(start)
    goal[2, 3] = 0.05
    trajectory = planner.plan(start, [Straight(goal, 0.25)], Surroundings(()))
    for joints in trajectory.positions:
        pose = planner.kinematics.forward(joints)
        assert np.allclose(pose[:2, 3], goal[:2, 3], atol=5e-4)
        assert np.allclose(pose[:3, :3], goal[:3, :3], atol=2e-3)


def test_it_goes_round_and_the_same_way_twice(
    planner: EmbeddedPlanner, config: SkillConfig
) -> None:
    a, b = _over(planner, config, 0.45, 0.2, 0.1), _over(planner, config, 0.45, -0.2, 0.1)
    direct = planner.plan(a, [Free(b)], Surroundings(()))
    first, second = (planner.plan(a, [Free(b)], Surroundings((_post(),))) for _ in range(2))
    assert first.positions.shape == second.positions.shape
    assert np.array_equal(first.positions, second.positions)
    assert first.duration > direct.duration


def test_blocked_goals_and_walls_say_what_is_in_the_way(
    planner: EmbeddedPlanner, config: SkillConfig, item: Callable[..., Item]
) -> None:
    block = item('blue block', 0.4, 0.1)
    goal = _over(planner, config, 0.4, 0.1, 0.03)
    with pytest.raises(NoPathError, match='blue block'):
        planner.plan(config.park, [Free(goal)], Surroundings((block,)))
    above = _over(planner, config, 0.4, 0.1, 0.1)
    down = planner.kinematics.forward(above)
    down[2, 3] = 0.03
    with pytest.raises(NoPathError, match='blue block'):
        planner.plan(above, [Straight(down, 0.1)], Surroundings((block,)))
    far = tool_down(np.array([1.2, 0.0, 0.1]))
    with pytest.raises(UnreachableError):
        planner.plan(above, [Straight(far, 0.1)], Surroundings(()))


def test_what_touches_at_the_start_may_come_free(
    planner: EmbeddedPlanner, config: SkillConfig, item: Callable[..., Item]
) -> None:
    around = Surroundings((item('blue block', 0.4, 0.1),))
    start = _over(planner, config, 0.4, 0.1, 0.038)
    assert planner.touching(start, around)
    up = planner.kinematics.forward(start)
    up[2, 3] = 0.15
    trajectory = planner.plan(start, [Straight(up, 0.25)], around)
    assert not planner.touching(trajectory.end, around)


def test_edges_and_corners() -> None:
    a, b = np.zeros(6), np.array([0.3, -0.2, 0.1, 0.0, 0.0, 1.0])
    edge = sample_edge(a, b, 0.005)
    assert np.array_equal(edge[0], a)
    assert np.allclose(edge[-1], b)
    assert max(motion_between(p, q) for p, q in itertools.pairwise(edge)) <= 0.005 + 1e-9
    corner = np.zeros((41, 6))
    corner[20:, 0] = np.linspace(0, 1, 21)
    corner[:21, 1] = np.linspace(1, 0, 21)
    smooth = round_corners(corner, 8)
    assert np.array_equal(smooth[[0, -1]], corner[[0, -1]])
    assert np.allclose(smooth[:12], corner[:12])
    assert smooth[20, 0] > 0.05
