"""The rules that look at one node of a program at a time."""

from __future__ import annotations

import ast
import difflib
import inspect
import itertools
import re
import string
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from cap_planner.api.spec import Api, ApiFunction, Kind
from cap_planner.labels import Label
from cap_planner.sandbox import libraries, vocabulary
from cap_planner.sandbox.frames import INT_BITS
from cap_planner.sandbox.text import mixes_alphabets
from cap_planner.verifier.calls import Values, misfit, wrong_arguments
from cap_planner.verifier.imports import Imports
from cap_planner.verifier.tree import Nodes, children

_ALLOWED = frozenset(
    {
        *(ast.Module, ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.Pass),
        *(ast.For, ast.While, ast.If, ast.Break, ast.Continue, ast.FunctionDef, ast.Return),
        *(ast.Try, ast.ExceptHandler, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom, ast.alias),
        *(ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Starred, ast.Call, ast.keyword),
        *(ast.Constant, ast.JoinedStr, ast.FormattedValue, ast.List, ast.Tuple, ast.Set, ast.Dict),
        *(ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.NamedExpr, ast.Lambda),
        *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension),
        *(ast.arguments, ast.arg, ast.Nonlocal),
    }
)
# Those that write down a name.
_NAMING = (
    *(ast.Name, ast.FunctionDef, ast.ClassDef, ast.arg, ast.keyword, ast.ExceptHandler),
    *(ast.alias, ast.Nonlocal, ast.Global),
)
_FORBIDDEN = {
    'ClassDef': ('a class', 'write functions, and keep data in dicts'),
    'With': ('a with statement', 'programs have nothing to open'),
    'Global': ('a global statement', 'return the value'),
    'Yield': ('a generator', 'return a list'),
    'YieldFrom': ('a generator', 'return a list'),
    'Match': ('a match statement', 'use if and elif'),
    'TryStar': ('except*', 'use except'),
}
_DUNDER = re.compile(r'__\w+__')
# Functions that would make the rule on attributes void.
_BY_NAME = 'name the attribute itself'
_NAME_ADVICE = {
    **dict.fromkeys(('open', 'input'), 'programs have no files and no keyboard; ask with say()'),
    **dict.fromkeys(('exec', 'eval', 'compile'), 'write the code itself'),
    **dict.fromkeys(('getattr', 'setattr', 'delattr', 'hasattr'), _BY_NAME),
    **dict.fromkeys(('globals', 'locals', 'vars', 'dir'), 'use the variables by name'),
    **dict.fromkeys(('exit', 'quit'), 'let the program come to its end'),
}

Add = Callable[..., None]


class Rules:
    """Walks the tree and reports to `add(node, rule, message, advice, label=...)`.

    Args:
        calls: the kinds of functions that the program may call.
        assigned: names that the program binds other than by import: they hide a library's.
        functions: those of the session that have been written, with what they take.
        values: of the program's expressions.
    """

    def __init__(
        self,
        api: Api,
        calls: Collection[Kind],
        assigned: set[str],
        functions: Mapping[str, inspect.Signature],
        values: Values,
        add: Add,
    ) -> None:
        self._api = api
        self._calls = calls
        self._assigned = assigned
        self._add = add
        self.imports = Imports()
        self._functions = functions
        self._values = values

    def check(self, nodes: Nodes) -> None:
        """Apply all rules to the nodes of a program."""

        def of(*kinds: type[ast.AST]) -> Iterator[Any]:
            return itertools.chain.from_iterable(nodes[kind] for kind in kinds)

        for node in of(ast.Import, ast.ImportFrom):
            self.imports.check(node, self._add)
        for kind in nodes.keys() - _ALLOWED:
            for node in of(kind):
                self._check_kind(node)
        for node in of(*_NAMING):
            self._check_identifiers(node)
        for node in of(ast.Name):
            self._check_part(node, node.id)
        good_formats = {id(node.func) for node in of(ast.Call) if _is_plain_format(node)}
        for node in of(ast.Attribute):
            self._check_attribute(node, id(node) in good_formats)
        for node in of(ast.Constant):
            self._check_constant(node)
        for node in of(ast.Call):
            self._check_call(node)
        for node in of(ast.While):
            self._check_loop(node)
        handled = {node.name for node in of(ast.ExceptHandler)}
        for node in of(ast.Raise):
            self._check_raise(node, handled)
        for node in of(ast.FunctionDef):
            for decorator in node.decorator_list[:1]:
                self._add(decorator, 'decorator', 'a decorator', 'write the function without it')

    def _check_kind(self, node: ast.AST) -> None:
        kind = type(node).__name__
        if kind == 'MatchValue' or kind.startswith(('match', 'type_', 'withitem', 'TypeVar')):
            return
        what, advice = _FORBIDDEN.get(kind.removeprefix('Async'), (kind, ''))
        self._add(node, 'statement', f'{what} is not part of programs', advice)

    def _check_identifiers(self, node: ast.AST) -> None:
        """Names that start with two underscores, and names of the scope that are bound anew."""
        for name, binds in _identifiers(node):
            if name.startswith('__'):
                self._add(node, 'dunder', f'the name {name!r}', 'names of internals are forbidden')
            elif mixes_alphabets(name):
                what = f'the name {name!r} mixes letters that look alike: {name!a}'
                self._add(node, 'lookalike', what, 'write it in one alphabet')
            elif binds and name in self._api:
                advice = 'choose another name'
                self._add(node, 'api_rebound', f'{name!r} is a function of the robot', advice)
            elif binds and name in libraries.modules() and not _imports_itself(node, name):
                advice = 'choose another name'
                self._add(node, 'library_rebound', f'{name!r} is a library', advice)

    def _check_part(self, node: ast.Name, name: str) -> None:
        """No function of the API that this program's part is not told of, called or not."""
        function = self._function(name)
        if function is not None and function.kind not in self._calls:
            message = f'{function.name} is no part of a program that is asked for a value'
            self._add(node, 'not_its_part', message, 'find the value out, and do nothing')

    def _check_attribute(self, node: ast.Attribute, good_format: bool) -> None:
        name = node.attr
        if name.startswith('_'):
            self._add(node, 'private', f'the attribute {name!r}', 'internals are forbidden')
            return
        module = self._module(node.value)
        if module is not None:
            members = vars(libraries.libraries()[module])['__all__']
            if name not in members:
                message = f'{module} has no {name!r} for programs'
                self._add(node, 'attribute', message, _close(name, members))
        elif name in ('format', 'format_map'):
            if not good_format:
                message = f'.{name}() on other than a literal with plain fields'
                self._add(node, 'format', message, "use an f-string: f'{x}'")
        elif name not in libraries.method_names():
            message = f'no value in a program has the attribute {name!r}'
            self._add(node, 'attribute', message, _close(name, libraries.method_names()))

    def _module(self, node: ast.expr) -> str | None:
        """Dotted name of the library that an expression stands for."""
        if isinstance(node, ast.Name):
            return None if node.id in self._assigned else self.imports.modules.get(node.id)
        if isinstance(node, ast.Attribute):
            dotted = f'{self._module(node.value)}.{node.attr}'
            return dotted if dotted in libraries.libraries() else None
        return None

    def _function(self, name: str) -> ApiFunction | None:
        """The function of the API that a name stands for."""
        return self._api.get(self.imports.hinted.get(name, name))

    def _check_constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, str) and _DUNDER.search(value):
            self._add(node, 'dunder', f'the text {value[:40]!r} names an internal', '')
        elif isinstance(value, int) and value.bit_length() > INT_BITS:
            advice = f'integers have at most {INT_BITS} bits'
            self._add(node, 'integer', f'an integer of {value.bit_length()} bits', advice)
            node.value = 0  # for what comes after: Python neither converts nor writes every one

    def _check_call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Name):
            return
        name = node.func.id
        if name == 'type' and len(node.args) + len(node.keywords) != 1:
            self._add(node, 'forbidden_name', 'type() with other than one argument', '')
        function = self._function(name)
        wrong = None
        if function is not None:
            wrong = wrong_arguments(node, function, self._values.of)
        elif name in self._functions and name not in self._assigned:
            wrong = misfit(node, name, self._functions[name])
        if wrong:
            self._add(node, 'arguments', wrong, '', label=Label.WRONG_ARGUMENTS)

    def _check_loop(self, node: ast.While) -> None:
        if not (isinstance(node.test, ast.Constant) and node.test.value):
            return
        for inner in _own_nodes(node.body):
            match inner:
                case ast.Return() | ast.Raise():
                    return
                case ast.Call(func=ast.Name(id=name)):
                    function = self._function(name)
                    if function is not None and function.kind is Kind.QUERY:
                        return
        if not _breaks(node.body):
            advice = 'end it by break, or by a condition that a query changes'
            self._add(node, 'endless_loop', 'this loop never ends', advice)

    def _check_raise(self, node: ast.Raise, handled: set[str | None]) -> None:
        exc = node.exc
        if exc is None:
            return
        raised = exc.func if isinstance(exc, ast.Call) else exc
        known = vocabulary.ERRORS | handled
        if not (isinstance(raised, ast.Name) and raised.id in known):
            message = f'raise of {ast.unparse(raised)[:60]!r}'
            self._add(node, 'raise', message, 'raise a known exception, such as ValueError')


def name_advice(name: str, scope: set[str]) -> str:
    """What to write instead of a name that is not there."""
    return _NAME_ADVICE.get(name) or _close(name, scope)


def _close(name: str, names: Any) -> str:
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.75)
    return f'is {" or ".join(near)} meant?' if near else ''


def _identifiers(node: ast.AST) -> list[tuple[str, bool]]:  # noqa: PLR0911
    """The names that a node writes down, and whether it binds them."""
    match node:
        case ast.Name(id=name, ctx=ctx):
            return [(name, not isinstance(ctx, ast.Load))]
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [(name, True)]
        case ast.arg(arg=name):
            return [(name, True)]
        case ast.keyword(arg=str(name)):
            return [(name, False)]
        case ast.ExceptHandler(name=str(name)):
            return [(name, True)]
        case ast.alias(name=name, asname=asname):
            own = [(part, False) for part in name.split('.')]
            return [*own, (asname, asname != name)] if asname else own
        case ast.Nonlocal(names=names) | ast.Global(names=names):
            return [(name, False) for name in names]
    return []


def _imports_itself(node: ast.AST, name: str) -> bool:
    """Whether this is `import numpy as np`, which binds what the name holds already."""
    return isinstance(node, ast.alias) and (
        libraries.libraries().get(node.name) is libraries.preloaded()[name]
    )


def _own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Nodes of these statements without those of functions defined in them."""
    stack: list[ast.AST] = [*body]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            continue
        yield node
        stack += children(node)


def _breaks(body: list[ast.stmt]) -> bool:
    """Whether a break in these statements ends the loop around them."""
    for node in body:
        match node:
            case ast.Break():
                return True
            case ast.For(orelse=orelse) | ast.While(orelse=orelse):
                if _breaks(orelse):  # a break in the inner body ends the inner loop
                    return True
            case ast.FunctionDef():
                continue
            case _:
                parts = [getattr(node, part, []) for part in ('body', 'orelse', 'finalbody')]
                parts += [handler.body for handler in getattr(node, 'handlers', [])]
                if any(_breaks(part) for part in parts):
                    return True
    return False


def _is_plain_format(node: ast.Call) -> bool:
    """Whether this is `'literal'.format(...)` whose fields reach into nothing."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr='format')):
            return _plain_fields(text)
    return False


def _plain_fields(text: str | None) -> bool:
    if not text:
        return True
    try:
        fields = list(string.Formatter().parse(text))
    except ValueError:
        return False
    return all(
        (not name or name.isidentifier() or name.isdecimal()) and _plain_fields(spec)
        for _, name, spec, _ in fields
    )
