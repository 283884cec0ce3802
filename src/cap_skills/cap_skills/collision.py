"""Does the arm, or what hangs on it, touch something? MuJoCo's collision on the URDF.

A model is compiled for each scene (0.4 ms for 30 boxes), so nothing has to be kept in step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import mujoco
import numpy as np
from transforms3d.affines import compose
from transforms3d.euler import euler2mat

from cap_common.frames import Matrix, quaternion_from_matrix
from cap_description.cell import ARM_JOINTS
from cap_skills.model import Item, Joints, Surroundings, Vector
from cap_skills.robot_model import RobotModel

# Who collides with whom, as MuJoCo's contact bits.
_ROBOT, _WORLD, _HELD = 1, 2, 4
_WALLS = 12
Pair = tuple[str, str]


@dataclass(frozen=True)
class Solid:
    """A box or an upright cylinder in some frame: pose (4, 4) of its centre, full extents [m]."""

    pose: Matrix
    size: Vector
    round: bool = False


def solids_of(item: Item) -> list[Solid]:
    """The solid parts of an object, in its own frame.

    A dish is a floor and a ring of slanted walls; anything else is its box or cylinder.
    """
    if item.dish is None:
        return [Solid(np.eye(4), item.size, item.round)]
    rim, height = float(min(item.size[:2])) / 2, float(item.size[2])
    foot, wall = item.floor_radius, item.dish.wall
    floor = np.eye(4)
    floor[2, 3] = (wall - height) / 2
    # The square that fits into the foot's circle, and half of what it leaves out.
    parts = [Solid(floor, np.array([1.6 * foot, 1.6 * foot, wall]))]
    slant = np.arctan2(rim - foot, height)
    along = np.array([(rim + foot) / 2 - wall / 2, 0.0, 0.0])
    size = np.array([wall, 2 * rim * np.tan(np.pi / _WALLS), height / np.cos(slant)])
    for k in range(_WALLS):
        turn = euler2mat(0, 0, 2 * np.pi * k / _WALLS)
        parts.append(Solid(compose(turn @ along, turn @ euler2mat(0, slant, 0), np.ones(3)), size))
    return parts


class CollisionWorld:
    """One scene, ready to be asked about joint positions.

    Args:
        padding: how far robot and held object stay from objects and table [m].
    """

    def __init__(self, robot: RobotModel, surroundings: Surroundings, padding: float) -> None:
        spec = robot.spec()
        world_from_base = np.linalg.inv(robot.base_from_world)
        for body in spec.bodies:
            for geom in body.geoms:
                if geom.contype and not _fixed(body):
                    geom.contype, geom.conaffinity = _ROBOT, _ROBOT
                elif geom.contype:
                    geom.contype, geom.conaffinity = _WORLD, _ROBOT | _HELD
                    geom.margin = 0.0 if body.name in surroundings.touch else padding
                    if body.name in surroundings.ignore:
                        geom.contype = geom.conaffinity = 0
            # MuJoCo lets parent and child overlap, but not where the parent stands still.
            if body.joints and _fixed(body.parent):
                spec.add_exclude(bodyname1=body.parent.name, bodyname2=body.name)
        for item in surroundings.items:
            if item.name in surroundings.ignore:
                continue
            for part in solids_of(item):
                geom = _add(spec.worldbody, world_from_base @ item.pose, part)
                geom.name = _unique(spec, item.name)
                geom.contype, geom.conaffinity = _WORLD, _ROBOT | _HELD
                geom.margin = 0.0 if item.name in surroundings.touch else padding
        if surroundings.held is not None:
            held = surroundings.held
            for part in solids_of(held.item):
                geom = _add(spec.body('tcp'), held.tcp_from_object, part)
                geom.name = _unique(spec, held.item.name)
                geom.contype, geom.conaffinity = _HELD, _ROBOT
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        self._index = [self._model.joint(name).qposadr[0] for name in ARM_JOINTS]
        self.checks = 0

    def collides(self, joints: Joints, except_for: frozenset[Pair] = frozenset()) -> bool:
        """Whether the arm or the held object touches anything but the pairs excepted."""
        self.checks += 1
        data = self._data
        data.qpos[self._index] = joints
        mujoco.mj_kinematics(self._model, data)
        mujoco.mj_collision(self._model, data)
        if data.ncon == 0:
            return False
        return not except_for or any(pair not in except_for for pair in self._pairs())

    def pairs(self, joints: Joints) -> frozenset[Pair]:
        """Names of what touches, links by their name and objects by theirs."""
        self.collides(joints)
        return frozenset(self._pairs())

    def _pairs(self) -> Iterator[Pair]:
        for first, second in self._data.contact.geom[: self._data.ncon]:
            a, b = sorted((self._name(first), self._name(second)))
            yield a, b

    def _name(self, geom: int) -> str:
        name = str(self._model.geom(geom).name).split('#', maxsplit=1)[0]
        return name or str(self._model.body(self._model.geom_bodyid[geom]).name)


def _fixed(body: mujoco.MjsBody) -> bool:
    """Whether no joint lies between the body and the world."""
    while body.name != 'world':
        if body.joints:
            return False
        body = body.parent
    return True


def _add(body: mujoco.MjsBody, body_from_object: Matrix, part: Solid) -> mujoco.MjsGeom:
    pose = body_from_object @ part.pose
    x, y, z, w = quaternion_from_matrix(pose)
    kind, size = mujoco.mjtGeom.mjGEOM_BOX, part.size / 2
    if part.round:
        kind, size = mujoco.mjtGeom.mjGEOM_CYLINDER, np.array([max(size[:2]), size[2], 0.0])
    return body.add_geom(type=kind, size=size, pos=pose[:3, 3], quat=[w, x, y, z])


def _unique(spec: mujoco.MjSpec, name: str) -> str:
    return f'{name}#{len(spec.geoms)}'
