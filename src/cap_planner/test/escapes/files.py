"""Files that are read, listed, written and changed."""

from __future__ import annotations

import textwrap

from escapes.attack import FROM_DISK, KERNEL, WALK, Attack, Goal, layers

_OPEN = layers('seccomp landlock rlimits')
_OPEN_IN_PYTHON = _OPEN | {'scope'}
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

# The same through modules that an import finds on the disk.
_IMPORTED_READS = {
    'numpy.fromfile': (
        "say(np.fromfile(secret_path, 'u1').tobytes().decode())",
        'Agenta CVE-2026-27952',
    ),
    'numpy.loadtxt': ('say(str(np.loadtxt(secret_path, dtype=str)))', 'Agenta CVE-2026-27952'),
    'numpy.genfromtxt': (
        'say(str(np.genfromtxt(secret_path, dtype=str)))',
        'Agenta CVE-2026-27952',
    ),
    'numpy DataSource': (
        'say(np.lib.npyio.DataSource(folder).open(secret_path).read())',
        'Agenta CVE-2026-27952',
    ),
    'open in the scope': ('say(open(secret_path).read())', 'Code as Policies: open was reachable'),
    'import os': (
        'import os\nsay(os.popen("cat " + secret_path).read())',
        'RestrictedPython test_imports',
    ),
    'import builtins': (
        'import builtins as b\nsay(b.open(secret_path).read())',
        'smolagents test_vulnerability_builtins',
    ),
    'import pathlib': (
        'from pathlib import Path\nsay(Path(secret_path).read_text())',
        'smolagents DANGEROUS_MODULES',
    ),
    'import io': ('import io\nsay(io.open(secret_path).read())', 'smolagents DANGEROUS_MODULES'),
    'import shutil': (
        """
        import shutil, io
        out = io.StringIO()
        shutil.copyfileobj(open(secret_path), out)
        say(out.getvalue())
        """,
        'smolagents DANGEROUS_MODULES',
    ),
    'import of a planted module': (
        'import sys\nsys.path.append(folder)\nimport planted\nsay(planted.secret)',
        'monty mount tests, files planted in a shared folder',
    ),
    'runpy': (
        "import runpy\nsay(runpy.run_path(folder + '/planted.py')['secret'])",
        'pyjail folklore',
    ),
    'fileinput': (
        "import fileinput\nsay(''.join(fileinput.input(secret_path)))",
        'pyjail folklore',
    ),
    'with': (
        'with open(secret_path) as file:\n    say(file.read())',
        'RestrictedPython test_with_stmt',
    ),
    'eval': ("eval('say(open(secret_path).read())')", 'RestrictedPython test_eval_exec'),
    'exec': ("exec('say(open(secret_path).read())')", 'RestrictedPython test_eval_exec'),
    'compile': (
        "eval(compile('say(open(secret_path).read())', 'x', 'eval'))",
        'smolagents DANGEROUS_FUNCTIONS',
    ),
    'getattr with an assembled name': (
        "b = getattr(say, '_' * 2 + 'builtins' + '_' * 2)\nsay(open(secret_path).read())",
        "Code as Policies: getattr(x, '_' * 2 + ...)",
    ),
    'vars': ("say(vars(np)['fromfile'](secret_path, 'u1').tobytes().decode())", 'pyjail folklore'),
    'globals': (
        "b = globals()['__builtins__']\nsay(b['open'](secret_path).read())",
        'smolagents DANGEROUS_FUNCTIONS',
    ),
    'a subclass of str': (
        """
        class Name(str):
            def startswith(self, *_): return False
        kind = getattr((), Name('__class__'))
        found = [c for c in kind.__base__.__subclasses__() if c.__name__ == '_wrap_close']
        say(found[0].__init__.__globals__['fdopen'](found[0].__init__.__globals__['open'](
            secret_path, 0)).read())
        """,
        'RestrictedPython test_Guards, SAFER_GETATTR_BREAKOUT',
    ),
    'string.Formatter': (
        """
        import string
        inner, _ = string.Formatter().get_field('0.__globals__', (say,), {})
        say(inner['sys'].modules['builtins'].open(secret_path).read())
        """,
        'RestrictedPython CVE-2026-76825',
    ),
    'operator.attrgetter': (
        """
        import operator
        inner = operator.attrgetter('__globals__')(say)
        say(inner['sys'].modules['builtins'].open(secret_path).read())
        """,
        'RestrictedPython pull request 330',
    ),
    'operator.methodcaller': (
        """
        import operator
        found = operator.methodcaller('__subclasses__')(().__class__.__base__)
        inner = [c for c in found if c.__name__ == '_wrap_close'][0].__init__.__globals__
        say(inner['fdopen'](inner['open'](secret_path, 0)).read())
        """,
        'RestrictedPython pull request 330',
    ),
    'random._os': (
        'import random\nsay(random._os.popen("cat " + secret_path).read())',
        'smolagents CVE-2025-5120',
    ),
    'queue.threading._sys': (
        """
        import queue
        os = queue.threading._os if hasattr(queue.threading, '_os') else None
        os = os or queue.threading._sys.modules['os']
        say(os.read(os.open(secret_path, 0), 99).decode())
        """,
        'smolagents CVE-2025-5120',
    ),
    'doctest.inspect.os': (
        'import doctest\nsay(doctest.inspect.os.popen("cat " + secret_path).read())',
        'smolagents test_vulnerability_via_submodules',
    ),
    'asyncio.base_events.events.subprocess': (
        """
        import asyncio
        run = asyncio.base_events.events.subprocess.check_output
        say(run(['cat', secret_path]).decode())
        """,
        'smolagents test_vulnerability_via_submodules',
    ),
    'warnings.sys': (
        """
        import warnings
        sys = list(map(getattr, [warnings], ['sys']))[0]
        say(sys.modules['builtins'].open(secret_path).read())
        """,
        'smolagents test_vulnerability_via_submodules_through_indirect_attribute_access',
    ),
    'functools.partial over getattr': (
        """
        import functools, warnings
        sys = list(map(functools.partial(getattr, warnings), ['sys']))[0]
        say(sys.modules['builtins'].open(secret_path).read())
        """,
        'smolagents test_vulnerability_via_submodules_through_indirect_attribute_access',
    ),
    'importlib': (
        "import importlib\nsay(importlib.import_module('io').open(secret_path).read())",
        'smolagents test_vulnerability_via_importlib',
    ),
    'numpy.ma.core.inspect': (
        "say(np.ma.core.inspect.sys.modules['builtins'].open(secret_path).read())",
        'Agenta CVE-2026-27952',
    ),
    'numpy.f2py': (
        'import numpy.f2py\nsay(np.f2py.os.popen("cat " + secret_path).read())',
        'Agenta CVE-2026-27952',
    ),
    'numpy.ctypeslib': (
        """
        import numpy.ctypeslib
        libc = np.ctypeslib.ctypes.CDLL(None)
        fd = libc.open(secret_path.encode(), 0)
        text = np.ctypeslib.ctypes.create_string_buffer(99)
        libc.read(fd, text, 99)
        say(text.value.decode())
        """,
        'Agenta CVE-2026-27952',
    ),
    'shapely.lib': (
        'say(shapely.lib.__loader__.get_data(secret_path).decode())',
        'Agenta CVE-2026-27952',
    ),
    'pickled array': (
        """
        import pickle, io
        class Bomb:
            def __reduce__(self): return (eval, (f'open({secret_path!r}).read()',))
        file = io.BytesIO()
        np.save(file, np.array([Bomb()], dtype=object), allow_pickle=True)
        file.seek(0)
        say(str(np.load(file, allow_pickle=True)))
        """,
        'smolagents CVE-2025-14931',
    ),
    'marshalled code': (
        """
        import marshal
        code = marshal.dumps(compile('say(open(secret_path).read())', 'x', 'exec'))
        exec(marshal.loads(code))
        """,
        'pyjail folklore',
    ),
    'code that is put together': (
        """
        def f(): return print
        text = f.__code__.replace(co_names=('open',))
        say(type(f)(text, globals())()(secret_path).read())
        """,
        'pyjail folklore',
    ),
    '__build_class__ with a metaclass': (
        """
        class Meta(type):
            def __getitem__(cls, path): return open(path).read()
        class Reader(metaclass=Meta): pass
        say(Reader[secret_path])
        """,
        'RestrictedPython test_classdef',
    ),
    '__del__ at the end': (
        """
        class Late:
            def __del__(self): say(open(secret_path).read())
        late = Late()
        del late
        """,
        'smolagents issue 2395',
    ),
    '__eq__ of a value': (
        """
        class Odd:
            def __eq__(self, other): return bool(say(open(secret_path).read()))
        Odd() in [1]
        """,
        'smolagents issue 2395',
    ),
    'breakpoint': (
        """
        import sys
        sys.breakpointhook = lambda: say(open(secret_path).read())
        breakpoint()
        """,
        'RestrictedPython test_breakpoint',
    ),
    'global statement': (
        """
        def f():
            global words
            words = open(secret_path).read()
        f()
        say(words)
        """,
        'RestrictedPython test_global_local',
    ),
    'ctypes': (
        """
        import ctypes
        libc = ctypes.CDLL(None)
        text = ctypes.create_string_buffer(99)
        libc.read(libc.open(secret_path.encode(), 0), text, 99)
        say(text.value.decode())
        """,
        'smolagents issue 2094',
    ),
}

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

ATTACKS = [
    *(
        Attack(
            f'read: {name}', Goal.READ_FILE, _OPEN, WALK + _BYTES_OF, text, 'sandlock test_landlock'
        )
        for name, text in _READS.items()
    ),
    *(
        Attack(f'in Python: {name}', Goal.READ_FILE, _OPEN_IN_PYTHON, '', text, origin, FROM_DISK)
        for name, (text, origin) in _IMPORTED_READS.items()
    ),
    *(
        Attack(f'write: {name}', Goal.WRITE_FILE, _OPEN, WALK, text, 'monty fs_security')
        for name, text in _WRITES.items()
    ),
    *(
        Attack(f'change: {name}', Goal.WRITE_FILE, off, WALK, text, 'sandlock test_sandbox')
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
        'write: ndarray.tofile',
        Goal.WRITE_FILE,
        _OPEN_IN_PYTHON,
        '',
        "np.zeros(3).tofile(folder + '/a')",
        'Agenta CVE-2026-27952',
        FROM_DISK,
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
    Attack(
        'write: lock of multiprocessing',
        Goal.WRITE_FILE,
        _OPEN_IN_PYTHON,
        '',
        "import _multiprocessing\n_multiprocessing.SemLock(0, 1, 1, f'/{nonce}', False)",
        'locks of multiprocessing',
        FROM_DISK,
    ),
]
