"""The system calls that Python has no function for, through libc."""

from __future__ import annotations

import contextlib
import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4

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


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f'{what}: {os.strerror(code)}')
    return result


def syscall(what: str, number: int, *arguments: object) -> int:
    """Call by number.

    Raises:
        OSError: with `what` in its text.
    """
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments), what)


def prctl(what: str, option: int, value: int = 0) -> int:
    """Set an attribute of this process.

    Raises:
        OSError: with `what` in its text.
    """
    zero = ctypes.c_ulong(0)
    result = _libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero)
    return _checked(result, what)


def die_with_parent(signal_number: int) -> None:
    """Ask for a signal when the thread that forked this process ends."""
    prctl('parent-death signal', _PR_SET_PDEATHSIG, signal_number)


def forbid_new_privileges() -> None:
    """No set-uid program can give privileges to this process or to what it becomes."""
    prctl('no_new_privs', _PR_SET_NO_NEW_PRIVS, 1)


def drop_bounding_set() -> None:
    """Empty the capability bounding and ambient sets, as far as this process is allowed to."""
    for capability in range(_MAX_CAPABILITIES):
        # EINVAL: this kernel knows no more of them. EPERM: an ordinary user, who has none.
        with contextlib.suppress(OSError):
            prctl('bounding set', _PR_CAPBSET_DROP, capability)
    with contextlib.suppress(OSError):
        prctl('ambient set', _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)


def drop_capabilities() -> None:
    """Empty the effective, permitted and inheritable sets, and look that they are empty.

    Raises:
        OSError: they are not.
    """
    header = _CapHeader(_CAPABILITY_VERSION_3, 0)
    data = (_CapData * 2)()
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(data)), 'capset')
    _checked(_libc.capget(ctypes.byref(header), ctypes.byref(data)), 'capget')
    if any(half.effective or half.permitted for half in data):
        raise OSError('capabilities are left after capset')
