"""What a program leaves for the one after it: in the interpreter, in the zygote, in the kernel."""

from __future__ import annotations

from escapes.attack import KERNEL, WALK, Attack, Goal, layers

_FORK = layers('fork')
_ZYGOTE = layers('seccomp landlock identity capabilities')
_KEPT = layers('seccomp')

_POISON = {
    'a function of numpy': 'np.add = lambda a, b: 7',
    'a constant of math': 'math.pi = 3.0',
    'a part of numpy': 'np.linalg.norm = lambda x: 0.0',
    'a class of shapely': 'Point.buffer = None',
}
_DEEP_POISON = {
    'a real builtin': 'real.len = lambda x: 0',
    'names of the scope': "modules['cap_planner.sandbox.libraries'].preloaded()['box'] = None",
    'words of the language': """
        words = modules['cap_planner.sandbox.vocabulary']
        words.BUILTINS = words.BUILTINS - {'sorted'}
    """,
    'the codec of the pipe': """
        codec = modules['cap_planner.sandbox.frames']
        inner = codec._text
        codec._text = lambda text: inner(text.replace('25.0', '0.0').replace('5.0', '6.0'))
    """,
    'a profile function': """
        def spoil(frame, event, argument):
            if event == 'call' and frame.f_code.co_name == 'base_scope': raise ValueError
        modules['sys'].setprofile(spoil)
    """,
    'a number of the interpreter': ("modules['ctypes'].memset(real.id(201) + 24, 202, 1)"),
    'stubs of the child': """
        frame = modules['sys']._getframe()
        while 'self' not in frame.f_locals: frame = frame.f_back
        frame.f_locals['self']._stubs['say'] = lambda text: None
    """,
}
# Imports are repeated in the next program of the session.
_IMPORTS = {
    'that hides a builtin': 'import math as len',
    'that hides a library': 'import math as np',
    'of a name that hides a type': 'from math import pi as float',
    'of a function nobody wrote': 'from utils import fly as sorted',
}
# A child has the zygote's addresses: what it writes there, every later child is born with.
_IN_THE_ZYGOTE = {
    'process_vm_writev': (
        """
        value = ctypes.c_double(3.0)
        here = (ctypes.c_uint64 * 2)(ctypes.addressof(value), 8)
        there = (ctypes.c_uint64 * 2)(real.id(math.pi) + 16, 8)
        call('process_vm_writev', os.getppid(), here, 1, there, 1, 0)
        """,
        _ZYGOTE,
    ),
    'memory in /proc': (
        """
        memory = real.open(f'/proc/{os.getppid()}/mem', 'r+b', 0)
        memory.seek(real.id(math.pi) + 16)
        memory.write(bytes_of(3.0))
        """,
        _ZYGOTE | {'rlimits'},
    ),
    'ptrace': (
        """
        zygote = os.getppid()
        call('ptrace', 16, zygote, 0, 0)
        os.waitpid(zygote, 0x40000000)
        word = real.int.from_bytes(bytes_of(3.0), 'little')
        call('ptrace', 5, zygote, real.id(math.pi) + 16, word)
        call('ptrace', 17, zygote, 0, 0)
        """,
        _ZYGOTE,
    ),
}
_KEPT_BY_THE_KERNEL = {
    'shared memory': ("call('shmget', ipc_key, 4096, 0o1600)", _KEPT),
    'message queue': ("call('msgget', ipc_key, 0o1600)", _KEPT),
    'semaphores': ("call('semget', ipc_key, 1, 0o1600)", _KEPT),
    'keyring': (
        "call('add_key', b'user', nonce.encode(), b'x', 1, -4)",
        layers('seccomp identity'),
    ),
}
_BYTES_OF = "\ndef bytes_of(number): return modules['struct'].pack('<d', number)\n"

ATTACKS = [
    *(
        Attack(f'poison: {name}', Goal.NEXT_PROGRAM, _FORK, '', text, 'smolagents issue 2395')
        for name, text in _POISON.items()
    ),
    *(
        Attack(f'poison: {name}', Goal.NEXT_PROGRAM, _FORK, WALK, text, 'smolagents issue 2395')
        for name, text in _DEEP_POISON.items()
    ),
    *(
        Attack(
            f'import {name}',
            Goal.NEXT_PROGRAM,
            layers('imports'),
            '',
            text,
            'design: a session is data that the host keeps',
        )
        for name, text in _IMPORTS.items()
    ),
    Attack(
        'import that only an open scope allows',
        Goal.NEXT_PROGRAM,
        layers('imports scope'),
        '',
        'import ctypes',
        'design: a session is data that the host keeps',
    ),
    *(
        Attack(
            f'zygote: {name}',
            Goal.NEXT_PROGRAM,
            off,
            KERNEL + _BYTES_OF,
            text,
            'sandlock default blocklist',
            root=True,
        )
        for name, (text, off) in _IN_THE_ZYGOTE.items()
    ),
    *(
        Attack(
            f'kernel: {name}',
            Goal.NEXT_PROGRAM,
            off,
            KERNEL,
            text,
            'sandlock test_sysv_shmget_denied_by_default',
            optional=True,
        )
        for name, (text, off) in _KEPT_BY_THE_KERNEL.items()
    ),
]
