"""Tries a generated function on simple inputs, before a program relies on it. No ROS.

What the arguments are is read from the call that asked for it: literals as they are, calls of the
API by what they return, the rest by the name. Where that is a guess, others are tried after it: a
function is refused only if it fails on all of them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from cap_planner.api.spec import Api, ApiFunction, Kind, Point, Points
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import Call, Outcome, Program, Reply, Returned, Session, Status
from cap_planner.verifier import Undefined

_WALL_S = 2.0
_MAX_CALLS = 300
_NAMES = ['blue block', 'red block', 'green bowl', 'yellow block']
_POSITIONS = [[0.1, -0.4], [-0.1, -0.5], [0.0, -0.3], [0.2, -0.6]]
_NAME_LIST = repr(_NAMES[:3])
_POINT = 'np.array([0.05, -0.45])'
_POINTS = f'np.array({_POSITIONS})'
_LINE = 'shapely.LineString([[-0.1, -0.5], [0.2, -0.3]])'
_POLYGON = 'shapely.Polygon([[0, 0], [0.2, 0], [0.2, 0.1], [0, 0.1]])'

# The first pattern that the name of an argument fits says what it probably is.
_BY_NAME = (
    (r'.*names', _NAME_LIST),
    (r'.*(name|obj|object|color|text|message|word)', repr(_NAMES[0])),
    (r'.*bboxes', '[[0.0, -0.5, 0.1, -0.4], [0.1, -0.4, 0.2, -0.3]]'),
    (r'.*bbox(_\w+)?', '[0.0, -0.5, 0.1, -0.4]'),
    (r'.*(points?|pts|positions|coords|corners|vertices|targets)(_np)?', _POINTS),
    (r'.*(pt|pos|position|center|centre|start|end|delta|direction|offset|vector)(_np)?', _POINT),
    (r'(num|n|count|number|k|idx|index|nth|deg|sides|turns)(_\w+)?|.*(idx|index|count)', '3'),
    (r'.*(angle|degrees)(_\w+)?', '30.0'),
    (r'.*line', _LINE),
    (r'.*(polygon|shape|geometry)', _POLYGON),
    (r'.*(values|numbers|list|weights|ts)', '[3.0, 1.0, 2.0]'),
)
_OTHERWISE = ('0.1', _POINTS, _POINT, _NAME_LIST, repr(_NAMES[0]), '3', _LINE, _POLYGON)


def try_function(
    missing: Undefined,
    functions: Mapping[str, str],
    api: Api,
    session: Session,
    sandbox: Sandbox,
) -> str | None:
    """What is wrong with a function, as far as simple inputs can tell; None: nothing.

    Args:
        missing: the function, and the call that asked for it.
        functions: it and all that were generated with it, callees first.
        session: what it finds beside them.
    """
    attempts = list(attempts_for(missing, api))
    for plural in (False, True):
        samples = _Samples(api, plural)
        program = Program(_program(attempts), api, session, functions)
        try:
            outcome = sandbox.run(program, samples.answer, wall_seconds=_WALL_S)
        except _EnoughError:
            return None
        if outcome.status is Status.FINISHED:
            return None
    return _problem(attempts[0], outcome)


def attempts_for(missing: Undefined, api: Api) -> Iterator[str]:
    """Calls with simple arguments, the likeliest first."""
    call = next(
        node
        for node in ast.walk(ast.parse(missing.signature))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == missing.name
    )
    arguments = [('', value) for value in call.args]
    arguments += [(keyword.arg or '', keyword.value) for keyword in call.keywords]
    values = [_value(name, node, api) for name, node in arguments]
    guesses = [value or _OTHERWISE[0] for value in values]
    yield _call(missing.name, arguments, guesses)
    for other in _OTHERWISE:
        unsure = [
            other if value is None else guess for value, guess in zip(values, guesses, strict=True)
        ]
        yield _call(missing.name, arguments, unsure)
    for other in _OTHERWISE:
        yield _call(missing.name, arguments, [other] * len(guesses))


def _call(name: str, arguments: list[tuple[str, ast.expr]], values: list[str]) -> str:
    parts = [
        f'{keyword}={value}' if keyword else value
        for (keyword, _), value in zip(arguments, values, strict=True)
    ]
    return f'{name}({", ".join(parts)})'


def _value(keyword: str, node: ast.expr, api: Api) -> str | None:
    """The source text of a value that the argument may have; None: nothing tells."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError):
        pass
    else:
        return ast.unparse(node)
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in api:
            return _sample_text(api[name])
        case ast.ListComp(elt=ast.Call(func=ast.Name(id=name))) if name in api:
            sample = _sample_text(api[name])
            return f'[{sample}, {sample}, {sample}]' if sample else None
        case ast.Call(func=ast.Name(id='len')):
            return '3'
    named = node.id if isinstance(node, ast.Name) else ''
    for name in (keyword, named):
        for pattern, value in _BY_NAME:
            if name and re.fullmatch(pattern, name):
                return value
    return None


def _sample_text(function: ApiFunction) -> str | None:
    returns = function.signature.return_annotation
    samples = (
        (Point, _POINT),
        (Points, _POINTS),
        (list[Point], f'list({_POINTS})'),
        (list[str], _NAME_LIST),
        (list[float], '[0.0, -0.5, 0.1, -0.4]'),
        (str, repr(_NAMES[0])),
        (bool, 'True'),
    )
    return next((text for kind, text in samples if kind == returns), None)


def _program(attempts: list[str]) -> str:
    """Ends well as soon as one of the calls does; a typed error of the robot is a good end."""
    lambdas = ',\n    '.join(f'lambda: {attempt}' for attempt in dict.fromkeys(attempts))
    return (
        f'error_ = None\nfor attempt_ in [\n    {lambdas},\n]:\n'
        '    try:\n        attempt_()\n        error_ = None\n        break\n'
        '    except CapError:\n        error_ = None\n        break\n'
        '    except Exception as failure_:\n        error_ = error_ or failure_\n'
        'if error_ is not None:\n    raise error_\n'
    )


def _problem(attempt: str, outcome: Outcome) -> str | None:
    if outcome.status is Status.PROGRAM_ERROR and outcome.error:
        places = [place for place in outcome.error.trace if place.where != 'program']
        lines = [f'line {place.line}: {place.source}' for place in places]
        error = f'{outcome.error.type}: {outcome.error.message}'
        return '\n'.join([f'tried as {attempt}, it fails', *lines, error])
    if outcome.status is Status.KILLED:
        return f'tried as {attempt}, it does not end: {outcome.text}'
    return None  # that it could not be tried says nothing of it


class _EnoughError(Exception):
    """It has made so many calls that it is taken for good."""


class _Samples:
    """Answers the calls of a function that is tried: values of the declared types.

    Args:
        plural: an LMP answers with several, not with one.
    """

    def __init__(self, api: Api, plural: bool) -> None:
        self._api = api
        self._plural = plural
        self._calls = 0

    def answer(self, call: Call) -> Reply:
        """A value that the call might have."""
        self._calls += 1
        if self._calls > _MAX_CALLS:
            raise _EnoughError
        function = self._api[call.name]
        if function.kind is Kind.LMP:
            return Returned(self._of_lmp(call.name))
        return Returned(self._of_type(function.signature.return_annotation))

    def _of_lmp(self, name: str) -> Any:
        if name.endswith('pts'):
            return np.array(_POSITIONS)
        if name.endswith('position'):
            points = [np.array(point) for point in _POSITIONS]
            return points if self._plural else points[0]
        if name.endswith('question'):
            return 2
        return _NAMES[:3] if self._plural else _NAMES[0]

    def _of_type(self, annotation: Any) -> Any:
        position = np.array(_POSITIONS[self._calls % len(_POSITIONS)])
        samples: tuple[tuple[Any, Callable[[], Any]], ...] = (
            (Point, lambda: position),
            (list[str], lambda: _NAMES),
            (list[float], lambda: [*position - 0.02, *position + 0.02]),
            (list[Point], lambda: [np.array(point) for point in _POSITIONS]),
            (bool, lambda: self._calls % 2 == 0),
            (str, lambda: _NAMES[0]),
        )
        for kind, make in samples:
            if annotation == kind:
                return make()
        return None
