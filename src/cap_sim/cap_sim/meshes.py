"""Solids of revolution and rounded things, as points for MuJoCo's meshes. Lengths in metres."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (n, 3)
Profile = NDArray[np.float64]  # (n, 2): radius and height, from the bottom up

_STEPS = 36


def lathe(profile: Profile, steps: int = _STEPS) -> tuple[Points, NDArray[np.int32]]:
    """Vertices (n, 3) and outward triangles (m, 3) of a profile turned about z.

    Args:
        profile: closed, its first and last point on the axis.
    """
    points = len(profile) - 2
    ring = turned(profile[1:-1], steps)
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


def turned(profile: Profile, steps: int = _STEPS) -> Points:
    """The points of a profile turned about z, one turn after the other."""
    turns = 2 * np.pi * np.arange(steps) / steps
    radius, height = profile.T
    return np.stack(
        [
            np.outer(np.cos(turns), radius),
            np.outer(np.sin(turns), radius),
            np.broadcast_to(height, (steps, len(height))),
        ],
        axis=-1,
    ).reshape(-1, 3)


def cut_ball_height(radius: float, flat: float) -> float:
    """Height of a ball that is cut level above and below."""
    return 2 * float(np.sqrt(radius**2 - flat**2))


def cut_ball(length: float, width: float, flat: float) -> Points:
    """A ball, drawn out along x to a length, cut level above and below.

    Args:
        flat: radius of the cuts across x, less than half of the width.
    """
    radius = width / 2
    highest = np.arccos(flat / radius)
    angles = np.linspace(-highest, highest, 11)
    points = turned(radius * np.column_stack([np.cos(angles), np.sin(angles)]))
    return points * (length / width, 1, 1)


def bent_bar(sections: NDArray[np.float64]) -> list[Points]:
    """The convex parts of a bar with bevelled edges.

    Args:
        sections: (n, 4), one row per cross-section: x and y of its middle, width, height. Two
            neighbours span a part.
    """
    ends = []
    for x, y, width, height in sections:
        w, h, bevel = width / 2, height / 2, width / 12
        corner = np.array([(w, h - bevel), (w - bevel, h), (bevel - w, h), (-w, h - bevel)])
        outline = np.vstack([corner, -corner])
        ends.append(np.column_stack([np.full(8, x), y + outline[:, 0], outline[:, 1]]))
    return [np.vstack(pair) for pair in pairwise(ends)]
