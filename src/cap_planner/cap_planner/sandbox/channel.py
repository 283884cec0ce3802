"""The child's end of the pipe."""

from __future__ import annotations

import os
from typing import Any

from cap_planner.sandbox import frames


class Channel:
    """Whole frames over one descriptor, blocking; the host keeps the time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

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
        size = frames.payload_size(self._read(frames.HEADER.size))
        message: dict[str, Any] = frames.loads(self._read(size))
        return message

    def _read(self, count: int) -> bytes:
        parts = []
        while count:
            part = os.read(self._descriptor, min(count, 1 << 16))
            if not part:
                os._exit(0)
            parts.append(part)
            count -= len(part)
        return b''.join(parts)
