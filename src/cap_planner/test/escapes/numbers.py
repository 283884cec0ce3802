"""Numbers of system calls, which differ between machines; programs are told them."""

from __future__ import annotations

import functools

import pyseccomp

_NAMES = """
    add_key bpf clone clone3 dup epoll_create1 eventfd2 execveat fanotify_init fcntl fork fsopen
    inotify_init1 io_uring_setup keyctl landlock_create_ruleset memfd_create memfd_secret mlock
    mprotect mq_open mq_unlink msgget name_to_handle_at open open_by_handle_at open_tree openat
    openat2 perf_event_open personality pidfd_getfd pidfd_open prctl prlimit64 process_vm_readv
    process_vm_writev ptrace rt_sigqueueinfo rt_tgsigqueueinfo sched_setaffinity sched_setscheduler
    seccomp semget setpgid setpriority shmget signalfd4 socket tgkill timer_create timerfd_create
    tkill uname unshare userfaultfd
"""


@functools.cache
def system_calls() -> dict[str, int]:
    """By name; those that this architecture lacks have none."""
    found = {name: _number(name) for name in _NAMES.split()}
    return {name: number for name, number in found.items() if number >= 0}


def _number(name: str) -> int:
    try:
        return int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))
    except ValueError:
        return -1
