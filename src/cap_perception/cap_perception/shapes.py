"""The kinds of objects on the table, by shape, and how each is fitted to measured points.

All coordinates are workspace, in metres. A fit knows nothing of colours or pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix
from cap_perception.catalogue import Thing, parse_things

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Models:
    """Sizes of what is looked for [m]."""

    block_size: float
    bowl_diameter: float
    bowl_height: float
    tolerance: float  # of a measured side or diameter, as a share of the model's
    things: tuple[str, ...] = ()  # others, as `catalogue.parse_things` reads them

    def thing(self, class_name: str) -> Thing | None:
        """A thing of the catalogue; None for others."""
        return parse_things(self.things).get(class_name)

    def size_of(self, class_name: str) -> tuple[float, float, float] | None:
        """Full extents of a class with a model; None for others."""
        if class_name == 'block':
            return (self.block_size,) * 3
        if class_name == 'bowl':
            return self.bowl_diameter, self.bowl_diameter, self.bowl_height
        return None

    def fits(self, measured: float, model: float) -> bool:
        """Is a measured length that of the model?"""
        return abs(measured - model) <= self.tolerance * model


@dataclass(frozen=True, eq=False)
class Plane:
    """Points p with normal . p = offset; the normal is of unit length and looks up (z > 0)."""

    normal: Points
    offset: float

    def heights(self, points: Points) -> Points:
        """Signed distances (N,) of points (N, 3), positive above."""
        return points @ self.normal - self.offset

    def axes(self) -> Matrix:
        """3x3 rotation whose third column is the normal."""
        nx, ny, nz = self.normal
        length = float(np.hypot(nx, nz))
        x_axis = np.array([nz, 0.0, -nx]) / length
        y_axis = np.array([-nx * ny, nx * nx + nz * nz, -ny * nz]) / length
        return np.column_stack([x_axis, y_axis, self.normal])


def fit_plane(points: Points, level_below: float = np.deg2rad(6.0)) -> Plane:
    """Least-squares plane through (N, 3) points; one that is nearly level is taken as level.

    Args:
        level_below: tilt [rad] that noise alone can cause on a block's top.
    """
    centre = points.mean(axis=0)
    offsets = points - centre
    _, axes = np.linalg.eigh(offsets.T @ offsets)
    normal = axes[:, 0] * (1.0 if axes[2, 0] >= 0 else -1.0)
    if normal[2] >= np.cos(level_below):
        normal = np.array([0.0, 0.0, 1.0])
    return Plane(normal, float(normal @ centre))


@dataclass(frozen=True, eq=False)
class Rectangle:
    """A rectangle on a plane: workspace_from_rectangle, origin at its middle, z the normal."""

    workspace_from_rectangle: Matrix
    sides: tuple[float, float]

    def local(self, points: Points) -> Points:
        """Points (N, 3) of workspace in the rectangle's own frame."""
        matrix = self.workspace_from_rectangle
        return (points - matrix[:3, 3]) @ matrix[:3, :3]


def fit_rectangle(points: Points, plane: Plane) -> Rectangle:
    """Smallest rectangle around (N, 3) points near a plane, N >= 3."""
    axes = plane.axes()
    flat = (points @ axes)[:, :2]
    middle = flat.mean(axis=0)
    # cv2 takes single precision: metres become millimetres about the middle.
    (cx, cy), (width, height), degrees = cv2.minAreaRect(((flat - middle) * 1e3).astype(np.float32))
    yaw = np.deg2rad(degrees)
    cos, sin = np.cos(yaw), np.sin(yaw)
    matrix = np.eye(4)
    matrix[:3, :3] = axes @ np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    centre = middle + np.array([cx, cy]) / 1e3
    matrix[:3, 3] = axes @ np.array([centre[0], centre[1], plane.offset])
    return Rectangle(matrix, (width / 1e3, height / 1e3))


@dataclass(frozen=True)
class Circle:
    """A level circle: the rim of a bowl."""

    x: float
    y: float
    z: float
    radius: float
    coverage: float  # share of the circumference where points lie, 0 to 1


def fit_circle(points: Points, radius: float, band: float) -> Circle | None:
    """The circle of about a known radius that most (N, 3) points lie on, seen from above.

    Every point votes for all centres that would put it on the circle; the points near the winner's
    line are then fitted by least squares. None: too few points agree.

    Args:
        radius: of the circle [m].
        band: how far from the line a point may lie [m].
    """
    if len(points) < 12:
        return None
    points = points[:: 1 + len(points) // 300]
    xy = points[:, :2]
    centre = _vote(xy[:: 1 + len(xy) // 100], radius)
    fitted = radius
    for share in (1.5, 1.0):
        offsets = xy - centre
        on_line = np.abs(np.hypot(offsets[:, 0], offsets[:, 1]) - fitted) < share * band
        if on_line.sum() < 12:
            return None
        sectors = _sectors(xy[on_line] - centre)
        coverage = float(np.mean(sectors > 0))
        # Over a short arc radius and centre cannot be told apart: the radius is then the model's.
        centre, fitted = _least_squares(xy[on_line], centre, None if coverage > 0.6 else radius)
    return Circle(
        float(centre[0]),
        float(centre[1]),
        float(np.percentile(points[on_line, 2], 80)),
        float(fitted),
        coverage,
    )


_SECTORS = 36  # of a circle


def _vote(xy: Points, radius: float, cell: float = 0.004) -> Points:
    angles = np.linspace(0.0, 2 * np.pi, 60, endpoint=False)
    ring = radius * np.column_stack([np.cos(angles), np.sin(angles)])
    low = xy.min(axis=0) - radius - 2 * cell
    votes = ((xy[:, None] + ring - low) / cell).astype(np.int32).reshape(-1, 2)
    width, height = votes.max(axis=0) + 2
    counts = np.bincount(votes[:, 0] * height + votes[:, 1], minlength=width * height)
    smooth = cv2.blur(counts.reshape(width, height).astype(np.float32), (3, 3))
    best = np.array(np.unravel_index(int(smooth.argmax()), smooth.shape))
    return np.asarray(low + (best + 0.5) * cell, float)


def _sector_of(offsets: Points) -> NDArray[np.int_]:
    angles = np.arctan2(offsets[:, 1], offsets[:, 0])
    return ((angles + np.pi) / (2 * np.pi) * _SECTORS).astype(int) % _SECTORS


def _sectors(offsets: Points) -> NDArray[np.int_]:
    return np.bincount(_sector_of(offsets), minlength=_SECTORS)


def _least_squares(xy: Points, centre: Points, radius: float | None) -> tuple[Points, float]:
    """Gauss-Newton on the distances to the circle; each direction weighs the same.

    Args:
        radius: fixed [m]; None: fitted too.
    """
    for _ in range(2):
        offsets = xy - centre
        distance = np.hypot(offsets[:, 0], offsets[:, 1])
        out = offsets / distance[:, None]
        sector = _sector_of(offsets)
        weight = 1.0 / np.bincount(sector, minlength=_SECTORS)[sector]
        if radius is None:
            jacobian, residual = np.column_stack([out, np.ones(len(out))]), distance
        else:
            jacobian, residual = out, distance - radius
        weighted = jacobian.T * weight
        step = np.linalg.solve(weighted @ jacobian, weighted @ residual)
        # A third unknown is the radius itself; the first two move the centre.
        centre, fitted = centre + step[:2], float(step[2]) if radius is None else radius
    return centre, fitted
