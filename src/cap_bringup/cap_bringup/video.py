"""The operator camera's pictures as a video."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from cap_bringup.client import Client, pixels

_FPS = 5  # operator_rate_hz of config/sim.yaml: the video runs in simulated time


class VideoRecorder:
    """Writes what the operator's camera shows into an H.264 file, in simulated time."""

    def __init__(self, client: Client, path: Path) -> None:
        self._client = client
        self._path = path
        self._writer: Any = None
        self._open = False
        self._lock = threading.Lock()

    def __enter__(self) -> VideoRecorder:
        self._open = True
        self._client.on_frame(self._add)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open = False
            if self._writer is not None:
                self._writer.close()

    def _add(self, message: Any) -> None:
        with self._lock:
            if not self._open:
                return
            try:
                self._write(message)
            except OSError:  # a full disk takes the video, not the instruction
                self._open = False

    def _write(self, message: Any) -> None:
        if self._writer is None:
            size = (message.width, message.height)
            self._writer = imageio_ffmpeg.write_frames(
                str(self._path), size, fps=_FPS, codec='libx264', macro_block_size=2
            )
            self._writer.send(None)
        self._writer.send(pixels(message).tobytes())
