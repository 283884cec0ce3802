"""What one function of the robot API is, and how its arguments are checked. No ROS.

A function is declared as an ordinary typed Python function whose body is `...`; the decorator
`declare` says who answers a call. Everything else (prompt hints, allow-list, schemas, stubs,
reference docs) is read from the declaration.
"""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from cap_common.errors import CapError

Point = NDArray[np.float64]
"""A position on the table: shape (2,), metres, frame `workspace` (+x right, +y top)."""

Points = Annotated[NDArray[np.float64], 'points']
"""Positions in an order: shape (N, 2), N at least 2, metres."""

Mask = Annotated[NDArray[np.bool_], 'mask']
"""Pixels of a picture: shape (height, width)."""

Target = str | Point
"""The name of an object or of a named place, or a position."""

MAX_TEXT = 10_000
"""Characters of one text argument: each call is kept, said or put into a prompt."""


class WrongArgumentsError(CapError):
    """A call does not fit the declared signature."""

    name = 'WRONG_ARGUMENTS'


class Kind(enum.StrEnum):
    """Who answers a call."""

    QUERY = 'query'
    """The broker, from the scene it has."""
    ACTION = 'action'
    """A skill server, through an action client of the broker."""
    LMP = 'lmp'
    """Another program, which the language model writes; the child runs it."""


@dataclass(frozen=True)
class ApiFunction:
    """One function of the API.

    Attributes:
        raises: the exceptions that a program may see and catch.
        waits: it returns with the next picture of the camera, so that a loop over it cannot spin.
    """

    name: str
    kind: Kind
    signature: inspect.Signature
    doc: str
    raises: tuple[type[CapError], ...]
    waits: bool = False

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by name, checked and completed with the defaults.

        Raises:
            WrongArgumentsError: with the signature in its text.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise WrongArgumentsError(f'{self.name}: {error}; it is {self.header()}') from error
        bound.apply_defaults()
        return {name: self.check_argument(name, value) for name, value in bound.arguments.items()}

    def check_argument(self, name: str, value: Any) -> Any:
        """The plain form of a value for one parameter.

        Raises:
            WrongArgumentsError: with the signature in its text.
        """
        parameter = self.signature.parameters[name]
        annotation = parameter.annotation
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            return dict(value)
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise WrongArgumentsError(
                f'{self.name}: argument {name!r} has {len(value)} characters; at most {MAX_TEXT} '
                f'are taken; it is {self.header()}'
            )
        for option in _options(annotation):
            ok, checked = _fits(option, value)
            if ok:
                return checked
        raise WrongArgumentsError(
            f'{self.name}: argument {name!r} must be {describe(annotation)}, '
            f'got {_short(value)}; it is {self.header()}'
        )

    def header(self) -> str:
        """The declaration as a person writes it: `get_obj_pos(name: str) -> Point`."""
        parts = []
        for parameter in self.signature.parameters.values():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                parts.append(f'**{parameter.name}')
                continue
            text = f'{parameter.name}: {type_name(parameter.annotation)}'
            if parameter.default is not inspect.Parameter.empty:
                text += f' = {parameter.default!r}'
            parts.append(text)
        returns = type_name(self.signature.return_annotation)
        return f'{self.name}({", ".join(parts)}) -> {returns}'


class Api(Mapping[str, ApiFunction]):
    """The functions of one domain, by name."""

    def __init__(self, domain: str, functions: Mapping[str, ApiFunction]) -> None:
        self.domain = domain
        self._functions = dict(functions)

    def __getitem__(self, name: str) -> ApiFunction:
        return self._functions[name]

    def __iter__(self) -> typing.Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)


_MARK = '_cap_api'


def declare(
    kind: Kind, *raises: type[CapError], waits: bool = False
) -> Callable[[Callable[..., Any]], Any]:
    """Decorator: this function belongs to the API."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(function, _MARK, (kind, raises, waits))
        return function

    return mark


def api_from_module(domain: str, module: types.ModuleType) -> Api:
    """All declarations of a module, in the order they stand there."""
    functions = {}
    for name, function in vars(module).items():
        if not hasattr(function, _MARK):
            continue
        kind, raises, waits = getattr(function, _MARK)
        signature = inspect.signature(function, eval_str=True)
        doc = inspect.getdoc(function) or ''
        functions[name] = ApiFunction(name, kind, signature, doc, raises, waits)
    return Api(domain, functions)


def type_name(annotation: Any) -> str:
    """How a type is written in hints and errors."""
    for name, known in (('Point', Point), ('Points', Points), ('Mask', Mask)):
        if annotation is known:
            return name
    if annotation == Target:
        return 'str | Point'
    if annotation is None or annotation is type(None):
        return 'None'
    if annotation is Any:
        return 'Any'
    if typing.get_origin(annotation) is list:
        return f'list[{type_name(typing.get_args(annotation)[0])}]'
    return getattr(annotation, '__name__', str(annotation))


def describe(annotation: Any) -> str:
    """A type in words."""
    words = {
        str: 'a string',
        Point: 'a finite position [x, y] in metres',
        Points: 'two or more finite positions [[x, y], ...] in metres',
        float: 'a finite number',
        type(None): 'None',
    }
    return ' or '.join(words.get(o, type_name(o)) for o in _options(annotation))


def _options(annotation: Any) -> tuple[Any, ...]:
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return typing.get_args(annotation)
    return (annotation,)


def _fits(annotation: Any, value: Any) -> tuple[bool, Any]:  # noqa: PLR0911
    """Whether the value is of the type, and the value in its plain form."""
    if annotation is Any:
        return True, value
    if annotation is type(None):
        return value is None, value
    if annotation is str:
        # numpy's strings are strings of the program, not of the API.
        return isinstance(value, str), str(value) if isinstance(value, str) else value
    if annotation is bool:
        return isinstance(value, bool | np.bool_), bool(value) if np.ndim(value) == 0 else value
    if annotation in (float, int):
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        fits = bool(number and np.isfinite(value) and (annotation is float or value == int(value)))
        return fits, annotation(value) if fits else value
    if annotation is Point:
        return _fits_array(value, lambda shape: shape == (2,))
    if annotation is Points:
        return _fits_array(value, lambda shape: shape[1:] == (2,) and shape[0] >= 2)
    if typing.get_origin(annotation) is list:
        (item,) = typing.get_args(annotation)
        if not isinstance(value, list | tuple):
            return False, value
        fitted = [_fits(item, element) for element in value]
        return all(ok for ok, _ in fitted), [element for _, element in fitted]
    raise TypeError(f'the API has no check for {annotation!r}')


def _fits_array(value: Any, has_shape: Callable[[tuple[int, ...]], bool]) -> tuple[bool, Any]:
    if isinstance(value, str) or np.iscomplexobj(value):  # whose imaginary part would be dropped
        return False, value
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return False, value
    return bool(has_shape(array.shape) and np.isfinite(array).all()), array


def _short(value: Any) -> str:
    try:
        text = f'{type(value).__name__} {value!r}'
    except ValueError:  # an integer of more digits than Python writes
        text = type(value).__name__
    return text if len(text) <= 120 else text[:117] + '...'
