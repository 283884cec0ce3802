"""Between threads: messages that belong together by their stamp, and a slot for the newest set."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

T = TypeVar('T')


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
        self._lost = 0
        self._lock = threading.Lock()

    def add(self, topic: str, stamp_ns: int, message: Any) -> tuple[Any, ...] | None:
        """The complete set, in the order of the topics, if this message completes one.

        Sets older than a complete one are dropped: their time has passed.
        """
        with self._lock:
            found = self._sets.setdefault(stamp_ns, {})
            found[topic] = message
            if len(found) == len(self._topics):
                younger = {s: m for s, m in self._sets.items() if s > stamp_ns}
                self._lost += len(self._sets) - len(younger) - 1
                self._sets = younger
                return tuple(found[name] for name in self._topics)
            while len(self._sets) > self._pending:
                # The one that came first, not the smallest stamp: a clock may begin anew.
                self._sets.pop(next(iter(self._sets)))
                self._lost += 1
        return None

    def take_lost(self) -> int:
        """How many sets have been dropped since this was last asked."""
        with self._lock:
            lost, self._lost = self._lost, 0
        return lost


class Slot(Generic[T]):
    """Holds the newest item until somebody takes it. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self._is_awaited = True

    def put(self, item: T) -> bool:
        """Put it in; True: another one was in there, and is lost."""
        with self._changed:
            replaced = self._item is not None
            self._item = item
            self._changed.notify()
        return replaced

    def take(self) -> T | None:
        """Wait for an item, and take it out; None: closed."""
        with self._changed:
            self._is_awaited = True
            self._changed.wait_for(lambda: self._closed or self._item is not None)
            item, self._item = self._item, None
            self._is_awaited = False
            return None if self._closed else item

    def is_idle(self) -> bool:
        """Whether whoever takes the items has done with all that were put in."""
        with self._changed:
            return self._is_awaited and self._item is None

    def is_closed(self) -> bool:
        """Whether it has been closed."""
        with self._changed:
            return self._closed

    def close(self) -> None:
        """No more items; whoever waits is let go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
