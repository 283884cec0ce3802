"""Joint trajectories: what makes one acceptable, and where the arm is to be at a time. No ROS."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cap_description import JointLimit

Vector = NDArray[np.float64]

# A trajectory may be this much over a limit: planners and their splines round.
_SLACK = 1.05
# Per segment: a cubic's peak is in its middle.
_SPEED_SAMPLES = 8


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

    def __init__(self, times: Vector, coefficients: NDArray[np.float64]) -> None:
        """`times` (n+1,), from 0; `coefficients` (n, 6, joints), of rising powers of local time."""
        self.times = times
        self._coefficients = coefficients

    @property
    def duration_s(self) -> float:
        """Time of the last point."""
        return float(self.times[-1])

    def at(self, time_s: float) -> Reference:
        """The reference at a time; before the start and past the end it rests there."""
        if time_s >= self.duration_s:
            zero = np.zeros(self._coefficients.shape[2])
            return Reference(self._polynomial(len(self.times) - 2, self.duration_s)[0], zero, zero)
        index = int(np.searchsorted(self.times, time_s, side='right')) - 1
        return Reference(*self._polynomial(max(index, 0), time_s))

    def _polynomial(self, index: int, time_s: float) -> tuple[Vector, Vector, Vector]:
        t = max(time_s - float(self.times[index]), 0.0)
        powers = np.array([1.0, t, t**2, t**3, t**4, t**5])
        rates = np.array([0.0, 1.0, 2 * t, 3 * t**2, 4 * t**3, 5 * t**4])
        rates_2 = np.array([0.0, 0.0, 2.0, 6 * t, 12 * t**2, 20 * t**3])
        c = self._coefficients[index]
        return powers @ c, rates @ c, rates_2 @ c


def make_trajectory(
    start: Reference,
    joint_names: Sequence[str],
    waypoints: Sequence[Waypoint],
    limits: dict[str, JointLimit],
    start_tolerance_rad: float,
) -> Trajectory:
    """Check a trajectory and join it to where the arm is.

    Args:
        start: where the controller holds or moves the arm now, in the order of `limits`.
        joint_names: the order of the waypoints' numbers.
        limits: of the arm's joints, in its own order.
        start_tolerance_rad: how far a first point at time 0 may be from `start`.

    Raises:
        TrajectoryError: wrong names, sizes, numbers or times, or beyond a limit.
    """
    order = _order(joint_names, limits)
    if not waypoints:
        raise TrajectoryError('the trajectory has no points')
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
    if rows[0][0] <= 0.0:
        away = np.abs(rows[0][1] - start.q)
        if away.max() > start_tolerance_rad:
            name = list(limits)[int(away.argmax())]
            raise TrajectoryError(
                f'the trajectory starts {away.max():.3f} rad from where {name} is; '
                f'{start_tolerance_rad:g} rad are allowed'
            )
        rows = rows[1:]
    if not rows:
        rows = [(1e-3, start.q, np.zeros_like(start.q), None)]
    rows.insert(0, (0.0, start.q, start.qd, start.qdd))
    times = np.array([row[0] for row in rows])
    segments = [_segment(a, b) for a, b in itertools.pairwise(rows)]
    trajectory = Trajectory(times, np.array(segments))
    _check_speed(trajectory, limits)
    return trajectory


_Row = tuple[float, Vector, Vector | None, Vector | None]


def _order(joint_names: Sequence[str], limits: dict[str, JointLimit]) -> list[int]:
    if sorted(joint_names) != sorted(limits):
        raise TrajectoryError(
            f'the trajectory names the joints {list(joint_names)}; the arm has {list(limits)}',
            names=True,
        )
    return [list(joint_names).index(name) for name in limits]


def _check_numbers(waypoints: Sequence[Waypoint], count: int) -> None:
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


def _check_speed(trajectory: Trajectory, limits: dict[str, JointLimit]) -> None:
    """The polynomials' own speed: between slow points they may be faster than at any of them."""
    top = np.array([limit.velocity for limit in limits.values()])
    for start_s, end_s in itertools.pairwise(trajectory.times):
        for time_s in np.linspace(start_s, end_s, _SPEED_SAMPLES, endpoint=False):
            speed = np.abs(trajectory.at(time_s).qd)
            if (speed > _SLACK * top).any():
                joint = int((speed / top).argmax())
                raise TrajectoryError(
                    f'at {time_s:.3f} s {list(limits)[joint]} would move at '
                    f'{speed[joint]:.3f} rad/s; its limit is {top[joint]:.3f} rad/s'
                )


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
