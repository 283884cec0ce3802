"""Kinematics of the UR5e with a tool: analytic, by ur-analytic-ik.

That package counts in the Denavit-Hartenberg frames that Universal Robots publishes. The cell has
base_link (REP-103, half a turn away) and a tool; both fixed transforms come from its description.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ur_analytic_ik import ur5e

from cap_common.errors import UnreachableError
from cap_common.frames import Matrix
from cap_skills.model import Joints, Vector

_EXACT = 1e-5
# Roundings at the border of a joint's range.
_SLACK = 1e-6
# The package loses solutions where the last joint is 0 or pi to the last bit. A pose turned about
# the last axis has the same solutions but for that joint.
_SPINS = (0.7, 1.9)
_MOST = 8


def tool_down(position: Vector, yaw: float = 0.0) -> Matrix:
    """base_from_tcp of a tool at a position (3,) that points straight down."""
    c, s = np.cos(yaw), np.sin(yaw)
    pose = np.eye(4)
    pose[:3, :3] = ((c, s, 0), (s, -c, 0), (0, 0, -1))
    pose[:3, 3] = position
    return pose


def _about_z(angle: float) -> Matrix:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


def wrap(angle: float) -> float:
    """The same angle in [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


class ArmKinematics:
    """Where the tool is, and how to bring it somewhere.

    Args:
        base_from_dh: base_link to the first Denavit-Hartenberg frame, shape (4, 4).
        flange_from_tcp: last Denavit-Hartenberg frame to the tool, shape (4, 4).
        lower, upper: joint ranges, shape (6,) [rad].
    """

    def __init__(
        self, base_from_dh: Matrix, flange_from_tcp: Matrix, lower: Vector, upper: Vector
    ) -> None:
        self._base_from_dh = np.ascontiguousarray(base_from_dh)
        self._dh_from_base = np.linalg.inv(base_from_dh)
        self._flange_from_tcp = np.ascontiguousarray(flange_from_tcp)
        self._tcp_from_flange = np.linalg.inv(flange_from_tcp)
        self.lower = lower
        self.upper = upper

    def forward(self, joints: Joints) -> Matrix:
        """base_from_tcp, shape (4, 4)."""
        flange = ur5e.forward_kinematics(*(float(q) for q in joints))
        pose: Matrix = self._base_from_dh @ flange @ self._flange_from_tcp
        return pose

    def solutions(self, pose: Matrix) -> list[Joints]:
        """All joint positions for base_from_tcp, within range; some may come twice."""
        flange = self._dh_from_base @ pose @ self._tcp_from_flange
        found: list[Joints] = []
        for spin in _SPINS:
            for raw in ur5e.inverse_kinematics(np.ascontiguousarray(flange @ _about_z(spin))):
                joints = self._within(np.asarray(raw, float) - (0, 0, 0, 0, 0, spin))
                # A solution is one that leads back: the package lets some wrong ones through.
                if joints is not None and np.abs(self.forward(joints) - pose).max() < _EXACT:
                    found.append(joints)
            if len(found) == _MOST:
                break
        return found

    def closest(self, pose: Matrix, near: Joints) -> Joints:
        """The solution nearest to `near`, full turns of a joint included.

        Raises:
            UnreachableError: there is none.
        """
        options = [self._turned(joints, near) for joints in self.solutions(pose)]
        if not options:
            raise UnreachableError(_text(pose))
        return min(options, key=lambda joints: float(np.abs(joints - near).sum()))

    def down(self, pose: Matrix, near: Joints, free_yaw: bool = False) -> Joints:
        """The elbow-up solution of a pose that points down, always of the same branch.

        Args:
            near: decides full turns of the last joint.
            free_yaw: the last joint may stay as it is in `near`.

        Raises:
            UnreachableError: there is none.
        """
        options = list(self._elbow_up(pose))
        if not options:
            raise UnreachableError(_text(pose))
        joints = min(options, key=lambda option: abs(option[0] - near[0]))
        if free_yaw:
            joints[5] = near[5]
            return joints
        joints[5] = near[5] + wrap(joints[5] - near[5])
        # Half-way wound up is wound up enough: cables.
        if abs(joints[5]) > 1.5 * np.pi:
            joints[5] = wrap(joints[5])
        return joints

    def _elbow_up(self, pose: Matrix) -> Iterator[Joints]:
        azimuth = np.arctan2(pose[1, 3], pose[0, 3])
        for joints in self.solutions(pose):
            if joints[2] > 0 and joints[4] < 0 and abs(wrap(joints[0] - azimuth)) < np.pi / 2:
                yield joints

    def _within(self, joints: Joints) -> Joints | None:
        """Each angle brought into its range, as near to zero as can be; None if it has no place."""
        folded = (joints + np.pi) % (2 * np.pi) - np.pi
        if np.all((folded >= self.lower - _SLACK) & (folded <= self.upper + _SLACK)):
            return folded
        return None

    def _turned(self, joints: Joints, near: Joints) -> Joints:
        turned = joints + 2 * np.pi * np.round((near - joints) / (2 * np.pi))
        inside = (turned >= self.lower - _SLACK) & (turned <= self.upper + _SLACK)
        return np.where(inside, turned, joints)


def _text(pose: Matrix) -> str:
    x, y, z = pose[:3, 3]
    return (
        f'no joint position brings the tool to x={x:.3f}, y={y:.3f}, z={z:.3f} m of base_link: '
        f'it is {np.hypot(x, y):.2f} m from the base, and the arm reaches about 0.8 m with '
        'the tool down'
    )
