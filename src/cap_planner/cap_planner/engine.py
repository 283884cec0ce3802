"""One instruction, from the words to its end: the whole of the planner. No ROS."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from cap_common.errors import CapError
from cap_planner.api.spec import Api, Kind
from cap_planner.broker import Broker, LmpProgram, fatal
from cap_planner.budget import Budget, Limits
from cap_planner.evidence import Ending, EvidenceStore, Record
from cap_planner.labels import InstructionError, Label, label_of_class
from cap_planner.lmp import LMPS, SessionTurn
from cap_planner.models.base import LanguageModel
from cap_planner.places import Table
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import (
    Call,
    Nested,
    Outcome,
    Program,
    Raised,
    Reply,
    Returned,
    Status,
)
from cap_planner.sandbox.text import for_people
from cap_planner.scene import SceneSource
from cap_planner.session import Session
from cap_planner.tabletop import Skills, TabletopRobot
from cap_planner.verifier import defined_functions
from cap_planner.writer import ProgramWriter, Written

_POLL_S = 0.02
_RESUME_S = 0.3
_MODES = ('auto', 'confirm', 'rehearse')


@dataclass(frozen=True)
class Request:
    """What a person asks for."""

    instruction: str
    session: str = ''
    mode: str = ''


@dataclass(frozen=True)
class Progress:
    """How far it is. `line` is of the program, 1-based; 0: none."""

    state: str
    program: str = ''
    line: int = 0
    call: str = ''
    spoken: str = ''


@dataclass(frozen=True)
class Report:
    """How it ended. `label` is None on success."""

    outcome: str
    label: Label | None = None
    error: str = ''
    program: str = ''
    answer: str = ''
    evidence_id: str = ''

    @classmethod
    def refused(cls, label: Label, error: str) -> Report:
        """It was not begun."""
        return cls('failed', label, error)


class Engine:
    """Carries out instructions, one at a time.

    Args:
        skills: `stopped` of it is set to this instruction's.
        arm_may_hide: it is not known that the arm is out of the camera's sight.
    """

    def __init__(
        self,
        *,
        api: Api,
        model: LanguageModel,
        sandbox: Sandbox,
        scenes: SceneSource,
        skills: Skills,
        table: Table,
        evidence: EvidenceStore,
        limits: Limits,
        settle_s: float,
        placement_tolerance_m: float,
        max_instruction_chars: int,
        arm_may_hide: bool = False,
    ) -> None:
        self._api = api
        self._model = model
        self._sandbox = sandbox
        self._scenes = scenes
        self._skills = skills
        self._table = table
        self._evidence = evidence
        self.limits = limits
        self._settle_s = settle_s
        self._placement_tolerance_m = placement_tolerance_m
        self._max_instruction_chars = max_instruction_chars
        self._arm_may_hide = arm_may_hide

    def run(
        self,
        request: Request,
        on_progress: Callable[[Progress], None],
        stopped: Callable[[], InstructionError | None],
        on_begun: Callable[[str], None] = lambda _: None,
    ) -> Report:
        """Carry out one instruction. Never raises: every end is a Report.

        Args:
            stopped: polled: why it has to end now, or None.
            on_begun: told the evidence id as soon as there is one.
        """
        session_name = request.session or 'default'
        shown = for_people(request.instruction, self._max_instruction_chars)
        try:
            record = self._evidence.begin(shown, session_name, request.mode or 'auto')
            on_begun(record.id)
        except Exception as fault:
            return Report('failed', *_told(fault))
        run = _Run(self, record, on_progress, stopped)
        label, error = None, ''
        try:
            self._check(request)
            run.carry_out(request.instruction.strip(), self._session(session_name))
        except Exception as failure:
            label, error = _told(failure)
        # An arm that stopped on its way may stand between the camera and what it was to pick.
        self._arm_may_hide = self._arm_may_hide or (label is not None and run.moved)
        answer = '\n'.join(run.spoken)
        try:
            run.look_at_the_end()
            record.end(Ending(_outcome(label), label or '', error, answer))
            run.tell('done')
        except Exception as fault:
            # What is not on record has not been done as promised; the first failure says more.
            label, error = _told(fault) if label is None else (label, error)
        return Report(
            _outcome(label), label, error, for_people(run.program_text), answer, record.id
        )

    def _check(self, request: Request) -> None:
        text = request.instruction
        limit = self._max_instruction_chars
        if not for_people(text).strip():
            raise InstructionError(Label.INVALID_INSTRUCTION, 'the instruction is empty')
        if len(text) > limit:
            raise InstructionError(
                Label.INVALID_INSTRUCTION,
                f'the instruction has {len(text)} characters; at most {limit} are taken',
            )
        if (request.mode or 'auto') not in _MODES:
            raise InstructionError(
                Label.UNSUPPORTED_MODE, f'no mode {request.mode!r}; there are {", ".join(_MODES)}'
            )
        if (request.mode or 'auto') != 'auto':
            raise InstructionError(
                Label.UNSUPPORTED_MODE, f'mode {request.mode!r} is not offered yet; use auto'
            )

    def _session(self, name: str) -> Session:
        data = self._evidence.load_session(name)
        return Session.from_data(data).verified(self._api) if data else Session(name)


class _Run:
    """What belongs to one instruction."""

    def __init__(
        self,
        engine: Engine,
        record: Record,
        on_progress: Callable[[Progress], None],
        stopped: Callable[[], InstructionError | None],
    ) -> None:
        self._engine = engine
        self._record = record
        self._on_progress = on_progress
        self._stopped_by = stopped
        self._stop: InstructionError | None = None
        self._progress = Progress('queued')
        self.spoken: list[str] = []
        self.program_text = ''
        self.moved = False
        self._budget = Budget(engine.limits)
        self._writer = ProgramWriter(
            engine._api, engine._model, self._budget, record, self._stopped
        )
        engine._skills.stopped = self._has_to_end
        self._robot = TabletopRobot(
            engine._scenes, engine._skills, engine._table, self._say, engine._placement_tolerance_m
        )

    def carry_out(self, instruction: str, session: Session) -> None:
        """Write the program, run it, and look at what came of it.

        Raises:
            CapError: it was not carried out.
        """
        engine = self._engine
        self._settle(engine._settle_s)
        if stop := self._stopped():
            raise stop
        if engine._arm_may_hide:
            self.tell('looking')
            self._look()
            engine._arm_may_hide = False
        scene = self._robot.scene()
        self._record.world('before', scene.as_data())
        self.tell('prompting')
        context = f'objects = {scene.names}'
        written = self._writer.write(
            LMPS['tabletop_ui'],
            instruction,
            context,
            known={*session.names, 'objects'},
            imports=session.left.imports,
            turns=session.turns,
        )
        self.program_text = '\n\n'.join([*written.functions.values(), written.source])
        self._record.program(self.program_text, written.functions)
        self._progress = replace(self._progress, program=for_people(self.program_text))
        self.tell('running')
        outcome = self._execute(written, session, {'objects': scene.names})
        self._robot.check_placements()
        turn = SessionTurn(instruction, context, written.source, tuple(outcome.dropped))
        session.remember(turn, outcome.session)
        engine._evidence.save_session(session.name, session.as_data())

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
            self._record.world('after', self._engine._scenes.latest().as_data())
        except CapError as error:
            self._record.world('after', {'unknown': str(error)})

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
        return self._ended() is not None

    def _say(self, text: str) -> None:
        self.spoken.append(text)
        self._progress = replace(self._progress, spoken='\n'.join(self.spoken))
        self.tell('running', self._progress.line, self._progress.call)

    def _execute(self, written: Written, session: Session, variables: dict[str, Any]) -> Outcome:
        """Run the program in the sandbox."""
        engine = self._engine
        given = {**session.left.functions, **written.functions}
        in_scope = defined_functions(*given.values(), written.source)
        # Those of the nested programs, in whose scopes alone they run. Each is written once.
        helpers: dict[str, str] = {}

        def write(lmp: str, query: str, context: str, names: list[str]) -> tuple[Written, str]:
            self.tell('prompting', self._progress.line, self._progress.call)
            known = {*names, *in_scope, *defined_functions(*helpers.values())}
            imports = session.left.imports
            nested = self._writer.write(LMPS[lmp], query, context, known=known, imports=imports)
            helpers.update(nested.functions)
            self._record.functions(nested.functions)
            return replace(nested, functions=dict(helpers)), LMPS[lmp].returns or ''

        broker = Broker(
            engine._api,
            self._robot,
            self._budget,
            self._record,
            write,
            self._stopped,
            self._on_call,
        )
        left = replace(session.left, variables={**session.left.variables, **variables})
        outcome = engine._sandbox.run(
            Program(written.source, engine._api, left, written.functions),
            lambda call: _reply(broker, call),
            wall_seconds=engine.limits.compute_s,
            canceled=self._has_to_end,
            on_nested_result=lambda call, result: broker.nested_result(call.id, result),
        )
        self._record.run(
            status=outcome.status,
            text=outcome.text,
            printed=for_people(outcome.printed),
            dropped=outcome.dropped,
            child_seconds=outcome.child_seconds,
            cpu_seconds=outcome.cpu_seconds,
        )
        if failure := _failure(outcome, broker.raised):
            raise self._ended() or failure
        if not broker.acted:
            text = 'the program ended without doing or saying anything'
            raise InstructionError(Label.WRONG_OUTCOME, text)
        return outcome

    def _on_call(self, text: str, line: int, kind: Kind) -> None:
        self.moved = self.moved or (kind is Kind.ACTION and not text.startswith('say('))
        self.tell('running', line, text)


def _outcome(label: Label | None) -> str:
    return {None: 'succeeded', Label.STOPPED: 'stopped'}.get(label, 'failed')


def _told(failure: Exception) -> tuple[Label, str]:
    """A failure for the caller and the record."""
    if isinstance(failure, CapError):
        ended = fatal(failure)
        return ended.label, for_people(str(ended))
    # A fault of ours, or a full disk: the caller shall hear of it, and the next request be served.
    traceback.print_exception(failure)
    text = f'internal error: {type(failure).__name__}: {failure}'
    return Label.PROGRAM_ERROR, for_people(text)


def _reply(broker: Broker, call: Call) -> Reply:
    try:
        value = broker.call(call)
    except InstructionError:
        raise
    except CapError as error:
        return Raised.of(error)
    if isinstance(value, LmpProgram):
        written = value.written
        return Nested(written.source, value.returns, value.variables, written.functions)
    return Returned(value)


# What only an interface can tell: a program that raises such an error by itself is in error.
_FAULTS = frozenset({Label.STOPPED, Label.BUSY, Label.PERCEPTION_LOST, Label.ROBOT_FAULT})


def _failure(outcome: Outcome, raised: Collection[str]) -> InstructionError | None:
    """Why a program did not finish.

    Args:
        raised: class names of the errors that its calls have raised.
    """
    if outcome.status is Status.FINISHED:
        return None
    if outcome.status is Status.PROGRAM_ERROR and outcome.error:
        label = label_of_class(outcome.error.type)
        if label in _FAULTS and outcome.error.type not in raised:
            label = Label.PROGRAM_ERROR
        return InstructionError(label, outcome.error.describe())
    label = {
        Status.KILLED: Label.BUDGET_EXCEEDED,
        Status.UNAVAILABLE: Label.SANDBOX_UNAVAILABLE,
        Status.LOST: Label.PROCESS_LOST,
        # It got past the verifier and did what no honest program does: nothing to be repaired.
        Status.VIOLATION: Label.PROGRAM_ERROR,
    }[outcome.status]
    return InstructionError(label, outcome.text)
