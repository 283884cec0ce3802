"""What goes to a child before it runs: checked and packed before there is one."""

from __future__ import annotations

from cap_planner.sandbox import frames
from cap_planner.sandbox.frames import FrameError
from cap_planner.sandbox.program import Place, Program, ProgramError


class FaultyProgramError(Exception):
    """The program cannot be given to a child; `error` is what it comes to."""

    def __init__(self, error: ProgramError) -> None:
        super().__init__(error.message)
        self.error = error


def sources(program: Program) -> dict[str, str]:
    """The texts of all functions that the child gets, by name."""
    return {**program.session.functions, **program.functions}


def packed_start(program: Program) -> bytes:
    """The first frame to the child.

    Raises:
        FaultyProgramError: a text is no Python, or the session holds what no frame carries.
    """
    functions = sources(program)
    for name, text in [*functions.items(), ('program', program.source)]:
        if problem := syntax_error(text, name):
            raise FaultyProgramError(problem)
    session = {
        'variables': dict(program.session.variables),
        'functions': functions,
        'imports': list(program.session.imports),
    }
    start = {
        'program': program.source,
        'session': session,
        'seed': program.seed,
    }
    try:
        return frames.pack(start)
    except FrameError as fault:
        text = f'the session cannot be given to the program: {fault}'
        raise FaultyProgramError(ProgramError(type(fault).__name__, text, 0, ())) from fault


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
