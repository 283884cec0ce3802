"""What every MotionPlanner keeps to, asked of each provider; then the embedded one's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cap_common.errors import NoPathError, UnreachableError
from cap_skills.call import SkillConfig
from cap_skills.collision import CollisionWorld
from cap_skills.kinematics import tool_down
from cap_skills.model import (
    Follow,
    Free,
    Held,
    Item,
    Joints,
    Straight,
    Surroundings,
    Trajectory,
)
from cap_skills.motion_planner import MotionPlanner
from cap_skills.parameters import SkillsParameters, motion_limits
from cap_skills.paths import motion_between
from cap_skills.planner import EmbeddedPlanner
from cap_skills.robot_model import RobotModel

_FIXTURES = [HealthCheck.function_scoped_fixture]
_PROVIDERS = ['embedded']


@pytest.fixture(scope='session', params=_PROVIDERS)
def provider(request: pytest.FixtureRequest, planner: EmbeddedPlanner) -> MotionPlanner:
    assert request.param == 'embedded'
    return planner


@pytest.fixture(scope='session')
def shapes(robot: RobotModel) -> CollisionWorld:
    """What paths are checked in: the things themselves, without padding."""
    return CollisionWorld(robot, 0.0)


def _post(x: float = 0.45, width: float = 0.04, height: float = 0.3) -> Item:
    pose = np.eye(4)
    pose[:3, 3] = x, 0.0, height / 2
    return Item('post', 'block', pose, np.array([0.3, width, height]))


def _over(provider: MotionPlanner, config: SkillConfig, x: float, y: float, z: float) -> Joints:
    return provider.kinematics.down(tool_down(np.array([x, y, z])), config.park, free_yaw=True)


def _densely(trajectory: Trajectory, step: float) -> np.ndarray:
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


def _tool_path(provider: MotionPlanner, trajectory: Trajectory) -> np.ndarray:
    """Where the tool is, (n, 3), each millimetre or oftener."""
    dense = _densely(trajectory, 0.001)
    return np.array([provider.kinematics.forward(joints)[:3, 3] for joints in dense])


def _off_polyline(points: np.ndarray, corners: np.ndarray) -> float:
    """How far the farthest of points (n, 3) is from a polyline (m, 3)."""
    starts, edges = corners[:-1], np.diff(corners, axis=0)
    squares = np.maximum((edges**2).sum(axis=1), 1e-18)
    away = points[:, None] - starts
    share = ((away * edges).sum(axis=2) / squares).clip(0.0, 1.0)[:, :, None]
    return float(np.linalg.norm(away - share * edges, axis=2).min(axis=1).max())


@settings(max_examples=25, deadline=None, suppress_health_check=_FIXTURES)
@given(st.floats(0.25, 0.7), st.floats(-0.3, -0.12), st.floats(0.25, 0.7), st.floats(0.12, 0.3))
def test_no_path_touches_anything(
    provider: MotionPlanner, shapes: CollisionWorld, config: SkillConfig,
    x1: float, y1: float, x2: float, y2: float,
) -> None:  # fmt: skip
    """Checked again at 2 mm, against the obstacle itself, as the controller will move."""
    around = Surroundings((_post(),))
    start, goal = _over(provider, config, x1, y1, 0.12), _over(provider, config, x2, y2, 0.12)
    trajectory = provider.plan(start, [Free(goal)], around)
    shapes.load(around)
    for joints in _densely(trajectory, 0.002):
        assert not shapes.collides(joints), shapes.pairs(joints)
    # A time parameterisation can all but stand still at a point of a path.
    assert trajectory.duration < 4.0
    assert np.allclose(trajectory.positions[0], start)
    assert np.allclose(trajectory.end, goal, atol=1e-6)


def test_a_free_goal_is_reached_as_fast_as_the_joints_allow_or_not_much_slower(
    provider: MotionPlanner, config: SkillConfig, parameters: SkillsParameters
) -> None:
    start, goal = _over(provider, config, 0.4, 0.25, 0.2), _over(provider, config, 0.5, -0.2, 0.2)
    trajectory = provider.plan(start, [Free(goal)], Surroundings(()))
    assert np.allclose(trajectory.positions[0], start)
    assert np.allclose(trajectory.end, goal, atol=1e-6)
    assert trajectory.times[0] == 0.0
    assert np.all(np.diff(trajectory.times) > 0)
    velocity, acceleration = parameters.joint_velocity, parameters.joint_acceleration
    least = np.max(np.abs(goal - start) / velocity + np.divide(velocity, acceleration))
    assert trajectory.duration < 1.5 * least


def test_limits_are_kept(
    provider: MotionPlanner, config: SkillConfig, parameters: SkillsParameters
) -> None:
    low = provider.kinematics.forward(_over(provider, config, 0.7, -0.2, 0.05))
    legs = [Free(_over(provider, config, 0.7, -0.2, 0.2)), Straight(low, 0.25)]
    for scale in (1.0, 0.3):
        trajectory = provider.plan(config.park, legs, Surroundings(()), scale)
        speeds = np.abs(trajectory.velocities).max(axis=0)
        assert np.all(speeds <= np.array(parameters.joint_velocity) * scale * 1.02)
        change = np.abs(np.diff(trajectory.velocities, axis=0))
        change /= np.diff(trajectory.times)[:, None]
        assert np.all(change.max(axis=0) <= np.array(parameters.joint_acceleration) * scale * 1.1)
        tool = np.array([provider.kinematics.forward(q)[:3, 3] for q in trajectory.positions])
        rate = np.linalg.norm(np.diff(tool, axis=0), axis=1) / np.diff(trajectory.times)
        assert rate.max() <= parameters.tool_speed * scale * 1.05
        near = tool[1:, 2] < 0.12
        assert rate[near].max() <= 0.25 * scale * 1.05
        assert not trajectory.velocities[0].any()
        assert not trajectory.velocities[-1].any()


def test_straight_is_straight(provider: MotionPlanner, config: SkillConfig) -> None:
    start = _over(provider, config, 0.5, 0.1, 0.25)
    first = provider.kinematics.forward(start)
    goal = first.copy()
    goal[:3, 3] += (0.05, -0.05, -0.20)
    trajectory = provider.plan(start, [Straight(goal, 0.25)], Surroundings(()))
    tool = _tool_path(provider, trajectory)
    assert _off_polyline(tool, np.array([first[:3, 3], goal[:3, 3]])) < 1e-3
    assert np.allclose(tool[-1], goal[:3, 3], atol=1e-5)
    for joints in trajectory.positions:
        assert np.allclose(provider.kinematics.forward(joints)[:3, :3], goal[:3, :3], atol=2e-3)


def test_it_goes_round_and_the_same_way_twice(provider: MotionPlanner, config: SkillConfig) -> None:
    a, b = _over(provider, config, 0.45, 0.2, 0.1), _over(provider, config, 0.45, -0.2, 0.1)
    direct = provider.plan(a, [Free(b)], Surroundings(()))
    first, second = (provider.plan(a, [Free(b)], Surroundings((_post(),))) for _ in range(2))
    assert first.positions.shape == second.positions.shape
    assert np.array_equal(first.positions, second.positions)
    assert first.duration > direct.duration


def test_blocked_goals_and_ways_say_what_is_in_the_way(
    provider: MotionPlanner, config: SkillConfig, item: Callable[..., Item]
) -> None:
    block = item('blue block', 0.4, 0.1)
    goal = _over(provider, config, 0.4, 0.1, 0.03)
    with pytest.raises(NoPathError, match='blue block'):
        provider.plan(config.park, [Free(goal)], Surroundings((block,)))
    above = _over(provider, config, 0.4, 0.1, 0.1)
    down = provider.kinematics.forward(above)
    down[2, 3] = 0.03
    for leg in (Straight(down, 0.1), Follow(down[None], 0.1)):
        with pytest.raises(NoPathError, match='blue block'):
            provider.plan(above, [leg], Surroundings((block,)))


def test_what_is_out_of_reach_is_unreachable(provider: MotionPlanner, config: SkillConfig) -> None:
    above = _over(provider, config, 0.4, 0.1, 0.1)
    far = tool_down(np.array([1.2, 0.0, 0.1]))
    for leg in (Straight(far, 0.1), Follow(far[None], 0.1)):
        with pytest.raises(UnreachableError):
            provider.plan(above, [leg], Surroundings(()))


def test_what_touches_at_the_start_may_come_free(
    provider: MotionPlanner, config: SkillConfig, item: Callable[..., Item]
) -> None:
    around = Surroundings((item('blue block', 0.4, 0.1),))
    start = _over(provider, config, 0.4, 0.1, 0.038)
    assert provider.touching(start, around)
    up = provider.kinematics.forward(start)
    up[2, 3] = 0.15
    trajectory = provider.plan(start, [Straight(up, 0.25)], around)
    assert not provider.touching(trajectory.end, around)


def test_what_is_held_goes_round_too(
    provider: MotionPlanner, shapes: CollisionWorld, config: SkillConfig, item: Callable[..., Item]
) -> None:
    """A post that the empty tool passes over."""
    low = _post(height=0.12)
    a, b = _over(provider, config, 0.45, 0.2, 0.15), _over(provider, config, 0.45, -0.2, 0.15)
    tcp_from_object = np.eye(4)
    tcp_from_object[2, 3] = 0.02
    held = Held(item('red block', 0.0, 0.0), tcp_from_object)
    empty = provider.plan(a, [Free(b)], Surroundings((low,)))
    loaded = provider.plan(a, [Free(b)], Surroundings((low,), held))
    shapes.load(Surroundings((low,), held))
    assert not any(shapes.collides(joints) for joints in _densely(loaded, 0.002))
    assert any(shapes.collides(joints) for joints in _densely(empty, 0.002))


def _on_plane(provider: MotionPlanner, config: SkillConfig, points: np.ndarray) -> np.ndarray:
    """Poses (n, 4, 4) over points (n, 2) around the middle of the table, 10 cm above it."""
    pose = provider.kinematics.forward(_over(provider, config, 0.5, 0.0, 0.1))
    poses = np.tile(pose, (len(points), 1, 1))
    poses[:, :2, 3] += points
    return poses


def _ring(count: int, radius: float, turns: float = 1.0) -> np.ndarray:
    angles = np.linspace(0.0, 2 * np.pi * turns, count)
    growth = np.linspace(1.0 / turns, 1.0, count)[:, None] if turns > 1 else 1.0
    return radius * growth * np.column_stack([np.cos(angles), np.sin(angles)])


@pytest.mark.parametrize(
    'points',
    [
        pytest.param(_ring(7, 0.05), id='hexagon'),
        pytest.param(_ring(200, 0.08), id='circle'),
        pytest.param(_ring(400, 0.10, turns=4.0), id='spiral'),
        pytest.param(_ring(6, 0.10)[[0, 2, 4, 1, 3, 0]], id='star'),
        pytest.param(np.array([(0, 0), (0.1, 0), (0, 0), (0, 0), (0, 0.05)]), id='back and twice'),
        pytest.param(np.array([(0.0, 0.0), (0.0005, 0.0), (0.0005, 0.0005)]), id='tiny'),
    ],
)
def test_what_is_followed_is_followed_closely(
    provider: MotionPlanner, config: SkillConfig, points: np.ndarray
) -> None:
    poses = _on_plane(provider, config, points)
    start = provider.kinematics.down(poses[0], config.park)
    trajectory = provider.plan(start, [Follow(poses, 0.1)], Surroundings(()))
    tool = _tool_path(provider, trajectory)
    assert _off_polyline(tool, poses[:, :3, 3]) < 5e-4
    # And nothing of it is left out.
    for corner in poses[:, :3, 3]:
        assert np.linalg.norm(tool - corner, axis=1).min() < 6e-4
    tool = np.array([provider.kinematics.forward(q)[:3, 3] for q in trajectory.positions])
    rate = np.linalg.norm(np.diff(tool, axis=0), axis=1) / np.diff(trajectory.times)
    assert rate.max() <= 0.1 * 1.05
    length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    assert trajectory.duration < 2.5 * length / 0.1 + 1.0


def test_ten_thousand_points_are_followed(provider: MotionPlanner, config: SkillConfig) -> None:
    points = _ring(10_000, 0.10, turns=8.0)
    poses = _on_plane(provider, config, points)
    start = provider.kinematics.down(poses[0], config.park)
    trajectory = provider.plan(start, [Follow(poses, 0.1)], Surroundings(()))
    tool = np.array([provider.kinematics.forward(q)[:3, 3] for q in trajectory.positions])
    assert np.allclose(tool[-1], poses[-1, :3, 3], atol=3e-4)
    away = np.hypot(*(tool[:, :2] - (0.5, 0.0)).T)
    assert np.all(np.diff(away) > -2e-4)


def test_following_begins_where_the_arm_is_and_goes_on_after_other_legs(
    provider: MotionPlanner, config: SkillConfig
) -> None:
    poses = _on_plane(provider, config, np.array([(0.0, 0.0), (0.05, 0.0)]))
    above = _over(provider, config, 0.5, 0.0, 0.15)
    up = poses[-1].copy()
    up[2, 3] = 0.2
    legs = [Free(above), Follow(poses, 0.1), Straight(up, 0.2)]
    trajectory = provider.plan(config.park, legs, Surroundings(()))
    assert np.all(np.diff(trajectory.times) > 0)
    tool = _tool_path(provider, trajectory)
    for place in (*poses[:, :3, 3], up[:3, 3]):
        assert np.linalg.norm(tool - place, axis=1).min() < 1e-3
    way = tool[np.linalg.norm(tool - (0.5, 0.0, 0.15), axis=1).argmin() :]
    corners = np.array([(0.5, 0.0, 0.15), *poses[:, :3, 3], up[:3, 3]])
    assert _off_polyline(way, corners) < 1e-3


@pytest.mark.parametrize('legs', [0, 1, 2])
def test_going_nowhere_is_a_trajectory_too(
    provider: MotionPlanner, config: SkillConfig, legs: int
) -> None:
    here = provider.kinematics.forward(config.park)
    some = [Free(config.park), Follow(np.stack([here, here]), 0.1)][:legs]
    trajectory = provider.plan(config.park, some, Surroundings(()))
    assert np.allclose(trajectory.positions, config.park)
    assert np.all(np.diff(trajectory.times) > 0)
    assert not trajectory.velocities.any()


def test_searches_are_counted(planner: EmbeddedPlanner, config: SkillConfig) -> None:
    a, b = _over(planner, config, 0.45, 0.2, 0.1), _over(planner, config, 0.45, -0.2, 0.1)
    before = planner.searches
    planner.plan(a, [Free(b)], Surroundings(()))
    assert planner.searches == before
    planner.plan(a, [Free(b)], Surroundings((_post(),)))
    assert planner.searches == before + 1


def test_walls_are_gone_round_and_not_entered(
    robot: RobotModel, parameters: SkillsParameters, planner: EmbeddedPlanner, config: SkillConfig
) -> None:
    # In workspace, so x is the base's y: between the two sides of the table, 30 cm high.
    walls = (-0.01, -0.60, 0.0, 0.01, -0.35, 0.30)
    walled = EmbeddedPlanner(
        robot,
        motion_limits(parameters, robot),
        dataclasses.replace(parameters.planning, walls=walls),
    )
    a, b = _over(planner, config, 0.45, 0.2, 0.1), _over(planner, config, 0.45, -0.2, 0.1)
    trajectory = walled.plan(a, [Free(b)], Surroundings(()))
    shapes = CollisionWorld(robot, 0.0, walls)
    assert not any(shapes.collides(joints) for joints in _densely(trajectory, 0.002))
    direct = planner.plan(a, [Free(b)], Surroundings(()))
    assert any(shapes.collides(joints) for joints in _densely(direct, 0.002))
    with pytest.raises(NoPathError, match='wall 1'):
        walled.plan(a, [Free(_over(planner, config, 0.45, 0.0, 0.1))], Surroundings(()))
