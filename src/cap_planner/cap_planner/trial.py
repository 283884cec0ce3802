"""Tries a generated function on simple inputs, before a program relies on it. No ROS.

What the arguments are is read from the call that asked for it: what can be computed as it stands
is; calls of the API are what they return; the rest is guessed by the name. To refuse a good
function would be worse than to miss a bad one, which its program would bring to light:

- It has to fail on every guess, others after the likeliest, each in the place of every argument.
- What it raises itself is its answer, as the errors of the robot are.
- It finds what the program that calls it will: its session, and its functions. What the program
  computes first is not there yet; that it is missing says nothing.
- Where nothing tells what an argument is, only errors count that no argument can cause.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cap_planner.api.spec import Api, ApiFunction, Kind, Point, Points
from cap_planner.fgen import definitions
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import (
    Call,
    Outcome,
    Program,
    ProgramError,
    Reply,
    Returned,
    Session,
    Status,
)
from cap_planner.sandbox.vocabulary import BUILTINS
from cap_planner.verifier import Undefined, defined_functions, shortened
from cap_planner.verifier.names import free_names

_WALL_S = 2.0
_MAX_CALLS = 300
_MOST_TOLD = 200
_NAMES = ['blue block', 'red block', 'green bowl', 'yellow block']
_POSITIONS = [[0.1, -0.4], [-0.1, -0.5], [0.0, -0.3], [0.2, -0.6]]
_NAME_LIST = repr(_NAMES[:3])
_POINT = 'np.array([0.05, -0.45])'
_POINTS = f'np.array({_POSITIONS})'
_LINE = 'shapely.LineString([[-0.1, -0.5], [0.2, -0.3]])'
_POLYGON = 'shapely.Polygon([[0, 0], [0.2, 0], [0.2, 0.1], [0, 0.1]])'
_BOX = '[0.0, -0.5, 0.1, -0.4]'

# The first pattern that the name of an argument fits says what it probably is.
_BY_NAME = (
    (r'.*(names|objects|objs|blocks|bowls)', _NAME_LIST),
    (r'.*(name|obj|object|color|text|message|word)', repr(_NAMES[0])),
    (r'.*bboxes', '[[0.0, -0.5, 0.1, -0.4], [0.1, -0.4, 0.2, -0.3]]'),
    (r'.*bbox(_\w+)?', _BOX),
    (r'.*(points?|pts|positions|coords|corners|vertices|targets)(_np)?', _POINTS),
    (r'.*(pt|pos|position|center|centre|start|end|delta|direction|offset|vector)(_np)?', _POINT),
    (r'(num|n|count|number|k|idx|index|nth|deg|sides|turns)(_\w+)?|.*(idx|index|count)', '3'),
    (r'.*(angle|degrees)(_\w+)?', '30.0'),
    (r'.*line', _LINE),
    (r'.*(polygon|shape|geometry)', _POLYGON),
    (r'.*(values|numbers|list|weights|ts)', '[3.0, 1.0, 2.0]'),
)
# A whole number first: loops that count with it end.
_OTHERWISE = (
    *('3', '0.1', _POINTS, _POINT, _NAME_LIST, repr(_NAMES[0]), _BOX, _LINE, _POLYGON),
    *(f'{{{_NAMES[0]!r}: {_NAMES[2]!r}}}', f'{{{_NAMES[0]!r}: {_POINT}}}', f'set({_NAME_LIST})'),
    *('True', 'lambda value: value'),
)

# Whatever the arguments are: the name is not there, or a call has not the arguments it should.
_CERTAIN = (
    r'NameError: .*',
    r"AttributeError: module '.*",
    r'TypeError: \w+\(\) (takes|missing|got an unexpected keyword|got multiple values).*',
)


def try_function(
    missing: Undefined,
    functions: Mapping[str, str],
    api: Api,
    session: Session,
    sandbox: Sandbox,
    known: Collection[str] = (),
) -> str | None:
    """What is wrong with a function, as far as simple inputs can tell; None: nothing.

    Args:
        missing: the function, and the call that asked for it.
        functions: it and all that were generated with it, callees first.
        session: what it finds beside them; of the texts of its functions only the definitions
            count.
        known: further names that the program will find when it calls the function.
    """
    around = {name: definitions(text) for name, text in session.functions.items()}
    there = replace(session, functions=around)

    def run(calls: list[str], *, plural: bool) -> Outcome | None:
        try:
            program = Program(_program(calls), api, there, functions)
            return sandbox.run(program, _Samples(api, plural).answer, wall_seconds=_WALL_S)
        except _EnoughError:
            return None

    present = {*session.variables, *defined_functions(*around.values(), *functions.values())}
    attempts = attempts_for(missing, api, present)
    likeliest, *others = attempts.calls
    outcome = run([likeliest], plural=False)
    if outcome and outcome.error and _is_of_the_trial(outcome.error, functions, known):
        return None
    problem = _problem(likeliest, outcome, attempts.is_certain)
    if outcome is None or problem is None or _is_certain(outcome.error):
        return problem
    if outcome.status is not Status.KILLED:
        others = attempts.calls
    for plural in (False, True) if others else ():
        other = run(others, plural=plural)
        if other is not None and other.status is Status.KILLED:
            break
        if other is None or other.status is not Status.PROGRAM_ERROR:
            return None  # one is right, or they could not be tried
    return problem


@dataclass(frozen=True)
class Attempts:
    """Calls of a function with simple arguments.

    Attributes:
        calls: the likeliest first.
        is_certain: something tells of every argument what it is.
    """

    calls: list[str]
    is_certain: bool


def attempts_for(missing: Undefined, api: Api, known: Collection[str] = ()) -> Attempts:
    """How a function may be called.

    Args:
        known: names of the session.
    """
    call = next(
        node
        for node in ast.walk(ast.parse(missing.signature))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == missing.name
    )
    nodes = [('', node) for node in call.args]
    nodes += [(keyword.arg or '', keyword.value) for keyword in call.keywords]
    arguments = [_argument(name, node, api, known) for name, node in nodes]
    likely = [argument.likely or _OTHERWISE[0] for argument in arguments]
    rows = [likely, *_variations(arguments, likely)]
    calls = [_call(missing.name, arguments, row) for row in rows]
    return Attempts(list(dict.fromkeys(calls)), all(argument.likely for argument in arguments))


@dataclass(frozen=True)
class _Argument:
    """An argument of the call that asked for a function.

    Attributes:
        likely: the text of what it may be; None: nothing tells.
        is_exact: it is that.
    """

    keyword: str
    likely: str | None
    is_exact: bool = False


def _variations(arguments: list[_Argument], likely: list[str]) -> Iterator[list[str]]:
    """Other guesses: for what nothing tells, for one argument after the other, for all."""
    for other in _OTHERWISE:
        yield [argument.likely or other for argument in arguments]
    for index, argument in enumerate(arguments):
        if not argument.is_exact:
            for other in _OTHERWISE:
                yield [*likely[:index], other, *likely[index + 1 :]]
    for other in _OTHERWISE:
        yield [
            value if argument.is_exact else other
            for argument, value in zip(arguments, likely, strict=True)
        ]


def _call(name: str, arguments: list[_Argument], values: list[str]) -> str:
    parts = [
        f'{argument.keyword}={value}' if argument.keyword else value
        for argument, value in zip(arguments, values, strict=True)
    ]
    return f'{name}({", ".join(parts)})'


def _argument(keyword: str, node: ast.expr, api: Api, known: Collection[str]) -> _Argument:
    outside = {*api, *known, *BUILTINS, 'np', 'math'}
    text = ast.unparse(node)
    if not isinstance(node, ast.Starred) and not free_names(ast.parse(text), outside):
        return _Argument(keyword, text, is_exact=True)
    return _Argument(keyword, _likely(keyword, node, api))


def _likely(keyword: str, node: ast.expr, api: Api) -> str | None:
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
        (list[float], _BOX),
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


def _problem(attempt: str, outcome: Outcome | None, is_certain: bool) -> str | None:
    """What the likeliest attempt says of the function, if others say no better."""
    if outcome is None:
        return None
    if outcome.status is Status.PROGRAM_ERROR and outcome.error:
        error = outcome.error
        raised = re.match(
            r'(raise|assert)\b', error.trace[-1].source.strip() if error.trace else ''
        )
        if raised or not (is_certain or _is_certain(error)):
            return None
        places = [place for place in error.trace if place.where != 'program']
        lines = [f'line {place.line}: {place.source}' for place in places]
        return '\n'.join(
            [
                f'tried as {shortened(attempt, _MOST_TOLD)}, it fails',
                *lines,
                f'{error.type}: {error.message}',
            ]
        )
    if outcome.status is Status.KILLED and is_certain:
        return f'tried as {shortened(attempt, _MOST_TOLD)}, it does not end: {outcome.text}'
    return None  # that it could not be tried says nothing of it


def _is_of_the_trial(
    error: ProgramError, functions: Collection[str], known: Collection[str]
) -> bool:
    """Whether the trial lacks what the program has, such as a variable that it sets itself."""
    place = error.trace[-1].where if error.trace else ''
    is_generated = place.removeprefix('function ') in functions
    if not is_generated and error.line == 0:
        return True  # it was not even begun
    name = re.fullmatch(r"name '(\w+)' is not defined", error.message)
    is_around = place != 'program' and not is_generated
    return error.type == 'NameError' and bool(is_around or (name and name[1] in known))


def _is_certain(error: ProgramError | None) -> bool:
    """Whether no argument can have caused it."""
    text = f'{error.type}: {error.message}' if error else ''
    return any(re.fullmatch(pattern, text) for pattern in _CERTAIN)


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
