"""When an arm left its plan to brake, and when it stood, from recorded joint states. No ROS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline

Vector = NDArray[np.float64]

# Every joint below this stands [rad/s]; the guard's still_rad_s.
STILL_RAD_S = 0.01
# So far below the planned speed it has left its plan: a share of it, and no less than [rad/s]. The
# simulated arm's tracking explains half of that: what it lagged behind just before there was a
# reason to brake, and a bit.
_SHARE, _LEAST_RAD_S = 0.05, 0.03
_BEFORE, _BIT = 5, 0.25  # samples; of what is enough to be seen
_GRID_S = 0.001
_NOISE_RAD_S = 0.01  # of a measured speed
# At its ends a plan moves so little that braking there is not to be told from following it.
_ENDS_S = 0.03


@dataclass(frozen=True)
class Sample:
    """One joint state: when the simulator published it [s] on the wall and in simulated time.

    `q` [rad] and `qd` [rad/s] are (6,).
    """

    wall_s: float
    time_s: float
    q: Vector
    qd: Vector

    @property
    def speed(self) -> float:
        """Of the fastest joint [rad/s]."""
        return float(np.abs(self.qd).max())


@dataclass(frozen=True)
class Plan:
    """A trajectory that was sent to the controller: what the arm does if nothing comes between.

    Attributes:
        wall_s: when it was sent.
        times: of its points, (n,) [s].
        positions, velocities: (n, 6).
    """

    wall_s: float
    times: Vector
    positions: Vector
    velocities: Vector


@dataclass(frozen=True)
class Braking:
    """How a motion ended.

    The fall of the speed is seen once it exceeds what the controller's tracking explains, some
    samples late. What is to be short is measured from the end that makes it longer: from the kill
    to `seen`, from `left` to `rest`.

    Attributes:
        left: the last sample that was on the plan.
        seen: the first one that is below its plan for good; without braking, that of `rest`.
        rest: the first one at rest for good.
        planned: the plan was followed to its end.
        told: the last one of which can be told whether it is on the plan.
    """

    left: Sample
    seen: Sample
    rest: Sample
    planned: bool
    told: Sample


def find_braking(
    samples: Sequence[Sample], plans: Sequence[Plan], after_wall_s: float = -math.inf
) -> Braking | None:
    """The braking that brought the arm to the rest in which the recording ends; None: it moves.

    A plan decelerates by itself, as hard as a brake does, so it is not the speed that tells. For
    every sample the nearest point of the plan is sought, on from that of the sample before: there
    is where the arm is on its path, and how fast it would be there if nothing had come between.
    From the begin of a braking on, it is slower than that, until it stands where the plan moves, or
    where the plan is about to end.

    Args:
        samples: in order; the first of them at rest before, or on, the first plan.
        plans: in order.
        after_wall_s: when there was a reason to brake: until then the arm was on its plan.
    """
    moving = [sample.speed > STILL_RAD_S for sample in samples]
    if not samples or moving[-1]:
        return None
    rest = len(moving) - moving[::-1].index(True) if any(moving) else 0
    shortfalls = _shortfalls(samples[: rest + 1], plans)
    seen = rest
    while seen > 0 and math.isnan(shortfalls[seen]):
        seen -= 1
    braked, told = shortfalls[seen] > 1.0, samples[seen]
    while braked and seen > 0 and shortfalls[seen - 1] > 1.0:
        seen -= 1
    if not braked:
        seen = rest
    # Softly, as long as it loses speed.
    explained = _explained(samples, shortfalls, after_wall_s)
    while braked and seen > 1 and shortfalls[seen - 1] > explained:
        if samples[seen - 1].speed > samples[seen - 2].speed:
            break
        seen -= 1
    left = seen if not braked else max(seen - 1, 0)
    while braked and left > 0 and shortfalls[left] > 0.5 and samples[left].wall_s > after_wall_s:
        if samples[left].speed > samples[left - 1].speed + _NOISE_RAD_S:
            break  # it still gains speed, whatever its tracking lags behind
        left -= 1
    return Braking(samples[left], samples[seen], samples[rest], not braked, told)


def _explained(
    samples: Sequence[Sample], shortfalls: Sequence[float], after_wall_s: float
) -> float:
    """The shortfall that tracking explains, by what it was before there was a reason to brake."""
    before = [
        shortfall
        for sample, shortfall in zip(samples, shortfalls, strict=False)
        if sample.wall_s <= after_wall_s and not math.isnan(shortfall)
    ]
    return min(max(before[-_BEFORE:]) + _BIT, 1.0) if before else 1.0


def _shortfalls(samples: Sequence[Sample], plans: Sequence[Plan]) -> list[float]:
    """How far each is below its planned speed, in units of what is enough to be seen; NaN: it is
    where nobody can tell.
    """
    found = []
    follower: _Follower | None = None
    waiting = list(plans)
    for sample in samples:
        while waiting and waiting[0].wall_s <= sample.wall_s:
            follower = _Follower(waiting.pop(0), sample.time_s)
        found.append(follower.shortfall(sample) if follower else 0.0)
    return found


class _Follower:
    """Where on its plan the arm is, sample by sample."""

    def __init__(self, plan: Plan, time_s: float) -> None:
        grid = np.arange(0.0, plan.times[-1] + _GRID_S, _GRID_S).clip(max=plan.times[-1])
        spline = CubicHermiteSpline(plan.times, plan.positions, plan.velocities)
        self._q, self._qd = spline(grid), spline.derivative()(grid)
        self._at = 0
        self._time_s = time_s

    def shortfall(self, sample: Sample) -> float:
        # It cannot have come farther on its path than time has passed.
        steps = int((sample.time_s - self._time_s) / _GRID_S) + 5
        window = self._q[self._at : self._at + steps]
        self._at += int(((window - sample.q) ** 2).sum(axis=1).argmin())
        self._time_s = sample.time_s
        to_end = len(self._qd) - self._at
        to_an_end = min(self._at, to_end) if sample.speed < STILL_RAD_S else to_end
        if to_an_end * _GRID_S < _ENDS_S:
            return math.nan
        planned = self._qd[self._at]
        speed = float(np.abs(planned).max())
        along = float(sample.qd @ planned) / max(float(planned @ planned), 1e-12)
        return speed * (1.0 - along) / max(_SHARE * speed, _LEAST_RAD_S)
