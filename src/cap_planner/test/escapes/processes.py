"""Processes and threads that a program starts."""

from __future__ import annotations

from escapes.attack import KERNEL, WALK, Attack, Goal, layers

# RLIMIT_NPROC counts for everybody but root, and the identity is not root's.
_FORK = layers('seccomp rlimits')
_EXEC = layers('seccomp landlock')
_BOTH = layers('seccomp rlimits landlock')
_MARK = "'echo x > ' + folder + '/started'"

_FORKS = {
    'os.fork': ('if os.fork() == 0: os._exit(modules["signal"].pause())', _FORK),
    'fork and leave the session': (
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: modules['signal'].pause()
            os._exit(0)
        """,
        _FORK,
    ),
    'a few of a fork bomb': (
        """
        for _ in range(5):
            if os.fork() == 0: os._exit(modules['signal'].pause())
        """,
        _FORK,
    ),
    'pty.fork of libc': (
        """
        libc = modules['ctypes'].CDLL(None)
        if libc.fork() == 0: os._exit(modules['signal'].pause())
        """,
        _FORK,
    ),
    'thread': ("modules['_thread'].start_new_thread(modules['time'].sleep, (9,))", _FORK),
    'threading.Thread': (
        "modules['threading'].Thread(target=modules['time'].sleep, args=(9,), daemon=True).start()",
        _FORK,
    ),
    'a few of a thread bomb': (
        "for _ in range(9): modules['_thread'].start_new_thread(modules['time'].sleep, (9,))",
        _FORK,
    ),
}
_BY_NUMBER = {
    'clone': "if call('clone', 17, 0, 0, 0, 0) == 0: os._exit(modules['signal'].pause())",
    'clone as a sibling': (
        "if call('clone', 0x8000 | 17, 0, 0, 0, 0) == 0: os._exit(modules['signal'].pause())"
    ),
    'clone3': """
        how = (ctypes.c_uint64 * 8)(0, 0, 0, 0, 17)
        if call('clone3', how, 64) == 0: os._exit(modules['signal'].pause())
    """,
    'fork by its old number': "if call('fork') == 0: os._exit(modules['signal'].pause())",
}
_SHELL = {
    'os.system': (f'os.system({_MARK})', _BOTH),
    'os.posix_spawn': (
        f"os.posix_spawn('/bin/sh', ['sh', '-c', {_MARK}], {{}})\nos.wait()",
        _BOTH,
    ),
    'subprocess.Popen': (f"modules['subprocess'].Popen(['sh', '-c', {_MARK}]).wait()", _BOTH),
    'os.execv': (f"os.execv('/bin/sh', ['sh', '-c', {_MARK}])", _EXEC | {'rlimits'}),
    'system of libc': (
        f"modules['ctypes'].CDLL(None).system(({_MARK}).encode())",
        _BOTH,
    ),
    '_posixsubprocess': (
        f"""
        read, write = os.pipe()
        write = os.dup2(write, 9)
        modules['_posixsubprocess'].fork_exec(
            [b'/bin/sh', b'-c', ({_MARK}).encode()], [b'/bin/sh'], True, (write,), None, None,
            -1, -1, -1, -1, -1, -1, read, write, True, False, -1, None, None, None, -1, None, False)
        os.wait()
        """,
        _BOTH,
    ),
}
_EXEC_FROM_MEMORY = """
fd = os.memfd_create('x', 0)
script = '#!/bin/sh\\necho x > ' + folder + '/started\\n'
os.write(fd, script.encode())
arguments = (ctypes.c_char_p * 2)(b'x', None)
libc.execveat.argtypes = None
call('execveat', fd, b'', arguments, (ctypes.c_char_p * 1)(None), 0x1000)
"""

ATTACKS = [
    *(
        Attack(f'fork: {name}', Goal.PROCESS, off, WALK, text, 'sandlock test_resource')
        for name, (text, off) in _FORKS.items()
    ),
    *(
        Attack(
            f'call: {name}',
            Goal.PROCESS,
            _FORK,
            KERNEL,
            text,
            'sandlock seccomp_plan',
            x86='old' in name,
        )
        for name, text in _BY_NUMBER.items()
    ),
    *(
        Attack(f'shell: {name}', Goal.PROCESS, off, WALK, text, 'sandlock test_landlock')
        for name, (text, off) in _SHELL.items()
    ),
    Attack('exec from memory', Goal.PROCESS, _BOTH, KERNEL, _EXEC_FROM_MEMORY, 'kernel: execveat'),
]
