"""Rigid transforms between named frames (REP-105), as 4x4 matrices. No ROS.

`a_from_b` is the matrix that takes coordinates in frame b to coordinates in frame a.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from transforms3d.euler import euler2mat
from transforms3d.quaternions import mat2quat, quat2mat

Matrix = NDArray[np.float64]


class UnknownFrameError(LookupError):
    """Two frames are not connected; the text lists those that exist."""


def matrix_from_quaternion(xyz: Sequence[float], xyzw: Sequence[float]) -> Matrix:
    """Pose as a matrix, from a position [m] and a quaternion in ROS order (x, y, z, w)."""
    x, y, z, w = xyzw
    return _rigid(xyz, quat2mat((w, x, y, z)))


def matrix_from_rpy(xyz: Sequence[float], rpy: Sequence[float]) -> Matrix:
    """Pose as a matrix, from a position [m] and fixed-axis roll, pitch, yaw [rad], as in URDF."""
    return _rigid(xyz, euler2mat(*rpy, axes='sxyz'))


def _rigid(xyz: Sequence[float], rotation: Matrix) -> Matrix:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, xyz
    return matrix


def quaternion_from_matrix(matrix: Matrix) -> tuple[float, float, float, float]:
    """The rotation as a quaternion in ROS order (x, y, z, w)."""
    w, x, y, z = mat2quat(matrix[:3, :3])
    return float(x), float(y), float(z), float(w)


def transform_points(a_from_b: Matrix, points_b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (..., 3) in frame b, as (..., 3) in frame a."""
    return points_b @ a_from_b[:3, :3].T + a_from_b[:3, 3]


class FrameTree:
    """The static transforms of a system: which frame sits where in which."""

    def __init__(self) -> None:
        self._parent: dict[str, tuple[str, Matrix]] = {}

    def add(self, parent: str, child: str, parent_from_child: Matrix) -> None:
        """Add or replace one edge."""
        self._parent[child] = (parent, np.asarray(parent_from_child, float))

    def copy(self) -> FrameTree:
        """Another one with the same edges; also while another thread adds some."""
        tree = FrameTree()
        tree._parent = dict(self._parent)
        return tree

    @property
    def names(self) -> set[str]:
        """All frames."""
        edges = dict(self._parent)
        return set(edges) | {parent for parent, _ in edges.values()}

    def _root_from(self, frame: str) -> tuple[str, Matrix]:
        matrix = np.eye(4)
        for _ in range(len(self._parent) + 1):
            if frame not in self._parent:
                return frame, matrix
            frame, parent_from_child = self._parent[frame]
            matrix = parent_from_child @ matrix
        raise UnknownFrameError(f'the frames form a loop at {frame!r}')

    def lookup(self, target: str, source: str) -> Matrix:
        """target_from_source.

        Raises:
            UnknownFrameError: the two are not connected.
        """
        target_root, root_from_target = self._root_from(target)
        source_root, root_from_source = self._root_from(source)
        if target_root != source_root:
            raise UnknownFrameError(
                f'no transform from {source!r} to {target!r}; known frames: {sorted(self.names)}'
            )
        return np.linalg.inv(root_from_target) @ root_from_source
