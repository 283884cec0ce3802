"""Answers the calls of one program: schema, budget, dispatch, audit. No ROS.

The child only writes requests to a pipe. What a request may do is decided here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cap_common.errors import CapError
from cap_planner.api.spec import Api, ApiFunction, Kind
from cap_planner.budget import Budget
from cap_planner.evidence import Record
from cap_planner.labels import InstructionError
from cap_planner.writer import Written


@dataclass(frozen=True)
class LmpProgram:
    """The answer to a call of another LMP: a program that the child runs for the value.

    Attributes:
        returns: the variable that holds the value afterwards.
        context: a line that is run before the program, such as "objects = [...]".
        variables: of the program's scope.
    """

    written: Written
    returns: str
    context: str
    variables: dict[str, Any]


class UnknownCallError(CapError):
    """A program called what the API does not have."""

    name = 'UNKNOWN_API'


class Broker:
    """For one program.

    Args:
        robot: has a method for every query and action of the API.
        write: LMP name, query, context and names of variables in scope, to a checked program.
        stopped: polled before every call and after every action: why the program has to end.
        on_call: told of every call before it is carried out, as (text, line).
    """

    def __init__(
        self,
        api: Api,
        robot: Any,
        budget: Budget,
        record: Record,
        write: Callable[[str, str, str, list[str]], tuple[Written, str]],
        stopped: Callable[[], InstructionError | None],
        on_call: Callable[[str, int], None],
    ) -> None:
        self._api = api
        self._robot = robot
        self._budget = budget
        self._record = record
        self._write = write
        self._stopped = stopped
        self._on_call = on_call
        self.fatal: InstructionError | None = None

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], line: int) -> Any:
        """Carry out one call.

        Returns:
            Its value, or an LmpProgram.

        Raises:
            CapError: for the program, which may catch it.
            InstructionError: for nobody to catch: the program has to be ended. Kept in `fatal`.
        """
        try:
            self._budget.call()
            if stop := self._stopped():
                raise stop
            return self._checked_call(name, args, kwargs, line)
        except InstructionError as error:
            self.fatal = error
            raise

    def _checked_call(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], line: int
    ) -> Any:
        call_id = self._record.call_started(name, {'args': plain(args), **plain(kwargs)}, line)
        started = time.monotonic()
        try:
            function = self._api.get(name)
            if function is None:
                raise UnknownCallError(f'no function {name!r}; the API has {sorted(self._api)}')
            arguments = function.bind(args, kwargs)
            self._on_call(call_text(name, arguments), line)
            value = self._dispatch(function, arguments)
        except CapError as error:
            self._record.call_ended(
                call_id, time.monotonic() - started, error=f'{type(error).__name__}: {error}'
            )
            raise
        self._record.call_ended(
            call_id,
            time.monotonic() - started,
            result=value.written.source if isinstance(value, LmpProgram) else plain(value),
        )
        return value

    def _dispatch(self, function: ApiFunction, arguments: dict[str, Any]) -> Any:
        if function.kind is Kind.LMP:
            return self._lmp(function, arguments)
        handler = getattr(self._robot, function.name)
        if function.kind is Kind.QUERY:
            return handler(**arguments)
        started = time.monotonic()
        try:
            return handler(**arguments)
        finally:
            self._budget.motion(time.monotonic() - started)
            # A stop ends the program, whatever the action said of it and the program would catch.
            if stop := self._stopped():
                raise stop

    def _lmp(self, function: ApiFunction, arguments: dict[str, Any]) -> LmpProgram:
        query, context, variables = arguments.values()
        written, returns = self._write(function.name, query, context, list(variables))
        return LmpProgram(written, returns, context, variables)


def call_text(name: str, arguments: dict[str, Any]) -> str:
    """A call as a person writes it."""
    values = (
        repr(plain(value))
        for value in arguments.values()
        if not (isinstance(value, str | dict) and not value)
    )
    text = f'{name}({", ".join(values)})'
    return text if len(text) <= 200 else text[:197] + '...'


def plain(value: Any) -> Any:
    """JSON-ready form of a value for the evidence; what has none becomes its text."""
    if isinstance(value, str | bool | int | float) or value is None:
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, 'tolist'):
        return value.tolist()
    return str(value)
