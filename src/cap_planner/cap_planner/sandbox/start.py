"""What goes to a child before it runs: checked and packed before there is one."""

from __future__ import annotations

from dataclasses import replace

from cap_planner.sandbox import frames
from cap_planner.sandbox.frames import FrameError
from cap_planner.sandbox.program import Place, Program, ProgramError, Session
from cap_planner.sandbox.room import fitting
from cap_planner.sandbox.sessions import within


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
    for name, text in [*sources(program).items(), ('program', program.source)]:
        if problem := syntax_error(text, name):
            raise FaultyProgramError(problem)
    try:
        return program, _packed(program), {}
    except FrameError:
        pass
    try:
        program, dropped = _lightened(program)
        return program, _packed(program), dropped
    except FrameError as fault:
        text = f'the program cannot be given to its process: {fault}'
        raise FaultyProgramError(ProgramError(type(fault).__name__, text, 0, ())) from fault


def _packed(program: Program) -> bytes:
    session = {
        'variables': dict(program.session.variables),
        'functions': sources(program),
        'imports': list(program.session.imports),
    }
    return frames.pack({'program': program.source, 'session': session, 'seed': program.seed})


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
        compile(source, where, 'exec', dont_inherit=True)
    except SyntaxError as error:
        place = Place(where, '<module>', error.lineno or 0, (error.text or '').strip())
        line = place.line if where == 'program' else 0
        return ProgramError('SyntaxError', f'{where}: {error}', line, (place,))
    except (ValueError, RecursionError, MemoryError) as error:
        return ProgramError('SyntaxError', f'{where}: {error}', 0, ())
    return None
