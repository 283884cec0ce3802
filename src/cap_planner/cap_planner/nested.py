"""The programs of LMPs that a program asks for while it runs. No ROS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cap_planner.broker import LmpProgram, context_variables
from cap_planner.domains import Domain
from cap_planner.evidence import Record
from cap_planner.repair import ProgramFailure, word_after_nested_run
from cap_planner.sandbox.program import Call, ProgramError
from cap_planner.writer import Draft, ProgramWriter, Scope

_Question = tuple[str, str, str, tuple[str, ...]]


class NestedPrograms:
    """Those of one instruction.

    One that failed when it ran is told so, and written again, when the same is asked again.

    Attributes:
        scope: what a program finds beside its own variables.
        call: the one that asks for the next program.
        helpers: functions that were written for them, in whose scopes alone they run. Each is
            written once.
    """

    def __init__(self, domain: Domain, writer: ProgramWriter, record: Record) -> None:
        self.scope = Scope()
        self.call: Call | None = None
        self.helpers: dict[str, str] = {}
        self._domain = domain
        self._writer = writer
        self._record = record
        # By the place that traces name; then those that are to be written again.
        self._given: dict[str, tuple[_Question, Draft]] = {}
        self._failed: dict[_Question, Draft] = {}

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
        told = [name for name in variables if name not in context_variables(context)]
        scope = replace(self.scope, variables=variables).with_functions(self.helpers.values())
        question = (lmp_name, query, context, tuple(variables))
        draft = self._failed.get(question) or self._writer.draft(
            lmp, query, context, scope, variables=told
        )
        draft.scope = scope
        self._failed[question] = draft  # for as long as there is no program in it
        nested = draft.write()
        del self._failed[question]
        if self.call:
            self._given[f'{lmp_name} {self.call.id}'] = question, draft
        self.helpers.update(nested.functions)
        self._record.functions(nested.functions)
        return LmpProgram(replace(nested, functions=dict(self.helpers)), lmp.returns or '')

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
        question, draft = given[inner]
        trace = error.trace[places.index(inner) :]
        text = replace(error, trace=trace).describe()
        told = ProgramFailure(failure.label, text, repairable=True)
        draft.has_run(told, word_after_nested_run(told))
        self._failed[question] = draft
        return True
