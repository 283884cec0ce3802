"""Paths of the arm as joint positions: how far it moves on them, evenly spaced, without corners.

The way along a path is measured in bounds of how far any point of the arm moves. No ROS.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cap_skills.model import Joints, Vector

Path = NDArray[np.float64]  # shape (n, 6) [rad]

# How far a point of the arm moves at most per radian of each joint [m]: what reaches beyond it.
REACH = np.array([1.15, 1.15, 0.75, 0.4, 0.3, 0.1])


def motion_between(a: Joints, b: Joints) -> float:
    """Upper bound of how far any point of the arm moves [m]."""
    return float(np.abs(b - a) @ REACH)


def sample_edge(a: Joints, b: Joints, step: float) -> Path:
    """Points of the straight joint path, both ends included, at most `step` [m] of motion apart."""
    count = max(1, int(np.ceil(motion_between(a, b) / step)))
    return a + np.linspace(0.0, 1.0, count + 1)[:, None] * (b - a)


def round_corners(path: Path, half: int) -> Path:
    """Moving average of evenly spaced points over `half` points to each side, less near the ends.

    Straight parts stay, both ends stay, corners become arcs.
    """
    count = len(path)
    sums = np.concatenate([np.zeros((1, path.shape[1])), np.cumsum(path, axis=0)])
    index = np.arange(count)
    reach = np.minimum(half, np.minimum(index, count - 1 - index))
    rounded: Path = (sums[index + reach + 1] - sums[index - reach]) / (2 * reach + 1)[:, None]
    return rounded


def spread(path: Path, speeds: Vector, step: float) -> tuple[Path, Vector]:
    """Points along the same polyline at even distances of about `step` [m], with their speeds."""
    stations = stations_along(path)
    # A cubic needs some points, however short the way is.
    at = np.linspace(0.0, stations[-1], evenly(stations[-1], step))
    even = np.stack([np.interp(at, stations, path[:, k]) for k in range(path.shape[1])], axis=1)
    return even, speeds[np.searchsorted(stations, at).clip(1, len(path) - 1)]


def divided(stations: Vector, step: float, least: int | NDArray[np.int_] = 1) -> Vector:
    """The same stations, and as many in between that none are further apart than `step`.

    Args:
        least: number of pieces into which each gap is divided, of all or shape (n - 1,).
    """
    counts = np.maximum(least, np.ceil(np.diff(stations) / step)).astype(int)
    firsts = np.repeat(stations[:-1], counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    gaps = np.repeat(np.diff(stations) / counts, counts)
    return np.append(firsts + within * gaps, stations[-1])


def evenly(length: float, step: float) -> int:
    """How many points lie evenly on a way of that length, about `step` apart."""
    return max(5, int(np.ceil(length / step)) + 1)


def stations_along(path: Path) -> Vector:
    """How far along each point is, in bounds of motion [m]; strictly rising."""
    return np.concatenate([[0.0], np.cumsum(np.maximum(motions(path), 1e-9))])


def motions(path: Path) -> Vector:
    """Upper bounds of how far any point of the arm moves from each point to the next [m]."""
    bounds: Vector = np.abs(np.diff(path, axis=0)) @ REACH
    return bounds
