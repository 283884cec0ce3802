"""Ink: what is drawn, thinned and wiped, as points and as a picture."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cap_sim import ink as module
from cap_sim.ink import BOARD_COLOR, LINE_WIDTH, PIXEL, SPACING, Ink

SIZE = (0.5, 0.36)
DOWN = np.array([0.0, 0.0, -1.0])
PAD = 0.022
spots = st.tuples(st.floats(-0.24, 0.24), st.floats(-0.17, 0.17))
near = st.tuples(st.floats(-0.03, 0.03), st.floats(-0.03, 0.03))


def draw(ink, *corners, step=0.0004):
    """One stroke through the corners, in steps of the physics; where it touched, (N, 2)."""
    touched = []
    for start, end in itertools.pairwise(corners):
        count = int(np.ceil(np.linalg.norm(np.subtract(end, start)) / step)) + 1
        touched += [np.array(start), *np.linspace(start, end, count)[1:]]
    for x, y in touched:
        ink.touch(float(x), float(y))
    ink.lift()
    return np.array(touched)


def wipe(ink, x, y, normal=DOWN, z=0.0):
    ink.wipe(np.array([x, y, z]), np.asarray(normal, float), PAD)


def gaps(points):
    return np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1)


def pixel(drawing, x, y):
    rows, _ = drawing.raster.shape
    return drawing.raster[int(rows / 2 - y / PIXEL), int(drawing.raster.shape[1] / 2 + x / PIXEL)]


def distances(drawing, x, y):
    """From the centre of each pixel to a point, (rows, columns) [m]."""
    rows, columns = drawing.raster.shape
    u = (np.arange(columns) + 0.5 - columns / 2) * PIXEL
    v = (rows / 2 - np.arange(rows) - 0.5) * PIXEL
    return np.hypot(u[None, :] - x, v[:, None] - y)


@settings(max_examples=60, deadline=None)
@given(st.lists(near, min_size=2, max_size=6, unique=True))
def test_a_stroke_is_thinned_and_keeps_its_course(corners):
    ink = Ink(SIZE)
    touched = draw(ink, *corners)
    points = ink.drawing().points
    assert (points[:, 2] == 0).all()
    assert (gaps(points) >= SPACING - 1e-12).all()
    # Whoever drew it was nowhere farther from a point that is kept than the points are apart.
    away = np.linalg.norm(touched[:, None] - points[None, :, :2], axis=2).min(axis=1)
    assert away.max() < SPACING + 1e-12
    assert np.isin(points[:, :2], touched).all()


@settings(max_examples=40, deadline=None)
@given(spots, spots)
def test_the_picture_is_a_line_of_its_width(start, end):
    assume(np.hypot(*np.subtract(end, start)) > 0.01)
    ink = Ink(SIZE)
    draw(ink, start, end)
    drawing = ink.drawing()
    for share in np.linspace(0, 1, 7):
        assert pixel(drawing, *(np.array(start) * (1 - share) + np.array(end) * share)) > 150
    length = np.hypot(*np.subtract(end, start))
    area = drawing.raster.sum() / 255 * PIXEL**2
    assert area == pytest.approx(
        length * LINE_WIDTH + np.pi * (LINE_WIDTH / 2) ** 2, rel=0.08, abs=2e-6
    )


def test_the_picture_has_its_top_above_and_its_right_to_the_right():
    ink = Ink(SIZE)
    draw(ink, (0.2, 0.15), (0.21, 0.15))
    raster = ink.drawing().raster
    rows, columns = np.nonzero(raster)
    assert raster.shape == (360, 500)
    assert rows.mean() == pytest.approx(30, abs=1)
    assert columns.mean() == pytest.approx(455, abs=1)
    picture = ink.drawing().picture()
    assert tuple(picture[0, 0]) == BOARD_COLOR
    assert picture[30, 455].max() < 50


def test_each_touch_down_begins_a_stroke():
    ink = Ink(SIZE)
    assert len(ink.drawing().points) == 0
    draw(ink, (0, 0), (0.01, 0))
    draw(ink, (0.05, 0), (0.06, 0))
    ink.touch(-0.1, 0.0)
    points = ink.drawing().points
    assert sorted(set(points[:, 2])) == [0, 1, 2]
    assert points[points[:, 2] == 2].tolist() == [[-0.1, 0.0, 2]]
    assert pixel(ink.drawing(), 0.03, 0.0) == 0
    assert pixel(ink.drawing(), -0.1, 0.0) > 200


def test_beside_the_board_there_is_none():
    ink = Ink(SIZE)
    draw(ink, (0.2, 0), (0.3, 0), (0.2, 0.1))
    points = ink.drawing().points
    assert points[:, 0].max() <= 0.25
    assert sorted(set(points[:, 2])) == [0, 1]


@settings(max_examples=60, deadline=None)
@given(spots, spots, spots)
def test_the_pad_takes_what_it_covers_and_nothing_else(start, end, at):
    assume(np.hypot(*np.subtract(end, start)) > 0.005)
    ink = Ink(SIZE)
    draw(ink, start, end)
    before = ink.drawing()
    wipe(ink, *at)
    after = ink.drawing()
    covered = np.linalg.norm(before.points[:, :2] - at, axis=1) <= PAD
    np.testing.assert_array_equal(after.points, before.points[~covered])
    under = distances(before, *at) <= PAD
    assert (after.raster[under] == 0).all()
    np.testing.assert_array_equal(after.raster[~under], before.raster[~under])


def test_a_pad_that_lies_askew_wipes_with_the_edge_that_touches():
    ink = Ink(SIZE)
    draw(ink, (-0.03, 0), (0.03, 0))
    # Its edge at -x touches; the opposite one is 6 mm above the board.
    tilt = np.arcsin(0.006 / (2 * PAD))
    normal = (np.sin(tilt), 0.0, -np.cos(tilt))
    wipe(ink, 0.0, 0.0, normal, z=0.003)
    left = ink.drawing().points[:, 0]
    assert left.min() < -PAD
    assert left[left > -PAD].min() == pytest.approx(-PAD + 2 * PAD / 6, abs=0.001)


@pytest.mark.parametrize('normal', [(0, 0, 1), (1, 0, 0), (0.6, 0, -0.8)])
def test_a_pad_wipes_with_its_face_alone(normal):
    ink = Ink(SIZE)
    draw(ink, (-0.03, 0), (0.03, 0))
    before = ink.drawing()
    wipe(ink, 0.0, 0.0, normal)
    assert ink.drawing() is before


def test_a_drawing_is_the_same_object_until_it_changes():
    ink = Ink(SIZE)
    clean = ink.drawing()
    wipe(ink, 0.0, 0.0)
    assert ink.drawing() is clean
    draw(ink, (0, 0), (0.01, 0))
    drawn = ink.drawing()
    assert drawn is not clean
    assert len(clean.points) == 0
    assert not clean.raster.any()
    wipe(ink, 0.1, 0.1)
    assert ink.drawing() is drawn
    wipe(ink, 0.0, 0.0)
    assert len(ink.drawing().points) == 0
    assert len(drawn.points) > 10


def test_it_does_not_grow_without_bound(monkeypatch):
    monkeypatch.setattr(module, 'MOST_POINTS', 100)
    ink = Ink(SIZE)
    draw(ink, (-0.1, 0), (0.1, 0), step=SPACING * 1.01)
    points = ink.drawing().points
    assert 50 <= len(points) <= 100
    assert points[-1, 0] == pytest.approx(0.1, abs=SPACING)
    assert (np.diff(points[:, 0]) > 0).all()
    # What is forgotten is still seen.
    assert pixel(ink.drawing(), -0.09, 0.0) > 200
