"""A polyline of tool poses as a way without corners: each is cut by a parabola. Geometry only.

A corner can be passed without a stop only if the way bends there, so it is left a little early and
joined a little late: as early as keeps the way within a tolerance of the corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from cap_skills.model import Vector
from cap_skills.paths import divided

# Points of a polyline that are nearer to each other are one [m].
_SAME = 1e-4
# Half the chord of two directions of length 1, from which on a parabola is sampled more densely.
_SHARP = 0.05
_IN_CORNER = 4


@dataclass(frozen=True)
class Way:
    """Tool poses along a way.

    Attributes:
        stations: how far along the polyline each one is, shape (n,), rising [m].
        poses: shape (n, 4, 4).
        slopes: their change per metre: of the position, and the rotation vector; shape (n, 6).
    """

    stations: Vector
    poses: NDArray[np.float64]
    slopes: NDArray[np.float64]


def blended(poses: NDArray[np.float64], tolerance: float, step: float) -> Way | None:
    """The way along a polyline of poses (n, 4, 4); None if all its points are one.

    Args:
        tolerance: how far from the polyline it may be [m].
        step: the most between two stations [m].
    """
    poses = poses[_apart(poses[:, :3, 3])]
    if len(poses) < 2:
        return None
    points = poses[:, :3, 3]
    edges = np.diff(points, axis=0)
    lengths = np.linalg.norm(edges, axis=1)
    directions = edges / lengths[:, None]
    corners = np.concatenate([[0.0], np.cumsum(lengths)])
    # Of the turn by an angle a: sin(a / 2).
    sharp = np.linalg.norm(np.diff(directions, axis=0), axis=1) / 2
    # A parabola from `half` before a corner to `half` behind it passes it at half * sin(a / 2) / 2.
    half = 2 * tolerance / np.maximum(sharp, 1e-9)
    half = np.minimum(half, np.minimum(lengths[:-1], lengths[1:]) / 2)
    half = np.concatenate([[0.0], half, [0.0]])
    sharp = np.concatenate([[0.0], sharp, [0.0]])
    stations = _stations(corners, half, sharp, step)
    places, slopes = _along(stations, points, directions, corners, half)
    rotations, turning = _turning(stations, corners, poses[:, :3, :3])
    way = np.tile(np.eye(4), (len(stations), 1, 1))
    way[:, :3, :3], way[:, :3, 3] = rotations, places
    return Way(stations, way, np.concatenate([slopes, turning], axis=1))


def _apart(points: NDArray[np.float64]) -> list[int]:
    """Indices of points that are not the same as the one kept before."""
    kept = [0]
    for index in range(1, len(points)):
        if np.abs(points[index] - points[kept[-1]]).max() > _SAME:
            kept.append(index)
    return kept


def _stations(corners: Vector, half: Vector, sharp: Vector, step: float) -> Vector:
    """Where each parabola begins and ends, and points in between."""
    ends = np.stack([corners - half, corners + half], axis=1).ravel()
    # Parabolas and straight pieces take turns.
    least = np.ones(len(ends) - 1, int)
    least[0::2] = np.where(sharp > _SHARP, _IN_CORNER, 1)
    stations = divided(ends, step, least)
    apart: Vector = stations[np.concatenate([[True], np.diff(stations) > 1e-9])]
    return apart


def _along(
    stations: Vector,
    points: NDArray[np.float64],
    directions: NDArray[np.float64],
    corners: Vector,
    half: Vector,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places (n, 3) at stations (n,), and their change per metre (n, 3)."""
    edge = (np.searchsorted(corners, stations, side='right') - 1).clip(0, len(directions) - 1)
    places = points[edge] + (stations - corners[edge])[:, None] * directions[edge]
    slopes = directions[edge].copy()
    nearest = np.where(stations - corners[edge] < corners[edge + 1] - stations, edge, edge + 1)
    inside = np.flatnonzero(np.abs(stations - corners[nearest]) < half[nearest])
    corner = nearest[inside]
    before, after = directions[corner - 1], directions[corner]
    reach = half[corner][:, None]
    share = (stations[inside] - corners[corner])[:, None] / (2 * reach) + 0.5
    places[inside] = points[corner] + reach * (share**2 * after - (1 - share) ** 2 * before)
    slopes[inside] = share * after + (1 - share) * before
    return places, slopes


def _turning(
    stations: Vector, corners: Vector, rotations: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rotations (n, 3, 3) at stations (n,), and their change per metre (n, 3)."""
    if np.allclose(rotations, rotations[0], atol=1e-9):
        return np.broadcast_to(rotations[0], (len(stations), 3, 3)), np.zeros((len(stations), 3))
    turned = Slerp(corners, Rotation.from_matrix(rotations))(stations.clip(0.0, corners[-1]))
    index = np.arange(len(stations))
    before, after = np.maximum(index - 1, 0), np.minimum(index + 1, len(stations) - 1)
    change = (turned[after] * turned[before].inv()).as_rotvec()
    return turned.as_matrix(), change / (stations[after] - stations[before])[:, None]
