"""Joint trajectories: what makes one acceptable, and where the arm is to be at a time. No ROS."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cap_description import JointLimit

Vector = NDArray[np.float64]
# Of polynomials, one per segment, of rising powers of the time since its start: (n, 6, joints).
Coefficients = NDArray[np.float64]

# A trajectory may be this much over a speed limit: planners and their splines round.
_SLACK = 1.05
# And its curve so far beyond a position limit between two points [rad].
_ROUNDING_RAD = 1e-3
# Per segment. By Markov's inequality the speed, of degree 4, rises at most 4.2 % above these.
_SAMPLES = np.linspace(0.0, 1.0, 32)
# More make a goal that takes seconds to check; five minutes at 30 points a second.
MAX_POINTS = 10_000


class TrajectoryError(ValueError):
    """A trajectory that the controller does not run; `names` tells a fault of the joint names."""

    def __init__(self, text: str, names: bool = False) -> None:
        super().__init__(text)
        self.names = names


@dataclass(frozen=True)
class Waypoint:
    """One point of a trajectory: time from its start [s]; rad, rad/s, rad/s^2, or empty."""

    time_s: float
    positions: tuple[float, ...]
    velocities: tuple[float, ...] = ()
    accelerations: tuple[float, ...] = ()


@dataclass(frozen=True)
class Reference:
    """Where the arm is to be: rad, rad/s and rad/s^2, each (6,)."""

    q: Vector
    qd: Vector
    qdd: Vector


class Trajectory:
    """Piecewise polynomials through waypoints.

    Between two points the order follows from what both carry: positions alone a line, velocities
    a cubic, accelerations too a quintic; as ros2_control's joint_trajectory_controller does it.
    """

    def __init__(self, times: Vector, coefficients: Coefficients) -> None:
        """`times` (n+1,), from 0; `coefficients` (n, 6, joints), of rising powers of local time."""
        self.times = times
        self._coefficients = coefficients

    @property
    def duration_s(self) -> float:
        """Time of the last point."""
        return float(self.times[-1])

    def at(self, time_s: float) -> Reference:
        """The reference at a time; before the start and past the end it rests there."""
        return Reference(*self.samples(np.array([time_s]))[0])

    def samples(self, times: Vector) -> NDArray[np.float64]:
        """Position, velocity and acceleration at many times (n,): (n, 3, joints)."""
        duration = self.times[-1]
        segments = np.searchsorted(self.times, times, side='right') - 1
        segments = np.clip(segments, 0, len(self.times) - 2)
        local = np.maximum(np.minimum(times, duration) - self.times[segments], 0.0)
        powers = np.zeros((len(times), 3, 6))
        powers[:, 0] = local[:, None] ** np.arange(6)
        powers[:, 1, 1:] = powers[:, 0, :5] * np.arange(1, 6)
        powers[:, 2, 2:] = powers[:, 1, 1:5] * np.arange(2, 6)
        samples = powers @ self._coefficients[segments]
        samples[times >= duration, 1:] = 0.0
        return np.asarray(samples)


class PreparedTrajectory:
    """A trajectory, checked but for its way from where the arm will be when it begins.

    Args:
        joint_names: the order of the waypoints' numbers.
        limits: of the arm's joints, in its own order.
        start_tolerance_rad: how far a first point at time 0 may be from where the arm is.

    Raises:
        TrajectoryError: wrong names, sizes, numbers or times, or beyond a limit.
    """

    def __init__(
        self,
        joint_names: Sequence[str],
        waypoints: Sequence[Waypoint],
        limits: dict[str, JointLimit],
        start_tolerance_rad: float,
    ) -> None:
        order = _order(joint_names, limits)
        _check_numbers(waypoints, len(limits))
        rows = [
            (
                point.time_s,
                np.array(point.positions)[order],
                np.array(point.velocities)[order] if point.velocities else None,
                np.array(point.accelerations)[order] if point.accelerations else None,
            )
            for point in waypoints
        ]
        _check_limits(rows, limits)
        self._limits = limits
        self._start_tolerance_rad = start_tolerance_rad
        self._origin = rows.pop(0)[1] if rows[0][0] <= 0.0 else None
        self._first = rows[0] if rows else None
        self._times = np.array([row[0] for row in rows])
        self._rest = _segments(rows, len(limits))
        _check_curve(self._times, self._rest, limits)

    def join(self, start: Reference) -> Trajectory:
        """The whole, from where the controller holds or moves the arm now; takes no time.

        Raises:
            TrajectoryError: it starts elsewhere, or the way to its first point is beyond a limit.
        """
        if self._origin is not None:
            away = np.abs(self._origin - start.q)
            if away.max() > self._start_tolerance_rad:
                name = list(self._limits)[int(away.argmax())]
                raise TrajectoryError(
                    f'the trajectory starts {away.max():.3f} rad from where {name} is; '
                    f'{self._start_tolerance_rad:g} rad are allowed'
                )
        first = self._first or (1e-3, start.q, np.zeros_like(start.q), None)
        way = _segments([(0.0, start.q, start.qd, start.qdd), first], len(self._limits))
        _check_curve(np.array([0.0, first[0]]), way, self._limits)
        times = self._times if len(self._times) else np.array([first[0]])
        return Trajectory(np.concatenate([[0.0], times]), np.concatenate([way, self._rest]))


_Row = tuple[float, Vector, Vector | None, Vector | None]


def _order(joint_names: Sequence[str], limits: dict[str, JointLimit]) -> list[int]:
    if sorted(joint_names) != sorted(limits):
        raise TrajectoryError(
            f'the trajectory names the joints {list(joint_names)}; the arm has {list(limits)}',
            names=True,
        )
    return [list(joint_names).index(name) for name in limits]


def _check_numbers(waypoints: Sequence[Waypoint], count: int) -> None:
    if not waypoints:
        raise TrajectoryError('the trajectory has no points')
    if len(waypoints) > MAX_POINTS:
        raise TrajectoryError(
            f'the trajectory has {len(waypoints)} points; {MAX_POINTS} are the most'
        )
    last = -1.0
    for index, point in enumerate(waypoints):
        sizes = (len(point.positions), len(point.velocities), len(point.accelerations))
        if sizes[0] != count or any(size not in (0, count) for size in sizes[1:]):
            raise TrajectoryError(
                f'point {index} has {sizes[0]} positions, {sizes[1]} velocities and {sizes[2]} '
                f'accelerations; {count} of each are needed, the last two may be left out'
            )
        numbers = (point.time_s, *point.positions, *point.velocities, *point.accelerations)
        if not np.isfinite(numbers).all():
            raise TrajectoryError(f'point {index} has a number that is not finite')
        if point.time_s < 0 or point.time_s <= last:
            raise TrajectoryError(
                f'point {index} is at {point.time_s:g} s after one at {last:g} s: '
                'times must rise, from 0 s or later'
            )
        last = point.time_s
    if waypoints[-1].velocities and np.abs(waypoints[-1].velocities).max() > 1e-3:
        raise TrajectoryError('the last point has a velocity: the arm could not stand there')


def _check_limits(rows: Sequence[_Row], limits: dict[str, JointLimit]) -> None:
    for index, (_, position, velocity, _) in enumerate(rows):
        for joint, (name, limit) in enumerate(limits.items()):
            if not limit.lower <= position[joint] <= limit.upper:
                raise TrajectoryError(
                    f'point {index} has {name} at {position[joint]:.3f} rad; '
                    f'its limits are {limit.lower:.3f} and {limit.upper:.3f} rad'
                )
            if velocity is not None and abs(velocity[joint]) > _SLACK * limit.velocity:
                raise TrajectoryError(
                    f'point {index} has {name} at {velocity[joint]:.3f} rad/s; '
                    f'its limit is {limit.velocity:.3f} rad/s'
                )


def _check_curve(times: Vector, segments: Coefficients, limits: dict[str, JointLimit]) -> None:
    """What the polynomials do between points: they may swing further and faster than at any."""
    if not len(segments):
        return
    spans = np.diff(times)[:, None]
    moments = times[:-1, None] + _SAMPLES * spans
    exponents = np.arange(6)
    powers = _SAMPLES ** exponents[:, None]
    rates = exponents[:, None] * _SAMPLES ** np.maximum(exponents - 1, 0)[:, None]
    for joint, (name, limit) in enumerate(limits.items()):
        scaled = segments[:, :, joint] * spans**exponents
        position = scaled @ powers
        beyond = np.maximum(limit.lower - position, position - limit.upper)
        if beyond.max() > _ROUNDING_RAD:
            at = beyond.argmax()
            raise TrajectoryError(
                f'at {moments.flat[at]:.3f} s {name} would be at {position.flat[at]:.3f} rad; '
                f'its limits are {limit.lower:.3f} and {limit.upper:.3f} rad'
            )
        speed = np.abs(scaled @ rates) / spans
        if speed.max() > _SLACK * limit.velocity:
            at = speed.argmax()
            raise TrajectoryError(
                f'at {moments.flat[at]:.3f} s {name} would move at {speed.flat[at]:.3f} rad/s; '
                f'its limit is {limit.velocity:.3f} rad/s'
            )


def _segments(rows: Sequence[_Row], joints: int) -> Coefficients:
    """The polynomials from each point to the next."""
    segments = np.zeros((max(len(rows) - 1, 0), 6, joints))
    for segment, (a, b) in zip(segments, itertools.pairwise(rows), strict=True):
        segment[:] = _segment(a, b)
    return segments


def _segment(a: _Row, b: _Row) -> NDArray[np.float64]:
    """Coefficients (6, joints) of rising powers, from one point to the next."""
    (ta, qa, va, aa), (tb, qb, vb, ab) = a, b
    t = tb - ta
    c = np.zeros((6, len(qa)))
    c[0] = qa
    if va is None or vb is None:
        c[1] = (qb - qa) / t
        return c
    c[1] = va
    rest = qb - qa - va * t
    if aa is None or ab is None:
        c[2] = (3 * rest - (vb - va) * t) / t**2
        c[3] = ((vb - va) * t - 2 * rest) / t**3
        return c
    c[2] = aa / 2
    rest = rest - aa * t**2 / 2
    slope = (vb - va - aa * t) * t
    bend = (ab - aa) * t**2
    c[3] = (20 * rest - 8 * slope + bend) / (2 * t**3)
    c[4] = (-30 * rest + 14 * slope - 2 * bend) / (2 * t**4)
    c[5] = (12 * rest - 6 * slope + bend) / (2 * t**5)
    return c
