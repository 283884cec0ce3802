"""What runs in a program's process once it is confined. It holds no robot: calls are requests."""

from __future__ import annotations

import itertools
import sys
import types
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from cap_common.errors import CapError
from cap_planner.api.spec import WrongArgumentsError
from cap_planner.sandbox import frames, libraries, vocabulary
from cap_planner.sandbox.channel import Channel
from cap_planner.sandbox.room import fitting
from cap_planner.sandbox.scope import (
    Printed,
    Unwritten,
    functions_of,
    given_names,
    namespace,
    protected_names,
)
from cap_planner.sandbox.text import python_lines
from cap_planner.sandbox.texts import PROGRAM, Start, Text, code_of

_MESSAGE_LIMIT = 2000
_FRAMES_LIMIT = 20


class Child:
    """One program: its scope, its calls, and how it ended.

    Frames to the host: `call`, `lmp_result`, `end`. Frames from the host: the start, and one reply
    per call: `{'value': …}`, `{'error': {'type', 'message'}}` or `{'program': {…}}`.

    The zygote makes it, before the fork: what is made there, the child need not make in pages of
    memory that it first has to copy.

    Args:
        api: names of the functions that the host answers.
        print_limit, session_bytes: see SandboxConfig.
    """

    def __init__(
        self, channel: Channel, api: Collection[str], print_limit: int, session_bytes: int
    ) -> None:
        self.channel = channel
        self._session_bytes = session_bytes
        self._imports: list[Text] = []
        self._seed = 0
        self._ids = itertools.count(1)
        self._depth = 0
        self._seeded = False
        self._sources: dict[str, str] = {}
        self._printed = Printed(print_limit)
        self._given = given_names(self._printed) | {name: self._stub(name) for name in api}
        self._protected = protected_names(api)
        self._globals = namespace(self._given)

    def run(self, start: Start) -> None:
        """Run the program and send the end frame."""
        self._imports, self._seed = start.imports, start.seed
        try:
            self._import(self._globals)
            self._globals.update(start.variables)
            for text in start.functions.values():
                self._execute(text, self._globals)
            self._execute(start.program, self._globals)
        except BaseException as error:
            # Everything a program can raise is its result.
            end: dict[str, Any] = {'kind': 'end', 'error': self._describe(error)}
        else:
            end = {'kind': 'end', 'error': None, **self._session()}
        self.channel.send(end | {'printed': _plain_text(self._printed.text())})

    def _execute(self, text: Text, scope: dict[str, Any]) -> None:
        source, name, code = text
        if not self._seeded and 'random' in source:
            np.random.seed(self._seed)  # takes long, and few programs draw
            self._seeded = True
        self._sources[name] = source
        exec(code or code_of(source, name), scope)

    def _import(self, scope: dict[str, Any]) -> None:
        for text in self._imports:
            self._execute(text, scope)

    def _stub(self, name: str) -> Callable[..., Any]:
        def stub(*args: Any, **kwargs: Any) -> Any:
            return self._call(name, args, kwargs)

        stub.__name__ = stub.__qualname__ = name
        return stub

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        number = next(self._ids)
        request = {'kind': 'call', 'id': number, 'name': name, 'line': _line()}
        try:
            self.channel.send(
                request | {'args': list(args), 'kwargs': kwargs, 'depth': self._depth}
            )
        except frames.FrameError as error:
            raise WrongArgumentsError(f'{name}: {error}') from None
        reply = self.channel.receive()
        if 'program' in reply:
            return self._nested(number, name, reply['program'])
        if 'error' in reply:
            raise _error(**reply['error'])
        return reply['value']

    def _nested(self, number: int, name: str, program: dict[str, Any]) -> Any:
        """Run the program that answers a call, in a scope of its own, and return its result.

        Its functions live there, too: the program around it may have others of the same names.
        """
        self._depth += 1
        try:
            scope = namespace(self._given)
            self._import(scope)
            scope |= functions_of(self._globals, self._given)
            for function, source in program['functions'].items():
                self._execute((source, f'<function {function} of {name} {number}>', None), scope)
            scope |= program['variables']
            self._execute((program['source'], f'<{name} {number}>', None), scope)
            if program['returns'] not in scope:
                raise NameError(f'the program of {name} set no {program["returns"]!r}')
            value = scope[program['returns']]
        except Exception as error:
            self._report(number, error={'type': type(error).__name__, 'message': _message(error)})
            raise
        finally:
            self._depth -= 1
        self._report(number, value=value)
        return value

    def _report(self, number: int, **result: Any) -> None:
        """Tell the host the result of a nested program, for the record."""
        message = {'kind': 'lmp_result', 'id': number}
        try:
            self.channel.send(message | result)
        except frames.FrameError as error:
            text = {'type': type(error).__name__, 'message': str(error)}
            self.channel.send(message | {'error': text})

    def _session(self) -> dict[str, Any]:
        """What lives on: data as it is, functions by where they stand, the rest by name."""
        variables: dict[str, Any] = {}
        functions: dict[str, list[Any]] = {}
        dropped: dict[str, str] = {}
        for name, value in self._globals.items():
            is_given = name in self._given and self._given[name] is value
            if is_given or name.startswith('_'):
                continue
            if name in self._protected:
                dropped[name] = 'a name of the language, of a library or of the robot'
                continue
            if isinstance(value, types.ModuleType | Unwritten | type):
                continue
            if id(value) in libraries.callables():
                continue  # an import, which is repeated in the next program
            if not isinstance(value, types.FunctionType):
                variables[name] = value
            elif where := _where(value, self._globals):
                functions[name] = where
            else:
                dropped[name] = 'a function that is not defined at the top level'
        variables, no_room = fitting(variables, self._session_bytes)
        return {'variables': variables, 'functions': functions, 'dropped': dropped | no_room}

    def _describe(self, error: BaseException) -> dict[str, Any]:
        """Type, text and the frames of the program, without those of the interpreter."""
        trace = []
        top = 0
        step = error.__traceback__
        while step is not None:
            name = step.tb_frame.f_code.co_filename
            if name in self._sources:
                trace.append(self._place(name, step.tb_lineno, step.tb_frame.f_code.co_name))
                if name == PROGRAM and top == 0:
                    top = step.tb_lineno
            step = step.tb_next
        if isinstance(error, SyntaxError) and error.filename in self._sources:
            trace.append(self._place(error.filename, error.lineno or 1, '<module>'))
            top = top or (error.lineno or 0 if error.filename == PROGRAM else 0)
        return {
            'type': type(error).__name__,
            'message': _message(error),
            'line': top,
            'trace': trace[-_FRAMES_LIMIT:],
        }

    def _place(self, name: str, line: int, function: str) -> dict[str, Any]:
        lines = python_lines(self._sources[name])
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ''
        return {'where': name[1:-1], 'function': function, 'line': line, 'source': text[:200]}


def _line() -> int:
    """Line of the top-level program that is being executed; 0 outside of it."""
    # Not of this function, `_call` and the stub: to look at a frame makes an object of it.
    frame: types.FrameType | None = sys._getframe(3)
    while frame is not None:
        code = frame.f_code
        if code.co_filename == PROGRAM and code.co_name == '<module>':
            return frame.f_lineno
        frame = frame.f_back
    return 0


def _where(function: types.FunctionType, scope: dict[str, Any]) -> list[Any] | None:
    """File name, name and first line of a function of the top level; None for any other."""
    code = function.__code__
    if function.__globals__ is not scope or code.co_qualname != code.co_name or code.co_freevars:
        return None
    return [code.co_filename, code.co_name, code.co_firstlineno]


def _error(type: str, message: str) -> Exception:
    classes = vocabulary.api_errors()
    return classes.get(type, CapError)(message)


def _message(error: BaseException) -> str:
    try:
        return _plain_text(str(error)[:_MESSAGE_LIMIT])
    except Exception:
        return 'an error without a text'


def _plain_text(text: str) -> str:
    """The text with its halves of surrogate pairs replaced, which no frame carries."""
    return text.encode('utf-8', 'replace').decode()
