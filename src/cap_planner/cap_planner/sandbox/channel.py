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
        written = os.write(self._descriptor, frame)
        while written < len(frame):
            written += os.write(self._descriptor, memoryview(frame)[written:])

    def receive(self) -> dict[str, Any]:
        """The next frame. A host that is gone ends this process."""
        message: dict[str, Any] = frames.loads(self.receive_payload())
        return message

    def receive_payload(self) -> bytes:
        """That of the next frame."""
        self._fill(frames.HEADER_BYTES)
        end = frames.HEADER_BYTES + frames.payload_size(self._read[: frames.HEADER_BYTES])
        self._fill(end)
        payload, self._read = self._read[frames.HEADER_BYTES : end], self._read[end:]
        return payload

    def _fill(self, count: int) -> None:
        """Until so many bytes are there. What comes with them is kept: most take one read."""
        missing = count - len(self._read)
        if missing <= 0:
            return
        parts = [self._read]
        while missing > 0:
            part = os.read(self._descriptor, _READ_BYTES)
            if not part:
                os._exit(0)
            parts.append(part)
            missing -= len(part)
        self._read = b''.join(parts)
