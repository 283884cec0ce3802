"""The 51 published questions on objects and positions, through the offline model: 49 are right.

The positions are those of a unit square, here a table of one metre; lengths have got a unit. The
two that are wrong by the published rule ask for the points of a circle: there the last point is
the first one again, and here each of them is a place of its own for an object.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import offline_world
import pytest
from offline_world import Thing, World

from cap_planner.places import Table

_NAMES = ('cyan bowl', 'red bowl', 'blue bowl', 'red block', 'cyan block', 'blue block')
_SIDES = ('right', 'left', 'top', 'bottom')


def world(*positions: tuple[float, float]) -> World:
    return World(
        {
            name: Thing(np.array(xy), 0.06 if name.endswith('bowl') else 0.02)
            for name, xy in zip(_NAMES, positions, strict=True)
        }
    )


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(offline_world, 'TABLE', Table(0.0, 0.0, 1.0, 1.0))
    return world((0.5, 0.2), (0.2, 0.7), (0.7, 0.5), (0.5, 0.25), (0.1, 0.8), (0.3, 0.2))


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(offline_world, 'TABLE', Table(0.0, 0.0, 1.0, 1.0))
    return world((0.6, 0.2), (0.2, 0.7), (0.7, 0.6), (0.4, 0.25), (0.1, 0.8), (0.3, 0.2))


def _each(texts: list[str], answers: str) -> list[tuple[str, str]]:
    return list(zip(texts, answers.split(', '), strict=True))


OBJECTS = [
    *_each(
        [f'the {side}most bowl' for side in ('top', 'bottom', 'left', 'right')],
        'red bowl, cyan bowl, red bowl, blue bowl',
    ),
    *_each(
        [f'the {side}most block' for side in ('top', 'bottom', 'left', 'right')],
        'cyan block, blue block, cyan block, red block',
    ),
    *_each(
        [f'the second bowl from the {side}' for side in _SIDES],
        'cyan bowl, cyan bowl, blue bowl, blue bowl',
    ),
    *_each(
        [f'the second block from the {side}' for side in _SIDES],
        'blue block, blue block, red block, red block',
    ),
    *_each(
        [f'the block closest {to}' for to in ('to the blue bowl', 'from the red bowl')],
        'red block, cyan block',
    ),
    ('the block closest to the cyan bowl', 'red block'),
    *_each(
        [
            f'the block farthest {to}'
            for to in ('to the blue bowl', 'from the red bowl', 'to the cyan bowl')
        ],
        'cyan block, red block, cyan block',
    ),
    *_each(
        [
            f'the bowl {far} {to}'
            for far in ('closest', 'farthest')
            for to in ('to the blue block', 'from the red block', 'to the cyan block')
        ],
        'cyan bowl, cyan bowl, red bowl, red bowl, red bowl, cyan bowl',
    ),
]


def _line(start: tuple[float, float], end: tuple[float, float], points: int) -> np.ndarray:
    return np.linspace(start, end, points)


PLACES: list[tuple[str, Any]] = [
    ('the point 10 cm to the left of the cyan bowl', (0.5, 0.2)),
    ('the point 20 cm to the right of the red block', (0.6, 0.25)),
    ('the point 40 cm to the top of the blue bowl', (0.7, 1.0)),
    ('the point 10 cm to the bottom of the blue block', (0.3, 0.1)),
    ('the corner closest to the red block', (0, 0)),
    ('the corner closest to the blue bowl', (1, 1)),
    ('the corner farthest from the cyan block', (1, 0)),
    ('the corner farthest from the red bowl', (1, 0)),
    ('the side closest to the red block', (0.5, 0)),
    ('the side closest to the blue bowl', (1, 0.5)),
    ('the side farthest from the cyan block', (1, 0.5)),
    ('the side farthest from the red bowl', (1, 0.5)),
    (
        'a line with 4 points from the top left corner to the bottom right corner',
        _line((0, 1), (1, 0), 4),
    ),
    (
        'a line with 5 points from the blue bowl to its closest side',
        _line((0.7, 0.6), (1, 0.5), 5),
    ),
    (
        'a line with 3 points from the blue block to its closest corner',
        _line((0.3, 0.2), (0, 0), 3),
    ),
    ('a line with 3 points from the middle to the red bowl', _line((0.5, 0.5), (0.2, 0.7), 3)),
    ('the middle of the red and blue blocks', (0.35, 0.225)),
    ('the middle of the blue bowl and its closest corner', (0.85, 0.8)),
    ('the middle between the top left corner and the bottom side', (0.25, 0.5)),
    ('the middle of the blue, red and cyan blocks', (0.2667, 0.4167)),
    ('the middle of the blue, red and cyan bowls', (0.5, 0.5)),
]


def test_the_questions_are_51() -> None:
    assert (len(OBJECTS), len(PLACES), len(CIRCLES)) == (28, 21, 2)


@pytest.mark.parametrize(('text', 'answer'), OBJECTS)
def test_objects(objects: World, text: str, answer: str) -> None:
    assert objects.ask('parse_obj_name', text) == answer


@pytest.mark.parametrize(('text', 'answer'), PLACES)
def test_places(places: World, text: str, answer: Any) -> None:
    """Within 1 cm, points in the published order."""
    assert np.array(places.ask('parse_position', text)) == pytest.approx(
        np.array(answer, dtype=float), abs=0.01
    )


CIRCLES = [
    ('a circle with 10 points around the red block with radius 20 cm', (0.4, 0.25), 0.2, 10),
    ('a circle with 12 points around the blue bowl with radius 30 cm', (0.7, 0.6), 0.3, 12),
]


@pytest.mark.parametrize(('text', 'center', 'radius', 'count'), CIRCLES)
def test_circles(places: World, text: str, center: Any, radius: float, count: int) -> None:
    """Evenly spaced, and none of them twice."""
    points = np.array(places.ask('parse_position', text))
    assert np.linalg.norm(points - center, axis=1) == pytest.approx([radius] * count)
    steps = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    assert steps == pytest.approx([2 * radius * np.sin(np.pi / count)] * count)
