"""The layers around a program's process, applied after the fork and before any program text.

A layer is a list of calls to the kernel. All of them, with their arguments, are made in the zygote:
a child first has to copy each page of memory that it touches, so it does little else than call.
"""

from __future__ import annotations

import fcntl
import functools
import os
import resource
import signal
from typing import NamedTuple

from cap_planner.sandbox import kernel, landlock, syscalls

NOBODY = 65534
_STACK_BYTES = 8 * 1024 * 1024

# In this order: the user can only be changed while the capabilities are there; the change of user
# clears the death signal; Landlock and seccomp want no_new_privs; seccomp forbids the rest.
LAYERS = (
    *('descriptors', 'environment', 'rlimits', 'identity', 'capabilities', 'session'),
    *('no_new_privs', 'landlock', 'seccomp'),
)


class LayerStatus(NamedTuple):
    """Whether one layer is there; `why` says what it does, or why it is missing."""

    name: str
    ok: bool
    why: str


class Limits(NamedTuple):
    """What the kernel grants a program: CPU time, and memory beyond that of an idle child."""

    cpu_seconds: int
    memory_bytes: int


class _Layer(NamedTuple):
    """Calls to the kernel, and what they are for."""

    why: str
    calls: tuple[kernel.Prepared, ...]


Layers = list[tuple[str, _Layer]]
"""All of them by name, in order."""


class Confinement:
    """What is the same for all children and is made once, in the zygote.

    A layer that is not to be had is found out here, and told by the children. The capability
    bounding set, which no process gets back, is emptied here already.
    """

    def __init__(self) -> None:
        kernel.drop_bounding_set()
        self._ruleset: int | None = None
        landlocked = self._landlock()
        self._fixed = {
            'descriptors': self._descriptors(),
            'environment': _environment(),
            'identity': _identity(),
            'capabilities': _Layer('none', (kernel.capabilities_call(),)),
            'session': _session(os.getpid()),
            'no_new_privs': _Layer('set', (kernel.no_new_privileges_call(),)),
            'landlock': landlocked,
            'seccomp': _seccomp(),
        }
        with open('/proc/self/statm') as file:
            pages = int(file.read().split()[0])
        self._idle_bytes = pages * resource.getpagesize()

    @functools.cache  # noqa: B019 - there is one for the life of a zygote
    def layers(self, limits: Limits, skip: frozenset[str]) -> Layers:
        """With the limits of one program.

        Args:
            skip: layers to leave out, to look at one behind another: see probes.py, unlayered.py.
        """
        every = {**self._fixed, 'rlimits': _rlimits(self._idle_bytes, limits)}
        return [(name, every[name]) for name in LAYERS if name not in skip]

    def _descriptors(self) -> _Layer:
        kept = {syscalls.PIPE, self._ruleset or syscalls.PIPE}
        return _Layer('only the pipe is open', kernel.close_between_calls(kept))

    def _landlock(self) -> _Layer:
        try:
            low = landlock.make_ruleset()
        except OSError as error:
            return _missing(error)
        # Out of the way of the pipe's descriptor.
        self._ruleset = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 64)
        os.close(low)
        calls = (landlock.restrict_call(self._ruleset), kernel.close_call(self._ruleset))
        return _Layer('no file, no TCP port', calls)


def confine(layers: Layers) -> dict[str, str]:
    """Apply the layers to this process; with all of them its only descriptor is `syscalls.PIPE`.

    Returns:
        Why those that failed did, by name.
    """
    failed = {}
    for name, layer in layers:
        try:
            for call, arguments in layer.calls:
                if (call(*arguments) or 0) < 0:
                    raise kernel.last_error()
        except (OSError, ValueError) as error:
            failed[name] = str(error)
    return failed


def rehearse() -> None:
    """Apply a layer that changes nothing: see rehearsal.py."""
    calls = (kernel.harmless_call(), (_require_parent, (os.getppid(),)))
    confine([('', _Layer('', calls * len(LAYERS)))])


def statuses(layers: Layers, failed: dict[str, str]) -> list[LayerStatus]:
    """What `confine` has done."""
    return [
        LayerStatus(name, name not in failed, failed.get(name, layer.why)) for name, layer in layers
    ]


def _missing(error: Exception) -> _Layer:
    def fail() -> None:
        raise OSError(str(error))

    return _Layer('', ((fail, ()),))


def _environment() -> _Layer:
    # os.environ unsets the variables one by one, and takes ten times as long.
    own: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
    # To clear what is empty takes 18 pages of memory.
    calls: tuple[kernel.Prepared, ...] = ((own.clear, ()),) if own else ()
    return _Layer('empty', (kernel.clear_environment_call(), *calls))


def _rlimits(idle_bytes: int, limits: Limits) -> _Layer:
    total = idle_bytes + limits.memory_bytes
    calls: list[kernel.Prepared] = []
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
        calls.append(kernel.limit_call(which, min(soft, bound), bound))
    text = f'{limits.cpu_seconds} s of CPU time, {limits.memory_bytes >> 20} MiB of memory'
    return _Layer(text, tuple(calls))


def _identity() -> _Layer:
    if os.geteuid() != 0 and os.getuid() != 0:
        return _Layer(f'user {os.getuid()}, not root', ())
    return _Layer(f'user {NOBODY} instead of root', kernel.identity_calls(NOBODY))


def _session(zygote: int) -> _Layer:
    calls = (
        kernel.new_session_call(),
        kernel.death_signal_call(signal.SIGKILL),
        (_require_parent, (zygote,)),
    )
    return _Layer('own session, dies with the zygote', calls)


def _require_parent(pid: int) -> None:
    if os.getppid() != pid:
        raise OSError('the zygote is gone')  # before the death signal was set


def _seccomp() -> _Layer:
    try:
        rules = syscalls.make_filter()
    except (ImportError, RuntimeError, OSError) as error:
        return _missing(error)
    text = 'system calls outside the list kill the process'
    return _Layer(text, (kernel.seccomp_call(rules),))
