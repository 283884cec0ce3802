"""Fits to points: squares, circles, planes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_perception.shapes import Models, Plane, fit_circle, fit_plane, fit_rectangle

MODELS = Models(0.04, 0.12, 0.045, 0.2)


def ring(x, y, radius, start=0.0, end=2 * np.pi, count=400, noise=0.001, seed=0):
    rng = np.random.default_rng(seed)
    angles = np.linspace(start, end, count)
    r = radius + rng.normal(0, noise, count)
    return np.column_stack([x + r * np.cos(angles), y + r * np.sin(angles), np.full(count, 0.045)])


@given(st.floats(-0.3, 0.3), st.floats(-0.8, -0.2), st.floats(-np.pi, np.pi))
def test_a_square_of_any_yaw(x, y, yaw):
    steps = np.linspace(-0.02, 0.02, 21)
    local = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    points = np.column_stack([local @ turn.T + (x, y), np.full(len(local), 0.04)])
    rectangle = fit_rectangle(points, fit_plane(points))
    assert rectangle.sides == pytest.approx((0.04, 0.04), abs=2e-4)
    assert rectangle.workspace_from_rectangle[:3, 3] == pytest.approx((x, y, 0.04), abs=2e-4)
    assert np.abs(rectangle.local(points)[:, :2]).max() < 0.0202


def test_a_tilted_plane_looks_up():
    rng = np.random.default_rng(0)
    flat = np.column_stack([rng.uniform(-0.02, 0.02, (200, 2)), np.zeros(200)])
    cos, sin = np.cos(0.5), np.sin(0.5)
    points = flat @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]).T
    plane = fit_plane(points)
    assert plane.normal == pytest.approx((0, -sin, cos), abs=1e-6)
    assert np.abs(plane.heights(points)).max() < 1e-9
    assert plane.axes().T @ plane.axes() == pytest.approx(np.eye(3), abs=1e-9)


def test_noise_does_not_tilt_a_level_plane():
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-0.02, 0.02, (100, 2)), rng.normal(0.04, 0.002, 100)])
    assert fit_plane(points).normal.tolist() == [0.0, 0.0, 1.0]


@given(st.floats(-0.3, 0.3), st.floats(-0.8, -0.2), st.floats(0.055, 0.065))
def test_a_whole_circle(x, y, radius):
    circle = fit_circle(ring(x, y, radius), 0.06, 0.007)
    assert circle is not None
    assert (circle.x, circle.y) == pytest.approx((x, y), abs=5e-4)
    assert circle.radius == pytest.approx(radius, abs=5e-4)
    assert circle.coverage > 0.95


@pytest.mark.parametrize('end', [np.pi, 1.3 * np.pi, 1.7 * np.pi])
def test_an_arc(end):
    circle = fit_circle(ring(0.1, -0.5, 0.06, 0.0, end), 0.06, 0.007)
    assert circle is not None
    assert (circle.x, circle.y) == pytest.approx((0.1, -0.5), abs=2e-3)
    assert circle.coverage == pytest.approx(end / (2 * np.pi), abs=0.05)


def test_a_circle_among_other_points():
    rng = np.random.default_rng(1)
    clutter = np.column_stack([rng.uniform(0.0, 0.2, (150, 1)), rng.uniform(-0.6, -0.4, (150, 1)),
                               np.full((150, 1), 0.045)])  # fmt: skip
    circle = fit_circle(np.vstack([ring(0.1, -0.5, 0.06), clutter]), 0.06, 0.007)
    assert circle is not None
    assert (circle.x, circle.y) == pytest.approx((0.1, -0.5), abs=2e-3)


def test_too_few_points_are_no_circle():
    assert fit_circle(ring(0, 0, 0.06, count=8), 0.06, 0.007) is None


def test_models():
    assert MODELS.size_of('bowl') == (0.12, 0.12, 0.045)
    assert MODELS.size_of('whiteboard') is None
    assert MODELS.fits(0.045, 0.04)
    assert not MODELS.fits(0.05, 0.04)


def test_local_coordinates_of_a_plane():
    plane = Plane(np.array([0.0, 0.0, 1.0]), 0.1)
    assert plane.heights(np.array([[5.0, 5.0, 0.3]])) == pytest.approx([0.2])
