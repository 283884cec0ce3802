"""One instruction while it runs: its programs, and what came of them. No ROS."""

from __future__ import annotations

import ast
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cap_common.errors import CapError
from cap_planner.api.spec import Kind
from cap_planner.budget import Budget, Limits
from cap_planner.domains import Domain
from cap_planner.evidence import EvidenceStore, Record
from cap_planner.labels import InstructionError, Label
from cap_planner.lmp import SessionTurn
from cap_planner.models.base import LanguageModel, ModelMalformedError
from cap_planner.places import Table
from cap_planner.program_run import Runner
from cap_planner.repair import (
    is_repairable,
    is_splittable,
    parts_from_completion,
    word_after_run,
)
from cap_planner.robot import SceneRobot, Skills
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import Session as Left
from cap_planner.sandbox.text import for_people
from cap_planner.scene import Eyes, SceneSource
from cap_planner.session import Session, session_key
from cap_planner.trial import try_function
from cap_planner.verifier import Undefined, defined_functions
from cap_planner.writer import ProgramWriter, Scope, Written

_POLL_S = 0.02
_RESUME_S = 0.3
_MOST_TOLD = 200


@dataclass(frozen=True)
class Progress:
    """How far it is.

    Attributes:
        line: of the program, 1-based; 0: none.
        spoken: what was said just now.
    """

    state: str
    program: str = ''
    line: int = 0
    call: str = ''
    spoken: str = ''


@dataclass(frozen=True)
class Parts:
    """What the planner is made of. All instructions share it.

    Attributes:
        stronger: the model that is asked when the tries of `model` are used up.
        skills: `stopped` of it is set to that of the instruction that runs.
        settle_s: how long processes that were just started are waited for.
        placement_tolerance_m: how far from its target a placed object may be seen.
        allow_unverified: a given program may ask to run unverified.
    """

    domain: Domain
    model: LanguageModel
    sandbox: Sandbox
    scenes: SceneSource
    eyes: Eyes
    skills: Skills
    table: Table
    evidence: EvidenceStore
    limits: Limits
    settle_s: float
    placement_tolerance_m: float
    stronger: LanguageModel | None = None
    allow_unverified: bool = False

    def robot(self, spoken: Callable[[str], None]) -> SceneRobot:
        """What answers the calls of one instruction."""
        return self.domain.robot(
            self.scenes, self.skills, self.eyes, self.table, spoken, self.placement_tolerance_m
        )


class InstructionRun:
    """What belongs to one instruction, and ends with it.

    Attributes:
        moved: the robot was asked to move.
        has_looked: the arm has been out of the camera's sight.
    """

    def __init__(
        self,
        parts: Parts,
        record: Record,
        session: Session,
        on_progress: Callable[[Progress], None],
        stopped: Callable[[], InstructionError | None],
    ) -> None:
        self._parts = parts
        self._record = record
        self._session = session
        self._on_progress = on_progress
        self._stopped_by = stopped
        self._stop: InstructionError | None = None
        self._progress = Progress('queued')
        self.spoken: list[str] = []
        self.program_text = ''
        self.moved = False
        self.has_looked = False
        self._left = session.left
        self._dropped: dict[str, str] = {}
        self._programs: list[str] = []
        self._budget = Budget(parts.limits)
        self._writer = ProgramWriter(
            parts.domain, parts.model, parts.stronger, self._budget, record, self._stopped
        )
        parts.skills.stopped = self._has_to_end
        self._robot = parts.robot(self.say)
        self._runner = Runner(
            domain=parts.domain,
            sandbox=parts.sandbox,
            robot=self._robot,
            writer=self._writer,
            budget=self._budget,
            record=record,
            tell=self.tell,
            stopped=self._stopped,
            ended=self._ended,
            acts=self._acts,
        )

    # ── the instruction ──────────────────────────────────────────────────────────────────────

    def carry_out(
        self, instruction: str, look_first: bool, given: str = '', *, verified: bool = True
    ) -> None:
        """Have the program written, run it, and look at what came of it.

        Args:
            look_first: the arm may hide something from the camera.
            given: runs in place of a program of the model.
            verified: the given program is checked first.

        Raises:
            CapError: it was not carried out.
        """
        self._settle(self._parts.settle_s)
        if stop := self._stopped():
            raise stop
        if look_first:
            self.tell('looking')
            self._look()
            self.has_looked = True
        self._record.world('before', self._robot.scene().as_data())
        self.tell('prompting')
        context = self._context()
        try:
            if not given:
                self._write_and_run(instruction, may_split=True)
            elif verified:
                self._run(self._writer.given(self._parts.domain.ui, given, self._scope()))
            else:
                self._run(Written(given))
        except CapError as failure:
            if verified and self._robot.changes:
                self._remember(instruction, context, f'it failed: {_last_line(failure)}')
            raise
        if verified:
            self._remember(instruction, context)

    def _remember(self, instruction: str, context: str, *failed: str) -> None:
        """What was done lives on, also of an instruction that failed: it may be undone."""
        done = (*self._robot.changes, *failed)
        program = '\n'.join(text.strip() for text in self._programs)
        turn = SessionTurn(instruction, context, program, tuple(self._dropped), done)
        self._session.remember(turn, self._left)
        key = session_key(self._parts.domain.name, self._session.name)
        self._parts.evidence.save_session(key, self._session.as_data())

    def _write_and_run(self, instruction: str, *, may_split: bool) -> None:
        """Let the model write a program, and a better one for as long as it is worth it."""
        said, deeds = len(self.spoken), self._deeds
        only_talks, may_be_idle = True, False
        draft = self._writer.draft(
            self._parts.domain.ui,
            instruction,
            self._context(),
            self._scope(),
            turns=self._session.turns,
            left=[name for name in self._left.variables if name != 'objects'],
            done=self._robot.done,
        )
        while True:
            try:
                written = draft.write()
            except CapError as failure:
                if may_split and is_splittable(failure) and self._split(instruction):
                    return
                raise
            try:
                self._run(written, may_be_idle=may_be_idle)
            except InstructionError as failure:
                if self._ended() or not is_repairable(failure):
                    raise
                self.tell('repairing')
                word = word_after_run(failure, self._robot.done, self._context())
                only_talks = only_talks and self._only_talks(written)
                # Words are enough only where there was to be nothing else.
                has_spoken = only_talks and len(self.spoken) > said
                may_be_idle = has_spoken or self._deeds > deeds
                draft.has_run(failure, word, may_be_idle=may_be_idle)
            else:
                return

    @property
    def _deeds(self) -> int:
        """How many things have been done, beside what was said."""
        return len(self._robot.done) - len(self.spoken)

    def _only_talks(self, written: Written) -> bool:
        """Whether a program can act in no other way than by words."""
        api = self._parts.domain.api
        acting = {name for name, function in api.items() if function.kind is Kind.ACTION} - {'say'}
        acting |= defined_functions(*self._left.functions.values())  # or may do so
        tree = ast.parse('\n'.join([*written.functions.values(), written.source]))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}
        return not names & acting

    def _split(self, instruction: str) -> bool:
        """Carry the instruction out as several simpler ones; False: it cannot be split."""
        self.tell('splitting')
        lmp = self._parts.domain.decompose
        draft = self._writer.draft(lmp, instruction, self._context(), done=self._robot.done)
        try:
            parts = parts_from_completion(draft.next())
        except CapError as failure:
            if reason := self._ended():
                raise reason from failure
            return False
        if len(parts) < 2:
            return False
        self._robot.starts_over()
        for number, part in enumerate(parts, 1):
            try:
                self._write_and_run(part, may_split=False)
            except InstructionError as failure:
                text = f'of {len(parts)} simpler requests number {number}, {part!r:.200}: {failure}'
                raise InstructionError(failure.label, text) from failure
            except ModelMalformedError as failure:
                text = f'of {len(parts)} simpler requests number {number}, {part!r:.200}: {failure}'
                raise ModelMalformedError(text) from failure
        return True

    def _context(self) -> str:
        return f'objects = {self._robot.scene().names}'

    def _scope(self) -> Scope:
        """What a program finds that is written now."""
        return Scope(
            {**self._left.variables, 'objects': self._robot.scene().names},
            imports=self._left.imports,
            try_function=self._try_function,
        ).with_functions(self._left.functions.values())

    def _try_function(
        self, missing: Undefined, functions: Mapping[str, str], scope: Scope
    ) -> str | None:
        texts = {f'text{number}': text for number, text in enumerate(scope.functions)}
        session = Left(scope.variables, texts, scope.imports)
        api, sandbox = self._parts.domain.api, self._parts.sandbox
        return try_function(missing, functions, api, session, sandbox, scope.known)

    # ── one program ──────────────────────────────────────────────────────────────────────────

    def _run(self, written: Written, *, may_be_idle: bool = False) -> None:
        """Run a program, and see that it did what it set out to do.

        Args:
            may_be_idle: it need not do anything, because an earlier one did.

        Raises:
            InstructionError: it did not.
        """
        before = len(self._robot.done)
        self.program_text = '\n\n'.join([*written.functions.values(), written.source])
        self._record.program(self.program_text, written.functions)
        self._progress = replace(self._progress, program=for_people(self.program_text))
        self.tell('running')
        self._robot.program_begins()
        try:
            outcome = self._runner.run(written, self._left, self._scope(), may_be_idle=may_be_idle)
            self._robot.check_outcome()
        except CapError as failure:
            if len(self._robot.done) > before:
                # What it did lives on, and why it did it is asked of its text.
                comment = f'# It failed, and its variables are gone: {_last_line(failure)}'
                self._programs.append(f'{written.source.strip()}\n{comment}')
            raise
        self._left = left = outcome.session
        self._dropped.update(outcome.dropped)
        for name in (*left.variables, *left.functions, *left.imports):
            self._dropped.pop(name, None)  # an earlier part had dropped it
        self._programs.append(written.source)

    def _settle(self, timeout_s: float) -> None:
        """Wait for processes that were just started.

        A stop is waited for only as long as the word that it was taken back may be on its way.
        """
        started = time.monotonic()
        pause = threading.Event()
        while stop := self._stopped_by():
            limit_s = min(timeout_s, _RESUME_S) if stop.label is Label.STOPPED else timeout_s
            if time.monotonic() - started > limit_s:
                return
            pause.wait(_POLL_S)

    def _look(self) -> None:
        call_id, started = self._record.call_started('look', {}, 0), time.monotonic()
        error: str | None = 'it did not end'
        try:
            with self._budget.motion():
                self._robot.look()
            error = None
        except CapError as failure:
            error = f'{type(failure).__name__}: {failure}'
            raise self._ended() or failure from None
        finally:
            self._record.call_ended(call_id, time.monotonic() - started, error=error)

    def look_at_the_end(self) -> None:
        """Keep the world as it is now, if it can be seen."""
        try:
            self._record.world('after', self._parts.scenes.latest().as_data())
        except CapError as error:
            self._record.world('after', {'unknown': str(error)})

    # ── progress and its end ─────────────────────────────────────────────────────────────────

    def tell(self, state: str, line: int = 0, call: str = '') -> None:
        """Report progress."""
        self._progress = replace(self._progress, state=state, line=line, call=for_people(call))
        self._on_progress(self._progress)

    def _stopped(self) -> InstructionError | None:
        """Why this instruction has to end. Once there is a reason, it stays."""
        self._stop = self._stop or self._stopped_by()
        return self._stop

    def _ended(self) -> InstructionError | None:
        """Why the program and its action have to end: a person's stop before a budget of ours."""
        return self._stopped() or self._budget.exceeded()

    def _has_to_end(self) -> bool:
        return self._ended() is not None or self._parts.sandbox.is_program_gone()

    def _acts(self) -> None:
        self.moved = True

    def say(self, text: str) -> None:
        """Tell the person, once."""
        self.spoken.append(text)
        self._on_progress(replace(self._progress, spoken=text))


def _last_line(failure: CapError) -> str:
    """Without the trace."""
    lines = str(failure).splitlines()
    return for_people(lines[-1], _MOST_TOLD) if lines else failure.name
