"""One program while it runs: the sandbox on one side, the broker on the other. No ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cap_common.errors import CapError
from cap_planner.api.spec import Kind
from cap_planner.broker import Broker, LmpProgram, context_variables
from cap_planner.budget import Budget
from cap_planner.domains import Domain
from cap_planner.evidence import Record
from cap_planner.labels import InstructionError, Label
from cap_planner.repair import ProgramFailure, failure_of
from cap_planner.robot import SceneRobot
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import (
    Call,
    Nested,
    Outcome,
    Program,
    Raised,
    Reply,
    Returned,
    Session,
)
from cap_planner.sandbox.text import for_people
from cap_planner.writer import ProgramWriter, Scope, Written


@dataclass(frozen=True)
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

    def run(self, written: Written, left: Session, scope: Scope) -> Outcome:
        """Run a program to its end; the outcome's session has the functions written meanwhile.

        Args:
            left: what earlier programs left behind.
            scope: of the programs that it asks for.

        Raises:
            InstructionError: it did not finish, or did nothing.
        """
        scope = scope.with_functions([*written.functions.values(), written.source])
        # Those of the nested programs, in whose scopes alone they run. Each is written once.
        helpers: dict[str, str] = {}

        def write(lmp_name: str, query: str, context: str, names: list[str]) -> LmpProgram:
            lmp = self.domain.lmps[lmp_name]
            told = [name for name in names if name not in context_variables(context)]
            there = scope.with_names(names).with_functions(helpers.values())
            nested = self.writer.write(lmp, query, context, there, variables=told)
            helpers.update(nested.functions)
            self.record.functions(nested.functions)
            return LmpProgram(replace(nested, functions=dict(helpers)), lmp.returns or '')

        broker = Broker(
            self.domain.api,
            self.robot,
            self.budget,
            self.record,
            write,
            self.stopped,
            self._on_call,
        )
        names = {'objects': self.robot.scene().names}
        try:
            outcome = self.sandbox.run(
                Program(
                    written.source,
                    self.domain.api,
                    replace(left, variables={**left.variables, **names}),
                    written.functions,
                ),
                lambda call: _reply(broker, call),
                wall_seconds=self.budget.limits.compute_s,
                canceled=lambda: self.ended() is not None,
                on_nested_result=lambda call, result: broker.nested_result(call.id, result),
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
        if failure := failure_of(outcome, broker.raised):
            raise self.ended() or failure
        if not broker.acted:
            text = 'the program ended without doing or saying anything'
            raise ProgramFailure(Label.WRONG_OUTCOME, text, repairable=True)
        session = replace(outcome.session, functions={**helpers, **outcome.session.functions})
        return replace(outcome, session=session)

    def _on_call(self, text: str, line: int, kind: Kind) -> None:
        if kind is Kind.ACTION and not text.startswith('say('):
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
