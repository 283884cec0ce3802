"""The system calls of the layers, through libc.

What a child calls is made ready in the zygote, as a function and its arguments: see confine.py. So
is what Python has functions for: called all one way, it takes fewer pages of memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
from collections.abc import Callable, Collection

Prepared = tuple[Callable[..., int | None], tuple[object, ...]]
"""A call to come; it returns a negative number if it fails, and `last_error` says why."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# The same on all architectures.
_CLOSE_RANGE = 436
_MAX_DESCRIPTOR = (1 << 31) - 1

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4

# linux/seccomp.h, linux/filter.h
_SECCOMP_MODE_FILTER = 2
_BPF_INSTRUCTION_BYTES = 8

# linux/capability.h
_CAPABILITY_VERSION_3 = 0x20080522
_MAX_CAPABILITIES = 64


class _CapHeader(ctypes.Structure):
    _fields_ = (('version', ctypes.c_uint32), ('pid', ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (
        ('effective', ctypes.c_uint32),
        ('permitted', ctypes.c_uint32),
        ('inheritable', ctypes.c_uint32),
    )


class _Limit(ctypes.Structure):
    _fields_ = (('soft', ctypes.c_ulong), ('hard', ctypes.c_ulong))


class _Filter(ctypes.Structure):
    _fields_ = (('length', ctypes.c_ushort), ('instructions', ctypes.c_char_p))


def last_error(what: str = '') -> OSError:
    """Why the last call failed."""
    code = ctypes.get_errno()
    return OSError(code, f'{what}: {os.strerror(code)}' if what else os.strerror(code))


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise last_error(what)
    return result


def syscall(what: str, number: int, *arguments: object) -> int:
    """Call by number.

    Raises:
        OSError: with `what` in its text.
    """
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments), what)


def syscall_call(number: int, *arguments: object) -> Prepared:
    """A call by number, to come."""
    return _libc.syscall, (ctypes.c_long(number), *arguments)


def prctl(what: str, option: int, value: int = 0) -> int:
    """Set an attribute of this process.

    Raises:
        OSError: with `what` in its text.
    """
    zero = ctypes.c_ulong(0)
    result = _libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero)
    return _checked(result, what)


def _prctl_call(option: int, value: int, pointer: object = None) -> Prepared:
    zero = ctypes.c_ulong(0)
    third = zero if pointer is None else pointer
    return _libc.prctl, (ctypes.c_int(option), ctypes.c_ulong(value), third, zero, zero)


def die_with_parent(signal_number: int) -> None:
    """Ask for a signal when the thread that forked this process ends."""
    prctl('parent-death signal', _PR_SET_PDEATHSIG, signal_number)


def death_signal_call(signal_number: int) -> Prepared:
    """The same, to come."""
    return _prctl_call(_PR_SET_PDEATHSIG, signal_number)


def no_new_privileges_call() -> Prepared:
    """No set-uid program can give privileges to this process or to what it becomes."""
    return _prctl_call(_PR_SET_NO_NEW_PRIVS, 1)


def seccomp_call(program: bytes) -> Prepared:
    """A BPF program filters the system calls of this process. Wants no_new_privs."""
    rules = _Filter(len(program) // _BPF_INSTRUCTION_BYTES, program)
    return _prctl_call(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(rules))


def close_between_calls(kept: Collection[int]) -> tuple[Prepared, ...]:
    """Close all descriptors but these."""
    edges = [-1, *sorted(kept), _MAX_DESCRIPTOR + 1]
    gaps = [(low + 1, high - 1) for low, high in itertools.pairwise(edges) if high - low > 1]
    if _libc.syscall(ctypes.c_long(_CLOSE_RANGE), *_range(_MAX_DESCRIPTOR, _MAX_DESCRIPTOR)):
        # A kernel, or a container, that does not know it.
        return tuple((os.closerange, (low, min(high + 1, 1 << 20))) for low, high in gaps)
    return tuple(syscall_call(_CLOSE_RANGE, *_range(low, high)) for low, high in gaps)


def _range(low: int, high: int) -> tuple[object, ...]:
    return ctypes.c_uint(low), ctypes.c_uint(high), ctypes.c_uint(0)


def move_call(descriptor: int, to: int) -> Prepared:
    """Have a descriptor under another number, too, which no program that is executed inherits."""
    if descriptor == to:
        return harmless_call()
    return _libc.dup3, (ctypes.c_int(descriptor), ctypes.c_int(to), ctypes.c_int(os.O_CLOEXEC))


def harmless_call() -> Prepared:
    """A call that changes nothing."""
    return _libc.getpid, ()


def close_call(descriptor: int) -> Prepared:
    """Close a descriptor."""
    return _libc.close, (ctypes.c_int(descriptor),)


def limit_call(which: int, soft: int, hard: int) -> Prepared:
    """Set a limit of this process; see `resource`."""
    return _libc.setrlimit, (ctypes.c_int(which), ctypes.byref(_Limit(soft, hard)))


def identity_calls(number: int) -> tuple[Prepared, ...]:
    """Become this user and group, for good, in no other group."""
    every = (ctypes.c_uint(number),) * 3
    no_groups = (ctypes.c_size_t(0), None)
    return (_libc.setgroups, no_groups), (_libc.setresgid, every), (_libc.setresuid, every)


def new_session_call() -> Prepared:
    """Leave the terminal and the process group."""
    return _libc.setsid, ()


def clear_environment_call() -> Prepared:
    """No variables, for what is written in C."""
    return _libc.clearenv, ()


def capabilities_call() -> Prepared:
    """Empty the effective, permitted and inheritable sets."""
    header = _CapHeader(_CAPABILITY_VERSION_3, 0)
    return _libc.capset, (ctypes.byref(header), ctypes.byref((_CapData * 2)()))


def drop_bounding_set() -> None:
    """Empty the capability bounding and ambient sets, as far as this process is allowed to."""
    for capability in range(_MAX_CAPABILITIES):
        # EINVAL: this kernel knows no more of them. EPERM: an ordinary user, who has none.
        with contextlib.suppress(OSError):
            prctl('bounding set', _PR_CAPBSET_DROP, capability)
    with contextlib.suppress(OSError):
        prctl('ambient set', _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
