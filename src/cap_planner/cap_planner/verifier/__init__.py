"""Looks at a program before it runs, and says everything that is wrong with it. No ROS.

A gate for quality, never the boundary: that is the sandbox. What passes here reads like the
programs of the prompts, and its errors come back to the model with line and advice.
"""

from __future__ import annotations

import ast
import functools
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
from cap_planner.verifier.calls import Values, header, signatures
from cap_planner.verifier.names import Scope, bound_names, defined_functions
from cap_planner.verifier.report import Report, Undefined, Violation, excerpt, shortened
from cap_planner.verifier.rules import Rules, name_advice
from cap_planner.verifier.tree import Nodes, by_type, levels

__all__ = [
    'Report',
    'Undefined',
    'Violation',
    'defined_functions',
    'header',
    'scope_names',
    'shortened',
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
        nodes, names = by_type(check.nodes), Scope(tree.body)
        assigned = _assigned(nodes)
        values = Values(api, nodes, known)
        rules = Rules(api, calls, assigned, functions, values, check.add)
        earlier = ast.parse('\n'.join(imports)).body
        for statement in earlier:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                rules.imports.check(statement, lambda *_: None)  # was checked with its program
        scope |= bound_names(earlier) - {'*'} - rules.imports.hinted.keys()
        rules.check(nodes)
        hinted = {k: v for k, v in rules.imports.hinted.items() if k not in assigned}
        undefined = check.names(nodes, names, scope, hinted, allow_undefined)
        refuses = bool(tree.body) and isinstance(tree.body[-1], ast.Raise)
        if returns is not None and not refuses and returns not in names.bound:
            check.add(
                tree, 'missing_result', f'the program never sets {returns!r}', f'assign {returns}'
            )
        return Report(tuple(sorted(check.violations)), undefined)
    return Report(tuple(sorted(check.violations)))


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
        shown = excerpt(source, column)
        self.violations.add(Violation(line, column, rule, message, advice, label, shown))

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
                compile(tree, '<program>', 'exec', dont_inherit=True)
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
        nodes: Nodes,
        names: Scope,
        scope: set[str],
        hinted: dict[str, str],
        allow_undefined: bool,
    ) -> tuple[Undefined, ...]:
        """Report names that nothing binds; list those of them that are called."""
        calls = {node.func: node for node in nodes[ast.Call]}
        signatures = {node.value: node for node in nodes[ast.Assign] + nodes[ast.AnnAssign]}
        undefined: dict[str, Undefined] = {}
        advise = functools.cache(functools.partial(name_advice, scope=scope))
        for use in _unbound(nodes, names, scope, hinted):
            name = hinted.get(use.id, use.id)
            call = calls.get(use)
            if name in vocabulary.FORBIDDEN_BUILTINS:
                what = f'{name!r} is not part of programs'
                self.add(use, 'forbidden_name', what, advise(name))
            elif name.startswith('__'):
                continue  # has been reported
            elif call is not None:
                use.id = name  # an alias means nothing to who is to write the function
                if name not in undefined:
                    signature = _text(signatures.get(call, call)) or ast.unparse(call)
                    undefined[name] = Undefined(name, signature, use.lineno)
                if not allow_undefined:
                    message = f'no function {name!r} is defined'
                    self.add(use, 'unknown_function', message, advise(name), Label.UNKNOWN_API)
            elif name not in undefined:
                what = f'nothing defines the name {name!r}'
                self.add(use, 'undefined_name', what, advise(name))
        return tuple(undefined.values())


def _text(node: ast.stmt | ast.expr) -> str:
    """The node as Python writes it; empty for one that it cannot write."""
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError):  # an annotation, which no rule looks at
        return ''


def _unbound(nodes: Nodes, names: Scope, scope: set[str], hinted: dict[str, str]) -> list[ast.Name]:
    """Uses of names that nothing binds, in the order of the text. An import from a hint module
    binds only what exists.
    """
    unwritten = {local for local, name in hinted.items() if name not in scope}
    uses = names.free(scope)
    uses += [node for node in nodes[ast.Name] if node.id in unwritten]
    return sorted(uses, key=lambda node: (node.lineno, node.col_offset))


def _assigned(nodes: Nodes) -> set[str]:
    """Names that the program binds somewhere, other than by an import."""
    names = {node.id for node in nodes[ast.Name] if not isinstance(node.ctx, ast.Load)}
    return names | {d.name for d in nodes[ast.FunctionDef]} | {a.arg for a in nodes[ast.arg]}
