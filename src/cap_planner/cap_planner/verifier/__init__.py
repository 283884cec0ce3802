"""Looks at a program before it runs, and says everything that is wrong with it. No ROS.

A gate for quality, never the boundary: that is the sandbox. What passes here reads like the
programs of the prompts, and its errors come back to the model with line and advice.
"""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Collection, Mapping
from types import MappingProxyType

from cap_planner.api.spec import Api, Kind
from cap_planner.labels import Label
from cap_planner.sandbox import vocabulary
from cap_planner.sandbox.libraries import preloaded
from cap_planner.sandbox.text import python_lines
from cap_planner.verifier.calls import header, signatures
from cap_planner.verifier.names import bound_names, defined_functions, free_names
from cap_planner.verifier.report import Report, Undefined, Violation
from cap_planner.verifier.rules import Rules, name_advice
from cap_planner.verifier.tree import levels

__all__ = [
    'Report',
    'Undefined',
    'Violation',
    'defined_functions',
    'header',
    'scope_names',
    'signatures',
    'verify',
]

MAX_CHARS = 20_000
MAX_DEPTH = 60
# Characters that make a text look other than it runs: controls, line ends that are none to Python,
# and those that change the order (CVE-2021-42574).
_HIDDEN = re.compile(
    r'[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]'
)


def scope_names(api: Api) -> frozenset[str]:
    """Every name that a program finds without defining or importing it."""
    return frozenset(preloaded()) | vocabulary.BUILTINS | vocabulary.ERRORS | frozenset(api)


def verify(
    source: str,
    api: Api,
    *,
    calls: Collection[Kind] = tuple(Kind),
    known: Collection[str] = (),
    functions: Mapping[str, inspect.Signature] = MappingProxyType({}),
    imports: Collection[str] = (),
    returns: str | None = None,
    allow_undefined: bool = False,
) -> Report:
    """Everything that is wrong with a program.

    Args:
        calls: the kinds of API functions that the program may call.
        known: names of variables and functions that the program finds in its session.
        functions: those of them that have been written, with what they take.
        imports: import statements of the session, whose names the program may use, too.
        returns: the variable that the program has to set, if its value is asked for.
        allow_undefined: functions that nobody has defined are only listed, to be written next;
            otherwise each is a violation, too.
    """
    check = _Check(source)
    if tree := check.parse():
        scope = {*scope_names(api), *known, *functions}
        nodes = check.nodes
        assigned = _assigned(nodes)
        rules = Rules(api, calls, assigned, known, functions, check.add)
        earlier = ast.parse('\n'.join(imports)).body
        for statement in earlier:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                rules.imports.check(statement, lambda *_: None)  # was checked with its program
        scope |= bound_names(earlier) - {'*'} - rules.imports.hinted.keys()
        rules.check(nodes)
        hinted = {k: v for k, v in rules.imports.hinted.items() if k not in assigned}
        undefined = check.names(tree, nodes, scope, hinted, allow_undefined)
        refuses = bool(tree.body) and isinstance(tree.body[-1], ast.Raise)
        if returns is not None and not refuses and returns not in bound_names(tree.body):
            check.add(
                tree, 'missing_result', f'the program never sets {returns!r}', f'assign {returns}'
            )
        return Report(tuple(sorted(check.violations)), undefined)
    return Report(tuple(check.violations))


class _Check:
    """What is found.

    Attributes:
        nodes: of the tree, once it is parsed.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._lines = python_lines(source)
        self.violations: set[Violation] = set()
        self.nodes: list[ast.AST] = []

    def add(
        self,
        node: ast.AST | tuple[int, int],
        rule: str,
        message: str,
        advice: str,
        label: Label = Label.VERIFIER_REJECTED,
    ) -> None:
        """Note what is wrong with a node, or at (line, column)."""
        at = node if isinstance(node, tuple) else None
        line, column = at or (getattr(node, 'lineno', 0), getattr(node, 'col_offset', 0))
        source = self._lines[line - 1] if 0 < line <= len(self._lines) else ''
        if at is None:  # ast counts bytes of UTF-8
            column = len(source.encode()[:column].decode(errors='ignore'))
        source = source.strip()[:200]
        self.violations.add(Violation(line, column, rule, message, advice, label, source))

    def parse(self) -> ast.Module | None:
        """The tree; None if there is none, or none that can be looked at."""
        if len(self._source) > MAX_CHARS:
            message = f'the program has {len(self._source)} characters; at most {MAX_CHARS}'
            self.add((0, 0), 'too_long', message, 'define fewer things')
            return None
        for number, line in enumerate(self._lines, 1):
            if found := _HIDDEN.search(line):
                what = f'the character U+{ord(found[0]):04X}, which cannot be seen'
                self.add(
                    (number, found.start()),
                    'hidden',
                    what,
                    'write it as an escape, or leave it away',
                )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')  # such as an invalid escape in a string
                tree = ast.parse(self._source)
                compile(self._source, '<program>', 'exec', dont_inherit=True)
        except SyntaxError as error:
            label = Label.MODEL_MALFORMED
            at = (error.lineno or 0, max((error.offset or 1) - 1, 0))
            self.add(at, 'syntax', f'not Python: {error.msg}', '', label)
            return None
        except ValueError as error:
            self.add((0, 0), 'syntax', f'not Python: {error}', '', Label.MODEL_MALFORMED)
            return None
        except (RecursionError, MemoryError):
            self.add((0, 0), 'too_deep', 'the program is nested too deeply', 'use variables')
            return None
        self.nodes = []
        for depth, level in enumerate(levels(tree)):
            if depth > MAX_DEPTH:
                deep = level[0] if hasattr(level[0], 'lineno') else tree
                self.add(deep, 'too_deep', 'an expression nested too deeply', 'use variables')
                return None
            self.nodes += level
        return tree

    def names(
        self,
        tree: ast.Module,
        nodes: list[ast.AST],
        scope: set[str],
        hinted: dict[str, str],
        allow_undefined: bool,
    ) -> tuple[Undefined, ...]:
        """Report names that nothing binds; list those of them that are called."""
        calls = {
            id(node.func): node
            for node in nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        signatures = {
            id(node.value): node
            for node in nodes
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call)
        }
        undefined: dict[str, Undefined] = {}
        for use in _unbound(tree, nodes, scope, hinted):
            name = hinted.get(use.id, use.id)
            call = calls.get(id(use))
            if name in vocabulary.FORBIDDEN_BUILTINS:
                advice = name_advice(name, scope)
                self.add(use, 'forbidden_name', f'{name!r} is not part of programs', advice)
            elif name.startswith('__'):
                continue  # has been reported
            elif call is not None:
                use.id = name  # an alias means nothing to who is to write the function
                signature = ast.unparse(signatures.get(id(call), call))
                undefined.setdefault(name, Undefined(name, signature, use.lineno))
                if not allow_undefined:
                    advice = name_advice(name, scope)
                    message = f'no function {name!r} is defined'
                    self.add(use, 'unknown_function', message, advice, Label.UNKNOWN_API)
            elif name not in undefined:
                advice = name_advice(name, scope)
                self.add(use, 'undefined_name', f'nothing defines the name {name!r}', advice)
        return tuple(undefined.values())


def _unbound(
    tree: ast.Module, nodes: list[ast.AST], scope: set[str], hinted: dict[str, str]
) -> list[ast.Name]:
    """Uses of names that nothing binds. An import from a hint module binds only what exists."""
    unwritten = {local for local, name in hinted.items() if name not in scope}
    uses = free_names(tree, scope)
    if unwritten:
        uses += [n for n in nodes if isinstance(n, ast.Name) and n.id in unwritten]
        uses.sort(key=lambda node: (node.lineno, node.col_offset))
    return uses


def _assigned(nodes: list[ast.AST]) -> set[str]:
    """Names that the program binds somewhere, other than by an import."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return names
