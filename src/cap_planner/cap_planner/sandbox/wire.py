"""The host's end of the pipe: whole frames, within a budget of time, to a peer that is hostile."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from cap_planner.sandbox import frames
from cap_planner.sandbox.program import Budget

_READ_BYTES = 1 << 16


class OverBudget(Exception):
    """A budget is used up, or the caller took the run back."""

    def __init__(self, budget: Budget, text: str) -> None:
        super().__init__(text)
        self.budget = budget


class PeerEnded(Exception):
    """The child closed its end."""


class Wire:
    """Frames over a non-blocking stream socket, on the steady clock.

    Attributes:
        seconds: wall time that the child may use, without what `excluded` covers.
        canceled: asked every `poll_seconds` of waiting.
    """

    def __init__(self, pipe: socket.socket, poll_seconds: float, seconds: float) -> None:
        self._pipe = pipe
        self._poll_seconds = poll_seconds
        self._buffer = bytearray()
        self.restart(seconds, bool)

    def restart(self, seconds: float, canceled: Callable[[], bool]) -> None:
        """A new budget, from now on."""
        self.seconds, self.canceled = seconds, canceled
        self._began, self._excluded = time.monotonic(), 0.0

    def used(self) -> float:
        """Seconds of the budget that are gone."""
        return time.monotonic() - self._began - self._excluded

    @contextlib.contextmanager
    def excluded(self) -> Iterator[None]:
        """The time in here does not count."""
        before = time.monotonic()
        try:
            yield
        finally:
            self._excluded += time.monotonic() - before

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
            try:
                left = left[self._pipe.send(left) :]
            except BlockingIOError:
                self._wait(select.POLLOUT)
            except OSError as error:
                raise PeerEnded from error

    def receive(self) -> dict[str, Any]:
        """The next frame, an object.

        Raises:
            FrameError: it is no frame.
            OverBudget, PeerEnded: none came.
        """
        self._fill(frames.HEADER.size)
        size = frames.HEADER.size + frames.payload_size(bytes(self._buffer[: frames.HEADER.size]))
        self._fill(size)
        payload = bytes(self._buffer[frames.HEADER.size : size])
        del self._buffer[:size]
        message = frames.loads(payload)
        if not isinstance(message, dict):
            raise frames.FrameError(f'a {type(message).__name__} instead of a message')
        return message

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            self._check()  # also while bytes flow: a peer that never stops must not hold us
            try:
                part = self._pipe.recv(_READ_BYTES)
            except BlockingIOError:
                self._wait(select.POLLIN)
                continue
            except OSError as error:
                raise PeerEnded from error
            if not part:
                raise PeerEnded
            self._buffer += part

    def _wait(self, event: int) -> None:
        self._check()
        poll = select.poll()
        poll.register(self._pipe, event)
        poll.poll(1000 * max(0.0, min(self._poll_seconds, self.seconds - self.used())) + 1)

    def _check(self) -> None:
        if self.used() >= self.seconds:
            raise OverBudget(Budget.WALL, f'more than {self.seconds:g} s of its own time')
        if self.canceled():
            raise OverBudget(Budget.CANCELED, 'canceled')
