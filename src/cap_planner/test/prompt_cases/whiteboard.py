"""What each example of the whiteboard is given, and what it does."""

from __future__ import annotations

import numpy as np

from prompt_cases.desk import Case, Program
from prompt_cases.values import array, closed, points, sides, turned, xy

TOP, BOTTOM = 0.07 / np.sqrt(3), -0.035 / np.sqrt(3)  # of a triangle around the middle
SHAPE = points((0.0, TOP), (-0.035, BOTTOM), (0.035, BOTTOM), (0.0, TOP))
MOVED = SHAPE - xy(0.06, 0)
CUT = points((-0.06, BOTTOM), (-0.06, TOP))
BOTH_CENTER = np.mean([*MOVED[:-1], *CUT], axis=0)
CUBES = {'blue cube': (-0.1, 0.0), 'green cube': (0.1, -0.1), 'mug': (0.1, 0.1)}


def ring(center: tuple[float, float]) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 13)
    return np.array(center) + 0.05 * np.stack([np.cos(angles), np.sin(angles)], axis=1)


LINK = points((0.06, 0.08), (-0.08, 0.01))
DRAW_UI = {
    'draw a triangle with sides of 7 cm': Case(
        {}, answers={'a triangle with sides of 7 cm': array(SHAPE)}, strokes=[('draw', SHAPE)]
    ),
    'move it 6 cm to the left': Case(
        answers={'move it 6 cm to the left': Program('ret_val = shape_pts - np.array([0.06, 0])')},
        strokes=[('erase', SHAPE), ('draw', MOVED)],
    ),
    'cut it in half with a vertical line': Case(strokes=[('draw', CUT)]),
    'turn both by 30 degrees': Case(
        strokes=[
            ('erase', MOVED),
            ('erase', CUT),
            ('draw', turned(MOVED, 30, BOTH_CENTER)),
            ('draw', turned(CUT, 30, BOTH_CENTER)),
        ]
    ),
    'wipe the line away': Case(strokes=[('erase', turned(CUT, 30, BOTH_CENTER))]),
    'undo that': Case(strokes=[('draw', turned(CUT, 30, BOTH_CENTER))]),
    'put a ring around each cube': Case(
        CUBES,
        answers={
            'the cubes': ['blue cube', 'green cube'],
            'a circle around the blue cube': array(ring(CUBES['blue cube'])),
            'a circle around the green cube': array(ring(CUBES['green cube'])),
        },
        strokes=[('draw', ring(CUBES['blue cube'])), ('draw', ring(CUBES['green cube']))],
    ),
    'connect the mug and the blue cube': Case(
        CUBES,
        answers={'a line from the mug to the blue cube': array(LINK)},
        strokes=[('draw', LINK)],
    ),
    'which of the cubes is nearer to the mug?': Case(
        CUBES, answers={'the cube nearest to the mug': 'green cube'}, said=['green cube']
    ),
}

PARSE_SHAPE_PTS = {
    'a horizontal line of 20 cm in the middle': Case({}, value=points((-0.1, 0), (0.1, 0))),
    'a line from the top left to the bottom right': Case(
        {}, value=points((-0.18, 0.12), (0.18, -0.12))
    ),
    'a 6 cm pentagon 10 cm to the right of the middle': Case(
        {},
        value=lambda pts: (
            len(pts) == 6
            and closed(pts)
            and np.allclose(sides(pts), 0.06)
            and np.allclose(pts[:-1].mean(axis=0), (0.1, 0))
        ),
    ),
    'a circle around the mug': Case(
        CUBES,
        answers={'the mug': 'mug'},
        value=lambda pts: (
            closed(pts)
            and np.all(sides(pts) < 0.01)
            and np.all(np.linalg.norm(pts - CUBES['mug'], axis=1) > 0.057)
        ),
    ),
    'a square around the cup': Case(
        {'white cup': (0.1, 0.1)},
        answers={'the cup': 'white cup'},
        value=lambda pts: closed(pts) and len(pts) == 5 and np.allclose(sides(pts), 0.12),
    ),
    'a line from the mug to the cup': Case(
        {'mug': (-0.1, 0.0), 'white cup': (0.1, 0.0)},
        answers={'the mug': 'mug', 'the cup': 'white cup'},
        value=points((-0.065, 0), (0.06, 0)),
    ),
    'a vertical line through the center of the shape': Case(
        {}, variables={'shape_pts': MOVED}, value=CUT
    ),
    'a spiral with 3 turns in the bottom left': Case(
        {},
        value=lambda pts: (
            np.all(sides(pts) < 0.01)
            and np.allclose(np.linalg.norm(pts[-1] - (-0.18, -0.12)), 0.06)
            and round(
                np.sum(np.abs(np.diff(np.unwrap(np.angle((pts[1:] - (-0.18, -0.12)) @ [1, 1j])))))
                / (2 * np.pi)
            )
            == 3
        ),
    ),
    'a small triangle that stands on the line line_pts': Case(
        {},
        variables={'line_pts': points((-0.1, 0), (0.1, 0))},
        value=points((-0.03, 0), (0, 0.05), (0.03, 0), (-0.03, 0)),
    ),
}

GIVEN = SHAPE + xy(0.05, -0.02)
CENTER = xy(0.05, -0.02)
TRANSFORM_SHAPE_PTS = {
    query: Case(objects, variables={'shape_pts': GIVEN} | more, answers=answers, value=value)
    for query, objects, more, answers, value in [
        ('make it smaller', {}, {}, {}, CENTER + (GIVEN - CENTER) * 2 / 3),
        ('make it twice as wide', {}, {}, {}, CENTER + (GIVEN - CENTER) * xy(2, 1)),
        ('move it 3 cm up and 5 cm to the right', {}, {}, {}, GIVEN + xy(0.05, 0.03)),
        ('turn it by 40 degrees clockwise', {}, {}, {}, turned(GIVEN, -40, CENTER)),
        (
            *('rotate it by 30 degrees around center_pos', {}, {'center_pos': xy(0.1, 0.1)}, {}),
            turned(GIVEN, 30, xy(0.1, 0.1)),
        ),
        (
            *('move its center onto the cup', {'white cup': (0.1, 0.1)}, {}),
            *({'the cup': 'white cup'}, GIVEN - CENTER + xy(0.1, 0.1)),
        ),
        ('flip it upside down', {}, {}, {}, CENTER + (GIVEN - CENTER) * xy(1, -1)),
    ]
}
