"""A polyline's corners are cut by no more than the tolerance, and nothing else is changed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cap_skills.blends import blended

_CUT, _STEP = 1.5e-4, 0.005
_COORDINATE = st.floats(-0.1, 0.1)
_POINTS = st.lists(st.tuples(_COORDINATE, _COORDINATE, st.just(0.3)), min_size=2, max_size=12)


def _poses(points: object) -> np.ndarray:
    points = np.asarray(points, float)
    poses = np.tile(np.eye(4), (len(points), 1, 1))
    poses[:, :3, 3] = points
    return poses


def _distance(point: np.ndarray, corners: np.ndarray) -> float:
    best = np.inf
    for a, b in itertools.pairwise(corners):
        share = np.clip((point - a) @ (b - a) / max((b - a) @ (b - a), 1e-18), 0, 1)
        best = min(best, float(np.linalg.norm(point - a - share * (b - a))))
    return best


@settings(max_examples=60, deadline=None)
@given(_POINTS)
def test_the_way_keeps_to_the_polyline(points: list[tuple[float, float, float]]) -> None:
    way = blended(_poses(points), _CUT, _STEP)
    corners = np.array(points)
    if way is None:
        assert np.abs(corners - corners[0]).max() <= 1e-4
        return
    places = way.poses[:, :3, 3]
    assert np.array_equal(places[0], corners[0])
    # Points that are almost the same are left out, the last one too.
    assert np.abs(places[-1] - corners[-1]).max() <= 1.01e-4
    assert max(_distance(place, corners) for place in places) <= _CUT + 2e-4
    gaps = np.diff(way.stations)
    assert gaps.min() > 0
    assert gaps.max() <= _STEP + 1e-9
    # The slope is the change of the place, also across the ends of the parabolas.
    middle = (places[1:] - places[:-1]) / gaps[:, None]
    mean = (way.slopes[1:, :3] + way.slopes[:-1, :3]) / 2
    assert np.allclose(middle, mean, atol=1e-6)
    assert np.all(np.linalg.norm(way.slopes[:, :3], axis=1) <= 1 + 1e-9)


def test_a_right_angle_is_cut_by_the_tolerance() -> None:
    way = blended(_poses([(0, 0, 0), (0.1, 0, 0), (0.1, 0.1, 0)]), _CUT, _STEP)
    assert way is not None
    nearest = np.linalg.norm(way.poses[:, :3, 3] - (0.1, 0, 0), axis=1).min()
    assert nearest == pytest.approx(_CUT)


def test_turns_are_spread_between_the_points() -> None:
    poses = _poses([(0, 0, 0), (0.1, 0, 0)])
    poses[1, :3, :3] = Rotation.from_rotvec([0, 0, 0.5]).as_matrix()
    way = blended(poses, _CUT, _STEP)
    assert way is not None
    assert np.allclose(way.slopes[:, 5], 5.0)
    half = way.poses[np.abs(way.stations - 0.05).argmin(), :3, :3]
    assert np.allclose(half, Rotation.from_rotvec([0, 0, 0.25]).as_matrix())
