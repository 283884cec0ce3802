"""Instructions, one after the other, each from its words to a report. No ROS."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from json import JSONDecodeError

from cap_common.errors import CapError
from cap_planner.broker import fatal
from cap_planner.evidence import Ending
from cap_planner.instruction_run import InstructionRun, Parts, Progress
from cap_planner.labels import InstructionError, Label
from cap_planner.sandbox.text import for_people
from cap_planner.session import Session, UnreadableSessionError, session_key

_MOST_TOLD = 300
_MODES = ('auto', 'confirm', 'rehearse')


@dataclass(frozen=True)
class Request:
    """What a person asks for.

    Attributes:
        program: runs in place of one that the model would write; empty: the model writes it.
        skip_verifier: run `program` as it is, where the operator allows that.
    """

    instruction: str
    session: str = ''
    mode: str = ''
    program: str = ''
    skip_verifier: bool = False


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
        max_instruction_chars: longer ones are refused.
        arm_may_hide: it is not known that the arm is out of the camera's sight.
    """

    def __init__(
        self, parts: Parts, max_instruction_chars: int, *, arm_may_hide: bool = False
    ) -> None:
        self.parts = parts
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
            record = self.parts.evidence.begin(
                shown,
                session_name,
                request.mode or 'auto',
                domain=self.parts.domain.name,
                program=request.program,
                skip_verifier=request.skip_verifier,
            )
        except Exception as fault:
            return Report('failed', *_told(fault))
        session, loss = Session(session_name), ''
        label, error = None, ''
        try:
            on_begun(record.id)
            session, loss = self._session(session_name)
            record.session_before(session.as_data())
        except Exception as fault:
            label, error = _told(fault)
        run = InstructionRun(self.parts, record, session, on_progress, stopped)
        if label is None:
            label, error = self._carry_out(run, request, loss)
        # An arm that stopped on its way may stand between the camera and what it was to pick.
        hidden = self._arm_may_hide and not run.has_looked
        self._arm_may_hide = hidden or (label is not None and run.moved)
        answer = '\n'.join(run.spoken)
        try:
            run.look_at_the_end()
        except Exception as fault:
            label, error = _first(label, error, fault)
        try:
            record.end(Ending(_outcome(label), label or '', error, answer))
            run.tell('done')
        except Exception as fault:
            # What is not on record has not been done as promised.
            label, error = _first(label, error, fault)
        return Report(
            _outcome(label), label, error, for_people(run.program_text), answer, record.id
        )

    def _carry_out(
        self, run: InstructionRun, request: Request, loss: str
    ) -> tuple[Label | None, str]:
        """Why it failed: label and text; None and '' if it did not.

        Args:
            loss: what the person has to know of the session.
        """
        try:
            if loss:
                run.say(loss)
            self._check(request)
            run.carry_out(
                request.instruction.strip() or 'run a program',
                self._arm_may_hide,
                request.program,
                verified=not request.skip_verifier,
            )
        except Exception as failure:
            return _told(failure)
        return None, ''

    def _check(self, request: Request) -> None:
        text = request.instruction
        limit = self._max_instruction_chars
        if request.skip_verifier:
            self._check_unverified(request)
        if not for_people(text).strip() and not request.program.strip():
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

    def _check_unverified(self, request: Request) -> None:
        if not request.program.strip():
            text = 'skip_verifier is for a given program; what a model writes is always verified'
            raise InstructionError(Label.INVALID_INSTRUCTION, text)
        if not self.parts.allow_unverified:
            raise InstructionError(
                Label.UNSUPPORTED_MODE,
                'programs run unverified only with CAP_ALLOW_UNVERIFIED=1 in the environment of '
                'the planner, and with every layer of the sandbox on (sandbox.allow_missing: [])',
            )

    def _session(self, name: str) -> tuple[Session, str]:
        """What was kept of a session; if it cannot be read, a new one, and the word for that."""
        domain = self.parts.domain
        try:
            data = self.parts.evidence.load_session(session_key(domain.name, name))
            session = Session(name) if data is None else Session.from_data(data)
        except (UnreadableSessionError, JSONDecodeError) as error:
            text = f'What I kept of the session {name!r} cannot be read, so it begins anew: {error}'
            return Session(name), for_people(text, _MOST_TOLD)
        return session.verified(domain.api), ''


def _outcome(label: Label | None) -> str:
    return {None: 'succeeded', Label.STOPPED: 'stopped'}.get(label, 'failed')


def _first(label: Label | None, error: str, fault: Exception) -> tuple[Label, str]:
    """Of two failures: the first says more."""
    return (label, error) if label else _told(fault)


def _told(failure: Exception) -> tuple[Label, str]:
    """A failure for the caller and the record."""
    if isinstance(failure, CapError):
        ended = fatal(failure)
        return ended.label, for_people(str(ended))
    # The caller shall hear of it, and the next request be served.
    traceback.print_exception(failure)
    text = f'internal error: {type(failure).__name__}: {failure}'
    return Label.INTERNAL_ERROR, for_people(text)
