"""Answers the calls of one program: schema, budget, dispatch, audit. No ROS.

The child only writes requests to a pipe. What a request may do is decided here.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cap_common.errors import CapError
from cap_planner.api.spec import Api, ApiFunction, Kind, WrongArgumentsError
from cap_planner.budget import Budget
from cap_planner.evidence import Record, plain
from cap_planner.labels import InstructionError, label_of
from cap_planner.sandbox import frames
from cap_planner.sandbox.program import Call, NestedResult
from cap_planner.writer import Written


@dataclass(frozen=True)
class LmpProgram:
    """The answer to a call of another LMP: a program that the child runs for the value.

    Attributes:
        returns: the variable that holds the value afterwards.
        variables: of the program's scope: those that the context line sets, and the call's own.
    """

    written: Written
    returns: str
    variables: dict[str, Any] = field(default_factory=dict)


class Broker:
    """For one program.

    Args:
        robot: has a method for every query and action of the API.
        write: LMP name, query, context and variables of its program, to the program.
        stopped: polled before every call and after every action: why the program has to end.
        on_call: told of every call before it is carried out: its text, line and kind.

    Attributes:
        acted: an action has been carried out.
        raised: class names of the errors that calls have raised in the program.
    """

    def __init__(
        self,
        api: Api,
        robot: Any,
        budget: Budget,
        record: Record,
        write: Callable[[str, str, str, Mapping[str, Any]], LmpProgram],
        stopped: Callable[[], InstructionError | None],
        on_call: Callable[[str, int, Kind], None],
    ) -> None:
        self._api = api
        self._robot = robot
        self._budget = budget
        self._record = record
        self._write = write
        self._stopped = stopped
        self._on_call = on_call
        self._nested: dict[int, _Audit] = {}
        self._unwritten: tuple[_Audit, float, dict[str, Any]] | None = None
        self.acted = False
        self.raised: set[str] = set()

    def call(self, call: Call) -> Any:
        """Carry out one call.

        Returns:
            Its value, or an LmpProgram.

        Raises:
            CapError: for the program, which may catch it.
            InstructionError: not for the program: it has to be ended.
        """
        self.answered()
        function = self._api[call.name]
        is_query = function.kind is Kind.QUERY
        audit = _Audit(self._record, call, at_end=is_query and not function.waits)
        try:
            self._check_stop()
            waits = function.waits or (is_query and self._robot.pace_query())
            self._budget.call(waits)
            value = self._checked_call(function, call)
        except CapError as error:
            self.raised.add(type(error).__name__)
            audit.end(error=f'{type(error).__name__}: {error}', phases=self._phases(function))
            raise
        if isinstance(value, LmpProgram):
            self._nested[call.id] = audit
        else:
            outcome = {'result': value, 'phases': self._phases(function)}
            self._unwritten = audit, time.monotonic(), outcome
        return value

    def _phases(self, function: ApiFunction) -> list[dict[str, Any]]:
        """What the time of an action went into."""
        phases: list[dict[str, Any]] = []
        if function.kind is Kind.ACTION:
            phases = self._robot.phases()
        return phases

    def answered(self) -> None:
        """The program has its answer: write what the call came to, while it goes on.

        The next call waits for this, so that there is never more than one call to lose.
        """
        if self._unwritten:
            audit, ended, outcome = self._unwritten
            self._unwritten = None
            audit.end(ended, **outcome)

    def nested_result(self, call_id: int, result: NestedResult) -> None:
        """What the program of an LMP came to, for the record."""
        error = ': '.join(result.error) if result.error else None
        self._nested.pop(call_id).end(result=result.value, error=error)

    def ended(self) -> None:
        """The program runs no more: close the records of what it did not come back from."""
        for audit in self._nested.values():
            audit.end(error='the program ended before this had a value')
        self._nested.clear()

    def _check_stop(self) -> None:
        """Raise why the program has to end: a person's stop before a budget of ours."""
        if reason := self._stopped() or self._budget.exceeded():
            raise reason

    def _checked_call(self, function: ApiFunction, call: Call) -> Any:
        try:
            arguments = function.bind(call.args, call.kwargs)
        except WrongArgumentsError as error:
            if function.kind is Kind.ACTION:
                self._robot.refused(call.name, error)
            raise
        self._on_call(call_text(call.name, arguments), call.line, function.kind)
        return self._dispatch(function, arguments, call.depth)

    def _dispatch(self, function: ApiFunction, arguments: dict[str, Any], depth: int) -> Any:
        if function.kind is Kind.LMP:
            return self._lmp(function, arguments)
        handler = getattr(self._robot, function.name)
        if function.kind is Kind.QUERY:
            return handler(**arguments)
        if depth:
            raise WrongArgumentsError(
                f'{function.name}: a program that is asked for a value does not act'
            )
        try:
            with self._budget.motion():
                value = handler(**arguments)
        finally:
            # Ends the program, whatever the action said of it and the program would catch.
            self._check_stop()
        self.acted = True
        return value

    def _lmp(self, function: ApiFunction, arguments: dict[str, Any]) -> LmpProgram:
        query, context, variables = arguments.values()
        variables = {**context_variables(context), **variables}
        try:
            program = self._write(function.name, query, context, variables)
        except CapError as error:
            # Without the model there is nothing that the program could do about it.
            raise fatal(error) from error
        return replace(program, variables=variables)


class _Audit:
    """The line of one call in the evidence.

    Args:
        at_end: it is written once, when the call has ended: it does nothing to the world and seldom
            takes time. Of any other, what is about to be done is on the disk before it is done.
    """

    def __init__(self, record: Record, call: Call, at_end: bool) -> None:
        self._record = record
        self._call = call
        self._arguments = {'args': call.args, **call.kwargs}
        self._id = None if at_end else record.call_started(call.name, self._arguments, call.line)
        self._started = time.monotonic()

    def end(self, ended: float | None = None, **outcome: Any) -> None:
        """Write what came of it: `result` or `error`, and `phases`.

        Args:
            ended: when, on the steady clock; by default now.
        """
        duration_s = (ended or time.monotonic()) - self._started
        if self._id is None:
            call = self._call
            outcome.pop('phases', None)  # only what moves has any
            self._record.call_made(call.name, self._arguments, call.line, duration_s, **outcome)
        else:
            self._record.call_ended(self._id, duration_s, **outcome)


def context_variables(context: str) -> dict[str, Any]:
    """What a context line such as "objects = ['red block']" sets. Only names and literals.

    Raises:
        WrongArgumentsError: it is anything else.
    """
    variables: dict[str, Any] = {}
    try:
        for statement in ast.parse(context).body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    variables[name] = ast.literal_eval(value)
                case _:
                    raise ValueError(f'{ast.unparse(statement)!r} is no assignment to a name')
        frames.to_plain(variables)  # refuses what cannot go to the program, such as 1e999
    except (
        *(SyntaxError, ValueError, TypeError, MemoryError, RecursionError),
        frames.FrameError,
    ) as error:
        raise WrongArgumentsError(
            f'the context must be lines such as "objects = [...]": {error}'
        ) from error
    return variables


def fatal(error: CapError) -> InstructionError:
    """The error as one that ends the instruction."""
    if isinstance(error, InstructionError):
        return error
    return InstructionError(label_of(error.name), str(error))


def call_text(name: str, arguments: dict[str, Any]) -> str:
    """A call as a person writes it."""
    values = (
        repr(plain(value))
        for value in arguments.values()
        if not (isinstance(value, str | dict) and not value)
    )
    text = f'{name}({", ".join(values)})'
    return text if len(text) <= 200 else text[:197] + '...'
