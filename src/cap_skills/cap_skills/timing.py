"""Time along a path: as fast as joints and tool may go. By toppra (Pham and Pham, 2018)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import toppra
from numpy.typing import NDArray
from toppra.algorithm import TOPPRA
from toppra.constraint import JointAccelerationConstraint, JointVelocityConstraint, LinearConstraint

from cap_common.errors import LimitError
from cap_skills.kinematics import ArmKinematics
from cap_skills.model import Trajectory, Vector

logging.getLogger('toppra').setLevel(logging.ERROR)

# The solver's roundings: one path of some hundred gets no timing on one grid, or all but stands
# still at one point of it (40 s instead of 1.2 s, seen), and is well on another.
_GRIDS = (100, 167, 300)
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


class _ToolSpeed(LinearConstraint):  # type: ignore[misc]
    """Bounds the path velocity so that the tool keeps to a speed that varies along the path.

    Args:
        stations: where along the path the speeds are given, shape (n,), rising.
        speeds: there, shape (n,) [m/s].
    """

    def __init__(self, kinematics: ArmKinematics, stations: Vector, speeds: Vector) -> None:
        super().__init__()
        self.dof = 6
        self._kinematics = kinematics
        self._stations = stations
        self._speeds = speeds

    def compute_constraint_params(self, path: Any, gridpoints: Vector) -> tuple[Any, ...]:
        """toppra's canonical form: only a bound on the squared path velocity."""
        tool = np.array([self._kinematics.forward(q)[:3, 3] for q in path(gridpoints)])
        steps = np.linalg.norm(np.diff(tool, axis=0), axis=1) / np.diff(gridpoints)
        # The faster of the two neighbouring intervals: a bound, not an average.
        per_station = np.maximum(np.append(steps, 0.0), np.insert(steps, 0, 0.0))
        # Likewise the slower of the two neighbouring speeds.
        after = np.searchsorted(self._stations, gridpoints).clip(1, len(self._stations) - 1)
        speed = np.minimum(self._speeds[after - 1], self._speeds[after])
        bound = (speed / np.maximum(per_station, _STILL)) ** 2
        return None, None, None, None, None, None, np.stack([np.zeros_like(bound), bound], axis=1)


def spline(path: NDArray[np.float64], stations: Vector) -> Any:
    """Smooth curve through joint positions (n, 6) at stations (n,)."""
    return toppra.SplineInterpolator(stations, path)


def time_path(
    kinematics: ArmKinematics,
    curve: Any,
    stations: Vector,
    speeds: Vector,
    limits: MotionLimits,
    speed_scale: float,
) -> Trajectory:
    """The fastest trajectory along a curve within the limits, from rest to rest.

    Args:
        curve: of `spline`.
        speeds: of the tool at the stations, at full scale, shape (n,) [m/s].
        speed_scale: of all speeds, (0, 1].

    Raises:
        LimitError: no timing keeps to the limits.
    """
    constraints = [
        JointVelocityConstraint(limits.velocity * speed_scale),
        JointAccelerationConstraint(limits.acceleration * speed_scale),
        _ToolSpeed(kinematics, stations, speeds * speed_scale),
    ]
    timed = None
    for count in _GRIDS:
        grid = np.linspace(0.0, stations[-1], count + 1)
        algorithm = TOPPRA(
            constraints, curve, grid, solver_wrapper='seidel', parametrizer='ParametrizeConstAccel'
        )
        found = algorithm.compute_trajectory()
        if found is None:
            continue
        if timed is None or found.duration < timed.duration:
            timed = found
        rates = np.asarray(algorithm.problem_data.sd_vec)
        if rates[1:-1].min() > _STUCK * rates.max():
            break
    if timed is None:
        raise LimitError('no timing of the path keeps to the limits of speed and acceleration')
    count = max(2, int(np.ceil(timed.duration / limits.sample_period)) + 1)
    times = np.linspace(0.0, timed.duration, count)
    velocities = timed(times, 1)
    velocities[0] = velocities[-1] = 0.0
    return Trajectory(times, timed(times), velocities)
