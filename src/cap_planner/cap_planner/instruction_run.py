"""One instruction while it runs: program, sandbox, broker, and what came of it. No ROS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from cap_common.errors import CapError
from cap_planner.api.spec import Api, Kind
from cap_planner.broker import Broker, LmpProgram
from cap_planner.budget import Budget, Limits
from cap_planner.evidence import EvidenceStore, Record
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


@dataclass(frozen=True)
class Progress:
    """How far it is. `line` is of the program, 1-based; 0: none."""

    state: str
    program: str = ''
    line: int = 0
    call: str = ''
    spoken: str = ''


@dataclass(frozen=True)
class Parts:
    """What the planner is made of. All instructions share it.

    Attributes:
        skills: `stopped` of it is set to that of the instruction that runs.
        settle_s: how long processes that were just started are waited for.
        placement_tolerance_m: how far from its target a placed object may be seen.
    """

    api: Api
    model: LanguageModel
    sandbox: Sandbox
    scenes: SceneSource
    skills: Skills
    table: Table
    evidence: EvidenceStore
    limits: Limits
    settle_s: float
    placement_tolerance_m: float


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
        on_progress: Callable[[Progress], None],
        stopped: Callable[[], InstructionError | None],
    ) -> None:
        self._parts = parts
        self._record = record
        self._on_progress = on_progress
        self._stopped_by = stopped
        self._stop: InstructionError | None = None
        self._progress = Progress('queued')
        self.spoken: list[str] = []
        self.program_text = ''
        self.moved = False
        self.has_looked = False
        self._budget = Budget(parts.limits)
        self._writer = ProgramWriter(parts.api, parts.model, self._budget, record, self._stopped)
        parts.skills.stopped = self._has_to_end
        self._robot = TabletopRobot(
            parts.scenes, parts.skills, parts.table, self._say, parts.placement_tolerance_m
        )

    def carry_out(self, instruction: str, session: Session, look_first: bool) -> None:
        """Write the program, run it, and look at what came of it.

        Args:
            look_first: the arm may hide something from the camera.

        Raises:
            CapError: it was not carried out.
        """
        parts = self._parts
        self._settle(parts.settle_s)
        if stop := self._stopped():
            raise stop
        if look_first:
            self.tell('looking')
            self._look()
            self.has_looked = True
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
        parts.evidence.save_session(session.name, session.as_data())

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

    def _say(self, text: str) -> None:
        self.spoken.append(text)
        self._progress = replace(self._progress, spoken='\n'.join(self.spoken))
        self.tell('running', self._progress.line, self._progress.call)

    def _execute(self, written: Written, session: Session, variables: dict[str, Any]) -> Outcome:
        """Run the program in the sandbox."""
        parts = self._parts
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
            parts.api,
            self._robot,
            self._budget,
            self._record,
            write,
            self._stopped,
            self._on_call,
        )
        left = replace(session.left, variables={**session.left.variables, **variables})
        outcome = parts.sandbox.run(
            Program(written.source, parts.api, left, written.functions),
            lambda call: _reply(broker, call),
            wall_seconds=parts.limits.compute_s,
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
