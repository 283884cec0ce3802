"""Brings together what belongs together: messages of several topics with the same stamp."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any


class StampSynchronizer:
    """Waits until every topic has a message of one stamp. Thread-safe.

    Args:
        topics: names.
        pending: how many incomplete stamps are kept; on a lossy topic some never complete.
    """

    def __init__(self, topics: Sequence[str], pending: int = 8) -> None:
        self._topics = tuple(topics)
        self._pending = pending
        self._sets: dict[int, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def add(self, topic: str, stamp_ns: int, message: Any) -> tuple[Any, ...] | None:
        """The complete set, in the order of the topics, if this message completes one.

        Sets older than a complete one are dropped: their time has passed.
        """
        with self._lock:
            found = self._sets.setdefault(stamp_ns, {})
            found[topic] = message
            if len(found) == len(self._topics):
                self._sets = {s: m for s, m in self._sets.items() if s > stamp_ns}
                return tuple(found[name] for name in self._topics)
            while len(self._sets) > self._pending:
                # The one that came first, not the smallest stamp: a clock may begin anew.
                self._sets.pop(next(iter(self._sets)))
        return None
