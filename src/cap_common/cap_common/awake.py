"""The clock by which others are silent: seconds in which this process ran. No ROS.

A machine that stood still for a second, or a process that was starved, has heard nobody meanwhile;
what came is still waiting to be read. By this clock a real loss is noticed later by at most as long
as the judge itself stood.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable

_TICK_S = 0.05
_MOST_S = 0.25  # of what passes between two ticks; more means that this process stood


class AwakeClock:
    """Counts while somebody ticks.

    Args:
        steady: seconds of the steady clock.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._lock = threading.Lock()
        self._ticked, self._awake = steady(), 0.0

    def tick(self) -> None:
        """To be called about every 50 ms."""
        with self._lock:
            now = self._steady()
            self._awake += min(now - self._ticked, _MOST_S)
            self._ticked = now

    def now(self) -> float:
        """Seconds since it was made."""
        with self._lock:
            return self._awake + min(self._steady() - self._ticked, _MOST_S)


def awake_s() -> float:
    """Seconds for which this process has run, since the first call."""
    return _of_this_process().now()


@functools.cache
def _of_this_process() -> AwakeClock:
    clock = AwakeClock()
    pause = threading.Event()

    def run() -> None:
        while True:
            pause.wait(_TICK_S)
            clock.tick()

    threading.Thread(target=run, name='awake', daemon=True).start()
    return clock
