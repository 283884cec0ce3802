"""What a program gets that it was not given: descriptors, identities, memory, and other rights.

Each is a step of a longer attack. The host sees it in /proc while the child waits for an answer.
"""

from __future__ import annotations

from escapes.attack import KERNEL, WALK, Attack, Goal, layers

_ALONE = layers('seccomp')
_DESCRIPTOR = layers('seccomp rlimits')
_CAPABLE = layers('seccomp identity capabilities')
_CAPABLE_DESCRIPTOR = _CAPABLE | {'rlimits'}
_FILE = layers('seccomp rlimits landlock')

_DESCRIPTORS = {
    'memory file': ("call('memfd_create', b'x', 0)", _DESCRIPTOR),
    'secret memory': ("call('memfd_secret', 0)", _DESCRIPTOR),
    'user faults': ("call('userfaultfd', 1)", _DESCRIPTOR),
    'io_uring': ("call('io_uring_setup', 8, ctypes.create_string_buffer(120))", _DESCRIPTOR),
    'bpf map': (
        "call('bpf', 0, (ctypes.c_uint32 * 32)(2, 4, 4, 1), 128)",
        _CAPABLE_DESCRIPTOR,
    ),
    'performance counters': (
        "call('perf_event_open', (ctypes.c_uint32 * 32)(1, 128), 0, -1, -1, 0)",
        _CAPABLE_DESCRIPTOR,
    ),
    'fanotify': ("call('fanotify_init', 0, 0)", _CAPABLE_DESCRIPTOR),
    'inotify': ("call('inotify_init1', 0)", _DESCRIPTOR),
    'epoll': ("call('epoll_create1', 0)", _DESCRIPTOR),
    'eventfd': ("call('eventfd2', 0, 0)", _DESCRIPTOR),
    'timerfd': ("call('timerfd_create', 1, 0)", _DESCRIPTOR),
    'signalfd': ("call('signalfd4', -1, (ctypes.c_uint64 * 1)(0), 8, 0)", _DESCRIPTOR),
    'pipe': ('os.pipe()', _DESCRIPTOR),
    'copy of the pipe': ("call('dup', 3)", _DESCRIPTOR),
    'copy by fcntl': ("call('fcntl', 3, 0, 10)", _DESCRIPTOR),
    'process of the parent': ("call('pidfd_open', os.getppid(), 0)", _DESCRIPTOR),
    'descriptor of another process': (
        "call('pidfd_getfd', call('pidfd_open', victim, 0), 1, 0)",
        layers('seccomp rlimits landlock identity capabilities'),
    ),
    'message queue': (
        "call('mq_open', nonce.encode(), 0o102, 0o600, None)\n"
        "say('look')\ncall('mq_unlink', nonce.encode())",
        _FILE,
    ),
    'file system context': ("call('fsopen', b'tmpfs', 0)", _CAPABLE_DESCRIPTOR),
    'tree of files': ("call('open_tree', -100, b'/', 0)", _DESCRIPTOR),
    'rule set of Landlock': (
        "call('landlock_create_ruleset', (ctypes.c_uint64 * 1)(1), 8, 0)",
        _DESCRIPTOR,
    ),
    'random device': ("os.open('/dev/urandom', 0)", _FILE),
    'terminal': ("os.open('/dev/ptmx', 2)", _FILE),
}
_STATES = {
    'another user': ('os.setresuid(1000, 1000, 1000)', _CAPABLE),
    'another group': ('os.setresgid(1000, 1000, 1000)', _CAPABLE),
    'more groups': ('os.setgroups([1, 2, 3])', _CAPABLE),
    'user namespace': ("call('unshare', 0x10000000)", _ALONE),
    'mount namespace': ("call('unshare', 0x20000)", _CAPABLE),
    'network namespace': ("call('unshare', 0x40000000)", _CAPABLE),
    'process namespace': ("call('unshare', 0x20000000)\nsay('look')", _CAPABLE),
    'another root': ('os.chroot(folder)', _CAPABLE),
    'another working folder': ('os.chdir(folder)', _ALONE),
    'session of its own': ('os.setsid()', layers('seccomp session')),
    'group of its own': ("call('setpgid', 0, 0)", layers('seccomp session')),
    'higher priority': ("call('setpriority', 0, 0, -20)", _CAPABLE),
    'lower priority': ("call('setpriority', 0, 0, 19)", _ALONE),
    'batch scheduling': (
        "call('sched_setscheduler', 0, 3, (ctypes.c_int * 1)(0))",
        _ALONE,
    ),
    'one processor': (
        "call('sched_setaffinity', 0, 8, (ctypes.c_uint64 * 1)(1))",
        _ALONE,
    ),
    'personality': ("call('personality', 0x0040000)", _ALONE),
    'limit raised': ("modules['resource'].setrlimit(0, (2, 2))", _ALONE),
    'limit raised by prlimit': (
        "call('prlimit64', 0, 0, (ctypes.c_uint64 * 2)(2, 2), None)",
        _ALONE,
    ),
    'name of the process': ("call('prctl', 15, b'systemd', 0, 0, 0)", _ALONE),
    'huge pages off': ("call('prctl', 41, 1, 0, 0, 0)", _ALONE),
    'umask': ('os.umask(0)', _ALONE),
    'signal handler': (
        "modules['_signal'].signal(24, lambda *_: None)",
        _ALONE,
    ),
    'signal ignored': ("modules['_signal'].signal(24, 1)", _ALONE),
    'timer of the kernel': (
        "call('timer_create', 1, (ctypes.c_int * 16)(0, 0, 0, 1), (ctypes.c_int * 1)(0))",
        _ALONE,
    ),
    'locked memory': ("call('mlock', real.id(nonce), 4096)", layers('seccomp rlimits')),
    'own seccomp filter': (
        "call('prctl', 38, 1, 0, 0, 0)\n"
        'code = (ctypes.c_uint16 * 4)(6, 0, 0, 0x7FFF)\n'
        'program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(code))\n'
        "call('seccomp', 1, 0, program)",
        _ALONE,
    ),
}
_MEMORY = {
    'executable memory': (
        'libc.mmap.restype = ctypes.c_void_p\nlibc.mmap(None, 4096, 7, 0x22, -1, 0)'
    ),
    'executable by mmap of Python': "where = modules['mmap'].mmap(-1, 4096, prot=7)",
    'memory made executable': """
        libc.mmap.restype = ctypes.c_void_p
        where = libc.mmap(None, 4096, 3, 0x22, -1, 0)
        call('mprotect', where, 4096, 7)
    """,
    'machine code': """
        where = modules['mmap'].mmap(-1, 4096, prot=7)
        where.write(b'\\xc3')
        start = ctypes.addressof(ctypes.c_char.from_buffer(where))
        ctypes.CFUNCTYPE(None)(start)()
    """,
}
_ROOT = {
    'another user',
    'another group',
    'more groups',
    'mount namespace',
    'fanotify',
    'network namespace',
    'process namespace',
    'another root',
    'higher priority',
    'bpf map',
    'file system context',
    'performance counters',
    'descriptor of another process',
}
# Containers forbid these, and older kernels lack some.
_OPTIONAL = {
    'secret memory',
    'user faults',
    'io_uring',
    'bpf map',
    'performance counters',
    'fanotify',
    'message queue',
    'file system context',
    'tree of files',
    'user namespace',
    'mount namespace',
    'network namespace',
    'process namespace',
    'descriptor of another process',
    'terminal',
    'personality',
    'rule set of Landlock',
    'huge pages off',
    'one processor',
}

ATTACKS = [
    *(
        Attack(
            f'descriptor: {name}',
            Goal.PRIVILEGE,
            off,
            KERNEL,
            text,
            'sandlock default blocklist',
            root=name in _ROOT,
            optional=name in _OPTIONAL,
        )
        for name, (text, off) in _DESCRIPTORS.items()
    ),
    *(
        Attack(
            f'state: {name}',
            Goal.PRIVILEGE,
            off,
            KERNEL,
            text,
            'sandlock default blocklist',
            root=name in _ROOT,
            optional=name in _OPTIONAL,
        )
        for name, (text, off) in _STATES.items()
    ),
    *(
        Attack(
            f'memory: {name}',
            Goal.PRIVILEGE,
            _ALONE,
            KERNEL,
            text,
            'kernel: PROT_EXEC',
            x86='code' in name,
        )
        for name, text in _MEMORY.items()
    ),
    Attack(
        'memory: trampoline of ctypes',
        Goal.PRIVILEGE,
        _ALONE,
        WALK,
        "modules['ctypes'].CFUNCTYPE(None)(print)",
        'smolagents issue 2094',
    ),
]
