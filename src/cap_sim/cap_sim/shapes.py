"""The objects' shapes: block and hollow bowl, as MuJoCo bodies. Lengths in metres."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

BLOCK_SIZE = (0.04, 0.04, 0.04)
BLOCK_MASS = 0.03

BOWL_HEIGHT = 0.045
BOWL_RIM_RADIUS = 0.060
BOWL_SIZE = (2 * BOWL_RIM_RADIUS, 2 * BOWL_RIM_RADIUS, BOWL_HEIGHT)
BOWL_MASS = 0.25
BOWL_FOOT_RADIUS = 0.042
BOWL_WALL = 0.004
_WALL_PARTS = 14
_LATHE_STEPS = 36

# Collides, but is not drawn: the drawn bowl is a smooth mesh.
HIDDEN_GROUP = 3
BOWL_MESH = 'bowl'

# Two time steps is the stiffest that MuJoCo solves stably; twice that rests without a tremor.
CONTACT = {
    'solref': [0.008, 1.0],
    'solimp': [0.95, 0.99, 0.001, 0.5, 2.0],
    'friction': [0.8, 0.005, 0.0001],
}


def size_of(kind: str) -> tuple[float, float, float]:
    """Full extents of an object's box [m]."""
    return {'block': BLOCK_SIZE, 'bowl': BOWL_SIZE}[kind]


def add_block(body: mujoco.MjsBody, rgba: list[float]) -> None:
    """A solid cube about the body's origin."""
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[extent / 2 for extent in BLOCK_SIZE],
        mass=BLOCK_MASS,
        rgba=rgba,
        **CONTACT,
    )


def add_bowl_mesh(spec: mujoco.MjSpec) -> None:
    """The drawn bowl, once per world: its profile turned about z."""
    vertices, faces = _lathe(_profile(), _LATHE_STEPS)
    spec.add_mesh(
        name=BOWL_MESH, uservert=vertices.ravel(), userface=faces.ravel(), smoothnormal=False
    )


def add_bowl(body: mujoco.MjsBody, rgba: list[float]) -> None:
    """A hollow bowl about the middle of its box: a foot and a ring of slanted wall boxes."""
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=BOWL_MESH,
        rgba=rgba,
        mass=0,
        contype=0,
        conaffinity=0,
    )
    bottom = -BOWL_HEIGHT / 2
    # Two squares, one turned by 45 degrees: boxes rest on a table at four points each.
    half = BOWL_FOOT_RADIUS / np.sqrt(2)
    for turn in (0.0, np.pi / 4):
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[half, half, BOWL_WALL / 2],
            pos=[0, 0, bottom + BOWL_WALL / 2],
            quat=_about_z(turn),
            group=HIDDEN_GROUP,
            mass=0.2 * BOWL_MASS,
            **CONTACT,
        )
    for index in range(_WALL_PARTS):
        _add_wall(body, 2 * np.pi * index / _WALL_PARTS)


def _add_wall(body: mujoco.MjsBody, turn: float) -> None:
    """One flat piece of the wall, its inner face from the foot up and out to the rim."""
    # The wall begins above the foot's underside, so that only the foot stands on the table.
    foot = np.array([BOWL_FOOT_RADIUS, -BOWL_HEIGHT / 2 + 0.002])
    rim = np.array([BOWL_RIM_RADIUS, BOWL_HEIGHT / 2])
    up = (rim - foot) / np.linalg.norm(rim - foot)
    inward = np.array([-up[1], up[0]])
    radius, height = (foot + rim) / 2 + inward * BOWL_WALL / 2
    slant = np.arctan2(up[0], up[1])
    quat = np.empty(4)
    mujoco.mju_mulQuat(quat, _about_z(turn), np.array([np.cos(slant / 2), 0, np.sin(slant / 2), 0]))
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[
            BOWL_WALL / 2,
            BOWL_RIM_RADIUS * np.tan(np.pi / _WALL_PARTS),
            float(np.linalg.norm(rim - foot)) / 2,
        ],
        pos=[radius * np.cos(turn), radius * np.sin(turn), height],
        quat=quat,
        group=HIDDEN_GROUP,
        mass=0.6 * BOWL_MASS / _WALL_PARTS,
        **CONTACT,
    )


def _about_z(angle: float) -> NDArray[np.float64]:
    return np.array([np.cos(angle / 2), 0, 0, np.sin(angle / 2)])


def _profile() -> NDArray[np.float64]:
    """(radius, height) around the wall's section, outer foot to outer rim to inner foot."""
    low, high = -BOWL_HEIGHT / 2, BOWL_HEIGHT / 2
    return np.array(
        [
            (0, low),
            (BOWL_FOOT_RADIUS, low),
            (BOWL_RIM_RADIUS, high - 0.001),
            (BOWL_RIM_RADIUS - 0.0015, high),
            (BOWL_RIM_RADIUS - BOWL_WALL, high),
            (BOWL_FOOT_RADIUS - BOWL_WALL + 0.001, low + BOWL_WALL + 0.002),
            (BOWL_FOOT_RADIUS - BOWL_WALL - 0.003, low + BOWL_WALL),
            (0, low + BOWL_WALL),
        ]
    )


def _lathe(
    profile: NDArray[np.float64], steps: int
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Vertices (n, 3) and outward triangles (m, 3) of a profile turned about z."""
    turns = 2 * np.pi * np.arange(steps) / steps
    radius, height = profile[1:-1, 0], profile[1:-1, 1]
    ring = np.stack(
        [
            np.outer(np.cos(turns), radius),
            np.outer(np.sin(turns), radius),
            np.broadcast_to(height, (steps, len(height))),
        ],
        axis=-1,
    ).reshape(-1, 3)
    points = len(radius)
    below, above = len(ring), len(ring) + 1
    vertices = np.vstack([ring, [0, 0, profile[0, 1]], [0, 0, profile[-1, 1]]])
    faces = []
    for step in range(steps):
        here, there = step * points, (step + 1) % steps * points
        faces.append((below, there, here))
        faces.append((above, here + points - 1, there + points - 1))
        for k in range(points - 1):
            faces.append((here + k, there + k, there + k + 1))
            faces.append((here + k, there + k + 1, here + k + 1))
    return vertices, np.array(faces, dtype=np.int32)
