"""The system calls that Python has no function for, through libc.

What a child calls is made ready in the zygote, as a function and its arguments: see confine.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable

Prepared = tuple[Callable[..., object], tuple[object, ...]]
"""A call to come; it returns 0, or else `last_error` says why not."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

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
