"""Ink on a whiteboard: the strokes that a marker drew, and the picture of them. No ROS.

Coordinates are metres in the frame `whiteboard`: origin in the middle, x right, y to the top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

LINE_WIDTH = 0.003
# Side of a pixel of the raster.
PIXEL = 0.001
# Points of a stroke are no closer than this; the steps between two touches are smaller.
SPACING = 0.0005
# So many points are kept, at least 50 m of line; of more the oldest half goes, its picture stays.
MOST_POINTS = 100_000
# Colours of the clean board and of the ink, sRGB.
BOARD_COLOR = (242, 243, 241)
_INK_COLOR = (28, 30, 36)
# Felt gives way so far: what is nearer to the plane of its face than this is wiped.
_FELT = 0.001
# It wipes with its face: cosine of the most that this may be turned off the board.
_FACING = 0.95
# The colour of each value of a raster.
_COLORS = np.round(np.linspace(BOARD_COLOR, _INK_COLOR, 256)).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is on a board at one time. One that has not changed is the same object.

    Attributes:
        points: (N, 3): x, y, and the index of the stroke, in the order in which they were drawn.
        raster: (rows, columns) of PIXEL, row 0 at the top: 0 where there is no ink, 255 full of it.
    """

    points: Vector
    raster: NDArray[np.uint8]

    def picture(self) -> NDArray[np.uint8]:
        """The raster in colour, (rows, columns, 3)."""
        return np.asarray(_COLORS[self.raster])


class Ink:
    """The ink on a board that is clean at first.

    Args:
        size: width and height of the board.
    """

    def __init__(self, size: tuple[float, float]) -> None:
        columns, rows = (max(round(extent / PIXEL), 1) for extent in size)
        self._reach = np.divide(size, 2)
        self._x: Vector = np.asarray((np.arange(columns) + 0.5 - columns / 2) * PIXEL, float)
        self._y: Vector = np.asarray((rows / 2 - np.arange(rows) - 0.5) * PIXEL, float)
        self._raster = np.zeros((rows, columns), np.uint8)
        self._points = np.empty((MOST_POINTS, 3))
        self._count = 0
        self._strokes = 0
        self._last: tuple[float, float] | None = None
        self._drawing: Drawing | None = None

    def drawing(self) -> Drawing:
        """What is there now."""
        if self._drawing is None:
            self._drawing = Drawing(self._points[: self._count].copy(), self._raster.copy())
        return self._drawing

    def touch(self, x: float, y: float) -> None:
        """The marker touches the board; since `lift` it has drawn one stroke."""
        if abs(x) > self._reach[0] or abs(y) > self._reach[1]:
            self.lift()
            return
        if self._last is None:
            self._strokes += 1
            self._last = x, y
        elif math.dist(self._last, (x, y)) < SPACING:
            return
        self._keep(x, y)
        self._paint(self._last, (x, y))
        self._last = x, y

    def lift(self) -> None:
        """The marker does not touch it."""
        self._last = None

    def wipe(self, center: Vector, normal: Vector, radius: float) -> None:
        """A round pad of felt touches the board: what is under it goes.

        Args:
            center: of its face, shape (3,).
            normal: out of its face, shape (3,), of unit length.
        """
        if normal[2] > -_FACING or not (self._count or self._raster.any()):
            return
        kept = self._points[: self._count]
        kept = kept[~_under(kept[:, 0], kept[:, 1], center, normal, radius)]
        if len(kept) < self._count:
            self._points[: len(kept)] = kept
            self._count = len(kept)
            self._drawing = None
        rows, columns = self._window(center[:2], center[:2], radius)
        window = self._raster[rows, columns]
        under = _under(self._x[None, columns], self._y[rows, None], center, normal, radius)
        if window[under].any():
            window[under] = 0
            self._drawing = None

    def _keep(self, x: float, y: float) -> None:
        if self._count == MOST_POINTS:
            self._count //= 2
            self._points[: self._count] = self._points[-self._count :]
        self._points[self._count] = x, y, self._strokes - 1
        self._count += 1
        self._drawing = None

    def _paint(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """A straight line with round ends."""
        rows, columns = self._window(start, end, LINE_WIDTH / 2 + PIXEL)
        x, y = self._x[None, columns], self._y[rows, None]
        along = np.subtract(end, start)
        square = max(float(along @ along), 1e-12)
        share = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / square, 0.0, 1.0)
        away = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
        cover = np.clip((LINE_WIDTH / 2 - away) / PIXEL + 0.5, 0.0, 1.0)
        window = self._raster[rows, columns]
        np.maximum(window, np.round(255 * cover).astype(np.uint8), out=window)

    def _window(
        self, one: tuple[float, float] | Vector, other: tuple[float, float] | Vector, margin: float
    ) -> tuple[slice, slice]:
        """Rows and columns of the raster around two points."""
        low, high = np.minimum(one, other) - margin, np.maximum(one, other) + margin
        left, right = np.searchsorted(self._x, (low[0], high[0]))
        top, bottom = np.searchsorted(-self._y, (-high[1], -low[1]))
        return slice(int(top), int(bottom)), slice(int(left), int(right))


def _under(
    x: Vector, y: Vector, center: Vector, normal: Vector, radius: float
) -> NDArray[np.bool_]:
    """Which points of the board a pad's face covers and, as it may lie askew, touches."""
    dx, dy = x - center[0], y - center[1]
    # The height at which the plane of the face is above each point; it looks down on the board.
    above = center[2] + (dx * normal[0] + dy * normal[1]) / max(-normal[2], 1e-6)
    return np.asarray((dx**2 + dy**2 <= radius**2) & (above < _FELT))
