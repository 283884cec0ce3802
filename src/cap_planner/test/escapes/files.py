"""Files that are read, listed, written and changed."""

from __future__ import annotations

import textwrap

from escapes.attack import KERNEL, WALK, Attack, Goal, layers

_OPEN = layers('seccomp landlock rlimits')
_NOT_OPENED = layers('seccomp')  # Landlock does not know of stat; no descriptor is made
_CHANGED = layers('seccomp landlock')
_OF_THE_VICTIM = layers('seccomp landlock rlimits identity capabilities')
_AS_ROOT = layers('seccomp landlock rlimits identity')

# How a secret is read, once the real os and builtins are there.
_READS = {
    'os.open and os.read': 'say(os.read(os.open(secret_path, 0), 99).decode())',
    'FileIO': "say(modules['_io'].FileIO(secret_path).readall().decode())",
    'io.open_code': "say(modules['io'].open_code(secret_path).read().decode())",
    'codecs.open': "say(modules['codecs'].open(secret_path).read())",
    'linecache': "say(modules['linecache'].getline(secret_path, 1))",
    'tokenize.open': "say(modules['tokenize'].open(secret_path).read())",
    'numpy.memmap': "say(bytes_of(modules['numpy'].memmap(secret_path, 'u1', 'r')))",
    'C library': """
        libc = modules['ctypes'].CDLL(None)
        libc.fopen.restype = modules['ctypes'].c_void_p
        libc.fgets.argtypes = [modules['ctypes'].c_char_p, modules['ctypes'].c_int,
                               modules['ctypes'].c_void_p]
        stream = libc.fopen(secret_path.encode(), b'r')
        text = modules['ctypes'].create_string_buffer(99)
        libc.fgets(text, 99, stream) if stream else None
        say(text.value.decode())
    """,
    'relative to a descriptor': """
        where = os.open(folder, os.O_PATH)
        say(os.read(os.open('secret', 0, dir_fd=where), 99).decode())
    """,
    'path with dots': "say(real.open(folder + '/../' + folder.split('/')[-1] + '/secret').read())",
    'through /proc/self/root': "say(real.open('/proc/self/root' + secret_path).read())",
    'O_PATH, then by its descriptor': """
        fd = os.open(secret_path, os.O_PATH)
        say(real.open(f'/proc/self/fd/{fd}').read())
    """,
    'mapped memory': """
        fd = os.open(secret_path, 0)
        say(modules['mmap'].mmap(fd, 16, prot=1).read().decode() * 2)
        say(modules['mmap'].mmap(fd, 32, prot=1).read().decode())
    """,
    'listing of a folder': "say(str(os.listdir(folder + '/..')))",
    'scandir': "say(str([entry.name for entry in os.scandir(folder + '/..')]))",
    'walk of a tree': "say(str(list(os.walk(folder + '/..'))))",
}
_BYTES_OF = '\ndef bytes_of(array): return real.bytes(array).decode()\n'

# How the folder is changed: with a descriptor, and without.
_WRITES = {
    'open': "real.open(folder + '/a', 'w').write(nonce)",
    'os.open': "os.open(folder + '/a', os.O_CREAT | os.O_WRONLY)",
    'append to a file': "real.open(folder + '/open', 'a').write(nonce)",
    'numpy.save': "modules['numpy'].save(folder + '/a', np.zeros(3))",
    'ndarray.dump': "np.zeros(3).dump(folder + '/a')",
    'numpy.memmap to write': "modules['numpy'].memmap(folder + '/a', mode='w+', shape=(3,))",
    'numpy.savetxt': "modules['numpy'].savetxt(folder + '/a', np.zeros(3))",
    'shutil.copy': "modules['shutil'].copyfile(secret_path, folder + '/a')",
    'tempfile': "modules['tempfile'].mkstemp(dir=folder)",
    'lzma': "modules['lzma'].open(folder + '/a', 'w').close()",
    'O_TMPFILE, then a name': """
        fd = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
        linkat = modules['ctypes'].CDLL(None).linkat
        linkat(-100, f'/proc/self/fd/{fd}'.encode(), -100, f'{folder}/a'.encode(), 0x400)
    """,
    'a module for the next start': "real.open(folder + '/sitecustomize.py', 'w').write('x = 1')",
}
_WRITES_BY_NAME = {
    'truncate': ("os.truncate(folder + '/open', 3)", _CHANGED),
    'mkdir': ("os.mkdir(folder + '/a')", _CHANGED),
    'symlink': ("os.symlink('/etc/passwd', folder + '/a')", _CHANGED),
    'mkfifo': ("os.mkfifo(folder + '/a')", _CHANGED),
    'unix socket in the folder': (
        "modules['socket'].socket(1).bind(folder + '/a')",
        _CHANGED | {'rlimits'},
    ),
    'unlink': ("os.unlink(folder + '/open')", _CHANGED),
    'rename': ("os.rename(folder + '/open', folder + '/a')", _CHANGED),
    'hard link': ("os.link(folder + '/open', folder + '/a')", _CHANGED),
    'utime': ("os.utime(folder + '/open')", layers('seccomp')),
    'chmod': ("os.chmod(folder + '/secret', 0o666)", layers('seccomp identity')),
    'chown': ("os.chown(folder + '/secret', 1, 1)", layers('seccomp identity capabilities')),
    'extended attribute': ("os.setxattr(folder + '/open', 'user.a', b'1')", layers('seccomp')),
    'device node': (
        "os.mknod(folder + '/a', 0o600 | 0o20000, os.makedev(1, 3))",
        layers('seccomp landlock identity capabilities'),
    ),
}

# By number, as code does that avoids libc's names.
_CALLS = {
    'open by its old number': ("fd = call('open', secret_path.encode(), 0)", _OPEN, True),
    'openat': ("fd = call('openat', -100, secret_path.encode(), 0)", _OPEN, False),
    'openat2': (
        'how = ctypes.create_string_buffer(24)\n'
        "fd = call('openat2', -100, secret_path.encode(), how, 24)",
        _OPEN,
        False,
    ),
    'handle of a file': (
        """
        handle = ctypes.create_string_buffer(136)
        handle[0] = b'\\x80'
        mount = ctypes.c_int()
        call('name_to_handle_at', -100, secret_path.encode(), handle, ctypes.byref(mount), 0)
        where = os.open(folder, 0)
        fd = call('open_by_handle_at', where, handle, 0)
        """,
        layers('seccomp landlock rlimits identity capabilities'),
        False,
    ),
}

_ROOT_ONLY = ('chown', 'device node', 'handle of a file')

ATTACKS = [
    *(
        Attack(
            f'read: {name}', Goal.READ_FILE, _OPEN, WALK + _BYTES_OF, text, 'sandlock test_landlock'
        )
        for name, text in _READS.items()
    ),
    *(
        Attack(f'write: {name}', Goal.WRITE_FILE, _OPEN, WALK, text, 'monty fs_security')
        for name, text in _WRITES.items()
    ),
    *(
        Attack(
            f'change: {name}',
            Goal.WRITE_FILE,
            off,
            WALK,
            text,
            'sandlock test_sandbox',
            root=name in _ROOT_ONLY,
        )
        for name, (text, off) in _WRITES_BY_NAME.items()
    ),
    *(
        Attack(
            f'call: {name}',
            Goal.READ_FILE,
            off,
            KERNEL,
            f'{textwrap.dedent(text)}\nsay(os.read(fd, 99).decode())',
            'sandlock test_seccomp_enforce',
            root=name in _ROOT_ONLY,
            x86=x86,
        )
        for name, (text, off, x86) in _CALLS.items()
    ),
    Attack(
        'read: what only root may',
        Goal.READ_FILE,
        _AS_ROOT,
        WALK,
        'say(real.open(private_path).read())',
        'sandlock test_user_mapping',
        root=True,
    ),
    Attack(
        'read: through the victim in /proc',
        Goal.READ_FILE,
        _OF_THE_VICTIM,
        WALK,
        "say(real.open(f'/proc/{victim}/root{secret_path}').read())",
        'sandlock test_procfs',
    ),
    Attack(
        'read: target of a link',
        Goal.READ_FILE,
        _NOT_OPENED,
        WALK,
        "say(os.readlink(folder + '/link'))",
        'monty fs_security, links',
    ),
    Attack(
        'write: semaphore in /dev/shm',
        Goal.WRITE_FILE,
        _OPEN,
        WALK,
        "modules['ctypes'].CDLL(None).sem_open(f'/{nonce}'.encode(), os.O_CREAT, 0o600, 1)",
        'locks of multiprocessing',
    ),
]
