"""What goes to a child before it runs: compiled and packed before there is one."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from types import CodeType

from cap_planner.sandbox import frames, texts
from cap_planner.sandbox.frames import FrameError
from cap_planner.sandbox.program import Place, Program, ProgramError, Session
from cap_planner.sandbox.room import fitting
from cap_planner.sandbox.sessions import within
from cap_planner.sandbox.texts import PROGRAM, Start, Text


class FaultyProgramError(Exception):
    """The program cannot be given to a child; `error` is what it comes to."""

    def __init__(self, error: ProgramError) -> None:
        super().__init__(error.message)
        self.error = error


def sources(program: Program) -> dict[str, str]:
    """The texts of all functions that the child gets, by name."""
    return {**program.session.functions, **program.functions}


def prepared(program: Program) -> tuple[Program, bytes, dict[str, str]]:
    """The program with what a frame carries of its session, its first frame, and why the rest of
    the session is dropped.

    Raises:
        FaultyProgramError: a text is no Python, or the program itself is more than a frame.
    """
    for with_code in (True, False):
        with contextlib.suppress(FrameError):
            return program, _packed(program, with_code), {}
    try:
        program, dropped = _lightened(program)
        return program, _packed(program), dropped
    except FrameError as fault:
        text = f'the program cannot be given to its process: {fault}'
        raise FaultyProgramError(ProgramError(type(fault).__name__, text, 0, ())) from fault


def _packed(program: Program, with_code: bool = False) -> bytes:
    def text(source: str, name: str, where: str) -> Text:
        code = _code_of(source, name, where)
        return source, name, code if with_code else None

    session = program.session
    start = Start(
        text(program.source, PROGRAM, 'program'),
        {
            name: text(source, f'<function {name}>', name)
            for name, source in sources(program).items()
        },
        [text(line, f'<import {i}>', 'import') for i, line in enumerate(session.imports)],
        dict(session.variables),
        program.seed,
    )
    return texts.pack(start)


def _lightened(program: Program) -> tuple[Program, dict[str, str]]:
    """The program without what there is no room for of its session, and why there is none."""
    alone = _packed(replace(program, session=Session()))
    room = (frames.MAX_BYTES - len(alone)) // 2
    variables, dropped = fitting(program.session.variables, room)
    session, no_room = within(replace(program.session, variables=variables), room)
    return replace(program, session=session), dropped | no_room


def syntax_error(source: str, where: str) -> ProgramError | None:
    """Found here, because an interpreter that meets one looks for the file, and is killed."""
    try:
        _code_of(source, where, where)
    except FaultyProgramError as fault:
        return fault.error
    return None


def _code_of(source: str, name: str, where: str) -> CodeType:
    try:
        return texts.code_of(source, name)
    except SyntaxError as error:
        place = Place(where, '<module>', error.lineno or 0, (error.text or '').strip())
        line = place.line if where == 'program' else 0
        text = f'{where}: {error.msg} ({where}, line {place.line})'
        raise FaultyProgramError(ProgramError('SyntaxError', text, line, (place,))) from error
    except (ValueError, RecursionError, MemoryError) as error:
        fault = ProgramError('SyntaxError', f'{where}: {error}', 0, ())
        raise FaultyProgramError(fault) from error
