"""What an attack would touch: files, sockets, processes and secrets outside of the child.

Nothing here asks the child. All of it is harmless: a folder of its own, loopback, a process of its
own to be hit.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import re
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cap_planner.sandbox import kernel
from escapes.attack import Goal
from escapes.numbers import system_calls

_PR_SET_CHILD_SUBREAPER = 36
_SHARED_MEMORY = Path('/dev/shm')
# Holds the secret and tells its address; whatever signal comes, takes it or is ended by it.
_VICTIM = """
import signal, sys
secret = sys.argv[1].encode()
print(id(secret) + bytes.__basicsize__ - 1, flush=True)
while True: signal.pause()
"""


class Canaries:
    """Set them out, look what was touched, set them out again."""

    def __init__(self) -> None:
        self.secret = secrets.token_hex(16)
        self._root = Path(tempfile.mkdtemp(prefix='cap-escapes-'))
        self._root.chmod(0o755)
        self.folder = self._root / 'folder'
        self._inside = self._root / self.secret  # a name that only a listing tells
        self._inside.mkdir()
        self._plant()
        self._clean = self._look_at_folder()
        self._listeners = self._listen()
        self._victim = self._start_victim()
        # What attacks leave behind becomes a child of this process, and is seen.
        kernel.prctl('subreaper', _PR_SET_CHILD_SUBREAPER, 1)
        self._ours = descendants(os.getpid())

    def _plant(self) -> None:
        self.folder.mkdir()
        for name, mode in (('secret', 0o644), ('private', 0o600), ('open', 0o666)):
            path = self.folder / name
            path.write_text(f'{self.secret}\n')
            path.chmod(mode)
        (self.folder / 'planted.py').write_text(f'secret = {self.secret!r}\n')
        (self.folder / 'link').symlink_to(f'/nowhere/{self.secret}')
        (self.folder / 'way').symlink_to(self._root / 'unix')
        self.folder.chmod(0o777)

    def _listen(self) -> dict[str, socket.socket]:
        found = {
            'tcp': socket.create_server(('127.0.0.1', 0)),
            'udp': socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            'unix': socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
            'dgram': socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
            'abstract': socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        }
        found['udp'].bind(('127.0.0.1', 0))
        for name in ('unix', 'dgram'):
            path = str(self._root / name)
            found[name].bind(path)
            os.chmod(path, 0o777)
        found['abstract'].bind(f'\0{self._root.name}')
        for name in ('unix', 'abstract'):
            found[name].listen()
        for listener in found.values():
            listener.setblocking(False)
        return found

    def _start_victim(self) -> subprocess.Popen[bytes]:
        victim = subprocess.Popen(
            [sys.executable, '-S', '-E', '-c', _VICTIM, self.secret],
            env={'CANARY': self.secret},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert victim.stdout is not None
        self._victim_limit = resource.prlimit(victim.pid, resource.RLIMIT_NOFILE)
        self._victim_address = int(victim.stdout.readline())
        return victim

    def variables(self) -> dict[str, Any]:
        """What programs are told; see Attack."""
        return {
            'folder': str(self.folder),
            'secret_path': str(self.folder / 'secret'),
            'private_path': str(self.folder / 'private'),
            'tcp_port': self._listeners['tcp'].getsockname()[1],
            'udp_port': self._listeners['udp'].getsockname()[1],
            'unix_path': str(self._root / 'unix'),
            'dgram_path': str(self._root / 'dgram'),
            'abstract': self._root.name,
            'victim': self._victim.pid,
            'victim_address': self._victim_address,
            'victim_length': len(self.secret),
        }

    def _look_at_folder(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for path in [self.folder, *self.folder.rglob('*')]:
            state = path.lstat()
            content = path.read_bytes() if path.is_file() else b''
            owner = (state.st_mode, state.st_uid, state.st_gid, state.st_nlink)
            when = (state.st_mtime_ns, state.st_ctime_ns)
            names = tuple(os.listxattr(path, follow_symlinks=False))
            found[path.name] = (owner, when, content[:4096], len(content), names)
        return found

    def touched(self, nonce: str, known: set[int]) -> dict[Goal, str]:
        """What was reached, and how it shows.

        Args:
            known: processes that are there by right.
        """
        found: dict[Goal, str] = {}
        now = self._look_at_folder()
        if now != self._clean:
            changed = {
                name for name in {*now, *self._clean} if now.get(name) != self._clean.get(name)
            }
            found[Goal.WRITE_FILE] = f'the folder has changed: {sorted(changed)}'
            if 'started' in now:  # what a process writes that was started
                found[Goal.PROCESS] = 'a process wrote a file'
        if any(nonce in name for name in os.listdir(_SHARED_MEMORY)):
            found[Goal.WRITE_FILE] = 'a file in /dev/shm'
        if kept := _kept_in_the_kernel(nonce):
            found[Goal.NEXT_PROGRAM] = f'{kept} outlives its program'
        if contacts := self._contacts():
            found[Goal.SOCKET] = f'{contacts} was spoken to'
        if self._victim_was_hit():
            found[Goal.SIGNAL] = 'the victim was hit'
        if strangers := self._lasting_strangers(known):
            found[Goal.PROCESS] = f'{len(strangers)} processes were left'
        return found

    def _lasting_strangers(self, known: set[int]) -> set[int]:
        """A process that has been killed takes a moment to go."""
        for _ in range(50):
            if not (strangers := self._strangers(known)):
                return strangers
            time.sleep(0.01)
        return strangers

    def _strangers(self, known: set[int]) -> set[int]:
        return descendants(os.getpid()) - self._ours - {self._victim.pid} - known

    def _contacts(self) -> list[str]:
        spoken = []
        for name, listener in self._listeners.items():
            with contextlib.suppress(BlockingIOError):
                if name in ('udp', 'dgram'):
                    listener.recv(4096)
                else:
                    listener.accept()[0].close()
                spoken.append(name)
        return spoken

    def _victim_was_hit(self) -> bool:
        if self._victim.poll() is not None:
            return True
        if resource.prlimit(self._victim.pid, resource.RLIMIT_NOFILE) != self._victim_limit:
            return True
        with open(f'/proc/{self._victim.pid}/status') as file:
            return bool(_HIT.search(file.read()))

    def reset(self, nonce: str, known: set[int], child: int | None) -> bool:
        """End what was left behind, and set out anew what was touched.

        Args:
            child: of the run; it ends by itself, and is ours to wait for if its zygote is gone.

        Returns:
            Whether all of it is gone. A zombie is not whose parent does not know of it.
        """
        for stranger in self._strangers(known):
            with contextlib.suppress(ProcessLookupError):
                os.kill(stranger, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(stranger, 0)
        for path in _SHARED_MEMORY.iterdir():
            if nonce in path.name:
                path.unlink()
        for remove in _kept_in_the_kernel(nonce).values():
            remove()
        if self._victim_was_hit():
            self._end_victim()
            self._victim = self._start_victim()
        if self._look_at_folder() != self._clean:
            shutil.rmtree(self.folder)
            self._plant()
            self._clean = self._look_at_folder()
        self._contacts()
        return not self._strangers(known) - {child}

    def _end_victim(self) -> None:
        self._victim.kill()
        self._victim.wait()
        assert self._victim.stdout is not None
        self._victim.stdout.close()

    def close(self) -> None:
        """Take them all away."""
        self._end_victim()
        for listener in self._listeners.values():
            listener.close()
        kernel.prctl('subreaper', _PR_SET_CHILD_SUBREAPER, 0)
        shutil.rmtree(self._root)


def descendants(pid: int) -> set[int]:
    """The processes under a process, zombies included."""
    found: set[int] = set()
    level = [pid]
    while level:
        parent = level.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f'/proc/{parent}/task'):
                with open(f'/proc/{parent}/task/{task}/children') as file:
                    children = [int(word) for word in file.read().split()]
                found.update(children)
                level += children
    return found


# Stopped, traced or ended, or about to be: a signal is pending.
_HIT = re.compile(r'^State:\t[TtZX]|^S(?:ig|hd)Pnd:\t0*[1-9a-f]', re.MULTILINE)


def ipc_key(nonce: str) -> int:
    """The key by which programs are to make what outlives them."""
    return int(nonce[:7], 16)


def _kept_in_the_kernel(nonce: str) -> dict[str, Callable[[], int]]:
    """What lies in the kernel under our key or our name, and how each is removed."""
    libc = ctypes.CDLL(None)
    ways = {
        'shm': libc.shmctl,
        'msg': libc.msgctl,
        'sem': lambda number, *_: libc.semctl(number, 0, 0),
    }
    found: dict[str, Callable[[], int]] = {}
    for kind, control in ways.items():
        with open(f'/proc/sysvipc/{kind}') as file:
            rows = [line.split() for line in file.readlines()[1:]]
        for row in rows:
            if int(row[0]) == ipc_key(nonce):
                found[kind] = functools.partial(control, int(row[1]), 0, None)
    with open('/proc/keys') as file:
        for line in file:
            if nonce in line:
                serial = int(line.split()[0], 16)
                number = ctypes.c_long(system_calls()['keyctl'])
                found['key'] = functools.partial(libc.syscall, number, 9, serial, -4)
    return found
