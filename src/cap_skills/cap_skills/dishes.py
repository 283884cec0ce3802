"""Where there is room in a dish: things lie side by side in one that is wide. Pure geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from shapely import Point, Polygon
from shapely.geometry.base import BaseGeometry

from cap_common.frames import Matrix
from cap_skills.model import Corners, Item, Vector
from cap_skills.surfaces import grasp_height

# Kept free between two things in a dish [m]: more than the planner's padding.
_GAP = 0.007
_RING_STEP = 0.004
# Of a dish's radius, what its wall and a finger's play take [m].
_RIM = 0.006
_TURNS = 72
# Those of two fingers around something round.
_HALF_TURN = np.arange(6) * np.pi / 6
# Beside what a cup holds it needs no room.
_NOTHING: Corners = np.zeros((0, 4, 2))


def level_radius(dish: Item) -> float:
    """Of the part of a dish's floor that is level: from wall to wall [m]."""
    assert dish.dish is not None
    return dish.floor_radius - dish.dish.wall


def is_wide(dish: Item, carried: Item) -> bool:
    """Whether two such things would lie beside each other on the dish's floor."""
    longer, shorter = max(carried.size[:2]) / 2, min(carried.size[:2]) / 2
    if carried.round:
        return bool(2 * shorter + _GAP / 2 <= level_radius(dish))
    chord = level_radius(dish) ** 2 - longer**2
    return bool(chord > 0 and np.sqrt(chord) >= 2 * shorter + _GAP / 2)


def free_in(
    dish: Item,
    carried: Item,
    others: Sequence[Item],
    beside: Corners = _NOTHING,
    near: Vector | None = None,
) -> tuple[Vector, float] | None:
    """Where the thing lies level in the dish beside what is there: x, y (2,) [m] and yaw [rad].

    Nearest to a point, if one is given. Otherwise as far out as it can lie and close to what lies
    there, so that most room is left: one thing in the middle of a plate would fill it.

    Args:
        others: all that may be in the way.
        beside: what has to be free, too, and within the dish's rim, in the thing's frame.
        near: shape (2,) [m].
    """
    level = level_radius(dish)
    floor = Point(dish.center[:2]).buffer(level)
    taken = shapely.union_all(
        [footprint(item) for item in others if item.top > grasp_height(dish) + 1e-3]
    )
    best, least = None, (np.inf, np.inf)
    outline = footprint(replace(carried, pose=np.eye(4)))
    fingers = shapely.union_all([Polygon(corners) for corners in beside])
    within_rim = Point(dish.center[:2]).buffer(dish.radius - _RIM)
    shapely.prepare(floor)
    for away in np.arange(0.0, level, _RING_STEP)[::-1]:
        if best is not None and near is None:
            break
        for turn in np.arange(_TURNS) * 2 * np.pi / _TURNS if away else (0.0,):
            xy = dish.center[:2] + away * np.array([np.cos(turn), np.sin(turn)])
            for yaw in _yaws(carried, turn, not fingers.is_empty):
                shape = _moved(outline, xy, yaw)
                if not floor.covers(shape):
                    continue
                room = shape.distance(taken) if not taken.is_empty else float(np.hypot(*xy))
                if room < _GAP:
                    continue
                hand = _moved(fingers, xy, yaw)
                if hand.distance(taken) < _GAP or not (hand.is_empty or within_rim.covers(hand)):
                    continue
                rank = (float(np.hypot(*(xy - near))), 0.0) if near is not None else (-away, room)
                if rank < least:
                    best, least = (xy, yaw), rank
    return best


def footprint(item: Item) -> Polygon:
    """What the object covers, seen from above."""
    if item.round or item.hollow:
        return Point(item.center[:2]).buffer(item.radius)
    x, y = item.size[:2] / 2
    corners = np.array([(x, y), (-x, y), (-x, -y), (x, -y)])
    return _moved(Polygon(corners), item.center[:2], item.yaw)


def _yaws(carried: Item, turn: float, between_fingers: bool) -> tuple[float, ...]:
    """As it is held, and with its long side along the wall; what is round in half a turn."""
    if carried.round:
        turns = _HALF_TURN if between_fingers else _HALF_TURN[:1]
        return tuple(carried.yaw + turns)
    long_y = carried.size[1] > carried.size[0]
    return carried.yaw, turn + (0.0 if long_y else np.pi / 2)


def _moved(shape: BaseGeometry, xy: Vector, yaw: float) -> BaseGeometry:
    turn: Matrix = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    return shapely.transform(shape, lambda points: points @ turn.T + xy)
