"""What keeps a stop in force when the guard's process ends: a file that is there. No ROS."""

from __future__ import annotations

import os
from pathlib import Path

_UNKNOWN = 'stopped: who by and why is not on record'


class StopFile:
    """The file is there: stopped. Its text is only the reason, so no damage to it sets free.

    Args:
        path: of the file, in a folder that exists; None: nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> str | None:
        """The reason of the stop in force, None if there is none. In doubt, there is one."""
        if self._path is None:
            return None
        try:
            reason = self._path.read_bytes().decode()
        except FileNotFoundError:
            gone = not self._path.parent.is_dir()
            return f'stopped: the folder of {self._path} is gone' if gone else None
        except (OSError, UnicodeDecodeError) as error:
            return f'{_UNKNOWN}: {self._path}: {error}'
        return reason if reason and '\0' not in reason else _UNKNOWN

    def write(self, reason: str) -> None:
        """When this returns, it is on the disk.

        Raises:
            OSError: it may not be.
        """
        if self._path is None:
            return
        with self._path.open('wb') as file:
            file.write(reason.encode(errors='replace'))
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self) -> None:
        """End the stop. If the machine dies now, the stop may be back: no harm.

        Raises:
            OSError: it is still there.
        """
        if self._path is not None:
            self._path.unlink(missing_ok=True)
