"""What depth says of a thing of any class, from its mask: where it is, how large, how it is turned.

Nothing is known of its shape. It is taken to stand upright on what is seen around it, and to be a
box around what is seen of it; what the camera does not see of it may be larger.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix
from cap_perception.deproject import Points, window_points
from cap_perception.shapes import Plane, fit_rectangle
from cap_perception.types import CameraFrame, Mask

_LEAST = 12  # points that say something
_FLAT = 0.002  # [m] of height that noise alone can make
_FOOT = 0.3  # share of a thing's height below which pixels of a mask may be what it stands on
_MARGIN = 6  # [px] around a mask that are looked at
_GAP = 2  # [px] next to it that belong to neither
_JUMP = 0.012  # [m] of depth between neighbours that are not one surface
_CUT = 0.1  # share of a mask's outline beside which something nearer says that it is cut
_CROSS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Solid:
    """A thing in frame `workspace` [m].

    Attributes:
        centroid: mean (3,) of its measured points, all on its surface.
        workspace_from_box: 4x4, upright; origin at the middle of the box around it.
        size: full extents along the box's axes.
        complete: neither the picture's edge nor something nearer cuts it.
    """

    centroid: NDArray[np.float64]
    workspace_from_box: Matrix
    size: tuple[float, float, float]
    complete: bool

    @property
    def top(self) -> NDArray[np.float64]:
        """Middle (3,) of the box's top face."""
        box = self.workspace_from_box
        return np.asarray(box[:3, 3] + 0.5 * self.size[2] * box[:3, 2])


def measure(frame: CameraFrame, mask: Mask) -> Solid | None:
    """The thing whose pixels a mask (H, W) has; None: too little depth, or as flat as the table.

    Args:
        frame: denoised (`deproject.denoise`).
    """
    u, v, width, height = cv2.boundingRect(mask.view(np.uint8))
    rows, columns = mask.shape
    window = np.s_[
        max(v - _MARGIN, 0) : min(v + height + _MARGIN, rows),
        max(u - _MARGIN, 0) : min(u + width + _MARGIN, columns),
    ]
    points = _measured(window_points(frame, window, mask[window]))
    if len(points) < _LEAST:
        return None
    around = _around(mask[window])
    foot = _foot(_measured(window_points(frame, window, around)))
    top = float(np.percentile(points[:, 2], 95))
    if top - foot < _FLAT:
        foot = 0.0
    if top - foot < _FLAT:
        return None
    # Masks are not exact: their outermost pixels may be of what is below.
    body = points[points[:, 2] > foot + _FOOT * (top - foot)]
    if len(body) < 3:
        return None
    rectangle = fit_rectangle(body, Plane(np.array([0.0, 0.0, 1.0]), 0.5 * (top + foot)))
    at_edge = u == 0 or v == 0 or u + width == columns or v + height == rows
    return Solid(
        body.mean(axis=0),
        rectangle.workspace_from_rectangle,
        (*rectangle.sides, top - foot),
        not at_edge and not _is_cut(frame, window, mask[window]),
    )


def _measured(points: Points) -> Points:
    """Those of (N, 3) that have a depth."""
    return points[np.isfinite(points).all(axis=1)]


def _around(mask: Mask) -> Mask:
    """A ring around a mask, a little off it."""
    image = mask.view(np.uint8)
    wide = cv2.dilate(image, _CROSS, iterations=_MARGIN)
    return np.asarray(wide > cv2.dilate(image, _CROSS, iterations=_GAP))


def _foot(around: Points) -> float:
    """Height of what a thing stands on, by the points around it [m]: the lower ones."""
    if len(around) < _LEAST:
        return 0.0
    return max(float(np.percentile(around[:, 2], 25)), 0.0)


def _is_cut(frame: CameraFrame, window: tuple[slice, slice], mask: Mask) -> bool:
    """Is something nearer to the camera than the thing next to it, along enough of its outline?"""
    depth = frame.depth[window]
    image = mask.view(np.uint8)
    outline = mask & ~cv2.erode(image, _CROSS, borderValue=1).astype(bool)
    # The thing's own depth there, and the nearest within the gap and a pixel.
    reach = np.ones((2 * _GAP + 3,) * 2, np.uint8)
    other = np.where(mask | np.isnan(depth), np.float32(1e3), depth)
    nearer = cv2.erode(other, reach)[outline] < depth[outline] - _JUMP
    return bool(nearer.mean() > _CUT)
