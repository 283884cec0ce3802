"""From a request in words to a program that has passed the verifier. No ROS.

messages ─▶ model ─▶ text ─▶ verifier ─▶ functions it lacks (fgen, depth first): each the same way,
              ▲                 │                                                 and tried
              └──── repair ◀────┘  a bounded number of times for each text, the last time by the
                                   stronger model
"""

from __future__ import annotations

import ast
import functools
import inspect
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

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
    next_round,
    repair_round,
)
from cap_planner.models.base import (
    LanguageModel,
    Message,
    ModelError,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
    PromptTooLongError,
)
from cap_planner.repair import is_textual
from cap_planner.verifier import (
    Report,
    Undefined,
    defined_functions,
    header,
    shortened,
    signatures,
    verify,
)
from cap_planner.window import fitting_chat

_MOST_NAMES = 40
_MOST_TOLD = 400


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
        variables: with their values.
        names: of functions, those included that are being written.
        imports: import lines of the session.
        functions: texts with functions in scope, whose calls have to fit them.
        try_function: what is wrong with a generated function, found by trying it with those that
            were generated with it, in such a scope.
    """

    variables: Mapping[str, Any] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    imports: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    try_function: Callable[[Undefined, Mapping[str, str], Scope], str | None] = lambda *_: None

    @property
    def known(self) -> frozenset[str]:
        """The names of all."""
        return self.names | frozenset(self.variables)

    def with_names(self, names: Collection[str]) -> Scope:
        """The same with more names."""
        return replace(self, names=self.names | frozenset(names))

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

    Tries of the model come first, then one of the stronger model. Who writes again what was no
    good, in whatever layout, is not asked again; nor is who cannot be reached.

    Args:
        build: the prompt, from some turns of the session and what the program finds.
        turns: of the session.

    Attributes:
        scope: what the program finds; another one, when what is written next runs elsewhere.
    """

    def __init__(
        self,
        writer: ProgramWriter,
        lmp: Lmp,
        build: Callable[[Sequence[SessionTurn], Scope], list[Message]],
        extract: Callable[..., str],
        scope: Scope,
        turns: Sequence[SessionTurn] = (),
    ) -> None:
        self.scope = scope
        self._writer = writer
        self._lmp = lmp
        self._build = build
        self._extract = extract
        self._turns = turns
        self._rounds: list[list[Message]] = []
        self._models = writer.ladder()
        self._text = ''
        self._meaning = ''
        self._no_good: set[str] = set()
        self._failure: CapError | None = None
        self._run_failure: CapError | None = None

    def write(self) -> Written:
        """A program that has passed the verifier, with the functions it needs.

        One for which a function cannot be written is no good either.

        Raises:
            ModelMalformedError, InstructionError, ModelUnavailableError: as `next`.
        """
        while True:
            source = self.next()
            try:
                return self._writer.with_functions(self._lmp, source, self.scope)
            except InstructionError as failure:
                if failure.label is not Label.UNKNOWN_API:
                    raise
                self._refuse(self._text, failure)

    def next(self) -> str:
        """A text that has passed the verifier.

        Raises:
            ModelMalformedError, InstructionError: why the last one was none, when every try is
                used up, or why the last one that ran failed; also BUDGET_EXCEEDED and STOPPED.
            ModelUnavailableError: nobody answers any more.
        """
        while self._models:
            model = self._models.pop(0)
            try:
                text = self._writer.complete(model, self._lmp, self._chat())
            except ModelUnavailableError as error:
                self._ask_no_more(model)
                # What is too long as a repair alone, says nothing of why there is one.
                if not (self._rounds and isinstance(error, PromptTooLongError)):
                    self._failure = error
                continue
            except ModelMalformedError as error:
                self._refuse('', error)
                continue
            if source := self._checked(model, text):
                return source
        is_gone = isinstance(self._failure, ModelUnavailableError)
        failure = self._failure if is_gone else self._run_failure or self._failure
        assert failure
        raise failure

    def failed(self, report: str) -> None:
        """The text was tried, and is no good."""
        self._refuse(self._text, InstructionError(Label.MODEL_MALFORMED, report))

    def has_run(self, failure: InstructionError, word: str, *, may_be_idle: bool = False) -> None:
        """The program ran, and failed.

        Args:
            word: what the model is told.
            may_be_idle: it has done something, and it may be that nothing is left to do.
        """
        if may_be_idle:
            word += ' If nothing is left to do, write `pass` alone.'
            self._extract = functools.partial(self._extract, may_be_idle=True)
        self._rounds.append(next_round(self._text, word))
        # After it has run, the world may be another one: what was no good before may be now.
        self._no_good = {self._meaning}
        self._run_failure = self._failure = failure

    def _checked(self, model: LanguageModel, text: str) -> str | None:
        """The program in an answer; None if there is none, which is then part of the chat."""
        source = ''
        failure: CapError | None = None
        try:
            source = self._extract(text)
        except ModelMalformedError as error:
            failure = error
        meaning = _meaning(source) if source else text.strip()
        if meaning in self._no_good:
            self._ask_no_more(model)
            return None
        self._no_good.add(meaning)
        if failure is None:
            report = self._writer.verify(self._lmp, source, self.scope)
            if report.ok:
                self._text, self._meaning = text, meaning
                return source
            failure = rejection(report)
        self._refuse(text, failure)
        return None

    def _refuse(self, text: str, failure: CapError) -> None:
        self._failure = failure
        self._rounds.append(repair_round(text, str(failure)))

    def _ask_no_more(self, model: LanguageModel) -> None:
        self._models = [other for other in self._models if other is not model]

    def _chat(self) -> list[Message]:
        def build(turns: Sequence[SessionTurn]) -> list[Message]:
            return self._build(turns, self.scope)

        return fitting_chat(self._turns, build, self._rounds, self._writer.room_tokens)


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
        """The program for a query, as one chat.

        Args:
            turns: of the session; as many of the last ones as fit into the model's window.
            variables: names that the program is given beside those of the context.
            done: what has been done for the query already.
            left: variables of the session, told when the requests that set them no longer are.
        """
        done = tuple(done)

        def build(some: Sequence[SessionTurn], scope: Scope) -> list[Message]:
            told = [*variables, *(left[-_MOST_NAMES:] if len(some) < len(turns) else ())]
            return build_messages(
                lmp, self._domain.api, query, context, some, told, done, scope.headers
            )

        return Draft(self, lmp, build, program_from_completion, scope, turns)

    def write(
        self,
        lmp: Lmp,
        query: str,
        context: str = '',
        scope: Scope = Scope(),
        *,
        variables: Sequence[str] = (),
    ) -> Written:
        """The program for a query, with the functions it needs; raises as `Draft.write` does."""
        return self.draft(lmp, query, context, scope, variables=variables).write()

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

            def build(_: object, scope: Scope) -> list[Message]:
                return build_messages(
                    fgen, self._domain.api, missing.signature, functions=scope.headers
                )

            def extract(text: str) -> str:
                return definition_from_completion(text, missing, known.known)

            return Draft(self, fgen, build, extract, known)

        def problem(missing: Undefined, functions: Mapping[str, str]) -> str | None:
            return scope.try_function(missing, functions, scope)

        try:
            functions = generate_functions(source, undefined, ask, problem)
        except CapError as error:
            if not is_textual(error):
                raise
            missing = ', '.join(each.signature for each in undefined(source, ()))
            exist = ', '.join(name for name, f in self._domain.api.items() if f.kind in lmp.calls)
            text = (
                f'nothing defines {shortened(missing, _MOST_TOLD)}, nor could it be written: '
                f'{error}; there is {exist}'
            )
            raise InstructionError(Label.UNKNOWN_API, text) from error
        return Written(source, functions)

    @property
    def room_tokens(self) -> int:
        """For a prompt, in the model's window."""
        return self._budget.limits.window_tokens - self._budget.limits.text_tokens

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


def _meaning(source: str) -> str:
    """The same for programs that differ in layout and comments alone."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # the verifier tells them
            return ast.dump(ast.parse(source))
    except (RecursionError, ValueError):  # nested too deeply, or an integer with too many digits
        return source
