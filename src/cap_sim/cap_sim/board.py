"""The whiteboard, where a description has one. No ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cap_common.frames import Matrix
from cap_description import board_size, transform

# The link whose frame lies on the surface, and on which a marker leaves ink.
BOARD = 'whiteboard'
# In a MuJoCo model: of what is seen of the board.
TEXTURE = 'board'
# Of the bars around it [m].
_BAR = 0.010
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

    def height_under(self, xy: tuple[float, float], radius: float) -> float:
        """Of what a thing at xy of workspace stands on: this board, or the table [m].

        Args:
            radius: of the thing, seen from above [m].
        """
        origin = self.workspace_from_board[:3, 3]
        away = np.subtract([*xy, origin[2]], origin) @ self.workspace_from_board[:3, :3]
        reach = np.divide(self.size, 2) + _BAR + radius
        return float(origin[2]) if (np.abs(away[:2]) < reach).all() else 0.0


def find_board(urdf: str) -> Board | None:
    """The board of a cell; None: it has none."""
    size = board_size(urdf)
    return None if size is None else Board(transform(urdf, 'workspace', BOARD), size)
