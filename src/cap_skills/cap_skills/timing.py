"""Time along a path: as fast as joints and tool may go. By toppra (Pham and Pham, 2018)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, PPoly, make_interp_spline

from cap_common.errors import LimitError
from cap_skills.kinematics import ArmKinematics
from cap_skills.model import Trajectory, Vector
from cap_skills.toppra_parts import (
    TOPPRA,
    DiscretizationType,
    LinearConstraint,
    ParameterizationAlgorithm,
    ParameterizationReturnCode,
    canlinear_colloc_to_interpolate,
    seidelWrapper,
)

logging.getLogger('toppra').setLevel(logging.ERROR)

# A motion has so many intervals in which the path's acceleration is constant.
_GRID_STEP, _FEWEST, _MOST = 0.03, 20, 60
# The solver's roundings: one path of some hundred gets no timing on one grid, or all but stands
# still at one point of it (40 s instead of 1.2 s, seen), and is well on another.
_FINER = (1.0, 1.67, 3.0)
_STUCK = 0.01
_STILL = 1e-9


@dataclass(frozen=True)
class MotionLimits:
    """What the motion keeps to at full speed.

    Attributes:
        velocity: of each joint, shape (6,) [rad/s].
        acceleration: of each joint, shape (6,) [rad/s^2].
        tool_speed: of the tool in free motion [m/s].
        sample_period: between the points of a trajectory [s].
    """

    velocity: Vector
    acceleration: Vector
    tool_speed: float
    sample_period: float


class Curve:
    """Joint positions along a way, as toppra asks for them.

    Args:
        pieces: piecewise polynomials of the station, (6,) each.
        stations: on the way, rising, from its one end to the other.
    """

    dof = 6

    def __init__(self, pieces: BSpline | PPoly, stations: Vector) -> None:
        self._pieces = pieces
        self.path_interval = stations[[0, -1]]

    def __call__(self, stations: Vector, order: int = 0) -> NDArray[np.float64]:
        """Joint positions (n, 6), or their derivatives, at stations (n,)."""
        values: NDArray[np.float64] = self._pieces(stations, order)
        return values


class _Limits(LinearConstraint):  # type: ignore[misc]
    """All limits of a motion in toppra's canonical form: a u + b x = v, F v <= g, x <= bound.

    u is the path's acceleration and x its squared velocity. The tool keeps to a speed that varies
    along the path.

    Args:
        stations: where along the path the tool's speeds are given, shape (n,), rising.
        speeds: there, shape (n,) [m/s].
        scale: of all limits.
    """

    _BOTH = np.concatenate([np.eye(6), -np.eye(6)])

    def __init__(
        self,
        kinematics: ArmKinematics,
        stations: Vector,
        speeds: Vector,
        limits: MotionLimits,
        scale: float,
    ) -> None:
        super().__init__()
        self.dof = 6
        self.identical = True
        self.set_discretization_type(DiscretizationType.Interpolation)
        self._kinematics = kinematics
        self._stations = stations
        self._speeds = speeds * scale
        self._velocity = limits.velocity * scale
        self._acceleration = np.tile(limits.acceleration * scale, 2)

    def compute_constraint_params(self, path: Any, gridpoints: Vector) -> tuple[Any, ...]:
        """See LinearConstraint."""
        first, second = path(gridpoints, 1), path(gridpoints, 2)
        rate = (self._velocity / np.maximum(np.abs(first), _STILL)).min(axis=1)
        rate = np.minimum(rate, self._tool_rate(path, gridpoints))
        bound = np.stack([np.zeros_like(rate), rate**2], axis=1)
        a, b, c, both, most, _, _ = canlinear_colloc_to_interpolate(
            first,
            second,
            np.zeros_like(first),
            self._BOTH,
            self._acceleration,
            None,
            None,
            gridpoints,
            identical=True,
        )
        return a, b, c, both, most, None, bound

    def _tool_rate(self, path: Any, gridpoints: Vector) -> Vector:
        """How fast the path may be passed so that the tool keeps to its speed."""
        tool = self._kinematics.positions(path(gridpoints))
        steps = np.linalg.norm(np.diff(tool, axis=0), axis=1) / np.diff(gridpoints)
        # The faster of the two neighbouring intervals: a bound, not an average.
        per_station = np.maximum(np.append(steps, 0.0), np.insert(steps, 0, 0.0))
        # Likewise the slower of the two neighbouring speeds.
        after = np.searchsorted(self._stations, gridpoints).clip(1, len(self._stations) - 1)
        speed = np.minimum(self._speeds[after - 1], self._speeds[after])
        rate: Vector = speed / np.maximum(per_station, _STILL)
        return rate


class _Toppra(TOPPRA):  # type: ignore[misc]
    """TOPPRA from rest to rest, within limits that are as wide to both sides.

    Then the arm can stand still anywhere: the slowest controllable speed is 0, and the half of the
    linear programs that would find it is left out. Nor does it look for other solvers each time.
    """

    _FASTEST = np.array([1e-9, -1.0])

    def __init__(self, constraint: _Limits, curve: Curve, grid: Vector) -> None:
        ParameterizationAlgorithm.__init__(self, [constraint], curve, gridpoints=grid)
        self.solver_wrapper = seidelWrapper([constraint], curve, grid, solve_lp1d=True)
        gaps = np.diff(grid)
        self._furthest = np.stack([-2 * gaps, np.full_like(gaps, -1.0)], axis=1)

    def _one_step(self, i: int, K_next: Vector) -> Vector:
        fastest = self.solver_wrapper.solve_stagewise_optim(
            i, None, self._FASTEST, np.nan, np.nan, K_next[0], K_next[1]
        )
        return np.array([0.0, fastest[1]])

    def _forward_step(self, i: int, x: float, K_next: Vector) -> Vector:
        step: Vector = self.solver_wrapper.solve_stagewise_optim(
            i, None, self._furthest[i], x, x, K_next[0], K_next[1]
        )
        return step


def spline(path: NDArray[np.float64], stations: Vector) -> Curve:
    """Smooth curve through joint positions (n, 6) at stations (n,)."""
    return Curve(make_interp_spline(stations, path), stations)


def even_grids(length: float) -> list[Vector]:
    """Grids over a way of that length, to be tried in this order."""
    count = int(np.clip(np.ceil(length / _GRID_STEP), _FEWEST, _MOST))
    return [np.linspace(0.0, length, round(count * finer) + 1) for finer in _FINER]


def time_path(
    kinematics: ArmKinematics,
    curve: Curve,
    grids: Iterable[Vector],
    stations: Vector,
    speeds: Vector,
    limits: MotionLimits,
    speed_scale: float,
) -> Trajectory:
    """The fastest trajectory along a curve within the limits, from rest to rest.

    Args:
        grids: over the whole curve; between two points of a grid the acceleration along the curve
            is constant. One after the other is tried.
        speeds: of the tool at the stations, at full scale, shape (n,) [m/s].
        speed_scale: of all speeds, (0, 1].

    Raises:
        LimitError: no timing keeps to the limits.
    """
    constraint = _Limits(kinematics, stations, speeds, limits, speed_scale)
    best: tuple[float, Vector, Vector, Vector] | None = None
    for grid in grids:
        solver = _Toppra(constraint, curve, grid)
        solver.compute_parameterization(0.0, 0.0)
        found = solver.problem_data
        if found.return_code is not ParameterizationReturnCode.Ok:
            continue
        rates = np.asarray(found.sd_vec)
        times = _times(grid, rates)
        if best is None or times[-1] < best[0]:
            best = times[-1], grid, rates, times
        if rates[1:-1].min() > _STUCK * rates.max():
            break
    if best is None or not np.isfinite(best[0]):
        raise LimitError('no timing of the path keeps to the limits of speed and acceleration')
    return _sampled(curve, *best[1:], limits.sample_period)


def _times(grid: Vector, rates: Vector) -> Vector:
    """When each point of the grid is passed [s]: the acceleration in between is constant."""
    mean = (rates[:-1] + rates[1:]) / 2
    with np.errstate(divide='ignore'):
        return np.concatenate([[0.0], np.cumsum(np.diff(grid) / mean)])


def _sampled(curve: Curve, grid: Vector, rates: Vector, times: Vector, period: float) -> Trajectory:
    """Points at even times, at most `period` [s] apart."""
    count = max(2, int(np.ceil(times[-1] / period)) + 1)
    at = np.linspace(0.0, times[-1], count)
    index = (np.searchsorted(times, at, side='right') - 1).clip(0, len(grid) - 2)
    since = at - times[index]
    acceleration = np.diff(rates**2) / (2 * np.diff(grid))
    stations = grid[index] + since * (rates[index] + since * acceleration[index] / 2)
    velocities = curve(stations, 1) * (rates[index] + since * acceleration[index])[:, None]
    velocities[0] = velocities[-1] = 0.0
    return Trajectory(at, curve(stations.clip(grid[0], grid[-1])), velocities)
