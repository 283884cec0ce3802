"""From a request in words to a program that has passed the verifier. No ROS.

messages ─▶ model ─▶ text ─▶ verifier ─▶ functions it lacks (fgen, depth first): each the same way
              ▲                 │
              └──── repair ◀────┘  a bounded number of times for each text
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from cap_common.errors import CapError
from cap_planner.api.spec import Api
from cap_planner.budget import Budget
from cap_planner.evidence import Record
from cap_planner.fgen import definition_from_completion, generate_functions
from cap_planner.labels import InstructionError, Label
from cap_planner.lmp import (
    LMPS,
    Lmp,
    SessionTurn,
    build_messages,
    program_from_completion,
    repair_messages,
)
from cap_planner.models.base import (
    LanguageModel,
    Message,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
)
from cap_planner.verifier import Report, Undefined, defined_functions, verify


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
        stopped: polled, also while the model thinks: why to give up.
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
        source = self._accepted(lmp, messages, program_from_completion, known, imports)
        known = {*known, *defined_functions(source)}
        return Written(source, self._functions_for(lmp, source, known, imports))

    def _functions_for(
        self, lmp: Lmp, source: str, known: Collection[str], imports: Collection[str]
    ) -> dict[str, str]:
        # A function that is written for a program may call what that program may call.
        fgen = replace(LMPS['fgen'], calls=lmp.calls)

        def undefined(text: str, generated: Collection[str]) -> Sequence[Undefined]:
            return self._verify(fgen, text, {*known, *generated}, imports).undefined

        def ask(missing: Undefined, generated: Collection[str]) -> str:
            taken = {*known, *generated}
            return self._accepted(
                fgen,
                build_messages(fgen, self._api, missing.signature),
                lambda text: definition_from_completion(text, missing, taken),
                taken,
                imports,
            )

        return generate_functions(source, undefined, ask)

    def _accepted(
        self,
        lmp: Lmp,
        messages: Sequence[Message],
        extract: Callable[[str], str],
        known: Collection[str],
        imports: Collection[str],
    ) -> str:
        """A text that may run; what is wrong with one is told to the model, in its own chat."""
        for repairs_left in reversed(range(self._budget.limits.repairs + 1)):
            text = ''
            try:
                text = self._complete(lmp.name, messages)
                source = extract(text)
            except ModelMalformedError as error:
                if not repairs_left:
                    raise
                problem = str(error)
            else:
                report = self._verify(lmp, source, known, imports)
                self._record.verification(lmp.name, source, map(str, report.violations))
                if report.ok:
                    return source
                if not repairs_left:
                    raise rejection(report)
                problem = str(report)
            messages = repair_messages(messages, text, problem)
        raise AssertionError('unreachable')

    def _verify(
        self, lmp: Lmp, source: str, known: Collection[str], imports: Collection[str]
    ) -> Report:
        """What is wrong with a text, but for the functions that are yet to be written."""
        return verify(
            source,
            self._api,
            calls=lmp.calls,
            known=known,
            imports=imports,
            returns=lmp.returns,
            allow_undefined=True,
        )

    def _complete(self, lmp_name: str, messages: Sequence[Message]) -> str:
        if reason := self._stopped():
            raise reason
        self._budget.program()
        started, clock = time.time(), time.monotonic()
        try:
            completion = self._model.complete(
                messages,
                Options(
                    max_tokens=self._budget.limits.text_tokens,
                    deadline_s=self._budget.text_s,
                    canceled=lambda: self._stopped() is not None,
                ),
            )
        except CapError as error:
            duration = time.monotonic() - clock
            self._budget.thought(duration)
            self._record.completion(
                lmp_name, messages, started=started, duration_s=duration, error=str(error)
            )
            if reason := self._stopped():
                raise reason from error
            if isinstance(error, ModelUnavailableError):
                # The endpoint may be well, and only what was left of the budget too short for it.
                self._budget.check_thinking()
            raise
        self._budget.thought(completion.duration_s)
        text = completion.text.encode(errors='replace').decode()
        self._record.completion(
            lmp_name,
            messages,
            started=started,
            duration_s=completion.duration_s,
            text=text,
            model=completion.model,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
        )
        if text != completion.text:
            raise ModelMalformedError('the answer has halves of surrogate pairs, which are no text')
        return text


def rejection(report: Report) -> InstructionError:
    """The error of a program that the verifier does not let pass."""
    labels = {violation.label for violation in report.violations}
    for label in (Label.MODEL_MALFORMED, Label.VERIFIER_REJECTED, Label.UNKNOWN_API):
        if label in labels:
            return InstructionError(label, str(report))
    return InstructionError(Label.WRONG_ARGUMENTS, str(report))
