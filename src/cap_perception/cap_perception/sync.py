"""Between threads: messages that belong together by their stamp, and the sets that wait."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
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


class Backlog(Generic[T]):
    """What waits to be taken, oldest first. Thread-safe.

    A burst waits its turn; but as soon as something has waited longer than it may, all but the
    newest are skipped: whoever takes too slowly catches up.

    Args:
        patience_s: how long an item may wait.
        clock: seconds.
    """

    def __init__(self, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience_s = patience_s
        self._clock = clock
        self._changed = threading.Condition()
        self._items: deque[tuple[float, T]] = deque()
        self._skipped = 0
        self._closed = False
        self._is_awaited = True

    def put(self, item: T) -> None:
        """Put it at the end."""
        with self._changed:
            self._items.append((self._clock(), item))
            self._skip()
            self._changed.notify()

    def take(self) -> T | None:
        """Wait for an item, and take it out; None: closed."""
        with self._changed:
            self._is_awaited = True
            self._changed.wait_for(lambda: self._closed or self._items)
            self._is_awaited = False
            if self._closed:
                return None
            self._skip()
            return self._items.popleft()[1]

    def clear(self) -> None:
        """Drop what waits; none of it counts as skipped."""
        with self._changed:
            self._items.clear()

    def take_skipped(self) -> int:
        """How many have been skipped since this was last asked."""
        with self._changed:
            skipped, self._skipped = self._skipped, 0
        return skipped

    def is_idle(self) -> bool:
        """Whether whoever takes the items has done with all that were put in."""
        with self._changed:
            return self._is_awaited and not self._items

    def is_closed(self) -> bool:
        """Whether it has been closed."""
        with self._changed:
            return self._closed

    def close(self) -> None:
        """No more items; whoever waits is let go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)

    def _skip(self) -> None:
        if self._items and self._items[0][0] < self._clock() - self._patience_s:
            # Not this one alone: the next ones would come as late.
            self._skipped += len(self._items) - 1
            self._items = deque([self._items[-1]])
