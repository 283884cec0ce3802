"""The host's end of the pipe: whole frames, within a budget of time, to a peer that is hostile."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from cap_planner.sandbox import frames
from cap_planner.sandbox.program import Budget

_READ_BYTES = 1 << 16
_ASK_TIMES = 20  # about 40 us
_TRY_EVERY = 64
_MOST_CREDIT = 4


class OverBudget(Exception):
    """A budget is used up, or the caller took the run back."""

    def __init__(self, budget: Budget, text: str) -> None:
        super().__init__(text)
        self.budget = budget


class PeerEnded(Exception):
    """The child closed its end."""


class Wire:
    """Frames over a blocking stream socket, on the steady clock.

    Attributes:
        seconds: wall time that the child may use, without what `exclude` was told.
        canceled: asked every `poll_seconds` of waiting.
    """

    def __init__(self, pipe: socket.socket, poll_seconds: float, seconds: float) -> None:
        self._pipe = pipe
        pipe.settimeout(None)  # the kernel's time-outs are meant, not Python's
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            pipe.setsockopt(socket.SOL_SOCKET, option, _timeval(poll_seconds))
        self._read = b''
        self._waits, self._credit = 0, _MOST_CREDIT
        self.restart(seconds, bool)

    def restart(self, seconds: float, canceled: Callable[[], bool]) -> None:
        """A new budget, from now on."""
        self.seconds, self.canceled = seconds, canceled
        self._began, self._excluded = time.monotonic(), 0.0

    def used(self) -> float:
        """Seconds of the budget that are gone."""
        return time.monotonic() - self._began - self._excluded

    def exclude(self, seconds: float) -> None:
        """So much of the time that went by does not count."""
        self._excluded += seconds

    def send(self, message: dict[str, Any]) -> None:
        """Write one frame.

        Raises:
            FrameError: the message cannot be carried.
            OverBudget, PeerEnded: it was not taken.
        """
        self.write(frames.pack(message))

    def write(self, frame: bytes) -> None:
        """Write a frame that is packed already.

        Raises:
            OverBudget, PeerEnded: it was not taken.
        """
        left = memoryview(frame)
        while left:
            self._check()
            try:
                left = left[self._pipe.send(left) :]
            except BlockingIOError:  # nothing was taken for `poll_seconds`
                continue
            except OSError as error:
                raise PeerEnded from error

    def receive(self) -> dict[str, Any]:
        """The next frame, an object.

        Raises:
            FrameError: it is no frame.
            OverBudget, PeerEnded: none came.
        """
        head = self._take(frames.HEADER_BYTES)
        message = frames.loads(self._take(frames.payload_size(head)))
        if not isinstance(message, dict):
            raise frames.FrameError(f'a {type(message).__name__} instead of a message')
        return message

    def _take(self, count: int) -> bytes:
        """The next bytes. What comes with them is kept: most frames take one system call."""
        if missing := max(count - len(self._read), 0):
            parts = [self._read]
            while missing > 0:
                part = self._receive_part()
                parts.append(part)
                missing -= len(part)
            self._read = b''.join(parts)
        taken, self._read = self._read[:count], self._read[count:]
        return taken

    def _receive_part(self) -> bytes:
        part = self._ask_again() if self._asks_again() else None
        while part is None:
            part = self._try(0)
        if not part:
            raise PeerEnded
        return part

    def _asks_again(self) -> bool:
        """Whether to ask some more times before going to sleep.

        To be woken on another processor takes longer than most programs take from one call to the
        next. Where it was in vain, as on a single processor, it is left for a while.
        """
        self._waits += 1
        return self._credit > 0 or self._waits % _TRY_EVERY == 0

    def _ask_again(self) -> bytes | None:
        for _ in range(_ASK_TIMES):
            part = self._try(socket.MSG_DONTWAIT)
            if part is not None:
                break
        self._credit = max(self._credit - 1, 0) if part is None else _MOST_CREDIT
        return part

    def _try(self, flags: int) -> bytes | None:
        """What is there, or comes before `poll_seconds` are over."""
        self._check()  # also while bytes flow: a peer that never stops must not hold us
        try:
            return self._pipe.recv(_READ_BYTES, flags)
        except BlockingIOError:
            return None
        except OSError as error:
            raise PeerEnded from error

    def _check(self) -> None:
        if self.used() >= self.seconds:
            raise OverBudget(Budget.WALL, f'more than {self.seconds:g} s of its own time')
        if self.canceled():
            raise OverBudget(Budget.CANCELED, 'canceled')


def _timeval(seconds: float) -> bytes:
    """For a socket that blocks no longer than that: one system call instead of poll and recv."""
    microseconds = max(round(1e6 * seconds), 1)
    return struct.pack('@ll', *divmod(microseconds, 1_000_000))
