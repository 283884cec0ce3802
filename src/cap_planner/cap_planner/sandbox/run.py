"""One run: what goes to the child, what its messages mean, and what its end means."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import time
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from cap_planner.sandbox.frames import FrameError
from cap_planner.sandbox.launch import Zygote, ZygoteError
from cap_planner.sandbox.program import (
    Budget,
    Call,
    Nested,
    NestedResult,
    Outcome,
    Place,
    Program,
    ProgramError,
    Raised,
    Reply,
    SandboxConfig,
    SandboxUnavailableError,
    Session,
    Status,
)
from cap_planner.sandbox.room import size_of
from cap_planner.sandbox.sessions import next_session, within
from cap_planner.sandbox.start import sources, syntax_error
from cap_planner.sandbox.wire import OverBudget, PeerEnded, Wire

_END_SECONDS = 10.0
_MEMORY_ERRORS = ('MemoryError', '_ArrayMemoryError')
_TEXT_LIMIT = 4000
_NAME_LIMIT = 200
_PLACES_LIMIT = 64
_COUNT_LIMIT = 1 << 31  # what the evidence and the feedback hold


class Listener(NamedTuple):
    """Whom a run tells what; see `Sandbox.run`. Its time is not the program's."""

    on_call: Callable[[Call], Reply]
    on_answered: Callable[[], None]
    on_nested_result: Callable[[Call, NestedResult], None]


class Run:
    """One child, from fork to end.

    Args:
        api: names of the functions that its program may call.
        start: the frame of the program, from `prepared`; none: it only stands there.
        skip: layers that the child leaves out; see unlayered.py.

    Raises:
        ZygoteError: there is no child to be had.
    """

    def __init__(
        self,
        config: SandboxConfig,
        zygote: Zygote,
        api: Collection[str],
        start: bytes = b'',
        skip: Collection[str] = (),
    ) -> None:
        self._config = config
        self._zygote = zygote
        # The frame lies in the pipe while the child comes up.
        self._fork = zygote.fork(job(config, api, skip), config.start_seconds, start)
        self._wire = Wire(self._fork.pipe, config.poll_seconds, config.start_seconds)
        self._nested: dict[int, Call] = {}

    def has_ended(self) -> bool:
        """Whether the child runs no more, whoever ended it."""
        return self._fork.has_ended()

    def kill(self) -> None:
        """End the child at once; harmless when it has ended."""
        self._fork.kill()

    def close(self) -> None:
        """Give the descriptors back."""
        self._fork.close()

    def wait_until_ready(self) -> None:
        """Until the child stands behind its layers.

        Raises:
            SandboxUnavailableError: a layer is missing, or the child did not come up.
        """
        try:
            message = self._wire.receive()
        except (OverBudget, PeerEnded, FrameError) as error:
            raise SandboxUnavailableError(f'the child did not start: {error}') from error
        if message.get('kind') != 'ready':
            missing = [f'{name} ({why})' for name, why in message.get('missing', {}).items()]
            raise SandboxUnavailableError(f'missing layers: {"; ".join(missing) or message}')

    def execute(
        self,
        program: Program,
        listener: Listener,
        wall_seconds: float,
        canceled: Callable[[], bool],
    ) -> Outcome:
        """The run itself; see `Sandbox.run`."""
        try:
            with contextlib.suppress(PeerEnded, OverBudget):  # why, it says in its own frame
                self._wire.write(self._fork.unsent)
            self.wait_until_ready()
        except SandboxUnavailableError as error:
            return Outcome(Status.UNAVAILABLE, str(error), program.session)
        self._wire.restart(wall_seconds, canceled)
        outcome = self._converse(program, listener)
        used = self._wire.used()
        if outcome is None or outcome.status not in (Status.FINISHED, Status.PROGRAM_ERROR):
            self.kill()
        try:
            status, cpu = self._wait_for_end()
        except ZygoteError as error:
            self.kill()
            status, cpu = 0, 0.0
            text = f'the process of the program is lost, and how it ended: {error}'
            outcome = outcome or Outcome(Status.LOST, text, program.session)
        outcome = outcome or self._explain(program, status, cpu)
        return dataclasses.replace(outcome, child_seconds=used, cpu_seconds=cpu)

    def _converse(self, program: Program, listener: Listener) -> Outcome | None:
        """Until the child's answer is there, or a reason to kill it; None if it ended itself."""
        try:
            return self._finish(program, self._serve(program, listener))
        except OverBudget as over:
            text = f'killed: {over}'
            return Outcome(Status.KILLED, text, program.session, budget=over.budget)
        except FrameError as error:
            return Outcome(Status.VIOLATION, f'killed: it sent {error}', program.session)
        except PeerEnded:
            return None

    def _serve(self, program: Program, listener: Listener) -> dict[str, Any]:
        """Answer calls until the end frame."""
        while True:
            message = self._wire.receive()
            match message.get('kind'):
                case 'call':
                    call = _call(message, program)
                    reply = self._tell(listener.on_call, call)
                    try:
                        self._send_reply(call, self._reply(program, call, reply))
                    finally:
                        self._tell(listener.on_answered)
                case 'lmp_result':
                    nested_call, result = self._nested_result(message)
                    self._tell(listener.on_nested_result, nested_call, result)
                case 'end':
                    return message
                case kind:
                    raise FrameError(f'a message of kind {str(kind)[:40]!r}')

    def _tell(self, function: Callable[..., Any], *arguments: Any) -> Any:
        before = time.monotonic()
        try:
            return function(*arguments)
        finally:
            self._wire.exclude(time.monotonic() - before)

    def _send_reply(self, call: Call, reply: dict[str, Any]) -> None:
        try:
            self._wire.send(reply)
        except FrameError as fault:
            # Nothing was sent, and what cannot be sent is ours and not the program's.
            message = f'{call.name}: the answer cannot be given to the program: {fault}'
            self._wire.send({'error': {'type': type(fault).__name__, 'message': message}})

    def _reply(self, program: Program, call: Call, reply: Reply) -> dict[str, Any]:
        match reply:
            case Raised(name, message):
                return {'error': {'type': name, 'message': message}}
            case Nested(source, returns, variables, functions):
                for text in (*functions.values(), source):
                    if problem := syntax_error(text, call.name):
                        return {'error': {'type': 'SyntaxError', 'message': problem.message}}
                self._nested[call.id] = call
                named = program.api[call.name].signature.parameters
                extra = {k: value for k, value in call.kwargs.items() if k not in named}
                data = {'variables': {**variables, **extra}, 'functions': dict(functions)}
                return {'program': {'source': source, 'returns': returns} | data}
            case _:
                return {'value': reply.value}

    def _nested_result(self, message: dict[str, Any]) -> tuple[Call, NestedResult]:
        call = self._nested.pop(_typed(message, 'id', int), None)
        if call is None:
            raise FrameError('the result of a program that was not given')
        error = message.get('error')
        if error is None:
            return call, NestedResult(message.get('value'), None)
        return call, NestedResult(None, (_typed(error, 'type', str), _typed(error, 'message', str)))

    def _finish(self, program: Program, end: dict[str, Any]) -> Outcome:
        printed = _typed(end, 'printed', str)
        if len(printed) > self._config.print_limit:
            raise FrameError(f'{len(printed)} printed characters')
        if end.get('error') is None:
            session, dropped = next_session(program, end, sources(program))
            self._check_room(session)
            session, no_room = within(session, self._config.session_bytes)
            dropped |= no_room
            text = 'finished'
            return Outcome(Status.FINISHED, text, session, dropped=dropped, printed=printed)
        error = _program_error(end['error'])
        if error.type in _MEMORY_ERRORS:
            text = f'killed: more than {self._config.memory_bytes >> 20} MiB of memory'
            text += f' in line {error.line}' if error.line else ''
            text += f': {error.message}' if error.message else ''
            return Outcome(
                *(Status.KILLED, text, program.session),
                printed=printed,
                error=error,
                budget=Budget.MEMORY,
            )
        text = f'line {error.line}: {error.type}: {error.message}'
        return Outcome(Status.PROGRAM_ERROR, text, program.session, printed=printed, error=error)

    def _check_room(self, session: Session) -> None:
        """A child keeps to it; one that does not is no child of ours."""
        size = sum(size_of(name, value) for name, value in session.variables.items())
        if size > self._config.session_bytes:
            raise FrameError(f'a session of {size} bytes')

    def _wait_for_end(self) -> tuple[int, float]:
        """Status as of waitpid, and CPU seconds.

        Raises:
            ZygoteError: the zygote is gone, or does not say.
        """
        deadline = time.monotonic() + _END_SECONDS
        while True:
            message, _ = self._zygote.receive(deadline - time.monotonic())
            if message.get('exited') == self._fork.pid:
                return message['status'], message['cpu']

    def _explain(self, program: Program, status: int, cpu: float) -> Outcome:
        """What it means that the child ended without an answer."""
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        # The limit and the figure are sampled by different clocks of the kernel.
        out_of_time = number == signal.SIGKILL and cpu >= 0.8 * self._config.cpu_seconds
        if number == signal.SIGSYS:
            text = 'killed: it made a system call that programs may not make'
            return Outcome(Status.VIOLATION, text, program.session)
        if number == signal.SIGXCPU or out_of_time:
            text = f'killed: more than {self._config.cpu_seconds} s of CPU time'
            return Outcome(Status.KILLED, text, program.session, budget=Budget.CPU)
        if number == signal.SIGKILL:
            text = 'killed from outside, as a system out of memory does'
            return Outcome(Status.KILLED, text, program.session, budget=Budget.MEMORY)
        how = f'signal {number}' if number else f'status {status}'
        error = ProgramError('ProcessEnded', f'the process ended by {how}', 0, ())
        return Outcome(Status.PROGRAM_ERROR, error.message, program.session, error=error)


def job(
    config: SandboxConfig, api: Collection[str] = (), skip: Collection[str] = ()
) -> dict[str, Any]:
    """What the zygote is asked to fork."""
    return {
        'cpu_seconds': config.cpu_seconds,
        'memory_bytes': config.memory_bytes,
        'allow_missing': list(config.allow_missing),
        'skip': sorted(skip),
        'child': [list(api), config.print_limit, config.session_bytes],
    }


def _call(message: dict[str, Any], program: Program) -> Call:
    name, args, kwargs = (message.get(key) for key in ('name', 'args', 'kwargs'))
    number, line, depth = (_count(message, key) for key in ('id', 'line', 'depth'))
    if not (type(name) is str and type(args) is list and type(kwargs) is dict):
        raise FrameError('a call without a name, args or kwargs')
    if name not in program.api:
        raise FrameError(f'a call of {name[:80]!r}, which is no function of the API')
    if not all(type(key) is str for key in kwargs):
        raise FrameError('keyword arguments that are no names')
    return Call(number, name, tuple(args), kwargs, line, depth)


def _program_error(plain: Any) -> ProgramError:
    places = tuple(
        Place(
            _typed(place, 'where', str)[:_NAME_LIMIT],
            _typed(place, 'function', str)[:_NAME_LIMIT],
            _count(place, 'line'),
            _typed(place, 'source', str)[:_NAME_LIMIT],
        )
        for place in _typed(plain, 'trace', list)[-_PLACES_LIMIT:]
    )
    name, message = _typed(plain, 'type', str), _typed(plain, 'message', str)
    return ProgramError(name[:80], message[:_TEXT_LIMIT], _count(plain, 'line'), places)


def _count(message: Any, key: str) -> int:
    value: int = _typed(message, key, int)
    if not 0 <= value < _COUNT_LIMIT:
        raise FrameError(f'a message whose {key} is {value}')
    return value


def _typed(message: Any, key: str, kind: type) -> Any:
    value = message.get(key) if isinstance(message, dict) else None
    if type(value) is not kind:
        raise FrameError(f'a message whose {key} is a {type(value).__name__}')
    return value
