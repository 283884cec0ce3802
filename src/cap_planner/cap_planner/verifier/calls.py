"""Calls of the robot API in a program, checked against the declaration."""

from __future__ import annotations

import ast
from typing import Any

from cap_planner.api.spec import ApiFunction, WrongArgumentsError


def wrong_arguments(call: ast.Call, function: ApiFunction) -> str | None:
    """What is wrong with the arguments of a call; None: nothing that can be seen from here.

    Number and names always, unless `*` or `**` hides them; types where all arguments are literals.
    """
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        return None
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    keywords = {keyword.arg or '': keyword.value for keyword in call.keywords}
    try:
        function.signature.bind(*call.args, **keywords)
    except TypeError as error:
        return f'{function.name}: {error}; it is {function.header()}'
    try:
        args = tuple(_literal(arg) for arg in call.args)
        kwargs = {name: _literal(value) for name, value in keywords.items()}
    except ValueError:
        return None
    try:
        function.bind(args, kwargs)
    except WrongArgumentsError as error:
        return str(error)
    return None


def _literal(node: ast.expr) -> Any:
    return ast.literal_eval(node)
