"""Calls of the robot API in a program, checked against the declaration."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from cap_planner.api.spec import Api, ApiFunction, Kind, Point, Points, WrongArgumentsError
from cap_planner.verifier.tree import Nodes

_DEPTH = 5
_MUTABLE = (ast.List, ast.Dict, ast.Set)
# A value of each type that the API returns.
_SAMPLES: tuple[tuple[Any, Any], ...] = (
    (None, None),
    (str, 'text'),
    (bool, True),
    (Point, np.zeros(2)),
    (Points, np.zeros((3, 2))),
    (list[str], ['text']),
    (list[float], [0.0, 0.0, 1.0, 1.0]),
    (list[Point], [np.zeros(2)]),
)


class UnknownValueError(Exception):
    """Nothing can be said about a value before the program runs."""


class Values:
    """Values that expressions may have, as far as the text of a program tells their types.

    Args:
        nodes: of the program, by type.
        known: names that may hold another value before the program binds them.
    """

    def __init__(self, api: Api, nodes: Nodes, known: Collection[str]) -> None:
        self._api = api
        bound = Counter(node.id for node in nodes[ast.Name] if not isinstance(node.ctx, ast.Load))
        otherwise = {
            *known,
            *(node.arg for node in nodes[ast.arg]),
            *(node.name for node in nodes[ast.FunctionDef] + nodes[ast.ExceptHandler]),
            *(node.asname or node.name for node in nodes[ast.alias]),
        }
        self._values: dict[str, ast.expr] = {}
        for node in nodes[ast.Assign]:
            match node:
                # What a list holds in the end, the text of its first binding does not tell.
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if (
                    bound[name] == 1 and name not in otherwise and type(value) not in _MUTABLE
                ):
                    self._values[name] = value

    def of(self, node: ast.expr, depth: int = 0) -> Any:
        """A value of the expression's type; its own, if it is a literal.

        Raises:
            UnknownValueError: the text does not tell.
        """
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError):
            pass
        match node:
            case ast.JoinedStr():
                return 'text'
            case ast.Name(id=name) if name in self._values and depth < _DEPTH:
                return self.of(self._values[name], depth + 1)
            case ast.Call(func=ast.Name(id=name)) if name in self._api:
                return _sample(self._api[name])
        raise UnknownValueError


def _sample(function: ApiFunction) -> Any:
    if function.kind is not Kind.LMP:
        returns = function.signature.return_annotation
        for kind, sample in _SAMPLES:
            if kind == returns:
                return sample
    raise UnknownValueError


def wrong_arguments(
    call: ast.Call, function: ApiFunction, value_of: Callable[[ast.expr], Any]
) -> str | None:
    """What is wrong with the arguments of a call; None: nothing that can be seen from here.

    Number and names always, unless `*` or `**` hides them; types where the text tells them.
    """
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        return None
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    keywords = {keyword.arg or '': keyword.value for keyword in call.keywords}
    try:
        bound = function.signature.bind(*call.args, **keywords)
    except TypeError as error:
        return f'{function.name}: {error}; it is {function.header()}'
    for name, node in bound.arguments.items():
        if not isinstance(node, ast.expr):
            continue  # variables of an LMP call may be anything
        try:
            function.check_argument(name, value_of(node))
        except UnknownValueError:
            continue
        except WrongArgumentsError as error:
            return str(error)
    return None


@lru_cache(maxsize=512)
def signatures(text: str) -> Mapping[str, inspect.Signature]:
    """The functions that a text defines at its top level, with what they take."""
    tree = ast.parse(text)
    return {
        node.name: _signature(node.args) for node in tree.body if isinstance(node, ast.FunctionDef)
    }


def header(name: str, signature: inspect.Signature) -> str:
    """A function as its calls look: `f(a, b=...)`."""
    return f'{name}{signature}'.replace('=<default>', '=...')


class _Default:
    def __repr__(self) -> str:
        return '<default>'


def _signature(args: ast.arguments) -> inspect.Signature:
    positional = [*args.posonlyargs, *args.args]
    required = len(positional) - len(args.defaults)
    parameters = [
        inspect.Parameter(
            arg.arg,
            inspect.Parameter.POSITIONAL_ONLY
            if index < len(args.posonlyargs)
            else inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if index < required else _Default(),
        )
        for index, arg in enumerate(positional)
    ]
    if args.vararg:
        parameters.append(inspect.Parameter(args.vararg.arg, inspect.Parameter.VAR_POSITIONAL))
    parameters += [
        inspect.Parameter(
            arg.arg,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if default is None else _Default(),
        )
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
    ]
    if args.kwarg:
        parameters.append(inspect.Parameter(args.kwarg.arg, inspect.Parameter.VAR_KEYWORD))
    return inspect.Signature(parameters)


def misfit(call: ast.Call, name: str, signature: inspect.Signature) -> str | None:
    """Why a call does not fit a function that has been written; None: it does, or may."""
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        return None
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    try:
        signature.bind(*call.args, **{keyword.arg or '': None for keyword in call.keywords})
    except TypeError as error:
        return f'{name}: {error}; it is {header(name, signature)}'
    return None
