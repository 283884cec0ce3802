"""Signals to the parent and to others, and other ways to end them."""

from __future__ import annotations

from escapes.attack import KERNEL, WALK, Attack, Goal, layers

_TO_ROOT = layers('seccomp landlock identity capabilities')
_KILL = layers('seccomp landlock identity')

_SIGNALS = {
    'the parent, to the end': ('os.kill(os.getppid(), 9)', _KILL),
    'another process': ('os.kill(victim, 15)', _KILL),
    'another process, to stop': ('os.kill(victim, 19)', _KILL),
    'a process group': ('os.killpg(victim, 10)', _KILL),
    'a process by a descriptor': (
        'modules["signal"].pidfd_send_signal(os.pidfd_open(victim), 15)',
        _KILL | {'rlimits'},
    ),
}
_BY_NUMBER = {
    'tkill': ("call('tkill', victim, 15)", _KILL),
    'tgkill': ("call('tgkill', victim, victim, 15)", _KILL),
    'rt_sigqueueinfo': (
        """
        what = (ctypes.c_int * 32)(15, 0, -1, 0, os.getpid(), os.getuid())
        call('rt_sigqueueinfo', victim, 15, what)
        """,
        _KILL,
    ),
    'rt_tgsigqueueinfo': (
        """
        what = (ctypes.c_int * 32)(15, 0, -1, 0, os.getpid(), os.getuid())
        call('rt_tgsigqueueinfo', victim, victim, 15, what)
        """,
        _KILL,
    ),
    'SIGIO by the owner of the pipe': (
        """
        call('fcntl', 3, 8, victim)
        call('fcntl', 3, 4, 0x2000)
        text = (b'{"kind": "call", "id": 0, "name": "say", "line": 1, "depth": 0, '
                b'"args": ["an answer signals the owner"], "kwargs": {}}')
        os.write(3, len(text).to_bytes(4, 'big') + text)
        end = modules['time'].monotonic() + 0.1
        while modules['time'].monotonic() < end: pass
        """,
        _KILL,
    ),
    'limits of another': (
        "call('prlimit64', victim, 7, (ctypes.c_uint64 * 2)(0, 0), None)",
        layers('seccomp identity'),
    ),
    'ptrace, that kills at its end': ("call('ptrace', 0x4206, victim, 0, 1 << 20)", _TO_ROOT),
}

ATTACKS = [
    *(
        Attack(f'signal: {name}', Goal.SIGNAL, off, WALK, text, 'sandlock test_isolate_signals')
        for name, (text, off) in _SIGNALS.items()
    ),
    *(
        Attack(f'call: {name}', Goal.SIGNAL, off, KERNEL, text, 'sandlock test_isolate_signals')
        for name, (text, off) in _BY_NUMBER.items()
    ),
]
