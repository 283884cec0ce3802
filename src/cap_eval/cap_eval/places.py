"""The nine named places of the work surface, and the four directions, in `workspace` [m].

From the layout of the published tabletop demo: 5 cm inside the bounds. "Top" is the edge nearest to
the robot's base.
"""

from __future__ import annotations

Pair = tuple[float, float]

BOUNDS_X: Pair = (-0.3, 0.3)
BOUNDS_Y: Pair = (-0.8, -0.2)

CORNERS: dict[str, Pair] = {
    'top left corner': (-0.25, -0.25),
    'top right corner': (0.25, -0.25),
    'bottom left corner': (-0.25, -0.75),
    'bottom right corner': (0.25, -0.75),
}
SIDES: dict[str, Pair] = {
    'left side': (-0.25, -0.5),
    'right side': (0.25, -0.5),
    'top side': (0.0, -0.25),
    'bottom side': (0.0, -0.75),
}
PLACES: dict[str, Pair] = {**CORNERS, **SIDES, 'middle': (0.0, -0.5)}

DIRECTIONS: dict[str, Pair] = {
    'left': (-1.0, 0.0),
    'right': (1.0, 0.0),
    'top': (0.0, 1.0),
    'bottom': (0.0, -1.0),
}


def along(direction: str, offset: Pair) -> Pair:
    """An offset (dx, dy), as (how far that way, how far to the side of it, unsigned) [m]."""
    ux, uy = DIRECTIONS[direction]
    dx, dy = offset
    return dx * ux + dy * uy, abs(dy * ux - dx * uy)
