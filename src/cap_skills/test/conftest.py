"""The cell as config/skills.yaml and the description have it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cap_common.config import read_config
from cap_description.cell import cell_urdf, transform
from cap_skills.arm import Arm
from cap_skills.call import SkillConfig
from cap_skills.kinematic_robot import KinematicRobot
from cap_skills.model import Item, SceneView
from cap_skills.parameters import SkillsParameters, make_hand, motion_limits, work_area
from cap_skills.planner import EmbeddedPlanner
from cap_skills.robot import Robot
from cap_skills.robot_model import RobotModel, robot_model
from cap_skills.skills import Skills
from cap_skills.targets import Area

_CONFIG = Path(__file__).parents[3] / 'config' / 'skills.yaml'


@pytest.fixture(scope='session')
def parameters() -> SkillsParameters:
    return read_config(_CONFIG, 'skills', SkillsParameters, robot_description=cell_urdf())


@pytest.fixture(scope='session')
def robot(parameters: SkillsParameters) -> RobotModel:
    return robot_model(parameters.robot_description)


@pytest.fixture(scope='session')
def planner(parameters: SkillsParameters, robot: RobotModel) -> EmbeddedPlanner:
    return EmbeddedPlanner(robot, motion_limits(parameters, robot), parameters.planning)


@pytest.fixture(scope='session')
def config(parameters: SkillsParameters) -> SkillConfig:
    return parameters.steps


@pytest.fixture(scope='session')
def area(parameters: SkillsParameters) -> Area:
    urdf = parameters.robot_description
    return work_area(parameters, transform(urdf, 'base_link', 'workspace'))


@pytest.fixture
def item(parameters: SkillsParameters) -> Callable[..., Item]:
    """Makes an object standing on the table, or at a height."""

    def make(name: str, x: float, y: float, bottom: float = 0.0, yaw: float = 0.0) -> Item:
        bowl = name.endswith('bowl')
        size = np.array([0.12, 0.12, 0.045] if bowl else [0.04, 0.04, 0.04])
        pose = np.eye(4)
        c, s = np.cos(yaw), np.sin(yaw)
        pose[:2, :2] = ((c, -s), (s, c))
        pose[:3, 3] = x, y, bottom + size[2] / 2
        return parameters.item(name, 'bowl' if bowl else 'block', pose, size)

    return make


@pytest.fixture
def arm(robot: RobotModel, config: SkillConfig, item: Callable[..., Item]) -> KinematicRobot:
    """Parked, over two blocks and two bowls."""
    items = (
        item('blue block', 0.40, 0.10, yaw=0.4),
        item('red block', 0.40, -0.10),
        item('blue bowl', 0.60, -0.10),
        item('red bowl', 0.60, 0.10),
    )
    return KinematicRobot(robot.kinematics, config.park, items)


@pytest.fixture
def make_skills(
    parameters: SkillsParameters,
    robot: RobotModel,
    planner: EmbeddedPlanner,
    config: SkillConfig,
    area: Area,
) -> Callable[..., Skills]:
    """Makes the skills of a new process, for a robot and a scene; with another config, if given."""

    def make(
        provider: Robot, scene: Callable[[], SceneView], other: SkillConfig | None = None
    ) -> Skills:
        steps = other or config
        return Skills(
            Arm(provider, make_hand(parameters, robot), planner, steps), scene, steps, area
        )

    return make


@pytest.fixture
def skills(arm: KinematicRobot, make_skills: Callable[..., Skills]) -> Skills:
    return make_skills(arm, lambda: SceneView(tuple(arm.items.values()), 0.0))
