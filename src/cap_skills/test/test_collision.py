from __future__ import annotations

import dataclasses
from collections.abc import Callable

import mujoco
import numpy as np
import pytest

from cap_description.cell import ARM_JOINTS, cell_urdf
from cap_skills.call import SkillConfig
from cap_skills.collision import CollisionWorld, solids_of
from cap_skills.kinematics import tool_down
from cap_skills.model import Held, Item, Surroundings
from cap_skills.robot_model import RobotModel, robot_model

PADDING = 0.005


@pytest.fixture(scope='module')
def world(robot: RobotModel) -> CollisionWorld:
    return CollisionWorld(robot, PADDING)


def _pairs(
    world: CollisionWorld,
    robot: RobotModel,
    config: SkillConfig,
    around: Surroundings,
    *position: float,
) -> set[tuple[str, str]]:
    joints = robot.kinematics.down(tool_down(np.array(position)), config.park)
    world.load(around)
    return set(world.pairs(joints))


def test_the_parked_arm_is_free(world: CollisionWorld, config: SkillConfig) -> None:
    world.load(Surroundings(()))
    assert not world.collides(config.park)


def test_padding_begins_before_contact(
    world: CollisionWorld, robot: RobotModel, config: SkillConfig, item: Callable[..., Item]
) -> None:
    block = item('blue block', 0.4, 0.1)
    around = Surroundings((block,))
    touching = {('blue block', 'cup_link')}
    assert _pairs(world, robot, config, around, 0.4, 0.1, 0.047) == set()
    assert _pairs(world, robot, config, around, 0.4, 0.1, 0.043) == touching
    near = Surroundings((block,), touch=frozenset({'blue block'}))
    assert _pairs(world, robot, config, near, 0.4, 0.1, 0.043) == set()
    through = Surroundings((block,), ignore=frozenset({'blue block'}))
    assert _pairs(world, robot, config, through, 0.4, 0.1, 0.03) == set()


def test_a_block_fits_into_a_bowl_but_not_through_its_wall(
    world: CollisionWorld, robot: RobotModel, config: SkillConfig, item: Callable[..., Item]
) -> None:
    bowl, block = item('blue bowl', 0.5, 0.0), item('red block', 0.0, 0.0)
    tcp_from_object = np.eye(4)
    tcp_from_object[2, 3] = 0.02
    held = Held(block, tcp_from_object)
    around = Surroundings((bowl,), held)
    assert _pairs(world, robot, config, around, 0.5, 0.0, 0.055) == set()
    assert ('blue bowl', 'red block') in _pairs(world, robot, config, around, 0.55, 0.0, 0.055)
    empty = Surroundings((bowl,))
    assert ('blue bowl', 'red block') not in _pairs(world, robot, config, empty, 0.55, 0.0, 0.055)


def test_the_table_and_the_arm_itself_count(
    world: CollisionWorld, robot: RobotModel, config: SkillConfig
) -> None:
    nothing = Surroundings(())
    assert ('cup_link', 'table') in _pairs(world, robot, config, nothing, 0.5, 0.0, 0.002)
    near = Surroundings((), touch=frozenset({'table'}))
    assert _pairs(world, robot, config, near, 0.5, 0.0, 0.002) == set()
    below = Surroundings((), ignore=frozenset({'table'}))
    assert _pairs(world, robot, config, below, 0.5, 0.0, -0.02) == set()
    world.load(nothing)
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
def test_excepted_pairs_do_not_count(world: CollisionWorld, seed: int) -> None:
    world.load(Surroundings(()))
    rng = np.random.default_rng(seed)
    pairs: frozenset[tuple[str, str]] = frozenset()
    while not pairs:
        joints = rng.uniform(-np.pi, np.pi, 6)
        pairs = world.pairs(joints)
    assert world.collides(joints)
    assert not world.collides(joints, pairs)


def test_walls_are_in_workspace(robot: RobotModel, config: SkillConfig) -> None:
    # x of workspace is y of the base, and y is -x.
    world = CollisionWorld(robot, PADDING, (0.25, -0.8, 0.0, 0.27, -0.2, 0.5))
    nothing = Surroundings(())
    assert _pairs(world, robot, config, nothing, 0.5, -0.10, 0.1) == set()
    for y in (0.26, 0.235):
        assert ('cup_link', 'wall 1') in _pairs(world, robot, config, nothing, 0.5, y, 0.1)


@pytest.mark.parametrize('count', [3, 14, 30])
def test_a_scene_in_the_place_of_others_is_as_one_alone(
    robot: RobotModel, config: SkillConfig, item: Callable[..., Item], count: int
) -> None:
    """The model has room for all kinds of scenes; one compiled for this scene agrees with it."""
    rng = np.random.default_rng(count)
    world = CollisionWorld(robot, PADDING)
    for _ in range(3):
        scene = [_random_item(item, rng, number) for number in range(count)]
        held = _held(scene.pop()) if rng.random() < 0.6 else None
        around = Surroundings(scene, held, touch=frozenset({scene[0].name}))
        world.load(around)
        reference = _Reference(robot, around)
        hits = 0
        for _ in range(150):
            joints = config.park + rng.uniform(-1, 1, 6) * (1.5, 0.5, 0.5, 0.6, 0.6, 1.0)
            expected = reference.collides(joints)
            assert world.collides(joints) == expected
            hits += expected
        assert 0 < hits < 150


def _random_item(item: Callable[..., Item], rng: np.random.Generator, number: int) -> Item:
    kind = rng.choice(['block', 'bowl', 'round'])
    made = item(
        f'{number} {kind}', *rng.uniform((0.25, -0.35), (0.75, 0.35)), rng.uniform(0, 0.1),
        rng.uniform(-3, 3),
    )  # fmt: skip
    size = made.size * rng.uniform(0.7, 2.0)
    return dataclasses.replace(made, size=size, round=bool(kind == 'round'))


def _held(item: Item) -> Held:
    tcp_from_object = np.eye(4)
    tcp_from_object[2, 3] = item.size[2] / 2
    return Held(item, tcp_from_object)


class _Reference:
    """One scene in a model of its own, compiled from nothing."""

    def __init__(self, robot: RobotModel, around: Surroundings) -> None:
        spec = robot.spec()
        fixed = {'table', 'base_link', 'base_link_inertia', 'overhead_camera_link'}
        for body in spec.bodies:
            for geom in body.geoms:
                if geom.contype:
                    bits = (2, 5) if body.name in fixed else (1, 1)
                    geom.contype, geom.conaffinity = bits
                    geom.margin = PADDING if body.name in fixed else 0.0
        spec.add_exclude(bodyname1='base_link_inertia', bodyname2='shoulder_link')
        for item in around.items:
            margin = 0.0 if item.name in around.touch else PADDING
            self._add(spec.worldbody, item, item.pose, (2, 5), margin)
        if around.held is not None:
            held = around.held
            self._add(spec.body('tcp'), held.item, held.tcp_from_object, (4, 1), 0.0)
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)

    def _add(
        self,
        body: mujoco.MjsBody,
        item: Item,
        pose: np.ndarray,
        bits: tuple[int, int],
        margin: float,
    ) -> None:
        for part in solids_of(item):
            at = pose @ part.pose
            quat = np.empty(4)
            mujoco.mju_mat2Quat(quat, at[:3, :3].ravel())
            half = part.size / 2
            kind = mujoco.mjtGeom.mjGEOM_BOX
            if part.round:
                kind = mujoco.mjtGeom.mjGEOM_CYLINDER
                half = np.array([max(half[:2]), half[2], 0.0])
            body.add_geom(
                type=kind, size=half, pos=at[:3, 3], quat=quat,
                contype=bits[0], conaffinity=bits[1], margin=margin,
            )  # fmt: skip

    def collides(self, joints: np.ndarray) -> bool:
        for name, angle in zip(ARM_JOINTS, joints, strict=True):
            self._data.joint(name).qpos = angle
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_collision(self._model, self._data)
        return bool(self._data.ncon)


def test_walls_have_six_numbers(robot: RobotModel) -> None:
    with pytest.raises(ValueError, match='six numbers'):
        CollisionWorld(robot, PADDING, (0.0, 1.0, 2.0, 3.0, 4.0))


def test_fingers_are_as_far_apart_as_the_surroundings_say(
    config: SkillConfig, item: Callable[..., Item]
) -> None:
    jaw = robot_model(cell_urdf(tool='jaw'))
    world = CollisionWorld(jaw, PADDING)
    beside = item('red block', 0.57, 0.0)

    def touched(opening: float | None) -> set[tuple[str, str]]:
        return _pairs(world, jaw, config, Surroundings((beside,), opening=opening), 0.5, 0.0, 0.02)

    assert any('finger' in a + b and 'red block' in (a, b) for a, b in touched(None))
    assert touched(0.085) == touched(None)
    assert touched(0.04) == set()
    # Nor do they touch each other when they are closed.
    assert touched(0.0) == set()


def test_what_is_between_the_fingers_does_not_touch_them(
    config: SkillConfig, item: Callable[..., Item]
) -> None:
    jaw = robot_model(cell_urdf(tool='jaw'))
    world = CollisionWorld(jaw, PADDING)
    tcp_from_object = np.eye(4)
    held = Held(item('red block', 0.0, 0.0), tcp_from_object, opening=0.04)
    around = Surroundings((), held, opening=0.04)
    assert _pairs(world, jaw, config, around, 0.5, 0.0, 0.1) == set()
    assert ('red block', 'table') in _pairs(world, jaw, config, around, 0.5, 0.0, 0.015)


def test_one_scene_after_another_is_as_each_alone(
    world: CollisionWorld, robot: RobotModel, config: SkillConfig, item: Callable[..., Item]
) -> None:
    """Objects that stay keep their room in the model; others come and go, are held or ignored."""
    rng = np.random.default_rng(4)
    names = [f'{color} {kind}' for color in 'abcdef' for kind in ('block', 'bowl')]
    things = [item(name, *rng.uniform((0.3, -0.3), (0.7, 0.3))) for name in names]
    held = Held(item('block', 0.0, 0.0), np.eye(4))
    touched = 0
    for _ in range(12):
        some = [things[index] for index in rng.permutation(len(things))[: rng.integers(2, 9)]]
        marked = [frozenset(rng.choice(names, 3).tolist()) for _ in range(2)]
        around = Surroundings(some, held if rng.random() < 0.5 else None, *marked)
        alone = CollisionWorld(robot, PADDING)
        position = some[0].center + np.array([0.0, 0.0, rng.uniform(-0.01, 0.02)])
        found = _pairs(world, robot, config, around, *position)
        assert found == _pairs(alone, robot, config, around, *position)
        touched += bool(found)
    assert 3 < touched < 12
