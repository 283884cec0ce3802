"""Kinematics of the UR5e with a tool: analytic, by ur-analytic-ik.

That package counts in the Denavit-Hartenberg frames that Universal Robots publishes. The cell has
base_link (REP-103, half a turn away) and a tool; both fixed transforms come from its description.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from ur_analytic_ik import ur5e

from cap_common.errors import UnreachableError
from cap_common.frames import Matrix
from cap_skills.model import Joints, Vector

Points = NDArray[np.float64]  # shape (n, 3)

_EXACT = 1e-5
# A tool that leans by less points down [degrees].
_UPRIGHT = 0.5
# Roundings at the border of a joint's range.
_SLACK = 1e-6
# The package loses solutions where the last joint is 0 or pi to the last bit. A pose turned about
# the last axis has the same solutions but for that joint.
_SPINS = (0.7, 1.9)
_MOST = 8
# The branches of the arm are further apart than this, but where they meet [rad].
_CLOSE = 0.3


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


_SPUN = tuple((spin, _about_z(spin)) for spin in _SPINS)


def wrap(angle: float) -> float:
    """The same angle in [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


class _Screw:
    """A joint that turns about a line, for many angles at once.

    Args:
        axis: its direction, (3,).
        through: a point on it, (3,) [m].
    """

    def __init__(self, axis: Vector, through: Vector) -> None:
        self.axis = axis
        self.through = through
        x, y, z = axis
        self._cross = np.array([[0, z, -y], [-z, 0, x], [y, -x, 0]])
        self._along = np.outer(axis, axis)

    def turned(self, vectors: Points, angles: Vector) -> Points:
        """Vectors (n, 3) turned by angles (n,): Rodrigues' formula."""
        c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
        turned: Points = (
            c * vectors + s * (vectors @ self._cross) + (1 - c) * (vectors @ self._along)
        )
        return turned

    def moved(self, points: Points, angles: Vector) -> Points:
        """Points (n, 3) turned about the line by angles (n,)."""
        return self.through + self.turned(points - self.through, angles)


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
        self._home = self.forward(np.zeros(6))
        self._screws = [self._screw(joint) for joint in range(6)]

    def forward(self, joints: Joints) -> Matrix:
        """base_from_tcp, shape (4, 4)."""
        flange = ur5e.forward_kinematics(*joints.tolist())
        # A third of the time that @ takes for matrices so small.
        pose: Matrix = self._base_from_dh.dot(flange).dot(self._flange_from_tcp)
        return pose

    def positions(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the tool is, (n, 3) [m], for many joint positions, (n, 6): 1 us each."""
        point = np.broadcast_to(self._home[:3, 3], (len(joints), 3))
        for screw, angles in zip(reversed(self._screws), reversed(joints.T), strict=True):
            point = screw.moved(point, angles)
        return point

    def jacobians(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of the tool, in base_link: (n, 6, 6), linear rows first, for joint positions (n, 6)."""
        tool = np.broadcast_to(self._home[:3, 3], (len(joints), 3))
        axes: list[NDArray[np.float64]] = []
        throughs: list[NDArray[np.float64]] = []
        # From the tool to the base: each joint carries all that comes after it.
        for screw, angles in zip(reversed(self._screws), reversed(joints.T), strict=True):
            axes = [screw.turned(axis, angles) for axis in axes]
            throughs = [screw.moved(through, angles) for through in throughs]
            tool = screw.moved(tool, angles)
            axes.append(np.broadcast_to(screw.axis, tool.shape))
            throughs.append(np.broadcast_to(screw.through, tool.shape))
        turning = np.stack(axes[::-1], axis=-1)
        moving = [
            np.cross(axis, tool - through)
            for axis, through in zip(axes[::-1], throughs[::-1], strict=True)
        ]
        return np.concatenate([np.stack(moving, axis=-1), turning], axis=1)

    def _screw(self, joint: int) -> _Screw:
        """A joint with all joints at 0, by what turning it does to the tool."""
        half_turn = np.zeros(6)
        half_turn[joint] = np.pi
        quarter = half_turn / 2
        moved = self.forward(half_turn) @ np.linalg.inv(self._home)
        turn = (self.forward(quarter) @ np.linalg.inv(self._home))[:3, :3]
        axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
        # Half a turn takes a point to the other side of the axis: the axis is in between.
        point = self._home[:3, 3]
        return _Screw(axis / 2, (point + moved[:3, :3] @ point + moved[:3, 3]) / 2)

    def solutions(self, pose: Matrix) -> list[Joints]:
        """All joint positions for base_from_tcp, within range; some may come twice."""
        found: list[Joints] = []
        for candidates in self._candidates(pose):
            found += [joints for joints in candidates if self._leads_to(joints, pose)]
            if len(found) == _MOST:
                break
        return found

    def closest(self, pose: Matrix, near: Joints) -> Joints:
        """The solution nearest to `near`, full turns of a joint included.

        Raises:
            UnreachableError: there is none.
        """
        best: Joints | None = None
        least = np.inf
        for candidates in self._candidates(pose):
            options = self._turned_to(candidates, near)
            ways = np.abs(options - near).sum(axis=1)
            for index in np.argsort(ways, kind='stable'):
                if ways[index] >= least - _SLACK:
                    break
                if self._leads_to(options[index], pose):
                    best, least = options[index], float(ways[index])
                    break
            # What is so near that no other branch can be nearer need not be looked for again.
            if least < _CLOSE:
                break
        if best is None:
            raise UnreachableError(_text(pose))
        return best

    def down(self, pose: Matrix, near: Joints, free_yaw: bool = False) -> Joints:
        """The elbow-up solution of a pose that points down or so, always of the same branch.

        Args:
            near: decides full turns of the last joint.
            free_yaw: the last joint may stay as it is in `near`: of a tool on its axis.

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
        # Where the wrist is: a tilted tool may be on another side of the base.
        flange = pose @ self._tcp_from_flange
        azimuth = np.arctan2(flange[1, 3], flange[0, 3])
        for joints in self.solutions(pose):
            if joints[2] > 0 and joints[4] < 0 and abs(wrap(joints[0] - azimuth)) < np.pi / 2:
                yield joints

    def _candidates(self, pose: Matrix) -> Iterator[NDArray[np.float64]]:
        """What the package finds, (n, 6), each angle brought into its range; twice, not checked."""
        flange = self._dh_from_base.dot(pose).dot(self._tcp_from_flange)
        for spin, turn in _SPUN:
            raw = np.array(ur5e.inverse_kinematics(flange.dot(turn)), float)
            raw = raw.reshape(-1, 6)
            raw[:, 5] -= spin
            folded = (raw + np.pi) % (2 * np.pi) - np.pi
            inside = (folded >= self.lower - _SLACK) & (folded <= self.upper + _SLACK)
            yield folded[inside.all(axis=1)]

    def _leads_to(self, joints: Joints, pose: Matrix) -> bool:
        """A solution is one that leads back: the package lets some wrong ones through."""
        return bool(np.abs(self.forward(joints) - pose).max() < _EXACT)

    def _turned_to(self, joints: NDArray[np.float64], near: Joints) -> NDArray[np.float64]:
        """Joint positions (n, 6), each angle by full turns as near as its range allows."""
        turned = joints + 2 * np.pi * np.round((near - joints) / (2 * np.pi))
        inside = (turned >= self.lower - _SLACK) & (turned <= self.upper + _SLACK)
        return np.where(inside, turned, joints)


def _text(pose: Matrix) -> str:
    x, y, z = pose[:3, 3]
    leans = float(np.degrees(np.arccos(np.clip(-pose[2, 2], -1.0, 1.0))))
    leaning = f', leaning by {leans:.0f} degrees,' if leans > _UPRIGHT else ''
    return (
        f'no joint position brings the tool{leaning} to x={x:.3f}, y={y:.3f}, z={z:.3f} m of '
        f'base_link: it is {np.hypot(x, y):.2f} m from the base, and with the tool straight down '
        'the arm reaches about 0.8 m'
    )
