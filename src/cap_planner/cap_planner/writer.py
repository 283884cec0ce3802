"""From a request in words to a program that has passed the verifier. No ROS.

messages ─▶ model ─▶ text ─▶ verifier ─▶ functions it lacks (fgen, depth first): each the same way,
              ▲                 │                                                 and tried
              └──── repair ◀────┘  a bounded number of times for each text, the last time by the
                                   stronger model
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cap_common.errors import CapError
from cap_planner.budget import Budget
from cap_planner.completion import program_from_completion
from cap_planner.domains import Domain
from cap_planner.evidence import Record
from cap_planner.fgen import definition_from_completion, generate_functions
from cap_planner.labels import InstructionError, Label
from cap_planner.lmp import (
    Lmp,
    SessionTurn,
    build_messages,
    continued,
    repair_messages,
)
from cap_planner.models.base import (
    LanguageModel,
    Message,
    ModelError,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
)
from cap_planner.verifier import (
    Report,
    Undefined,
    defined_functions,
    header,
    signatures,
    verify,
)
from cap_planner.window import fitting_turns

_MOST_NAMES = 40
Try = Callable[[Undefined, Mapping[str, str]], str | None]


@dataclass(frozen=True)
class Written:
    """A checked program.

    Attributes:
        functions: sources of what was generated for it, by name, callees first.
    """

    source: str
    functions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """What a program finds when it starts.

    Attributes:
        known: names of variables and functions of the session.
        imports: import lines of the session.
        functions: texts of functions in scope, whose calls have to fit them.
        try_function: what is wrong with a generated function, found by trying it.
    """

    known: frozenset[str] = frozenset()
    imports: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    try_function: Try = lambda *_: None

    def with_names(self, names: Collection[str]) -> Scope:
        """The same with more names."""
        return replace(self, known=self.known | frozenset(names))

    def with_functions(self, texts: Iterable[str]) -> Scope:
        """The same with more functions."""
        added = tuple(texts)
        return replace(
            self.with_names(defined_functions(*added)), functions=(*self.functions, *added)
        )

    @property
    def signatures(self) -> dict[str, inspect.Signature]:
        """What the functions take, by name."""
        return {name: own for text in self.functions for name, own in signatures(text).items()}

    @property
    def headers(self) -> list[str]:
        """The newest functions as their calls look, for the prompt."""
        return [header(*item) for item in self.signatures.items()][-_MOST_NAMES:]


class Draft:
    """One text and its better versions, each asked for in the same chat.

    Tries of the model come first, then one of the stronger model. Who writes the same text twice in
    a row is not asked again.
    """

    def __init__(
        self,
        writer: ProgramWriter,
        lmp: Lmp,
        messages: Sequence[Message],
        extract: Callable[[str], str],
        scope: Scope,
    ) -> None:
        self._writer = writer
        self._lmp = lmp
        self._messages = list(messages)
        self._extract = extract
        self._scope = scope
        self._models = writer.ladder()
        self._text: str | None = None
        self._failure: CapError | None = None
        self._run_failure: CapError | None = None

    def next(self) -> str:
        """A text that has passed the verifier.

        Raises:
            ModelMalformedError, InstructionError: why the last one was none, when every try is
                used up, or why the last one that ran failed; also BUDGET_EXCEEDED and STOPPED.
            ModelUnavailableError: there is no answer.
        """
        while self._models:
            model = self._models.pop(0)
            text = ''
            try:
                text = self._writer.complete(model, self._lmp, self._messages)
                if self._text is not None and text.strip() == self._text.strip():
                    self._models = [other for other in self._models if other is not model]
                    continue
                source = self._extract(text)
            except ModelMalformedError as error:
                self._refuse(text, error, str(error))
                continue
            report = self._writer.verify(self._lmp, source, self._scope)
            if report.ok:
                self._text = text
                return source
            self._refuse(text, rejection(report), str(report))
        failure = self._run_failure or self._failure
        assert failure
        raise failure

    def failed(self, report: str) -> None:
        """The text was tried, and is no good."""
        self._refuse(self._text or '', InstructionError(Label.MODEL_MALFORMED, report), report)

    def has_run(self, failure: InstructionError, word: str) -> None:
        """The program ran, and failed.

        Args:
            word: what the model is told.
        """
        self._messages = continued(self._messages, self._text or '', word)
        self._run_failure = failure

    def _refuse(self, text: str, failure: CapError, report: str) -> None:
        self._text, self._failure = text, failure
        self._messages = repair_messages(self._messages, text, report)


class ProgramWriter:
    """Asks the model for the programs of one instruction.

    Args:
        stronger: asked when the tries of `model` are used up, or None.
        stopped: polled, also while the model thinks: why to give up.
    """

    def __init__(
        self,
        domain: Domain,
        model: LanguageModel,
        stronger: LanguageModel | None,
        budget: Budget,
        record: Record,
        stopped: Callable[[], InstructionError | None],
    ) -> None:
        self._domain = domain
        self._model = model
        self._stronger = stronger
        self._budget = budget
        self._record = record
        self._stopped = stopped

    def draft(
        self,
        lmp: Lmp,
        query: str,
        context: str = '',
        scope: Scope = Scope(),
        *,
        turns: Sequence[SessionTurn] = (),
        variables: Sequence[str] = (),
        done: Sequence[str] = (),
        left: Sequence[str] = (),
    ) -> Draft:
        """The program for a query, as one chat. `next` of it raises what `Draft.next` does.

        Args:
            turns: of the session; as many of the last ones as fit into the model's window.
            variables: names that the program is given beside those of the context.
            done: what has been done for the query already.
            left: variables of the session, told when the requests that set them no longer are.

        Raises:
            ModelUnavailableError: the prompt alone is too long for the window.
        """
        api, limits = self._domain.api, self._budget.limits

        def build(some: Sequence[SessionTurn]) -> list[Message]:
            told = [*variables, *(left[-_MOST_NAMES:] if len(some) < len(turns) else ())]
            return build_messages(lmp, api, query, context, some, told, done, scope.headers)

        fitting = fitting_turns(turns, build, limits.window_tokens - limits.text_tokens)
        return Draft(self, lmp, build(fitting), program_from_completion, scope)

    def write(
        self,
        lmp: Lmp,
        query: str,
        context: str = '',
        scope: Scope = Scope(),
        *,
        variables: Sequence[str] = (),
    ) -> Written:
        """The program for a query, with the functions it needs; raises as `Draft.next` does."""
        source = self.draft(lmp, query, context, scope, variables=variables).next()
        return self.with_functions(lmp, source, scope)

    def given(self, lmp: Lmp, source: str, scope: Scope) -> Written:
        """A program that a person wrote, with the functions that it lacks.

        Raises:
            InstructionError: the verifier's report.
        """
        report = self.verify(lmp, source, scope, author='given')
        if not report.ok:
            raise rejection(report)
        return self.with_functions(lmp, source, scope)

    def with_functions(self, lmp: Lmp, source: str, scope: Scope) -> Written:
        """A checked program with the functions that nobody has defined.

        Raises:
            InstructionError: UNKNOWN_API, if one of them could not be written.
        """
        scope = scope.with_functions([source])
        # A function that is written for a program may call what that program may call.
        fgen = replace(self._domain.fgen, calls=lmp.calls)

        def undefined(text: str, generated: Collection[str]) -> Sequence[Undefined]:
            return self._report(fgen, text, scope.with_names(generated)).undefined

        def ask(missing: Undefined, generated: Collection[str]) -> Draft:
            known = scope.with_names(generated)
            messages = build_messages(
                fgen, self._domain.api, missing.signature, functions=known.headers
            )

            def extract(text: str) -> str:
                return definition_from_completion(text, missing, known.known)

            return Draft(self, fgen, messages, extract, known)

        try:
            functions = generate_functions(source, undefined, ask, scope.try_function)
        except ModelMalformedError as error:
            missing = ', '.join(each.signature for each in undefined(source, ()))
            exist = ', '.join(name for name, f in self._domain.api.items() if f.kind in lmp.calls)
            text = f'nothing defines {missing}, nor could it be written: {error}; there is {exist}'
            raise InstructionError(Label.UNKNOWN_API, text) from error
        return Written(source, functions)

    def ladder(self) -> list[LanguageModel]:
        """Whom to ask for a text, try by try."""
        stronger = [self._stronger] if self._stronger else []
        return [self._model] * self._budget.limits.tries + stronger

    def verify(self, lmp: Lmp, source: str, scope: Scope, *, author: str = '') -> Report:
        """What is wrong with a text, but for the functions that are yet to be written."""
        report = self._report(lmp, source, scope)
        self._record.verification(author or lmp.name, source, report.told)
        return report

    def _report(self, lmp: Lmp, source: str, scope: Scope) -> Report:
        return verify(
            source,
            self._domain.api,
            calls=lmp.calls,
            known=scope.known,
            functions=scope.signatures,
            imports=scope.imports,
            returns=lmp.returns,
            allow_undefined=True,
        )

    def complete(self, model: LanguageModel, lmp: Lmp, messages: Sequence[Message]) -> str:
        """One answer of the model, on record.

        Raises:
            ModelUnavailableError, ModelMalformedError: as LanguageModel.complete.
            InstructionError: BUDGET_EXCEEDED or STOPPED.
        """
        if reason := self._stopped():
            raise reason
        self._budget.program()
        started, clock = time.time(), time.monotonic()
        try:
            completion = model.complete(
                messages,
                Options(
                    max_tokens=self._budget.limits.text_tokens,
                    deadline_s=self._budget.text_s,
                    stop=lmp.stop,
                    canceled=lambda: self._stopped() is not None,
                ),
            )
        except CapError as error:
            duration = time.monotonic() - clock
            used = error if isinstance(error, ModelError) else ModelError()
            self._budget.thought(duration, used.prompt_tokens + used.completion_tokens)
            self._record.completion(
                lmp.name,
                messages,
                started=started,
                duration_s=duration,
                error=str(error),
                prompt_tokens=used.prompt_tokens,
                completion_tokens=used.completion_tokens,
            )
            if reason := self._stopped():
                raise reason from error
            if isinstance(error, ModelUnavailableError):
                # The endpoint may be well, and only what was left of the budget too short for it.
                self._budget.check_thinking()
            raise
        tokens = completion.prompt_tokens + completion.completion_tokens
        self._budget.thought(completion.duration_s, tokens)
        text = completion.text.encode(errors='replace').decode()
        self._record.completion(
            lmp.name,
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
