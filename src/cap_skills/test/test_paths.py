"""Paths of joint positions: evenly spaced, within their bounds of motion, their corners rounded."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cap_skills.paths import (
    divided,
    motion_between,
    motions,
    round_corners,
    sample_edge,
    spread,
    stations_along,
)

_JOINTS = st.lists(st.floats(-2, 2), min_size=6, max_size=6)


def test_edges_and_corners() -> None:
    a, b = np.zeros(6), np.array([0.3, -0.2, 0.1, 0.0, 0.0, 1.0])
    edge = sample_edge(a, b, 0.005)
    assert np.array_equal(edge[0], a)
    assert np.allclose(edge[-1], b)
    assert max(motion_between(p, q) for p, q in itertools.pairwise(edge)) <= 0.005 + 1e-9
    corner = np.zeros((41, 6))
    corner[20:, 0] = np.linspace(0, 1, 21)
    corner[:21, 1] = np.linspace(1, 0, 21)
    smooth = round_corners(corner, 8)
    assert np.array_equal(smooth[[0, -1]], corner[[0, -1]])
    assert np.allclose(smooth[:12], corner[:12])
    assert smooth[20, 0] > 0.05


@given(st.lists(_JOINTS, min_size=2, max_size=5))
def test_what_is_spread_is_even_and_on_the_same_way(corners: list[list[float]]) -> None:
    path = np.array(corners)
    speeds = np.arange(len(path), dtype=float)
    even, rate = spread(path, speeds, 0.01)
    assert np.allclose(even[[0, -1]], path[[0, -1]])
    assert motions(even).max() <= 0.01 + 1e-9 or len(even) == 5
    assert len(rate) == len(even)
    assert set(rate) <= set(speeds[1:])
    # A corner may lie between two of the points, and is then cut.
    assert stations_along(even)[-1] <= stations_along(path)[-1] + 1e-6


@given(
    st.lists(st.floats(0.001, 0.05), min_size=1, max_size=20),
    st.floats(0.0005, 0.02),
)
def test_what_is_divided_keeps_its_stations(gaps: list[float], step: float) -> None:
    stations = np.concatenate([[0.0], np.cumsum(gaps)])
    fine = divided(stations, step)
    assert np.diff(fine).min() > 0
    assert np.diff(fine).max() <= step + 1e-9
    assert all(np.abs(fine - station).min() < 1e-12 for station in stations)
