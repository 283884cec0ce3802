"""The layers around a program's process, applied after the fork and before any program text."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from cap_planner.sandbox import kernel, landlock, syscalls

LAYERS = (
    *('descriptors', 'environment', 'rlimits', 'identity', 'capabilities', 'session'),
    *('no_new_privs', 'landlock', 'seccomp'),
)
NOBODY = 65534
_STACK_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class LayerStatus:
    """Whether one layer is there; `why` says what it does, or why it is missing."""

    name: str
    ok: bool
    why: str


@dataclass(frozen=True)
class Limits:
    """What the kernel grants a program: CPU time, and memory beyond that of an idle child."""

    cpu_seconds: int
    memory_bytes: int


@dataclass(frozen=True)
class Prepared:
    """What is the same for all children and is made once, before any fork.

    `ruleset` and `filter` are None where the layer is missing; `missing` then says why.
    """

    idle_bytes: int
    ruleset: int | None
    filter: Any | None
    missing: dict[str, str]


def prepare() -> Prepared:
    """Make what the layers need. A layer that is not to be had is recorded, not raised."""
    missing: dict[str, str] = {}
    ruleset, rules = None, None
    try:
        low = landlock.make_ruleset()
        # Out of the way of the pipe's descriptor.
        ruleset = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 64)
        os.close(low)
    except OSError as error:
        missing['landlock'] = str(error)
    try:
        rules = syscalls.make_filter()
    except (ImportError, RuntimeError, OSError) as error:
        missing['seccomp'] = str(error)
    with open('/proc/self/statm') as file:
        pages = int(file.read().split()[0])
    return Prepared(pages * resource.getpagesize(), ruleset, rules, missing)


def confine(
    prepared: Prepared,
    pipe: int,
    parent: int,
    limits: Limits,
    skip: Collection[str] = (),
) -> list[LayerStatus]:
    """Apply every layer to this process; afterwards its only descriptor is `syscalls.PIPE`.

    Args:
        pipe: the descriptor to keep; it is moved.
        parent: process id of the zygote, to see whether it died before the death signal was set.
        skip: layers to leave out, to look at one behind another: see probes.py and unlayered.py.
    """
    # In this order: the bounding set can only be dropped and the user only be changed while the
    # capabilities are there; the change of user clears the death signal; seccomp forbids the rest.
    steps: dict[str, Callable[[], str]] = {
        'descriptors': lambda: _close_descriptors(prepared.ruleset),
        'environment': _clear_environment,
        'rlimits': lambda: _set_limits(prepared.idle_bytes, limits),
        'identity': _become_nobody,
        'capabilities': _drop_capabilities,
        'session': lambda: _leave_session(parent),
        'no_new_privs': _forbid_new_privileges,
        'landlock': lambda: _restrict_files(prepared),
        'seccomp': lambda: _filter_calls(prepared),
    }
    if pipe != syscalls.PIPE:
        os.dup2(pipe, syscalls.PIPE, inheritable=False)
    if 'capabilities' not in skip:
        kernel.drop_bounding_set()
    found = []
    for name in LAYERS:
        if name in skip:
            continue
        try:
            found.append(LayerStatus(name, True, steps[name]()))
        except (OSError, ValueError) as error:
            found.append(LayerStatus(name, False, str(error)))
    return found


def _close_descriptors(ruleset: int | None) -> str:
    edges = sorted({syscalls.PIPE, ruleset or syscalls.PIPE})
    start = 0
    for kept in edges:
        os.closerange(start, kept)
        start = kept + 1
    os.closerange(start, 1 << 20)
    with contextlib.suppress(FileNotFoundError):  # no /proc: nothing to look at
        own = {int(name) for name in os.listdir('/proc/self/fd')}
        left = {fd for fd in own - set(edges) if _is_open(fd)}
        if left:
            raise OSError(f'descriptors {sorted(left)} are still open')
    return 'only the pipe is open'


def _is_open(fd: int) -> bool:
    # The listing of the folder names its own descriptor, which is closed by now.
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _clear_environment() -> str:
    os.environ.clear()
    return 'empty'


def _set_limits(idle_bytes: int, limits: Limits) -> str:
    total = idle_bytes + limits.memory_bytes
    for which, soft, hard in (
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        (resource.RLIMIT_AS, total, total),
        (resource.RLIMIT_STACK, _STACK_BYTES, _STACK_BYTES),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
    ):
        most = resource.getrlimit(which)[1]
        bound = hard if most == resource.RLIM_INFINITY else min(hard, most)
        resource.setrlimit(which, (min(soft, bound), bound))
    return f'{limits.cpu_seconds} s of CPU time, {limits.memory_bytes >> 20} MiB of memory'


def _become_nobody() -> str:
    if os.geteuid() != 0 and os.getuid() != 0:
        return f'user {os.getuid()}, not root'
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    return f'user {NOBODY} instead of root'


def _drop_capabilities() -> str:
    kernel.drop_capabilities()
    return 'none'


def _leave_session(parent: int) -> str:
    os.setsid()
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError('the zygote is gone')
    return 'own session, dies with the zygote'


def _forbid_new_privileges() -> str:
    kernel.forbid_new_privileges()
    return 'set'


def _restrict_files(prepared: Prepared) -> str:
    if prepared.ruleset is None:
        raise OSError(prepared.missing['landlock'])
    landlock.restrict_self(prepared.ruleset)
    return 'no file, no TCP port'


def _filter_calls(prepared: Prepared) -> str:
    if prepared.filter is None:
        raise OSError(prepared.missing['seccomp'])
    prepared.filter.load()
    return 'system calls outside the list kill the process'
