"""What a program learns of the machine and of other processes."""

from __future__ import annotations

from escapes.attack import KERNEL, WALK, Attack, Goal, layers

_ALONE = layers('seccomp')
_PROC = layers('seccomp landlock rlimits')
_OF_ANOTHER = layers('seccomp landlock identity capabilities')
_FILE_OF_ANOTHER = _OF_ANOTHER | {'rlimits'}
_ENVIRONMENT = layers('launch')

_LEARNED = {
    'os.environ': (
        "say(os.environ['CANARY'])",
        layers('launch environment'),
        'heym pull request 94',
    ),
    'environment by str.format': (
        "say('{0.__globals__[environ]}'.format(os.get_exec_path)[-9999:])",
        layers('launch environment'),
        'RestrictedPython CVE-2023-41039',
    ),
    'environment by format_map': (
        "say('{x.__globals__[environ]}'.format_map({'x': os.get_exec_path})[-9999:])",
        layers('launch environment'),
        'RestrictedPython CVE-2023-41039',
    ),
    'uname': ('say(str(os.uname()))', _ALONE, 'monty os tests'),
    'version of the kernel in /proc': (
        "say(real.open('/proc/version').read())",
        _PROC,
        'sandlock test_procfs',
    ),
    'environment of another': (
        "say(real.open(f'/proc/{victim}/environ').read())",
        _FILE_OF_ANOTHER,
        'sandlock test_proc_parent_pid_blocked',
    ),
    'command line of another': (
        "say(real.open(f'/proc/{victim}/cmdline').read())",
        _PROC,
        'sandlock test_proc_parent_pid_blocked',
    ),
    'memory of another in /proc': (
        """
        memory = real.open(f'/proc/{victim}/mem', 'rb', 0)
        memory.seek(victim_address)
        say(memory.read(victim_length).decode())
        """,
        _FILE_OF_ANOTHER,
        'sandlock test_sensitive_proc_blocked',
    ),
}
_BY_NUMBER = {
    'environment left on the stack': (
        """
        start = ctypes.c_void_p.in_dll(libc, 'program_invocation_name').value
        text = b''
        while len(text.partition(b'CANARY=')[2]) < 32 and len(text) < 1 << 13:
            text += ctypes.string_at(start + len(text), 4)
        say(repr(text[-99:]))
        """,
        _ENVIRONMENT,
        'elf: the environment lies above the stack',
    ),
    'memory of another': (
        """
        text = ctypes.create_string_buffer(victim_length)
        here = (ctypes.c_uint64 * 2)(ctypes.addressof(text), victim_length)
        there = (ctypes.c_uint64 * 2)(victim_address, victim_length)
        call('process_vm_readv', victim, here, 1, there, 1, 0)
        say(text.raw.decode())
        """,
        _OF_ANOTHER,
        'sandlock default blocklist',
    ),
    'ptrace of another': (
        """
        call('ptrace', 16, victim, 0, 0)
        os.waitpid(victim, 0x40000000)
        words = []
        for offset in range(0, victim_length, 8):
            word = ctypes.c_int64()
            call('ptrace', 2, victim, victim_address + offset, ctypes.byref(word))
            words.append(word.value.to_bytes(8, 'little', signed=True))
        call('ptrace', 17, victim, 0, 0)
        say(b''.join(words).decode())
        """,
        _OF_ANOTHER,
        'sandlock test_ptrace_blocked',
    ),
    'uname by number': (
        "text = ctypes.create_string_buffer(390)\ncall('uname', text)\nsay(text.raw.decode())",
        _ALONE,
        'monty os tests',
    ),
}

ATTACKS = [
    *(
        Attack(f'learn: {name}', Goal.INFORMATION, off, WALK, text, origin)
        for name, (text, off, origin) in _LEARNED.items()
    ),
    *(
        Attack(f'call: {name}', Goal.INFORMATION, off, KERNEL, text, origin)
        for name, (text, off, origin) in _BY_NUMBER.items()
    ),
]
