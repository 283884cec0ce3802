"""From a request in words to a program that has passed the verifier. No ROS.

messages ─▶ model ─▶ program ─▶ functions it lacks (fgen, depth first) ─▶ verifier
              ▲                                                              │
              └───────────────── repair, a bounded number of times ◀─────────┘
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from cap_common.errors import CapError
from cap_planner.api.spec import Api
from cap_planner.budget import Budget
from cap_planner.evidence import Record
from cap_planner.fgen import generate_functions
from cap_planner.labels import InstructionError, Label
from cap_planner.lmp import (
    LMPS,
    Lmp,
    SessionTurn,
    build_messages,
    program_from_completion,
    repair_messages,
)
from cap_planner.models.base import LanguageModel, Message, ModelMalformedError
from cap_planner.verifier import Report, Undefined, verify


@dataclass(frozen=True)
class Written:
    """A checked program.

    Attributes:
        functions: sources of what was generated for it, by name, callees first.
    """

    source: str
    functions: dict[str, str] = field(default_factory=dict)


class ProgramWriter:
    """Asks the model for the programs of one instruction.

    Args:
        stopped: polled between completions: why to give up.
    """

    def __init__(
        self,
        api: Api,
        model: LanguageModel,
        budget: Budget,
        record: Record,
        stopped: Callable[[], InstructionError | None],
    ) -> None:
        self._api = api
        self._model = model
        self._budget = budget
        self._record = record
        self._stopped = stopped

    def write(
        self,
        lmp: Lmp,
        query: str,
        context: str = '',
        *,
        known: Collection[str] = (),
        imports: Collection[str] = (),
        turns: Sequence[SessionTurn] = (),
    ) -> Written:
        """A program for a query, with the functions it needs.

        Args:
            known: variables and functions of the session, which the program may use.
            imports: import lines of the session.

        Raises:
            ModelUnavailableError, ModelMalformedError: there is no program.
            InstructionError: VERIFIER_REJECTED, UNKNOWN_API or WRONG_ARGUMENTS, when every repair
                was rejected too; BUDGET_EXCEEDED; STOPPED.
        """
        messages = build_messages(lmp, self._api, query, context, turns)
        for repairs_left in reversed(range(self._budget.limits.repairs + 1)):
            text = self._complete(lmp.name, messages, lmp.stop)
            try:
                source = program_from_completion(text)
                functions = self._functions_for(source, known, imports)
            except ModelMalformedError as error:
                if not repairs_left:
                    raise
                messages = repair_messages(messages, text, str(error))
                continue
            report = self._verify(lmp, source, functions, known, imports)
            if not report.violations:
                return Written(source, functions)
            if not repairs_left:
                raise rejection(report)
            messages = repair_messages(messages, text, str(report))
        raise AssertionError('unreachable')

    def _functions_for(
        self, source: str, known: Collection[str], imports: Collection[str]
    ) -> dict[str, str]:
        fgen = LMPS['fgen']

        def undefined(text: str, generated: Collection[str]) -> Sequence[Undefined]:
            return verify(text, self._api, known={*known, *generated}, imports=imports).undefined

        def ask(signature: str) -> str:
            return self._complete(fgen.name, build_messages(fgen, self._api, signature), fgen.stop)

        generated = generate_functions(source, undefined, ask)
        return {function.name: function.source for function in generated}

    def _verify(
        self,
        lmp: Lmp,
        source: str,
        functions: dict[str, str],
        known: Collection[str],
        imports: Collection[str],
    ) -> Report:
        """All texts that will run are checked; the report is of the first that fails, or clean."""
        names = {*known, *functions}
        for name, text in functions.items():
            report = verify(text, self._api, known=names, imports=imports)
            self._record.verification(f'fgen {name}', text, map(str, report.violations))
            if report.violations:
                return report
        report = verify(source, self._api, known=names, imports=imports, returns=lmp.returns)
        self._record.verification(lmp.name, source, map(str, report.violations))
        return report

    def _complete(self, lmp_name: str, messages: Sequence[Message], stop: Sequence[str]) -> str:
        if reason := self._stopped():
            raise reason
        self._budget.program()
        started, clock = time.time(), time.monotonic()
        try:
            completion = self._model.complete(
                messages, stop=stop, deadline_s=self._budget.model_s_left
            )
        except CapError as error:
            duration = time.monotonic() - clock
            self._budget.thought(duration)
            self._record.completion(
                lmp_name, messages, started=started, duration_s=duration, error=str(error)
            )
            raise
        self._budget.thought(completion.duration_s)
        self._record.completion(
            lmp_name,
            messages,
            started=started,
            duration_s=completion.duration_s,
            text=completion.text,
            model=completion.model,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
        )
        return completion.text


def rejection(report: Report) -> InstructionError:
    """The error of a program that the verifier does not let pass."""
    labels = {violation.label for violation in report.violations}
    for label in (Label.MODEL_MALFORMED, Label.VERIFIER_REJECTED, Label.UNKNOWN_API):
        if label in labels:
            return InstructionError(label, str(report))
    return InstructionError(Label.WRONG_ARGUMENTS, str(report))
