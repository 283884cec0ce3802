"""The names that a program starts with, and what its imports bind."""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cap_planner.sandbox import libraries, vocabulary


class Printed:
    """What the program printed, up to a limit of characters."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._parts: list[str] = []

    def write(self, *values: object, sep: str = ' ', end: str = '\n', **_: object) -> None:
        """Take the place of the builtin `print`."""
        text = ((' ' if sep is None else sep).join(map(str, values)) + (end or ''))[: self._left]
        self._left -= len(text)
        self._parts.append(text)

    def text(self) -> str:
        """All of it."""
        return ''.join(self._parts)


class _Hints:
    """A hint module of the prompts: every name is one that the scope holds, or may get later."""

    __all__: tuple[str, ...] = ()

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope

    def __getattr__(self, name: str) -> Any:
        for names in (self._scope, self._scope.get('__builtins__', {})):
            if name in names:
                return names[name]
        return Unwritten(name)


class Unwritten:
    """A function that a hint names and nobody has written: only its use is an error."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: object, **__: object) -> None:
        """Fail as any name does that nothing defines."""
        raise NameError(f'name {self._name!r} is not defined')


def _type(value: object) -> type:
    """The type of a value; the builtin would also make classes."""
    return type(value)


def _import(
    name: str,
    scope: Mapping[str, Any] | None = None,
    _locals: object = None,
    wanted: Collection[str] | None = (),
    level: int = 0,
) -> Any:
    if isinstance(wanted, list):
        # Not the program: numpy's C code, which imports in the name of the calling frame.
        return builtins.__import__(name, None, None, wanted, level)
    found = libraries.libraries()
    if level == 0 and name in found:
        return found[name if wanted else name.partition('.')[0]]
    if level == 0 and name in vocabulary.HINT_MODULES and wanted:
        return _Hints(scope or {})
    raise ImportError(f'no module {name!r}; programs have numpy, shapely, transforms3d and math')


def given_names(printed: Printed) -> dict[str, Any]:
    """What a program has without defining it: builtins, errors and libraries.

    It takes the place of the builtins, so that a namespace holds what its program made, and making
    one costs nothing.
    """
    given: dict[str, Any] = {
        name: getattr(builtins, name)
        for name in vocabulary.BUILTINS | vocabulary.BUILTIN_ERRORS
        if hasattr(builtins, name)
    }
    given |= {'print': printed.write, 'type': _type, '__import__': _import}
    return {**given, **libraries.preloaded(), **vocabulary.api_errors()}


def namespace(given: Mapping[str, Any]) -> dict[str, Any]:
    """A fresh global namespace."""
    return {'__builtins__': given, '__name__': 'program'}


def protected_names(api: Iterable[str]) -> frozenset[str]:
    """Names that no program gives another meaning, and no session holds."""
    return vocabulary.BUILTINS | vocabulary.ERRORS | libraries.modules() | frozenset(api)


class _NoFiles:
    """Finds no module: a child has no files to find one in."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        raise ModuleNotFoundError(f'no module {name!r}', name=name)


def forget_the_disk() -> None:
    """Turn imports of what is not loaded into ImportError, where opening would kill the child."""
    sys.meta_path[:] = [_NoFiles()]
    sys.path[:] = []
    sys.path_hooks[:] = []


def functions_of(scope: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The functions of the session and the program, by name."""
    return {
        name: value
        for name, value in scope.items()
        if isinstance(value, types.FunctionType) and given.get(name) is not value
    }
