"""The named places of the table, in the frame `workspace` (metres). No ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cap_planner.api.spec import Point


@dataclass(frozen=True)
class Table:
    """The usable area of the table: its inset rectangle, [x_min, y_min, x_max, y_max].

    Nine places are named on it: 'middle', four sides ('left side') and four corners
    ('top left corner').
    """

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    def denormalize(self, normalized: Point) -> Point:
        """(0, 0) = bottom left to (1, 1) = top right, as a position."""
        low, high = np.array([self.x_min, self.y_min]), np.array([self.x_max, self.y_max])
        position: Point = low + np.asarray(normalized) * (high - low)
        return position

    @property
    def corners(self) -> dict[str, Point]:
        """Top left, top right, bottom left, bottom right."""
        return {
            f'{vertical} {horizontal} corner': self.denormalize(np.array([x, y]))
            for vertical, y in (('top', 1.0), ('bottom', 0.0))
            for horizontal, x in (('left', 0.0), ('right', 1.0))
        }

    @property
    def sides(self) -> dict[str, Point]:
        """Top, right, bottom, left."""
        middles = {'top': (0.5, 1.0), 'right': (1.0, 0.5), 'bottom': (0.5, 0.0), 'left': (0.0, 0.5)}
        return {f'{name} side': self.denormalize(np.array(xy)) for name, xy in middles.items()}

    @property
    def places(self) -> dict[str, Point]:
        """All nine."""
        return {**self.corners, **self.sides, 'middle': self.denormalize(np.array([0.5, 0.5]))}


def nearest(places: dict[str, Point], position: Point) -> str:
    """Name of the place nearest to a position."""
    return min(places, key=lambda name: float(np.linalg.norm(places[name] - position)))
