"""Things of no name that lie about on the table: neither blocks nor bowls nor fruits. No ROS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from cap_sim.shapes import CONTACT

Size = tuple[float, float, float]

# Full extents [m] and mass [kg] of each shape, and whether it is round. None is as high as a
# block or as wide as a bowl, and each is known to any kitchen or workshop: a pencil, a business
# card, a matchbox, a coin, a lid, a tin.
_SHAPES: tuple[tuple[Size, float, bool], ...] = (
    ((0.140, 0.008, 0.008), 0.008, False),
    ((0.085, 0.055, 0.002), 0.004, False),
    ((0.053, 0.036, 0.015), 0.010, False),
    ((0.026, 0.026, 0.003), 0.008, True),
    ((0.075, 0.075, 0.010), 0.015, True),
    ((0.064, 0.064, 0.030), 0.060, True),
)
# Their sizes vary by up to this share.
_VARIETY = 0.1


@dataclass(frozen=True)
class Clutter:
    """One such thing.

    Attributes:
        size: full extents [m].
        is_round: a cylinder that stands on its face; else a box.
        color: a name in palette.COLORS.
        xy, yaw: its place in the workspace [m], and its rotation there [rad].
    """

    size: Size
    mass: float
    is_round: bool
    color: str
    xy: tuple[float, float]
    yaw: float

    @property
    def radius(self) -> float:
        """Of the circle around it, seen from above [m]."""
        return self.size[0] / 2 if self.is_round else float(np.hypot(*self.size[:2])) / 2


def draw_clutter(rng: np.random.Generator, colors: Sequence[str]) -> Clutter:
    """One thing, at no place yet."""
    size, mass, is_round = _SHAPES[int(rng.integers(len(_SHAPES)))]
    x, y, z = np.multiply(size, rng.uniform(1 - _VARIETY, 1 + _VARIETY)).tolist()
    color = colors[int(rng.integers(len(colors)))]
    return Clutter((x, y, z), mass, is_round, color, (0.0, 0.0), float(rng.uniform(-np.pi, np.pi)))


def add_clutter_geom(body: mujoco.MjsBody, item: Clutter, rgba: list[float]) -> None:
    """What is seen of it and collides."""
    x, y, z = (extent / 2 for extent in item.size)
    shape = mujoco.mjtGeom.mjGEOM_CYLINDER if item.is_round else mujoco.mjtGeom.mjGEOM_BOX
    size = [x, z, 0.0] if item.is_round else [x, y, z]
    body.add_geom(type=shape, size=size, mass=item.mass, rgba=rgba, **CONTACT)
