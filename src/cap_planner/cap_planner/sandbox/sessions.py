"""How a session grows when a program ends. The texts come from what the verifier has seen.

The child only names the functions that it holds and where they stand; their sources are cut from
the program here, so that a child cannot put a text of its own into the next program's scope.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cap_planner.sandbox import libraries, vocabulary
from cap_planner.sandbox.frames import FrameError
from cap_planner.sandbox.program import Program, Session
from cap_planner.sandbox.room import fitting
from cap_planner.sandbox.scope import protected_names
from cap_planner.sandbox.texts import PROGRAM

_DROPPED_LIMIT = 200
_TEXT_LIMIT = 200


def next_session(
    program: Program, end: Mapping[str, Any], known: Mapping[str, str]
) -> tuple[Session, dict[str, str]]:
    """The session after a program, and what was dropped with the reason.

    Args:
        end: the child's end frame.
        known: sources by name of all functions that were given to the child.

    Raises:
        FrameError: the end frame is not what a child sends.
    """
    variables = _mapping(end, 'variables')
    dropped = _told(_mapping(end, 'dropped'))
    _check_names(program, variables)
    functions: dict[str, str] = {}
    tree = ast.parse(program.source)
    for name, where in _mapping(end, 'functions').items():
        given = _given(where, known)
        source = _source(program.source, tree, name, where)
        if given is not None:
            functions[given] = known[given]  # with the helpers that came in the same text
        elif source is not None:
            functions[name] = source
        else:
            dropped[name] = 'a function under another name than its own'
    _check_names(program, functions)
    ordered = {name: functions[name] for name in known if name in functions} | functions
    imports = dict.fromkeys((*program.session.imports, *_imports(tree, program)))
    return Session(variables, ordered, tuple(imports)), dropped


def within(session: Session, room: int) -> tuple[Session, dict[str, str]]:
    """The session with those imports and functions that go into so many bytes, and why others do
    not. Of its variables, those are already that there is room for.
    """
    imports = {line: line for line in session.imports}
    kept, dropped = fitting({**imports, **session.functions}, room)
    functions = {name: text for name, text in session.functions.items() if name in kept}
    left = tuple(line for line in imports if line in kept)
    return replace(session, functions=functions, imports=left), _told(dropped)


def _told(dropped: Mapping[str, Any]) -> dict[str, str]:
    """What is told of them, and of how many."""
    told = list(dropped.items())[:_DROPPED_LIMIT]
    return {name[:_TEXT_LIMIT]: str(why)[:_TEXT_LIMIT] for name, why in told}


def _mapping(end: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = end.get(key)
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise FrameError(f'an end frame without {key}')
    return value


def _check_names(program: Program, names: Mapping[str, Any]) -> None:
    protected = protected_names(program.api)
    for name in names:
        if not name.isidentifier() or name.startswith('_') or name in protected:
            raise FrameError(f'a session with the name {name[:80]!r}')


def _given(where: Any, known: Mapping[str, str]) -> str | None:
    """The given text that a function stands in; None: it stands in the program."""
    match where:
        case [str(file), str(), int()]:
            name = file.removeprefix('<function ').removesuffix('>')
            return name if file == f'<function {name}>' and name in known else None
    raise FrameError(f'a function at {where!r}'[:200])


def _source(program: str, tree: ast.Module, name: str, where: list[Any]) -> str | None:
    """The text of a function of the program; None if it has none under this name."""
    file, own, line = where
    if file == PROGRAM and own in (name, '<lambda>'):
        for node in _top_level(tree.body):
            if _defines(node, name) and _line_of(node) == line:
                # Lines and columns as the parser counts them: nothing but the statement itself.
                text = ast.get_source_segment(program, node, padded=True) or ''
                # One out of a branch stays indented, for it may hold texts of several lines.
                return f'if True:\n{text}' if text[:1].isspace() else text
    return None


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of the module's scope, those in its branches and loops included."""
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef):
            continue
        for part in ('body', 'orelse', 'finalbody'):
            yield from _top_level(getattr(node, part, []))
        for handler in getattr(node, 'handlers', []):
            yield from _top_level(handler.body)


def _defines(node: ast.stmt, name: str) -> bool:
    match node:
        case ast.FunctionDef(name=own):
            return own == name
        case ast.Assign(targets=[ast.Name(id=own)], value=ast.Lambda()):
            return own == name
    return False


def _line_of(node: ast.stmt) -> int:
    return node.value.lineno if isinstance(node, ast.Assign) else node.lineno


def _imports(tree: ast.Module, program: Program) -> list[str]:
    """The imports that live on: of a library, and binding no name that others rely on."""
    protected = protected_names(program.api)
    return [
        ast.unparse(node)
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and _is_harmless(node, protected)
    ]


def _is_harmless(node: ast.Import | ast.ImportFrom, protected: Collection[str]) -> bool:
    found = libraries.libraries()
    if isinstance(node, ast.ImportFrom):
        known = not node.level and node.module in {*found, *vocabulary.HINT_MODULES}
        return known and not any((alias.asname or alias.name) in protected for alias in node.names)
    for alias in node.names:
        name = alias.asname or alias.name.partition('.')[0]
        # `import numpy as np` binds what the name holds already; so does `import numpy.linalg`.
        bound = found.get(alias.name if alias.asname else name)
        again = bound is libraries.preloaded().get(name, node)
        if alias.name not in found or (name in protected and not again):
            return False
    return True
