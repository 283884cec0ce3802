"""Which names a program binds and which it only uses, by Python's rules of scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Set
from typing import Any

from cap_planner.verifier.tree import children

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


class Scope:
    """What the statements of one scope bind and use, found in one walk through them.

    Args:
        nodes: the statements.
        owner: of a comprehension: the scope around it that its assignment expressions bind in.

    Attributes:
        bound: names that it binds, without those of functions and comprehensions in it.
    """

    def __init__(self, nodes: Iterable[ast.AST], owner: Scope | None = None) -> None:
        self.bound: set[str] = set()
        self._uses: list[ast.Name] = []
        self._inner: list[Scope] = []
        self._owner = owner or self
        self._read(nodes)

    def free(self, outside: Set[str]) -> list[ast.Name]:
        """Uses of names that are bound neither here nor in `outside`, in no order."""
        known = outside | self.bound
        found = [use for use in self._uses if use.id not in known]
        for scope in self._inner:
            found += scope.free(known)
        return found

    def _read(self, nodes: Iterable[ast.AST]) -> None:
        stack: list[Any] = [*nodes]
        while stack:
            node = stack.pop()
            kind = type(node)
            if kind is ast.Name:  # a third of all nodes
                self._read_name(node)
            elif kind in _FUNCTIONS:
                stack += self._read_function(node)
            elif kind in _COMPREHENSIONS:
                stack.append(self._read_comprehension(node))
            else:
                stack += self._read_other(node)

    def _read_name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._uses.append(node)
        else:
            self.bound.add(node.id)

    def _read_function(self, node: _Function) -> list[ast.AST]:
        """Returns what is evaluated outside of it."""
        args = node.args
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*node.body]
        inner = Scope(body)
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        inner.bound |= {arg.arg for arg in every if arg is not None}
        self._inner.append(inner)
        around: list[ast.AST] = [*args.defaults, *filter(None, args.kw_defaults)]
        if not isinstance(node, ast.Lambda):
            self.bound.add(node.name)
            around += node.decorator_list
        return around

    def _read_comprehension(self, node: _Comprehension) -> ast.AST:
        """Returns what is evaluated outside of it."""
        first, *later = node.generators
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._inner.append(Scope([first.target, *first.ifs, *later, *parts], self._owner))
        return first.iter

    def _read_other(self, node: ast.AST) -> list[ast.AST]:
        """Returns what remains to be read."""
        match node:
            case ast.NamedExpr(target=target, value=value):
                self._owner.bound.add(target.id)
                return [value]
            case ast.ClassDef(name=name):
                self.bound.add(name)
                self._inner.append(Scope(children(node)))
                return []
            case ast.alias(name=name, asname=asname):
                self.bound.add(asname or name.partition('.')[0])
            case ast.ExceptHandler(name=str(name)):
                self.bound.add(name)
        return children(node)


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that the statements of one scope bind, without those of functions in it."""
    return Scope(nodes).bound


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


def free_names(tree: ast.Module, outside: Set[str]) -> list[ast.Name]:
    """Uses of names that neither the program nor `outside` binds."""
    return Scope(tree.body).free(outside)
