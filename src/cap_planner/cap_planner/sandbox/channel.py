"""The child's end of the pipe."""

from __future__ import annotations

import os
from typing import Any

from cap_planner.sandbox import frames

_READ_BYTES = 1 << 14


class Channel:
    """Whole frames over one descriptor, blocking; the host keeps the time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._read = b''

    def send(self, message: dict[str, Any]) -> None:
        """Write one frame.

        Raises:
            FrameError: a value cannot be carried; nothing was written.
        """
        self.write(frames.pack(message))

    def write(self, frame: bytes) -> None:
        """Write a frame that is packed already."""
        left = memoryview(frame)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def receive(self) -> dict[str, Any]:
        """The next frame. A host that is gone ends this process."""
        head = self._take(frames.HEADER_BYTES)
        message: dict[str, Any] = frames.loads(self._take(frames.payload_size(head)))
        return message

    def _take(self, count: int) -> bytes:
        """The next bytes. What comes with them is kept: most frames take one system call."""
        parts = [self._read]
        missing = count - len(self._read)
        while missing > 0:
            part = os.read(self._descriptor, _READ_BYTES)
            if not part:
                os._exit(0)
            parts.append(part)
            missing -= len(part)
        read = b''.join(parts)
        self._read = read[count:]
        return read[:count]
