"""What every Robot does, asked of each provider: the kinematic one, and ROS with the simulator."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
import yaml
from ament_index_python.packages import get_package_prefix
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from cap_common.domain import free_domain_id
from cap_common.ears import Ears
from cap_common.errors import CanceledError, RobotFaultError
from cap_skills.call import SkillConfig
from cap_skills.kinematic_robot import KinematicRobot
from cap_skills.model import Free, Straight, Surroundings, Trajectory
from cap_skills.planner import EmbeddedPlanner
from cap_skills.robot import Robot
from cap_skills.robot_model import RobotModel
from cap_skills.ros_robot import RosRobot

_ROOT = Path(__file__).parents[3]
_START_S = 60.0
# Of planned speeds, where a test ends a motion on its way: most of that is still to come then.
_SLOW = 0.25


def _nothing() -> None:
    """A check that lets everything pass."""


def _answers(provider: Robot) -> bool:
    """Whether all its sensors and servers are there; a server may not have found its client yet."""
    try:
        rest = provider.joints()
        provider.gripper()
        provider.grip(1.0)
        stay = Trajectory(np.array([0.0, 0.1]), np.array([rest, rest]), np.zeros((2, len(rest))))
        provider.execute(stay, _nothing)
    except RobotFaultError:
        return False
    return True


@pytest.fixture(scope='module')
def ros(robot: RobotModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RosRobot]:
    folder = tmp_path_factory.mktemp('sim')
    parameters = {'robot_description': robot.urdf, 'blocks': 0, 'bowls': 0}
    file = folder / 'sim.yaml'
    file.write_text(yaml.safe_dump({'/**/sim': {'ros__parameters': parameters}}))
    domain = free_domain_id()
    program = Path(get_package_prefix('cap_sim'), 'lib', 'cap_sim', 'sim_node')
    configured = ('--params-file', str(_ROOT / 'config' / 'sim.yaml'), '--params-file', str(file))
    sim = subprocess.Popen(
        [str(program), '--ros-args', *configured],
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
    )
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = Node('robot_test', context=context)
    ears = Ears(node)
    provider = RosRobot(node, ears, silence_s=10.0, slowest=0.1)
    ears.start()
    executor = MultiThreadedExecutor(3, context=context)
    executor.add_node(node)
    threading.Thread(target=executor.spin, daemon=True).start()
    deadline = time.monotonic() + _START_S
    while not _answers(provider):
        assert time.monotonic() < deadline, 'the simulator does not speak'
        threading.Event().wait(0.05)
    yield provider
    sim.send_signal(signal.SIGINT)
    try:
        sim.wait(5.0)
    except subprocess.TimeoutExpired:
        sim.kill()
    ears.close()
    executor.shutdown(timeout_sec=1.0)
    rclpy.shutdown(context=context)


@pytest.fixture(params=['kinematic', pytest.param('ros', marks=pytest.mark.system)])
def provider(request: pytest.FixtureRequest, robot: RobotModel, config: SkillConfig) -> Robot:
    if request.param == 'ros':
        ros: RosRobot = request.getfixturevalue('ros')
        return ros
    return KinematicRobot(robot.kinematics, config.park, ())


@pytest.fixture
def at_park(provider: Robot, planner: EmbeddedPlanner, config: SkillConfig) -> Robot:
    legs = [Free(config.park)]
    if np.abs(provider.joints() - config.park).max() > 0.002:
        provider.execute(planner.plan(provider.joints(), legs, Surroundings(())), _nothing)
    return provider


def _away(planner: EmbeddedPlanner, robot: Robot) -> tuple[np.ndarray, Callable[[], bool]]:
    goal = robot.joints() + np.array([-0.8, 0.1, 0.0, 0.0, 0.0, 0.5])
    return goal, lambda: bool(np.abs(robot.joints() - goal).max() < 0.01)


def test_it_ends_where_the_trajectory_ends(at_park: Robot, planner: EmbeddedPlanner) -> None:
    goal, there = _away(planner, at_park)
    trajectory = planner.plan(at_park.joints(), [Free(goal)], Surroundings(()))
    assert at_park.execute(trajectory, _nothing) is False
    assert there()


def test_until_ends_it_early_and_standing(at_park: Robot, planner: EmbeddedPlanner) -> None:
    goal, there = _away(planner, at_park)
    start = at_park.joints()
    trajectory = planner.plan(start, [Free(goal)], Surroundings(()), _SLOW)
    moved = lambda _: bool(np.abs(at_park.joints() - start).max() > 0.1)  # noqa: E731
    assert at_park.execute(trajectory, _nothing, moved) is True
    assert not there()
    stood = at_park.joints()
    at_park.wait(lambda _: False, 0.1, _nothing)
    assert np.allclose(at_park.joints(), stood, atol=0.003)


def test_what_a_check_raises_ends_it_and_comes_out(
    at_park: Robot, planner: EmbeddedPlanner
) -> None:
    goal, there = _away(planner, at_park)
    start = at_park.joints()
    trajectory = planner.plan(start, [Free(goal)], Surroundings(()), _SLOW)

    def check() -> None:
        if np.abs(at_park.joints() - start).max() > 0.1:
            raise CanceledError('enough')

    with pytest.raises(CanceledError, match='enough'):
        at_park.execute(trajectory, check)
    assert not there()


def test_the_cup_feels_the_table(at_park: Robot, planner: EmbeddedPlanner) -> None:
    near_table = Surroundings((), ignore=frozenset({'table'}))
    pose = planner.kinematics.forward(at_park.joints())
    pose[2, 3] = 0.01
    at_park.execute(planner.plan(at_park.joints(), [Straight(pose, 0.25)], near_table), _nothing)
    rest = at_park.gripper()
    assert rest.pressure > 90_000.0
    below = pose.copy()
    below[2, 3] = -0.01
    down = planner.plan(at_park.joints(), [Straight(below, 0.05)], near_table)
    felt = at_park.execute(down, _nothing, lambda reading: reading.force - rest.force > 1.5)
    assert felt is True
    assert abs(planner.kinematics.forward(at_park.joints())[2, 3]) < 0.012
    assert not at_park.wait(lambda reading: reading.pressure < 60_000.0, 0.1, _nothing)
    up = pose.copy()
    up[2, 3] = 0.2
    at_park.execute(planner.plan(at_park.joints(), [Straight(up, 0.25)], near_table), _nothing)
