"""The guard's lease, as the planner sees it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cap_common.awake import awake_s
from cap_common.ears import Listen
from cap_common.qos import BEAT
from cap_interfaces.msg import Lease
from cap_planner.labels import InstructionError, Label


class LeaseWatch:
    """The newest lease.

    Args:
        guard_lost: why the guard is not there, or None.
        silence_s: an older lease grants nothing (by the clock of awake.py).
    """

    def __init__(
        self, listen: Listen, guard_lost: Callable[[], str | None], silence_s: float
    ) -> None:
        self._guard_lost = guard_lost
        self._silence_s = silence_s
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._received_at = 0.0
        listen(Lease, 'lease', self._on_lease, BEAT)

    def _on_lease(self, message: Lease) -> None:
        with self._lock:
            self._lease, self._received_at = message, awake_s()

    @property
    def is_heard(self) -> bool:
        """Whether the guard has ever spoken."""
        with self._lock:
            return self._lease is not None

    def refusal(self) -> InstructionError | None:
        """Why nothing may move now, or None."""
        with self._lock:
            lease, age = self._lease, awake_s() - self._received_at
        if lease is None:
            return InstructionError(Label.PROCESS_LOST, 'no lease from the guard: is it running?')
        if lost := self._guard_lost():
            return InstructionError(Label.PROCESS_LOST, f'the guard is lost: {lost}')
        if age > self._silence_s:
            text = f'the guard has been silent for {age:.1f} s: nothing may move'
            return InstructionError(Label.PROCESS_LOST, text)
        if lease.state == Lease.GRANTED:
            return None
        if lease.state == Lease.STOPPED:
            return InstructionError(Label.STOPPED, f'{lease.why}; resume allows motion again')
        only_perception = list(lease.silent) == ['perception']
        label = Label.PERCEPTION_LOST if only_perception else Label.PROCESS_LOST
        return InstructionError(label, lease.why)
