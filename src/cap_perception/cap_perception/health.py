"""How perception is: which inputs come, what it made of them, and why there is no scene. No ROS."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from cap_common.awake import awake_s

_WINDOW_S = 5.0  # over which rates and losses are counted
_LOSSY = 0.25  # share of lost pictures that is worth a warning


class Level(IntEnum):
    """As in diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Report:
    """One look at it.

    Attributes:
        message: in words, without figures that change from one moment to the next.
        values: the figures.
    """

    level: Level
    message: str
    values: dict[str, str] = field(default_factory=dict)


class Health:
    """Hears of everything that comes and of what comes of it. Thread-safe.

    Args:
        topics: all inputs that a scene needs.
        silence_s: what has not come for so long does not come any more.
        clock: seconds.
    """

    def __init__(
        self, topics: Sequence[str], silence_s: float, clock: Callable[[], float] = awake_s
    ) -> None:
        self._silence_s = silence_s
        self._clock = clock
        self._lock = threading.Lock()
        self._heard_at: dict[str, float | None] = dict.fromkeys(topics)
        self._used: deque[float] = deque(maxlen=1000)
        self._lost: deque[float] = deque(maxlen=1000)
        self._lost_ever = 0
        self._skipped_ever = 0
        self._complete_at: float | None = None
        self._begun_at: float | None = None
        self._error = ''
        self._last_error = ''
        self._detector_s = 0.0
        self._scene_s = 0.0

    def heard(self, topic: str) -> None:
        """A message of an input came."""
        with self._lock:
            self._heard_at[topic] = self._clock()

    def lost(self, pictures: int) -> None:
        """So many pictures will never be complete."""
        with self._lock:
            self._lost.extend([self._clock()] * pictures)
            self._lost_ever += pictures

    def skipped(self, pictures: int) -> None:
        """So many complete pictures were not looked at, because newer ones came."""
        with self._lock:
            self._skipped_ever += pictures

    def complete(self) -> None:
        """All inputs of one stamp are there."""
        with self._lock:
            self._complete_at = self._clock()

    def begun(self) -> None:
        """A complete picture is being looked at."""
        with self._lock:
            self._begun_at = self._clock()

    def ended(self) -> None:
        """It has been looked at."""
        with self._lock:
            self._begun_at = None

    def used(self, detector_s: float, scene_s: float) -> None:
        """A complete picture was of use: what the detector, and what all of it took."""
        with self._lock:
            self._used.append(self._clock())
            self._error = ''
            self._detector_s, self._scene_s = detector_s, scene_s

    def failed(self, why: str) -> None:
        """A complete picture was of no use."""
        with self._lock:
            self._error = self._last_error = why

    def report(self) -> Report:
        """How it is now."""
        with self._lock:
            now = self._clock()
            for times in (self._used, self._lost):
                while times and now - times[0] > _WINDOW_S:
                    times.popleft()
            level, message = self._judge(now)
            return Report(level, message, self._values(now))

    def _judge(self, now: float) -> tuple[Level, str]:
        ages = {t: math.inf if at is None else now - at for t, at in self._heard_at.items()}
        silent = [topic for topic, age in ages.items() if age > self._silence_s]
        if silent:
            ever = any(self._heard_at[topic] is not None for topic in silent)
            text = f'nothing {"more" if ever else "yet"} on {", ".join(silent)}'
            if coming := [topic for topic in ages if topic not in silent]:
                text += f', only on {", ".join(coming)}'
            return Level.STALE, text
        if self._complete_at is None or now - self._complete_at > self._silence_s:
            return Level.ERROR, f'{", ".join(ages)} come, but never with the same stamp'
        if self._begun_at is not None and now - self._begun_at > self._silence_s:
            return Level.WARN, f'the detector takes over {self._silence_s:g} s for a picture'
        if self._error:
            return Level.ERROR, self._error
        if len(self._lost) > _LOSSY * (len(self._used) + len(self._lost)):
            return Level.WARN, 'many pictures are lost on their way: see values'
        return Level.OK, 'sees'

    def _values(self, now: float) -> dict[str, str]:
        ages = {
            f'age of {topic} [s]': 'never' if at is None else f'{now - at:.2f}'
            for topic, at in self._heard_at.items()
        }
        span = self._used[-1] - self._used[0] if len(self._used) > 1 else 0.0
        return {
            **ages,
            'rate [Hz]': f'{(len(self._used) - 1) / span:.1f}' if span else '0.0',
            f'pictures lost in {_WINDOW_S:g} s': f'{len(self._lost)}',
            f'pictures used in {_WINDOW_S:g} s': f'{len(self._used)}',
            'pictures lost': f'{self._lost_ever}',
            'pictures skipped for newer ones': f'{self._skipped_ever}',
            'detector [ms]': f'{1e3 * self._detector_s:.1f}',
            'picture to scene [ms]': f'{1e3 * self._scene_s:.1f}',
            'last error': self._last_error,
        }
