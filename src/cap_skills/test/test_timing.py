"""Time along a curve: within the limits, and close to the best there is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cap_common.errors import LimitError
from cap_description.cell import cell_urdf
from cap_skills.model import Trajectory
from cap_skills.robot_model import robot_model
from cap_skills.timing import MotionLimits, even_grids, spline, time_path

_LIMITS = MotionLimits(
    velocity=np.array([2.0, 2.0, 2.0, 2.5, 2.5, 2.5]),
    acceleration=np.array([7.0, 7.0, 8.0, 12.0, 12.0, 12.0]),
    tool_speed=1.0,
    sample_period=0.02,
)
_KINEMATICS = robot_model(cell_urdf()).kinematics
_START = np.array([0.0, -1.9, 2.2, -1.8708, -1.5708, 0.0])


def _timed(way: np.ndarray, scale: float = 1.0, speed: float = 100.0) -> Trajectory:
    """Along a straight joint path."""
    length = float(np.abs(way).sum())
    stations = np.linspace(0.0, length, 20)
    path = _START + np.linspace(0.0, 1.0, 20)[:, None] * way
    curve = spline(path, stations)
    speeds = np.full(20, speed)
    return time_path(_KINEMATICS, curve, even_grids(length), stations, speeds, _LIMITS, scale)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-1.5, 1.5), min_size=6, max_size=6).filter(
        lambda way: max(map(abs, way)) > 0.05
    ),
    st.sampled_from([1.0, 0.4, 0.05]),
)
def test_a_straight_joint_path_is_as_fast_as_its_slowest_joint(
    way: list[float], scale: float
) -> None:
    trajectory = _timed(np.array(way), scale)
    velocity, acceleration = _LIMITS.velocity * scale, _LIMITS.acceleration * scale
    far = np.abs(way)
    slow, fast = 2 * np.sqrt(far / acceleration), far / velocity + velocity / acceleration
    least = float(np.where(far < velocity**2 / acceleration, slow, fast).max())
    # Each joint alone could be as fast as that; all of them in step take a little longer.
    assert 0.999 * least <= trajectory.duration <= 1.45 * least
    assert np.all(np.abs(trajectory.velocities) <= velocity * 1.001)
    change = np.diff(trajectory.velocities, axis=0) / np.diff(trajectory.times)[:, None]
    assert np.all(np.abs(change) <= acceleration * 1.05)
    assert np.diff(trajectory.times).max() <= _LIMITS.sample_period + 1e-9
    assert np.allclose(trajectory.positions[[0, -1]], [_START, _START + way], atol=1e-9)
    assert not trajectory.velocities[[0, -1]].any()


def test_the_tool_keeps_to_its_speed() -> None:
    trajectory = _timed(np.array([1.5, 0, 0, 0, 0, 0]), speed=0.3)
    tool = _KINEMATICS.positions(trajectory.positions)
    speed = np.linalg.norm(np.diff(tool, axis=0), axis=1) / np.diff(trajectory.times)
    assert 0.29 < speed.max() <= 0.3 * 1.01


def test_what_has_no_timing_is_a_limit_error() -> None:
    with pytest.raises(LimitError, match='no timing'):
        _timed(np.array([1.0, 0, 0, 0, 0, 0]), speed=0.0)


def test_nothing_that_draws_is_loaded_and_it_can_be_later() -> None:
    program = (
        'import sys, cap_skills.timing; assert "matplotlib" not in sys.modules; '
        'import matplotlib.pyplot; assert matplotlib.pyplot.plot'
    )
    subprocess.run([sys.executable, '-c', program], check=True)
