"""The system calls that a program's process may make; any other kills it (seccomp).

What an interpreter needs that computes and talks over one descriptor: memory that is not
executable, locks, clocks, random numbers, and the end. Nothing opens, connects, starts or signals
anything, which is what carries the sandbox where other layers are void (RLIMIT_NPROC for root).
"""

from __future__ import annotations

import mmap
import os

PIPE = 3
"""The one descriptor of a program's process."""

_FREE = (
    *('brk', 'munmap', 'mremap', 'madvise'),
    *('futex', 'sched_yield', 'restart_syscall', 'rt_sigreturn', 'rt_sigprocmask'),
    *('clock_gettime', 'clock_getres', 'gettimeofday', 'clock_nanosleep'),
    *('getrandom', 'getpid', 'gettid', 'exit', 'exit_group'),
)
_ON_THE_PIPE = ('read', 'write')
_NOT_EXECUTABLE = ('mmap', 'mprotect')


def make_filter() -> bytes:
    """The filter as a BPF program. Made before the fork: that takes longer than loading it.

    Raises:
        ImportError, RuntimeError: pyseccomp or libseccomp is missing.
        OSError: the filter cannot be built here.
    """
    import pyseccomp  # noqa: PLC0415  (raises without libseccomp: that is a layer's status)

    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.KILL_PROCESS)
    # A call through another instruction set would be looked up in the wrong table.
    rules.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    for name in _FREE:
        rules.add_rule(pyseccomp.ALLOW, name)
    for name in _ON_THE_PIPE:
        rules.add_rule(pyseccomp.ALLOW, name, pyseccomp.Arg(0, pyseccomp.EQ, PIPE))
    for name in _NOT_EXECUTABLE:
        arg = pyseccomp.Arg(2, pyseccomp.MASKED_EQ, mmap.PROT_EXEC, 0)
        rules.add_rule(pyseccomp.ALLOW, name, arg)
    # As a tree, which the kernel takes in faster than a list.
    rules.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, 2)
    with os.fdopen(os.memfd_create('seccomp'), 'r+b') as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
