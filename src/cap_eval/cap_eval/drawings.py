"""What is drawn on a whiteboard, as a judge sees it: strokes of ink, in `workspace` [m]. No ROS."""

from __future__ import annotations

import math
import re

import numpy as np
import shapely
from numpy.typing import NDArray

from cap_eval.places import Pair
from cap_eval.state import WorldState

Stroke = NDArray[np.float64]  # shape (n, 2)

# The middle of the board.
MIDDLE: Pair = (0.0, -0.5)
# How far ink may be off the line that it ought to be [m].
OFF = 0.003
# Of a size that is asked for, and of a place.
_SIZE, _PLACE = 0.1, 0.02
# A stroke of which less is left is erased.
_LEFT = 0.1
_SIDES = {'triangle': 3, 'square': 4, 'pentagon': 5, 'hexagon': 6, 'octagon': 8}
_WORDING = re.compile(
    r'draw an? (?:(?P<size>\d+(?:\.\d+)?) ?cm )?'
    rf'(?P<shape>circle|{"|".join(_SIDES)})'
    r'(?: (?:around|in|at) (?:the )?(?P<place>middle|center))?'
)


def new_strokes(before: WorldState, after: WorldState) -> list[Stroke]:
    """Those that were drawn since, in their order."""
    return [stroke for index, stroke in sorted(after.ink.items()) if index not in before.ink]


def is_erased(before: WorldState, after: WorldState, index: int) -> bool:
    """Whether hardly anything is left of a stroke."""
    left = after.ink.get(index)
    return left is None or len(left) < _LEFT * len(before.ink[index])


def center(stroke: Stroke) -> Pair:
    """Middle of its box."""
    x, y = (stroke.min(axis=0) + stroke.max(axis=0)) / 2
    return float(x), float(y)


def extent(stroke: Stroke) -> Pair:
    """Width and height."""
    width, height = np.ptp(stroke, axis=0)
    return float(width), float(height)


def is_closed(stroke: Stroke) -> bool:
    """Whether it ends where it began."""
    return math.dist(stroke[0], stroke[-1]) < 2 * OFF


def is_circle(stroke: Stroke) -> bool:
    """Whether it is as far from its middle everywhere."""
    radii = np.hypot(*(stroke - center(stroke)).T)
    return is_closed(stroke) and bool(np.ptp(radii) < 2 * OFF)


def is_straight(stroke: Stroke) -> bool:
    """Whether it is one straight line."""
    chord = shapely.LineString(stroke[[0, -1]])
    return chord.length > 5 * OFF and bool(
        shapely.distance(chord, shapely.points(stroke)).max() < OFF
    )


def corners(stroke: Stroke) -> Stroke:
    """Those of a closed line of straight pieces, shape (k, 2)."""
    points = list(shapely.LineString(stroke).simplify(OFF).coords)[:-1]
    # What is kept of a side that is parallel to the first chord may be any point of it.
    index = 0
    while len(points) > 3 and index < len(points):
        before, after = points[index - 1], points[(index + 1) % len(points)]
        side = shapely.LineString([before, after])
        if side.distance(shapely.Point(points[index])) < OFF:
            del points[index]
        else:
            index += 1
    return np.array(points, float)


def is_regular(stroke: Stroke, sides: int) -> bool:
    """Whether it is a polygon of so many sides, all as long."""
    points = corners(stroke)
    if not is_closed(stroke) or len(points) != sides:
        return False
    lengths = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
    return bool(np.ptp(lengths) < 2 * OFF + _SIZE * lengths.mean())


def judge_drawing(
    instruction: str, before: WorldState, after: WorldState
) -> tuple[bool, str] | None:
    """Whether a shape was drawn as asked, and why (not); None: no such wording.

    Args:
        instruction: as `judge.normalized` leaves it. The size is a side's, or the whole width: both
            are said.
    """
    match = _WORDING.fullmatch(instruction)
    if match is None:
        return None
    strokes = new_strokes(before, after)
    if len(strokes) != 1:
        return False, f'{len(strokes)} strokes were drawn'
    (stroke,) = strokes
    shape, size, place = match.group('shape', 'size', 'place')
    is_shape = is_circle(stroke) if shape == 'circle' else is_regular(stroke, _SIDES[shape])
    problems = [] if is_shape else [f'what was drawn is no {shape}']
    if is_shape and size:
        problems += _wrong_size(stroke, float(size) / 100)
    if place and math.dist(center(stroke), MIDDLE) > _PLACE:
        problems.append(f'it is {math.dist(center(stroke), MIDDLE) * 100:.1f} cm off the middle')
    return not problems, '; '.join(problems) or f'a {shape} of {extent(stroke)[0] * 100:.1f} cm'


def _wrong_size(stroke: Stroke, size: float) -> list[str]:
    points = corners(stroke)
    side = float(np.hypot(*(points[1] - points[0])))
    sizes = {'side': side, 'width': max(extent(stroke)), 'radius': max(extent(stroke)) / 2}
    if any(abs(value - size) < _SIZE * size for value in sizes.values()):
        return []
    told = ', '.join(f'{name} {value * 100:.1f} cm' for name, value in sizes.items())
    return [f'it is not {size * 100:g} cm: {told}']
