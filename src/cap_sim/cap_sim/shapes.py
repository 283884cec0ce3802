"""The kinds of objects and their shapes, as MuJoCo bodies. Lengths in metres.

Whatever is picked has a level face above, FLAT or more to each side of its middle: the cup's lip
does not bend. Likewise below, so that nothing rolls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import mujoco
import numpy as np
from numpy.typing import NDArray

from cap_sim.meshes import Points, Profile, bent_bar, cut_ball, cut_ball_height, lathe, turned

# The cup's lips touch 11.5 mm from its axis; the rest is for where the camera errs.
FLAT = 0.015

# Collides, but is not drawn: the drawn dish is a smooth mesh.
HIDDEN_GROUP = 3

# Two time steps is the stiffest that MuJoCo solves stably; twice that rests without a tremor.
CONTACT = {
    'solref': [0.008, 1.0],
    'solimp': [0.95, 0.99, 0.001, 0.5, 2.0],
    'friction': [0.8, 0.005, 0.0001],
}

Rgba = list[float]
Size = tuple[float, float, float]


@dataclass(frozen=True)
class Kind:
    """A kind of object.

    Attributes:
        size: full extents of its box, whose middle is the body's origin [m].
        add: draws its geoms into a body of that name.
        color: its only one; empty: it may have any.
    """

    size: Size
    add: Callable[[mujoco.MjSpec, mujoco.MjsBody, Rgba], None]
    color: str = ''


@dataclass(frozen=True)
class Dish:
    """A hollow round thing: a foot and a slanted wall [m, kg].

    Attributes:
        foot_squares: of which the foot is made, turned against each other: boxes rest on a table
            at four points each.
        wall_parts: flat pieces of which the wall is made.
    """

    height: float
    rim_radius: float
    foot_radius: float
    wall: float
    mass: float
    foot_squares: int
    wall_parts: int

    @property
    def size(self) -> Size:
        """Full extents."""
        return 2 * self.rim_radius, 2 * self.rim_radius, self.height

    def profile(self) -> Profile:
        """Around the wall's section, outer foot to outer rim to inner foot."""
        low, high = -self.height / 2, self.height / 2
        return np.array(
            [
                (0, low),
                (self.foot_radius, low),
                (self.rim_radius, high - 0.001),
                (self.rim_radius - 0.0015, high),
                (self.rim_radius - self.wall, high),
                (self.foot_radius - self.wall + 0.001, low + self.wall + 0.002),
                (self.foot_radius - self.wall - 0.003, low + self.wall),
                (0, low + self.wall),
            ]
        )


BOWL = Dish(
    height=0.045,
    rim_radius=0.060,
    foot_radius=0.042,
    wall=0.004,
    mass=0.25,
    foot_squares=2,
    wall_parts=14,
)
PLATE = Dish(
    height=0.016,
    rim_radius=0.100,
    foot_radius=0.096,
    wall=0.003,
    mass=0.18,  # plastic
    foot_squares=4,
    wall_parts=24,
)

_BLOCK_SIZE = (0.04, 0.04, 0.04)
_BOTTLE_SIZE = (0.046, 0.046, 0.110)
# Radius and height: tapers to a cap as wide as the cup needs.
_BOTTLE = np.array([(0.021, -0.055), (0.023, -0.052), (0.023, 0.020), (0.0165, 0.055)])
# Middles, widths and heights of the cross-sections: the straight middle is what the cup holds.
_BANANA = np.array(
    [
        (-0.056, 0.009, 0.014, 0.012),
        (-0.048, 0.005, 0.026, 0.022),
        (-0.024, 0.000, 0.036, 0.032),
        (0.024, 0.000, 0.036, 0.032),
        (0.048, 0.005, 0.026, 0.022),
        (0.056, 0.009, 0.014, 0.012),
    ]
)
_BANANA_SIZE = (0.112, 0.036, 0.032)


def size_of(kind: str) -> Size:
    """Full extents of an object's box [m]."""
    return KINDS[kind].size


def _add_block(spec: mujoco.MjSpec, body: mujoco.MjsBody, rgba: Rgba) -> None:
    """A solid cube."""
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[extent / 2 for extent in _BLOCK_SIZE],
        mass=0.03,
        rgba=rgba,
        **CONTACT,
    )


def _add_dish(dish: Dish, spec: mujoco.MjSpec, body: mujoco.MjsBody, rgba: Rgba) -> None:
    """What is drawn is its profile turned about z; what collides, a foot and a ring of boxes."""
    vertices, faces = lathe(dish.profile())
    spec.add_mesh(
        name=body.name, uservert=vertices.ravel(), userface=faces.ravel(), smoothnormal=False
    )
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=body.name,
        rgba=rgba,
        mass=0,
        contype=0,
        conaffinity=0,
    )
    half = dish.foot_radius / np.sqrt(2)
    for index in range(dish.foot_squares):
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[half, half, dish.wall / 2],
            pos=[0, 0, (dish.wall - dish.height) / 2],
            quat=_about_z(np.pi / 2 * index / dish.foot_squares),
            group=HIDDEN_GROUP,
            mass=0.4 * dish.mass / dish.foot_squares,
            **CONTACT,
        )
    for index in range(dish.wall_parts):
        _add_wall(dish, body, 2 * np.pi * index / dish.wall_parts)


def _add_wall(dish: Dish, body: mujoco.MjsBody, turn: float) -> None:
    """One flat piece of the wall, its inner face from the foot up and out to the rim."""
    # The wall begins above the foot's underside, so that only the foot stands on the table.
    foot = np.array([dish.foot_radius, -dish.height / 2 + 0.002])
    rim = np.array([dish.rim_radius, dish.height / 2])
    up = (rim - foot) / np.linalg.norm(rim - foot)
    inward = np.array([-up[1], up[0]])
    radius, height = (foot + rim) / 2 + inward * dish.wall / 2
    slant = np.arctan2(up[0], up[1])
    quat = np.empty(4)
    mujoco.mju_mulQuat(quat, _about_z(turn), np.array([np.cos(slant / 2), 0, np.sin(slant / 2), 0]))
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[
            dish.wall / 2,
            dish.rim_radius * np.tan(np.pi / dish.wall_parts),
            float(np.linalg.norm(rim - foot)) / 2,
        ],
        pos=[radius * np.cos(turn), radius * np.sin(turn), height],
        quat=quat,
        group=HIDDEN_GROUP,
        mass=0.6 * dish.mass / dish.wall_parts,
        **CONTACT,
    )


def _add_hulls(
    parts: Sequence[Points], mass: float, spec: mujoco.MjSpec, body: mujoco.MjsBody, rgba: Rgba
) -> None:
    """Solids, each the convex hull of its points; drawn as they collide."""
    for index, points in enumerate(parts):
        name = f'{body.name}#{index}'
        spec.add_mesh(name=name, uservert=points.ravel())
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=name,
            rgba=rgba,
            mass=mass / len(parts),
            **CONTACT,
        )


def _ball(length: float, width: float, mass: float, color: str) -> Kind:
    """A round fruit, or an egg on its side."""
    return Kind(
        (length, width, cut_ball_height(width / 2, FLAT)),
        partial(_add_hulls, [cut_ball(length, width, FLAT)], mass),
        color,
    )


def _about_z(angle: float) -> NDArray[np.float64]:
    return np.array([np.cos(angle / 2), 0, 0, np.sin(angle / 2)])


KINDS: dict[str, Kind] = {
    'block': Kind(_BLOCK_SIZE, _add_block),
    'bowl': Kind(BOWL.size, partial(_add_dish, BOWL)),
    'plate': Kind(PLATE.size, partial(_add_dish, PLATE)),
    'bottle': Kind(_BOTTLE_SIZE, partial(_add_hulls, [turned(_BOTTLE)], 0.12)),
    'apple': _ball(0.060, 0.060, 0.09, 'red'),
    'orange': _ball(0.056, 0.056, 0.08, 'orange'),
    'lemon': _ball(0.062, 0.046, 0.06, 'yellow'),
    'plum': _ball(0.044, 0.044, 0.04, 'purple'),
    'egg': _ball(0.056, 0.044, 0.06, 'white'),
    'banana': Kind(_BANANA_SIZE, partial(_add_hulls, bent_bar(_BANANA), 0.10), 'yellow'),
}
