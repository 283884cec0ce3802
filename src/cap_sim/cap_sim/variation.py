"""How a cell differs from its description: light, where cameras really are, what is before them.

Domain randomisation (Tobin et al., IROS 2017), drawn by a seed. No ROS.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray
from transforms3d.quaternions import axangle2quat, qmult, rotate_vector

from cap_common.frames import Matrix, quaternion_from_matrix

Vector = NDArray[np.float64]

# Struts hang so far below the overhead camera, where no arm comes [m].
_STRUT_DEPTH = 0.25
_STRUT_LENGTH = 0.6
_STRUT_RGBA = [0.35, 0.36, 0.38, 1.0]
# Their axis passes the middle of the picture within this distance [m]: in the picture.
_STRUT_OFFSET = 0.08


@dataclass(frozen=True)
class Variation:
    """How much differs. What is zero is as described.

    Attributes:
        light_turn_deg: the light comes from a direction up to so far from its own [deg].
        light_change: light and ambient light are each stronger or weaker by up to this share.
        camera_shift_m: standard deviation of where a camera really is, along each axis [m]: what
            remains when it has been calibrated. TF has it where the description says.
        camera_turn_deg: the same of how it is turned, about each axis [deg].
        struts: thin bars between the overhead camera and the table. Seen only: no arm comes there.
        strut_width_m: of each [m]; from 0.25 m below the camera it hides four times that.
        clutter: things of no name on the table; see clutter.py.
    """

    light_turn_deg: float = 0.0
    light_change: float = 0.0
    camera_shift_m: float = 0.0
    camera_turn_deg: float = 0.0
    struts: int = 0
    strut_width_m: float = 0.0
    clutter: int = 0


def vary_light(spec: mujoco.MjSpec, light: str, variation: Variation, seed: int) -> None:
    """Another direction and strength of a light, and another strength of the ambient light."""
    rng = np.random.default_rng([seed, 1])
    heading, turn = rng.uniform(0, 2 * np.pi), rng.uniform(0, np.radians(variation.light_turn_deg))
    sun, head = spec.light(light), spec.visual.headlight
    if variation.light_turn_deg:
        sun.dir = rotate_vector(sun.dir, axangle2quat([np.cos(heading), np.sin(heading), 0], turn))
    if variation.light_change:
        for lamp, field in ((sun, 'diffuse'), (head, 'ambient')):
            change = rng.uniform(1 - variation.light_change, 1 + variation.light_change)
            setattr(lamp, field, np.multiply(getattr(lamp, field), change))


def camera_error(variation: Variation, seed: int, index: int) -> tuple[Vector, Vector]:
    """Where a camera really is, in the frame in which it is said to be.

    Args:
        index: of the camera: each is drawn by itself.

    Returns:
        Position (3,) [m], and rotation as a quaternion w, x, y, z.
    """
    rng = np.random.default_rng([seed, 2, index])
    position = rng.normal(0, 1, 3) * variation.camera_shift_m
    turn = rng.normal(0, 1, 3) * np.radians(variation.camera_turn_deg)
    angle = float(np.linalg.norm(turn))
    return position, axangle2quat(turn if angle else [1, 0, 0], angle)


def add_struts(
    spec: mujoco.MjSpec, world_from_camera: Matrix, variation: Variation, seed: int
) -> None:
    """Bars across the view of a camera in the optical convention."""
    rng = np.random.default_rng([seed, 3])
    x, y, z, w = quaternion_from_matrix(world_from_camera)
    for number in range(variation.struts):
        turn, offset = rng.uniform(0, np.pi), rng.uniform(-_STRUT_OFFSET, _STRUT_OFFSET)
        middle = [-offset * np.sin(turn), offset * np.cos(turn), _STRUT_DEPTH, 1.0]
        spec.worldbody.add_geom(
            name=f'strut {number + 1}',
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[_STRUT_LENGTH / 2, variation.strut_width_m / 2, 0.001],
            pos=(world_from_camera @ middle)[:3],
            quat=qmult([w, x, y, z], axangle2quat([0, 0, 1], turn)),
            rgba=_STRUT_RGBA,
            contype=0,
            conaffinity=0,
        )
