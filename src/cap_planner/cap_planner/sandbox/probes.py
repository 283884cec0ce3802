"""Forbidden things that a confined process tries, to see that a layer holds. See `host.doctor`."""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import mmap
import os
import resource
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

from cap_planner.sandbox import kernel, syscalls


@dataclass(frozen=True)
class Probe:
    """One forbidden thing.

    Attributes:
        layer: the layer that must stop it.
        skip: layers left out, so that this one is seen alone.
        attempt: does it; raises OSError where the layer answers with an error.
        kills: whether the layer kills the process instead.
    """

    layer: str
    attempt: Callable[[], object]
    skip: tuple[str, ...] = ()
    kills: bool = False


def _open_for_writing() -> None:
    path = f'/tmp/cap_probe_{os.getpid()}'
    os.open(path, os.O_WRONLY | os.O_CREAT)
    os.unlink(path)


def _executable_memory() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)


def _become_root() -> None:
    os.setresuid(0, 0, 0)
    if os.geteuid() != 0:
        raise PermissionError('still an ordinary user')


def _read_environment() -> None:
    if not os.environ:
        raise PermissionError('empty')


def _use_descriptors() -> None:
    for number in set(range(1024)) - {syscalls.PIPE}:
        with contextlib.suppress(OSError):
            os.fstat(number)
            return
    raise PermissionError('closed')


def _too_much_memory() -> None:
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most == resource.RLIM_INFINITY:
        return
    try:
        bytearray(most)
    except MemoryError as error:
        raise PermissionError('no more memory') from error


def _one_more_descriptor() -> None:
    os.dup(syscalls.PIPE)


def _raise_limit() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _share_terminal() -> None:
    if os.getsid(0) == os.getpid():
        raise PermissionError('own session')


def _regain_by_exec() -> None:
    if ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) == 1:
        raise PermissionError('no_new_privs is set')


def _trace() -> None:
    if ctypes.CDLL(None).ptrace(0, 0, 0, 0) != 0:  # PTRACE_TRACEME
        raise PermissionError('refused')


def _system_call(number: int) -> Callable[[], object]:
    return lambda: kernel.syscall('probe', number, 0, 0, 0, 0, 0, 0)


_BPF = 280 if os.uname().machine == 'aarch64' else 321


_ALONE = ('seccomp',)
_WITHOUT_ERRNO = ('seccomp', 'landlock')

PROBES: dict[str, Probe] = {
    'open': Probe('seccomp', lambda: os.open('/etc/hostname', os.O_RDONLY), kills=True),
    'socket': Probe('seccomp', socket.socket, kills=True),
    'fork': Probe('seccomp', os.fork, kills=True),
    'thread': Probe('seccomp', lambda: _thread.start_new_thread(print, ()), kills=True),
    'exec': Probe('seccomp', lambda: os.execv('/bin/true', ['true']), kills=True),
    'kill': Probe('seccomp', lambda: os.kill(os.getpid(), signal.SIGCONT), kills=True),
    'other descriptor': Probe('seccomp', lambda: os.write(1, b''), kills=True),
    'executable memory': Probe('seccomp', _executable_memory, kills=True),
    # io_uring_setup: the number is the same on every architecture.
    'io_uring': Probe('seccomp', _system_call(425), kills=True),
    'ptrace': Probe('seccomp', _trace, kills=True),
    'bpf': Probe('seccomp', _system_call(_BPF), kills=True),
    'pidfd': Probe('seccomp', _system_call(434), kills=True),
    'read a file': Probe(
        'landlock', lambda: os.listdir('/etc'), (*_ALONE, 'rlimits', 'identity', 'capabilities')
    ),
    'write a file': Probe(
        'landlock', _open_for_writing, (*_ALONE, 'rlimits', 'identity', 'capabilities')
    ),
    'descriptors': Probe('rlimits', _one_more_descriptor, _WITHOUT_ERRNO),
    'memory': Probe('rlimits', _too_much_memory, _ALONE),
    'raise a limit': Probe('rlimits', _raise_limit, _WITHOUT_ERRNO),
    'root': Probe('identity', _become_root, _WITHOUT_ERRNO),
    'chroot': Probe('capabilities', lambda: os.chroot('/'), ('seccomp', 'landlock', 'identity')),
    'environment': Probe('environment', _read_environment),
    'inherited descriptors': Probe('descriptors', _use_descriptors, _ALONE),
    'terminal': Probe('session', _share_terminal, _ALONE),
    'privileges': Probe('no_new_privs', _regain_by_exec, _ALONE),
}


def attempt(name: str) -> tuple[bool, str]:
    """Try it in this process: whether it was stopped, and how."""
    try:
        PROBES[name].attempt()
    except (OSError, ValueError) as error:  # setrlimit raises ValueError
        return True, str(error)
    return False, f'{name}: was possible'
