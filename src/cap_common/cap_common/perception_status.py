"""What perception says of itself, for the texts of errors: why there is no scene."""

from __future__ import annotations

import threading

from diagnostic_msgs.msg import DiagnosticStatus

from cap_common.ears import Listen
from cap_common.qos import LATCHED


class PerceptionStatus:
    """The newest of `perception/status`.

    Args:
        listen: of a node's Ears.
    """

    def __init__(self, listen: Listen) -> None:
        self._lock = threading.Lock()
        self._why = ''
        listen(DiagnosticStatus, 'perception/status', self._hear, LATCHED)

    def why_lost(self) -> str:
        """The reason that perception tells; a question where it tells none: it may not run."""
        with self._lock:
            return self._why or 'is perception running?'

    def _hear(self, message: DiagnosticStatus) -> None:
        with self._lock:
            self._why = '' if message.level == DiagnosticStatus.OK else message.message
