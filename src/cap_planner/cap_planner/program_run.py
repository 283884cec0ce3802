"""One program while it runs: the sandbox on one side, the broker on the other. No ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cap_common.errors import CapError
from cap_planner.api.spec import Kind
from cap_planner.broker import Broker, LmpProgram
from cap_planner.budget import Budget
from cap_planner.domains import Domain
from cap_planner.evidence import Record
from cap_planner.labels import InstructionError, Label
from cap_planner.nested import NestedPrograms
from cap_planner.repair import ProgramFailure, failure_of
from cap_planner.robot import SceneRobot
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import (
    Call,
    Nested,
    NestedResult,
    Outcome,
    Program,
    Raised,
    Reply,
    Returned,
    Session,
)
from cap_planner.sandbox.text import for_people
from cap_planner.writer import ProgramWriter, Scope, Written


@dataclass
class Runner:
    """Runs the programs of one instruction.

    Attributes:
        tell: told where a program is: state, line, call.
        stopped: why the instruction has to end: somebody's word.
        ended: that, or a budget.
        acts: told that the robot is asked to move.
    """

    domain: Domain
    sandbox: Sandbox
    robot: SceneRobot
    writer: ProgramWriter
    budget: Budget
    record: Record
    tell: Callable[[str, int, str], None]
    stopped: Callable[[], InstructionError | None]
    ended: Callable[[], InstructionError | None]
    acts: Callable[[], None]

    def __post_init__(self) -> None:
        self._nested = NestedPrograms(self.domain, self.writer, self.record)
        self._has_acted = False

    def run(
        self, written: Written, left: Session, scope: Scope, *, may_be_idle: bool = False
    ) -> Outcome:
        """Run a program to its end; the outcome's session has the functions that were of use.

        One that has not acted yet is run again when a program that it asked for is at fault, which
        is then written anew; a bounded number of times, for it may be another one each time.

        Args:
            left: what earlier programs left behind.
            scope: of the programs that it asks for.
            may_be_idle: it need not do anything.

        Raises:
            InstructionError: it did not finish, or did nothing.
        """
        functions = [*scope.functions, *written.functions.values(), written.source]
        # The variables of a program are not those of the programs that it asks for.
        bare = replace(scope, variables={}, names=frozenset(), functions=())
        self._nested.scope = bare.with_functions(functions)
        reruns = self.budget.limits.tries
        while True:
            broker = self._broker()
            outcome = self._execute(written, left, broker)
            failure = failure_of(outcome, broker.raised)
            if failure is None:
                break
            if reason := self.ended():
                raise reason
            is_nested = self._nested.failed(outcome.error, failure)
            may_rerun = is_nested and failure.is_of_the_program and not self._has_acted
            if not may_rerun or not reruns:
                raise failure
            reruns -= 1
            self.tell('repairing', 0, '')
        if not broker.acted and not may_be_idle:
            text = 'the program ended without doing or saying anything'
            raise ProgramFailure(Label.WRONG_OUTCOME, text, repairable=True)
        functions_left = {**self._nested.helpers, **outcome.session.functions}
        return replace(outcome, session=replace(outcome.session, functions=functions_left))

    def _broker(self) -> Broker:
        self._has_acted = False
        return Broker(
            self.domain.api,
            self.robot,
            self.budget,
            self.record,
            self._nested.write,
            self.stopped,
            self._on_call,
        )

    def _execute(self, written: Written, left: Session, broker: Broker) -> Outcome:
        def answer(call: Call) -> Reply:
            self._nested.call = call
            return _reply(broker, call)

        def note(call: Call, result: NestedResult) -> None:
            broker.nested_result(call.id, result)
            if result.error is None:
                self._nested.returned(call)

        names = {'objects': self.robot.scene().names}
        try:
            outcome = self.sandbox.run(
                Program(
                    written.source,
                    self.domain.api,
                    replace(left, variables={**left.variables, **names}),
                    written.functions,
                ),
                answer,
                wall_seconds=self.budget.limits.compute_s,
                canceled=lambda: self.ended() is not None,
                on_nested_result=note,
                on_answered=broker.answered,
            )
        finally:
            broker.ended()
        self.record.run(
            status=outcome.status,
            text=outcome.text,
            printed=for_people(outcome.printed),
            dropped=outcome.dropped,
            child_seconds=outcome.child_seconds,
            cpu_seconds=outcome.cpu_seconds,
        )
        return outcome

    def _on_call(self, text: str, line: int, kind: Kind) -> None:
        if kind is Kind.ACTION:
            self._has_acted = True
            if not text.startswith('say('):
                self.acts()
        self.tell('prompting' if kind is Kind.LMP else 'running', line, text)


def _reply(broker: Broker, call: Call) -> Reply:
    try:
        value: Any = broker.call(call)
    except InstructionError:
        raise
    except CapError as error:
        return Raised.of(error)
    if isinstance(value, LmpProgram):
        written = value.written
        return Nested(written.source, value.returns, value.variables, written.functions)
    return Returned(value)
