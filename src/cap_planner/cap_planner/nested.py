"""The programs of LMPs that a program asks for while it runs. No ROS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cap_planner.broker import LmpProgram, context_variables
from cap_planner.domains import Domain
from cap_planner.evidence import Record
from cap_planner.repair import ProgramFailure, word_after_nested_run
from cap_planner.sandbox.program import Call, ProgramError
from cap_planner.writer import Draft, ProgramWriter, Scope, Written

_Question = tuple[str, str, str, tuple[str, ...], tuple[str, ...]]


@dataclass
class _Asked:
    """A question, and what answers it.

    Attributes:
        program: with all helpers that it finds; None: there is none yet, or it failed.
    """

    draft: Draft
    program: Written | None = None


class NestedPrograms:
    """Those of one instruction.

    The same question has the same program. One that failed when it ran is told so, and written
    again, when the same is asked again.

    Attributes:
        scope: what a program finds beside its own variables.
        call: the one that asks for the next program.
        helpers: functions that were written for those that have come to a value. Those after them
            find them, in whose scopes alone they run.
    """

    def __init__(self, domain: Domain, writer: ProgramWriter, record: Record) -> None:
        self.scope = Scope()
        self.call: Call | None = None
        self.helpers: dict[str, str] = {}
        self._domain = domain
        self._writer = writer
        self._record = record
        self._asked: dict[_Question, _Asked] = {}
        self._given: dict[str, _Asked] = {}  # by the place that traces name

    def write(
        self, lmp_name: str, query: str, context: str, variables: Mapping[str, Any]
    ) -> LmpProgram:
        """The program for a query.

        Args:
            variables: those of its own.

        Raises:
            CapError: as `Draft.write`.
        """
        lmp = self._domain.lmps[lmp_name]
        # All that the model is told, but for the helpers: those come and go.
        question = (lmp_name, query, context, tuple(variables), tuple(self.scope.headers))
        asked = self._asked.get(question)
        if asked is None:
            told = [name for name in variables if name not in context_variables(context)]
            draft = self._writer.draft(lmp, query, context, variables=told)
            asked = self._asked[question] = _Asked(draft)
        if asked.program is None:
            scope = replace(self.scope, variables=variables)
            asked.draft.scope = scope.with_functions(self.helpers.values())
            written = asked.draft.write()
            self._record.functions(written.functions)
            asked.program = replace(written, functions={**self.helpers, **written.functions})
        if self.call:
            self._given[f'{lmp_name} {self.call.id}'] = asked
        return LmpProgram(asked.program, lmp.returns or '')

    def returned(self, call: Call) -> None:
        """The program that a call asked for has come to a value: its helpers are of use."""
        program = self._given[f'{call.name} {call.id}'].program
        assert program
        self.helpers.update(program.functions)

    def failed(self, error: ProgramError | None, failure: ProgramFailure) -> bool:
        """Tell the innermost program in which an error was raised; whether there is one.

        Args:
            error: what ended the run.
            failure: what it means.
        """
        given, self._given = self._given, {}
        if error is None or not failure.repairable:
            return False
        # Such as 'parse_position 3', and 'function f of parse_position 3'.
        places = [place.where.rpartition(' of ')[2] for place in error.trace]
        inner = next((place for place in reversed(places) if place in given), None)
        if inner is None:
            return False
        asked = given[inner]
        trace = error.trace[places.index(inner) :]
        text = replace(error, trace=trace).describe()
        told = ProgramFailure(failure.label, text, repairable=True)
        asked.draft.has_run(told, word_after_nested_run(told))
        asked.program = None
        return True
