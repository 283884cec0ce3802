"""When to do what: rates in simulated time, and simulated time against the steady clock. No ROS."""

from __future__ import annotations

import time

# Being further behind than this [s], the simulation does not try to catch up.
_LOST_S = 0.1


class Rate:
    """Says when something is due that happens `rate_hz` times a second of simulated time."""

    def __init__(self, rate_hz: float) -> None:
        self._period = 1.0 / rate_hz
        self._next = 0.0

    def due(self, time_s: float) -> bool:
        """Whether it is time now; if so, it is taken as done."""
        # Half a microsecond: sums of steps fall short of their multiples.
        if time_s < self._next - 5e-7:
            return False
        self._next = max(self._next + self._period, time_s)
        return True


class Pace:
    """Holds simulated time back to `factor` times the steady clock; 0 does not hold it back."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._start: tuple[float, float] | None = None

    def delay_s(self, time_s: float) -> float:
        """How long to wait now, at simulated time `time_s`."""
        if self._factor <= 0.0:
            return 0.0
        now = time.monotonic()
        if self._start is None:
            self._start = (now, time_s)
        ahead = self._start[0] + (time_s - self._start[1]) / self._factor - now
        if ahead < -_LOST_S:
            self._start = (now, time_s)
        return max(ahead, 0.0)
