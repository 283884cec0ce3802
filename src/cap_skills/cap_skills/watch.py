"""May the arm move now? The lease, the scene's freshness and the caller's cancel, in one check."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cap_common.awake import awake_s
from cap_common.errors import CanceledError, CapError, PerceptionLostError, StoppedError
from cap_interfaces.msg import Lease

_POLL_S = 0.02
_RESUME_S = 0.3
_STATES = {Lease.STOPPED: 'stopped', Lease.WITHDRAWN: 'withdrawn'}


class Watch:
    """What must hold for as long as the arm moves; ages are by the clock of awake.py.

    Args:
        lease_silence_s, scene_silence_s: an older one forbids motion.
        guard_lost: why the guard is not there, or None.
        scene_lost: why there is no new scene.
        clock: its seconds.
    """

    def __init__(
        self,
        lease_silence_s: float,
        scene_silence_s: float,
        guard_lost: Callable[[], str | None],
        scene_lost: Callable[[], str],
        clock: Callable[[], float] = awake_s,
    ) -> None:
        self._lease_silence_s = lease_silence_s
        self._scene_silence_s = scene_silence_s
        self._guard_lost = guard_lost
        self._scene_lost = scene_lost
        self._clock = clock
        self._lock = threading.Lock()
        self._lease: tuple[float, int, str] | None = None
        self._scene_at: float | None = None
        self._ended = ''

    def lease(self, state: int, why: str) -> None:
        """A lease came."""
        with self._lock:
            self._lease = self._clock(), state, why

    def scene(self) -> None:
        """A scene came."""
        with self._lock:
            self._scene_at = self._clock()

    def end(self, why: str) -> None:
        """From now on nothing may move."""
        self._ended = why

    def has_scene(self) -> bool:
        """Whether a scene has ever come."""
        with self._lock:
            return self._scene_at is not None

    def settle(self, timeout_s: float, also: Callable[[], object] = lambda: None) -> None:
        """Wait for what a restarted guard, perception or clock has yet to say.

        A stop is waited for only as long as the word that it was taken back may be on its way.

        Args:
            also: raises a CapError for whatever else has to be well.
        """
        started = self._clock()
        pause = threading.Event()
        while True:
            with self._lock:
                stopped = self._lease is not None and self._lease[1] == Lease.STOPPED
            limit_s = min(timeout_s, _RESUME_S) if stopped else timeout_s
            try:
                self.require_lease()
                self.require_scene()
                also()
            except CapError:
                if self._clock() - started > limit_s:
                    return
                pause.wait(_POLL_S)
            else:
                return

    def require_lease(self) -> None:
        """Raise StoppedError unless a young lease grants motion."""
        if self._ended:
            raise StoppedError(self._ended)
        with self._lock:
            lease = self._lease
        if lease is None:
            raise StoppedError('no lease from the guard: is guard running?')
        if lost := self._guard_lost():
            raise StoppedError(f'the guard is lost: {lost}')
        at, state, why = lease
        if state != Lease.GRANTED:
            raise StoppedError(
                f'the guard forbids motion: {_STATES.get(state, state)}'
                + (f': {why}' if why else '')
            )
        age = self._clock() - at
        if age > self._lease_silence_s:
            raise StoppedError(f'the guard is silent since {age:.1f} s')

    def require_scene(self) -> None:
        """Raise PerceptionLostError unless scenes keep coming."""
        with self._lock:
            at = self._scene_at
        if at is None:
            raise PerceptionLostError(f'no scene has come: {self._scene_lost()}')
        age = self._clock() - at
        if age > self._scene_silence_s:
            raise PerceptionLostError(f'no new scene since {age:.1f} s: {self._scene_lost()}')

    def check(self, canceled: Callable[[], bool]) -> None:
        """Raise whatever ends a motion now."""
        if canceled():
            raise CanceledError('canceled by the caller')
        self.require_lease()
        self.require_scene()
