"""The end of a process of this machine, told by the kernel at once. No ROS.

A process is named by one number that it can tell others: its pid and when it started. A number that
names no process here, being one of another machine or of a container with its own pids, is not
watched.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from pathlib import Path


def process_epoch(pid: int) -> int:
    """What names a process, and no later one with the same pid: 64 bits.

    Raises:
        OSError: there is none, or it may not be looked at.
    """
    status = Path(f'/proc/{pid}/stat').read_text(encoding='utf-8', errors='replace')
    # proc(5): after the name, which may hold anything, the 20th is the start in ticks since boot.
    started = int(status.rpartition(')')[2].split()[19])
    return pid << 32 | started & 0xFFFF_FFFF


class ProcessWatch:
    """Waits for the ends of processes, in a thread of its own; they need not be its children.

    Args:
        on_end: told the epoch of a process that has ended, however it did; called in the thread.
    """

    def __init__(self, on_end: Callable[[int], None]) -> None:
        self._on_end = on_end
        self._poll = select.epoll()
        self._closing = os.eventfd(0)
        self._poll.register(self._closing, select.EPOLLIN)
        self._epochs: dict[int, int] = {}
        self._thread = threading.Thread(target=self._run, name='process_watch', daemon=True)
        self._thread.start()

    def watch(self, epoch: int) -> bool:
        """Wait for the end of this one, too; returns whether it is one that can be watched."""
        pid = epoch >> 32
        try:
            descriptor = os.pidfd_open(pid)
        except (OSError, OverflowError):
            return False
        try:
            known = process_epoch(pid) == epoch
        except OSError:
            known = False
        if not known:
            os.close(descriptor)
            return False
        self._epochs[descriptor] = epoch
        self._poll.register(descriptor, select.EPOLLIN)
        return True

    def close(self) -> None:
        """End the thread."""
        os.eventfd_write(self._closing, 1)
        self._thread.join()
        for descriptor in (*self._epochs, self._closing):
            os.close(descriptor)
        self._poll.close()

    def _run(self) -> None:
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._closing:
                    return
                self._poll.unregister(descriptor)
                epoch = self._epochs.pop(descriptor)
                os.close(descriptor)
                self._on_end(epoch)
