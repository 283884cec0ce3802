"""Landlock: a domain that may do nothing at all with files, TCP, foreign signals and sockets.

The numbers are those of linux/landlock.h; system call numbers are the same on x86_64 and aarch64.
"""

from __future__ import annotations

import ctypes

from cap_planner.sandbox import kernel

_CREATE_RULESET = 444
_RESTRICT_SELF = 446
_ASK_VERSION = 1

# Number of file-system rights by ABI: 5 added ioctl on devices; later ones added none.
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_BIND_AND_CONNECT = 0b11  # since ABI 4
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11  # since ABI 6


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ('handled_access_fs', ctypes.c_uint64),
        ('handled_access_net', ctypes.c_uint64),
        ('scoped', ctypes.c_uint64),
    )


def abi() -> int:
    """The version that the running kernel offers.

    Raises:
        OSError: Landlock is not built in (ENOSYS) or not switched on (EOPNOTSUPP).
    """
    return kernel.syscall('Landlock', _CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)


def make_ruleset() -> int:
    """A descriptor of a rule set that handles all that this kernel knows and allows none of it.

    Raises:
        OSError: as `abi`.
    """
    version = abi()
    rights = _FS_RIGHTS[min(version, max(_FS_RIGHTS))]
    ruleset = _Ruleset(handled_access_fs=(1 << rights) - 1)
    size = 8
    if version >= 4:
        ruleset.handled_access_net = _NET_BIND_AND_CONNECT
        size = 16
    if version >= 6:
        ruleset.scoped = _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS
        size = 24
    pointer = ctypes.byref(ruleset)
    return kernel.syscall('Landlock', _CREATE_RULESET, pointer, ctypes.c_size_t(size), 0)


def restrict_call(ruleset: int) -> kernel.Prepared:
    """The call that puts a process under the rule set, for good. Wants no_new_privs."""
    return kernel.syscall_call(_RESTRICT_SELF, ctypes.c_int(ruleset), 0)
