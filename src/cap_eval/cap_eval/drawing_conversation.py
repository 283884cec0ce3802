"""The paper's whiteboard conversation (appendix H), judged by the ink. Lengths are in metres."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from cap_eval.conversations import STILL, Conversation, Told, Turn
from cap_eval.drawings import (
    MIDDLE,
    OFF,
    Stroke,
    center,
    corners,
    extent,
    is_circle,
    is_closed,
    is_erased,
    is_regular,
    is_straight,
    new_strokes,
)
from cap_eval.state import displacement

# How far from where it ought to be a drawing may lie.
_NEAR = 0.02


def _strokes(
    count: int, check: Callable[[Told, list[Stroke]], list[str]]
) -> Callable[..., list[str]]:
    """A check of so many new strokes; what stands on the board stays where it is."""

    def judge(told: Told) -> list[str]:
        strokes = new_strokes(told.before, told.after)
        moved = [
            f'the {item.name} was moved'
            for item in told.before.objects
            if displacement(item, told.after.get(item.name)) > STILL
        ]
        if len(strokes) != count:
            return [f'{len(strokes)} strokes were drawn, not {count}', *moved]
        return [*check(told, strokes), *moved]

    return judge


def _unless(true: bool, text: str) -> list[str]:
    return [] if true else [text]


def _at(stroke: Stroke, xy: tuple[float, ...], what: str) -> list[str]:
    away = math.dist(center(stroke), xy[:2])
    return _unless(away < _NEAR, f'{what} is {away * 100:.1f} cm off')


def _hexagon(told: Told, strokes: list[Stroke]) -> list[str]:
    (stroke,) = strokes
    if not is_regular(stroke, 6):
        return ['it is no hexagon']
    side = math.dist(*corners(stroke)[:2])
    sized = any(abs(size - 0.05) < OFF for size in (side, 2 * side))
    return [*_unless(sized, f'its side is {side * 100:.1f} cm'), *_at(stroke, MIDDLE, 'it')]


def _bisects(told: Told, strokes: list[Stroke]) -> list[str]:
    (line,) = strokes
    (hexagon,) = told.before.ink.values()
    through = math.dist(line[0], line[-1]) >= 0.9 * min(extent(hexagon))
    return [
        *_unless(is_straight(line), 'it is no straight line'),
        *_unless(through, 'it ends inside'),
        *_at(line, center(hexagon), 'its middle'),
    ]


def _both_bigger(told: Told, strokes: list[Stroke]) -> list[str]:
    old = list(told.before.ink.values())
    left = [n for n in told.before.ink if not is_erased(told.before, told.after, n)]
    grown = [
        max(extent(new)) > 1.1 * max(extent(was)) for was, new in zip(old, strokes, strict=True)
    ]
    return [
        *_unless(all(grown), 'they are not bigger'),
        *_unless(not left, f'{len(left)} of the old ones can still be seen'),
        *_unless(is_regular(strokes[0], 6), 'the first is no hexagon'),
        *_unless(is_straight(strokes[1]), 'the second is no line'),
    ]


def _all_gone(told: Told, strokes: list[Stroke]) -> list[str]:
    left = [n for n in told.before.ink if not is_erased(told.before, told.after, n)]
    return _unless(not left, f'{len(left)} of {len(told.before.ink)} strokes can still be seen')


def _sun(told: Told, strokes: list[Stroke]) -> list[str]:
    x, y = np.subtract(center(strokes[0]), MIDDLE)
    return [
        *_unless(is_circle(strokes[0]), 'it is no circle'),
        *_unless(x > 0.05 and y > 0.03, f'it is at {x:.2f}, {y:.2f} of the board'),
    ]


def _ground(told: Told, strokes: list[Stroke]) -> list[str]:
    (line,) = strokes
    width, height = extent(line)
    return [
        *_unless(is_straight(line) and height < OFF, 'it is no level line'),
        *_unless(width > 0.15, f'it is {width * 100:.0f} cm wide'),
        *_unless(center(line)[1] < MIDDLE[1] - 0.05, 'it is not at the bottom'),
    ]


def _is_pyramid(stroke: Stroke, ground: Stroke) -> list[str]:
    lift = float(stroke[:, 1].min() - center(ground)[1])
    return [
        *_unless(is_closed(stroke) and len(corners(stroke)) == 3, 'it is no triangle'),
        *_unless(abs(lift) < 2 * OFF, f'it stands {lift * 1000:.0f} mm over the ground'),
    ]


def _pyramid(told: Told, strokes: list[Stroke]) -> list[str]:
    return _is_pyramid(strokes[0], list(told.before.ink.values())[-1])


def _smaller_pyramid(told: Told, strokes: list[Stroke]) -> list[str]:
    *_, ground, pyramid = told.before.ink.values()
    (small,) = strokes
    return [
        *_is_pyramid(small, ground),
        *_unless(extent(small)[0] < 0.9 * extent(pyramid)[0], 'it is not smaller'),
        *_unless(center(small)[0] < center(pyramid)[0] - 0.01, 'it is not to the left'),
    ]


def _around_blocks(told: Told, strokes: list[Stroke]) -> list[str]:
    wrong = [] if all(map(is_circle, strokes)) else ['they are no circles']
    for block in told.after.blocks:
        nearest = min(strokes, key=lambda stroke: math.dist(center(stroke), block.position[:2]))
        wrong += _at(nearest, block.position, f'the circle around the {block.name}')
        room = max(extent(nearest)) / 2 - math.hypot(*block.size[:2]) / 2
        wrong += _unless(room > 0, f'the {block.name} is not within its circle')
    return wrong


def _around_the_apple(told: Told, strokes: list[Stroke]) -> list[str]:
    apple = told.after.get('apple')
    return [
        *_unless(is_regular(strokes[0], 4), 'it is no square'),
        *_at(strokes[0], apple.position, 'it'),
        *_unless(min(extent(strokes[0])) > max(apple.size[:2]), 'the apple is not within it'),
    ]


WHITEBOARD = Conversation(
    'whiteboard',
    (
        Turn('draw a 5cm hexagon around the middle', _strokes(1, _hexagon)),
        Turn('draw a line that bisects the hexagon', _strokes(1, _bisects)),
        Turn('make them both bigger', _strokes(2, _both_bigger)),
        Turn('erase the hexagon and the line', _strokes(0, _all_gone)),
        Turn('draw the sun as a circle at the top right', _strokes(1, _sun)),
        Turn('draw the ground as a line at the bottom', _strokes(1, _ground)),
        Turn('draw a pyramid as a triangle on the ground', _strokes(1, _pyramid)),
        Turn('draw a smaller pyramid a little bit to the left', _strokes(1, _smaller_pyramid)),
        Turn('draw circles around the blocks', _strokes(2, _around_blocks)),
        Turn('draw a square around the sweeter fruit', _strokes(1, _around_the_apple)),
    ),
    world='whiteboard',
)
