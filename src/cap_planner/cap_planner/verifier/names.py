"""Which names a program binds and which it only uses, by Python's rules of scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cap_planner.verifier.tree import children, walk

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that the statements of one scope bind, without those of functions in it."""
    names: set[str] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
                continue
            case ast.Lambda():
                continue
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                # Only an assignment expression reaches out of a comprehension.
                inner = (n.target for n in walk(node) if isinstance(n, ast.NamedExpr))
                names |= {target.id for target in inner}
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.alias(name=name, asname=asname):
                names.add(asname or name.partition('.')[0])
            case ast.ExceptHandler(name=str(name)):
                names.add(name)
        stack += children(node)
    return names


def defined_functions(*texts: str) -> set[str]:
    """The functions that texts define at their top level, by `def` or as a named lambda.

    One that does not parse defines none.
    """
    names: set[str] = set()
    for text in texts:
        try:
            stack: list[ast.AST] = [*ast.parse(text).body]
        except (SyntaxError, ValueError):
            continue
        while stack:
            match node := stack.pop():
                case ast.FunctionDef(name=name):
                    names.add(name)
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda()):
                    names.add(name)
                case ast.stmt() | ast.ExceptHandler():  # a branch is no scope of its own
                    stack += children(node)
    return names


def free_names(tree: ast.Module, outside: set[str]) -> list[ast.Name]:
    """Uses of names that neither the program nor `outside` binds, in the order of the text."""
    free = list(_free(tree.body, (outside | bound_names(tree.body),)))
    return sorted(free, key=lambda node: (node.lineno, node.col_offset))


def _free(nodes: Iterable[ast.AST | None], scopes: tuple[set[str], ...]) -> Iterator[ast.Name]:
    for node in nodes:
        match node:
            case None:
                continue
            case ast.Name(id=name, ctx=ast.Load()):
                if not any(name in scope for scope in scopes):
                    yield node
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _free_in_function(node, scopes)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                yield from _free_in_comprehension(node, scopes)
            case _:
                yield from _free(children(node), scopes)


def _free_in_function(node: _Function, scopes: tuple[set[str], ...]) -> Iterator[ast.Name]:
    args = node.args
    yield from _free([*args.defaults, *args.kw_defaults], scopes)
    yield from _free(getattr(node, 'decorator_list', []), scopes)
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    own = {arg.arg for arg in every if arg is not None}
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*node.body]
    yield from _free(body, (*scopes, own | bound_names(body)))


def _free_in_comprehension(
    node: _Comprehension, scopes: tuple[set[str], ...]
) -> Iterator[ast.Name]:
    yield from _free([node.generators[0].iter], scopes)  # evaluated outside
    inner = (*scopes, bound_names(generator.target for generator in node.generators))
    for number, generator in enumerate(node.generators):
        later = [generator.iter] if number else []
        yield from _free([*later, generator.target, *generator.ifs], inner)
    parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    yield from _free(parts, inner)
