"""The host's side of the zygote: start it clean, ask it for children, learn how they ended."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from cap_planner.sandbox.environment import ENVIRONMENT as _ENVIRONMENT
from cap_planner.sandbox.program import SandboxUnavailableError

_PACKAGES = ('cap_planner', 'cap_common', 'numpy', 'shapely', 'transforms3d', 'pyseccomp')
_PACKET_BYTES = 1 << 16
# No site, no user site, no folder of the script; the environment is ours alone. (-I would also
# ignore the hash seed, and programs that walk over sets would not replay.)
_FLAGS = ('-P', '-s', '-S', '-B')
# What `threading` and `random` do after a fork, for threads and numbers that no program has,
# touches more memory than all layers: it is not registered.
_MAIN = (
    'import os, sys; os.register_at_fork = lambda **_: None; sys.path[:0] = {paths!r}; '
    'from cap_planner.sandbox.zygote import main; main({control}, {host})'
)


class ZygoteError(Exception):
    """The zygote is gone or does not answer."""


class Fork:
    """One child: the host's end of its pipe, and a way to kill it.

    Attributes:
        unsent: what of the first bytes for it did not fit into the pipe.
    """

    def __init__(self, pid: int, pidfd: int, pipe: socket.socket, unsent: bytes) -> None:
        self.pid = pid
        self.pipe = pipe
        self.unsent = unsent
        self._pidfd = pidfd

    def has_ended(self) -> bool:
        """Whether it runs no more, whoever ended it."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(0))

    def kill(self) -> None:
        """End it at once; harmless when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Give the descriptors back."""
        self.pipe.close()
        os.close(self._pidfd)


class Zygote:
    """A running zygote.

    Raises:
        SandboxUnavailableError: it did not get ready in time; with its last words.
    """

    def __init__(self, start_seconds: float) -> None:
        self._control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure = ''
        started = threading.Event()
        self._errors_read, errors_write = os.pipe()
        # The kernel's parent-death signal comes when the *thread* that forked ends, so a thread
        # of its own does it and stays.
        self._keeper = threading.Thread(
            target=self._keep, args=(far, errors_write, started), name='sandbox', daemon=True
        )
        self._keeper.start()
        started.wait()
        far.close()
        os.close(errors_write)
        try:
            self._wait_until_ready(start_seconds)
        except ZygoteError as error:
            words = self._last_words()
            self.close()
            raise SandboxUnavailableError(f'the zygote did not start: {error}{words}') from error
        finally:
            os.close(self._errors_read)

    def _keep(self, far: socket.socket, errors: int, started: threading.Event) -> None:
        command = _MAIN.format(paths=_paths(), control=far.fileno(), host=os.getpid())
        try:
            self._process = subprocess.Popen(
                [sys.executable, *_FLAGS, '-c', command],
                env=_ENVIRONMENT,
                cwd='/',
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=[far.fileno()],
                start_new_session=True,  # a Ctrl-C at the terminal is the host's to answer
            )
        except OSError as error:
            self._failure = f': {error}'
        finally:
            started.set()
        self._stop.wait()

    def _wait_until_ready(self, seconds: float) -> None:
        message, _ = self.receive(seconds)
        if 'ready' not in message:
            raise ZygoteError(f'it said {message}')

    def _last_words(self) -> str:
        if self._process is None:
            return self._failure
        self._process.kill()
        self._process.wait()
        text = os.read(self._errors_read, 1 << 16).decode(errors='replace').strip()
        return f': {text.splitlines()[-1]}' if text else ''

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process is not None
        return self._process.pid

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process is not None and self._process.poll() is None

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, or does so in that time."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        return not self.alive()

    def fork(self, job: dict[str, Any], seconds: float, first: bytes = b'') -> Fork:
        """A new child. A zygote that does not answer is ended.

        Args:
            first: bytes for it, which lie in its pipe before there is a child.

        Raises:
            ZygoteError: there is none.
        """
        try:
            pipe, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:  # no descriptor is left, for one
            raise ZygoteError(f'no pipe to a child: {error}') from error
        with far:
            try:
                sent = pipe.send(first, socket.MSG_DONTWAIT) if first else 0
                socket.send_fds(self._control, [json.dumps({'fork': job}).encode()], [far.fileno()])
            except OSError as error:
                pipe.close()
                raise ZygoteError(str(error)) from error
        try:
            deadline = time.monotonic() + seconds
            # Its first sign of life, or its end: until then it has the processor for itself.
            first_sign = select.poll()
            first_sign.register(pipe, select.POLLIN)
            first_sign.poll(1000 * seconds)
            message, fds = self._answer(deadline)
            if 'forked' in message and not fds:
                raise ZygoteError('no descriptor is left for a child')
        except BaseException:
            pipe.close()
            if self._process is not None:
                # A late answer would be taken for that to the next job. Its children end with it.
                self._process.kill()
            raise
        if 'failed' in message:
            pipe.close()
            raise ZygoteError(message['failed'])
        return Fork(message['forked'], fds[0], pipe, first[sent:])

    def _answer(self, deadline: float) -> tuple[dict[str, Any], list[int]]:
        while True:
            message, fds = self.receive(deadline - time.monotonic())
            # The end of an earlier child may come first; nobody waits for it any more.
            if 'exited' not in message:
                return message, fds

    def receive(self, seconds: float) -> tuple[dict[str, Any], list[int]]:
        """The next message and the descriptors that came with it.

        Raises:
            ZygoteError: it is gone, or silent for longer than that.
        """
        try:
            self._control.settimeout(max(seconds, 1e-3))
            data, fds, _, _ = socket.recv_fds(self._control, _PACKET_BYTES, 1)
        except TimeoutError as error:
            raise ZygoteError('no answer in time') from error
        except OSError as error:
            raise ZygoteError(str(error)) from error
        if not data:
            raise ZygoteError('it is gone')
        message: dict[str, Any] = json.loads(data)
        return message, fds

    def close(self) -> None:
        """End it and its children."""
        self._control.close()
        if self._process is not None:
            # It ends by itself when its socket does; the kill is for one that is stuck.
            try:
                self._process.wait(timeout=1.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._stop.set()
        self._keeper.join()


def _paths() -> list[str]:
    """The folders that hold the packages which a zygote imports, in the order of this process."""
    found = set()
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            folder = origin.parent.parent if spec.submodule_search_locations else origin.parent
            found.add(str(folder))
    order = {str(Path(folder).absolute()): place for place, folder in enumerate(sys.path)}
    return sorted(found, key=lambda folder: order.get(folder, len(order)))
