"""The arm as its URDF describes it: joint ranges, kinematics, the spec of the collision model."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np
from ur_analytic_ik import ur5e

from cap_common.frames import Matrix
from cap_description.cell import ARM_JOINTS, joint_limits, transform
from cap_skills.kinematics import ArmKinematics
from cap_skills.model import Vector

_EXACT = 1e-6
_FINGERS = ('left_finger_joint', 'right_finger_joint')


class ForeignRobotError(Exception):
    """The URDF describes an arm for which there is no analytic kinematics here."""


@dataclass(frozen=True)
class RobotModel:
    """What planner and collision checker need to know of the robot.

    Attributes:
        urdf: the whole cell's description.
        base_from_world: where the URDF's root is, shape (4, 4).
        velocity: joint speed limits, shape (6,) [rad/s].
        cup_radius: of the suction cup; 0: it has none [m].
        fingers: travel of the joints of a jaw's fingers from fully open, 0, to closed [m]; empty:
            it has no jaw.
    """

    urdf: str
    kinematics: ArmKinematics
    base_from_world: Matrix
    velocity: Vector
    cup_radius: float
    fingers: Mapping[str, float]

    def spec(self) -> mujoco.MjSpec:
        """A new, editable MuJoCo model of the cell."""
        return mujoco.MjSpec.from_string(self.urdf)


def robot_model(urdf: str) -> RobotModel:
    """Read a cell with frames base_link, base, tool0 and tcp.

    Raises:
        ForeignRobotError: its kinematics is not that of a UR5e.
        LookupError: a frame or a joint is missing.
    """
    limits = joint_limits(urdf)
    missing = [name for name in ARM_JOINTS if name not in limits]
    if missing:
        raise LookupError(f'robot_description has no limits for {missing}; it has {sorted(limits)}')
    kinematics = ArmKinematics(
        transform(urdf, 'base_link', 'base'),
        transform(urdf, 'tool0', 'tcp'),
        np.array([limits[name].lower for name in ARM_JOINTS]),
        np.array([limits[name].upper for name in ARM_JOINTS]),
    )
    _confirm(urdf, kinematics)
    return RobotModel(
        urdf=urdf,
        kinematics=kinematics,
        base_from_world=transform(urdf, 'base_link', 'world'),
        velocity=np.array([limits[name].velocity for name in ARM_JOINTS]),
        cup_radius=_cup_radius(urdf),
        fingers={name: limits[name].upper for name in _FINGERS if name in limits},
    )


def _cup_radius(urdf: str) -> float:
    """Of the widest cylinder drawn: what collides is slimmer, for a soft lip may touch."""
    drawn = ET.fromstring(urdf).findall("link[@name='cup_link']/visual/geometry/cylinder")
    return max((float(cylinder.attrib['radius']) for cylinder in drawn), default=0.0)


def _confirm(urdf: str, kinematics: ArmKinematics) -> None:
    """Compare the closed form with the description at a few joint positions."""
    for seed in range(3):
        joints = np.random.default_rng(seed).uniform(-np.pi, np.pi, 6)
        described = transform(urdf, 'base_link', 'tcp', dict(zip(ARM_JOINTS, joints, strict=True)))
        apart = float(np.abs(described - kinematics.forward(joints)).max())
        if apart > _EXACT:
            raise ForeignRobotError(
                f'robot_description puts the tool {apart * 1000:.3f} mm from where {ur5e.__name__} '
                'puts it: only a UR5e with published parameters is supported'
            )
