from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cap_skills.arm import SkillConfig
from cap_skills.collision import CollisionWorld, solids_of
from cap_skills.kinematics import tool_down
from cap_skills.model import Held, Item, Surroundings
from cap_skills.robot_model import RobotModel

PADDING = 0.005


def _pairs(
    robot: RobotModel, config: SkillConfig, around: Surroundings, x: float, y: float, z: float
) -> set[tuple[str, str]]:
    joints = robot.kinematics.down(tool_down(np.array([x, y, z])), config.park)
    return set(CollisionWorld(robot, around, PADDING).pairs(joints))


def test_the_parked_arm_is_free(robot: RobotModel, config: SkillConfig) -> None:
    assert not CollisionWorld(robot, Surroundings(()), PADDING).collides(config.park)


def test_padding_begins_before_contact(
    robot: RobotModel, config: SkillConfig, item: Callable[..., Item]
) -> None:
    block = item('blue block', 0.4, 0.1)
    around = Surroundings((block,))
    touching = {('blue block', 'cup_link')}
    assert _pairs(robot, config, around, 0.4, 0.1, 0.047) == set()
    assert _pairs(robot, config, around, 0.4, 0.1, 0.043) == touching
    near = Surroundings((block,), touch=frozenset({'blue block'}))
    assert _pairs(robot, config, near, 0.4, 0.1, 0.043) == set()
    through = Surroundings((block,), ignore=frozenset({'blue block'}))
    assert _pairs(robot, config, through, 0.4, 0.1, 0.03) == set()


def test_a_block_fits_into_a_bowl_but_not_through_its_wall(
    robot: RobotModel, config: SkillConfig, item: Callable[..., Item]
) -> None:
    bowl, block = item('blue bowl', 0.5, 0.0), item('red block', 0.0, 0.0)
    tcp_from_object = np.eye(4)
    tcp_from_object[2, 3] = 0.02
    held = Held(block, tcp_from_object)
    around = Surroundings((bowl,), held)
    assert _pairs(robot, config, around, 0.5, 0.0, 0.055) == set()
    assert ('blue bowl', 'red block') in _pairs(robot, config, around, 0.55, 0.0, 0.055)


def test_the_table_and_the_arm_itself_count(robot: RobotModel, config: SkillConfig) -> None:
    world = CollisionWorld(robot, Surroundings(()), PADDING)
    assert ('cup_link', 'table') in _pairs(robot, config, Surroundings(()), 0.5, 0.0, 0.002)
    folded = config.park.copy()
    folded[2], folded[3] = 3.0, 0.5
    assert any('link' in a and 'link' in b for a, b in world.pairs(folded))


def test_a_bowl_is_hollow(item: Callable[..., Item]) -> None:
    boxes = solids_of(item('blue bowl', 0, 0))
    assert len(boxes) > 6
    for box in boxes:
        inside = np.linalg.inv(box.pose) @ np.array([0, 0, 0.01, 1.0])
        assert np.any(np.abs(inside[:3]) > box.size / 2)


@pytest.mark.parametrize('seed', range(3))
def test_excepted_pairs_do_not_count(robot: RobotModel, seed: int) -> None:
    world = CollisionWorld(robot, Surroundings(()), PADDING)
    rng = np.random.default_rng(seed)
    pairs: frozenset[tuple[str, str]] = frozenset()
    while not pairs:
        joints = rng.uniform(-np.pi, np.pi, 6)
        pairs = world.pairs(joints)
    assert world.collides(joints)
    assert not world.collides(joints, pairs)
