"""What lies below: how high the scene is at a point. Pure geometry, in base_link."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cap_skills.model import Item, Vector


@dataclass(frozen=True)
class Surface:
    """A height [m] and the object whose it is; None: the table."""

    height: float
    item: Item | None


def grasp_height(item: Item) -> float:
    """Height at which a cup from above meets the object [m]: its top, or a dish's floor."""
    return item.top if item.dish is None else item.top - 2 * item.half_height + item.dish.wall


def surface_below(xy: Vector, radius: float, items: Iterable[Item]) -> Surface:
    """The highest surface under a disc of that radius [m] at xy (2,).

    A dish counts with its floor where the disc fits into it, with its rim where it meets the wall.
    """
    best = Surface(0.0, None)
    for item in items:
        height = _height_at(item, xy, radius)
        if height is not None and height > best.height:
            best = Surface(height, item)
    return best


def overlapping(xy: Vector, radius: float, items: Iterable[Item]) -> list[Item]:
    """The objects that a disc touches, seen from above."""
    return [item for item in items if _height_at(item, xy, radius) is not None]


def _height_at(item: Item, xy: Vector, radius: float) -> float | None:
    offset = xy - item.center[:2]
    if item.dish is not None:
        away = float(np.hypot(*offset))
        if away >= item.radius + radius:
            return None
        fits = away + radius <= item.floor_radius
        return grasp_height(item) if fits else item.top
    if item.round:
        return item.top if float(np.hypot(*offset)) < item.radius + max(radius, 1e-9) else None
    c, s = np.cos(item.yaw), np.sin(item.yaw)
    local = np.abs(np.array([c * offset[0] + s * offset[1], -s * offset[0] + c * offset[1]]))
    beyond = np.maximum(local - item.size[:2] / 2, 0.0)
    return item.top if float(np.hypot(*beyond)) < max(radius, 1e-9) else None
