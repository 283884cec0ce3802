"""The whiteboard, where a description has one. No ROS."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from cap_common.frames import Matrix, transform_points
from cap_description import board_size, transform

# The link whose frame lies on the surface, and on which a marker leaves ink.
BOARD = 'whiteboard'
# In a MuJoCo model: of what is seen of the board.
TEXTURE = 'board'
# Width of the bars around it, and its thickness [m].
_BAR = 0.010
_THICKNESS = 0.005
_LEVEL = float(np.cos(np.deg2rad(0.5)))


@dataclass(frozen=True, eq=False)
class Board:
    """A whiteboard.

    Attributes:
        workspace_from_board: (4, 4); origin in the middle of the surface, z out of it.
        size: width and height of what can be drawn on [m].
    """

    workspace_from_board: Matrix
    size: tuple[float, float]

    @property
    def is_level(self) -> bool:
        """Whether things stay where they are put on it."""
        return bool(self.workspace_from_board[2, 2] > _LEVEL)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point of the surface, as x and y in workspace [m]."""
        there = self.workspace_from_board @ [x, y, 0.0, 1.0]
        return float(there[0]), float(there[1])

    @property
    def height(self) -> float:
        """Of the middle of its surface above the table [m]."""
        return float(self.workspace_from_board[2, 3])

    def is_at(self, xy: tuple[float, float], radius: float) -> bool:
        """Whether a thing there would be above the board or below it, or partly so.

        Args:
            xy, radius: of the circle around the thing, seen from above, in workspace [m].
        """
        x, y = np.divide(self.size, 2) + _BAR
        corners = np.array(list(itertools.product((-x, x), (-y, y), (-_THICKNESS, 0.0))))
        seen = transform_points(self.workspace_from_board, corners)[:, :2]
        outline = cv2.convexHull(seen.astype(np.float32))
        return cv2.pointPolygonTest(outline, xy, measureDist=True) > -radius


def find_board(urdf: str) -> Board | None:
    """The board of a cell; None: it has none."""
    size = board_size(urdf)
    return None if size is None else Board(transform(urdf, 'workspace', BOARD), size)
