"""`./cap run`: a program of one's own, down the path of those that a model writes."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.text import Text

from cap_bringup.instruct import run_instruct, system_is_up
from cap_bringup.stage import Order, Stage, StageError, tell_planner
from cap_common.domain import own_domain_id
from cap_planner.sandbox.text import for_people
from cap_planner.verifier import MAX_CHARS

FAILED, USAGE, NOT_RUN = 1, 2, 4
STANDARD_INPUT = '-'
_OUT = Path('out/run')
ALLOWED = 'CAP_ALLOW_UNVERIFIED'


class ProgramFileError(Exception):
    """There is no program to be had from a file; the text says why."""


@dataclass(frozen=True)
class RunOptions:
    """What the command line says.

    Attributes:
        source: a file, or '-'.
        out, arguments: of a system that is started for it: None and empty if not given. A system
            that runs has to have the `domain` of the arguments.
    """

    source: str
    skip_verifier: bool
    session: str
    out: Path | None
    arguments: dict[str, str]


def run_file(options: RunOptions, console: Console) -> int:
    """Returns the exit status: 0 only if the planner reports success."""
    try:
        program = read_program(options.source, sys.stdin.buffer)
    except ProgramFileError as error:
        console.print(str(error), style='red')
        return USAGE
    title = instruction_for(options.source)
    if system_is_up():
        return _send(options, title, program, console)
    if options.skip_verifier and not may_skip_verifier():
        text = f'--verifier off needs {ALLOWED}=1 in the environment: every OS layer of the '
        console.print(f'{text}sandbox stays on, and nothing else stands in the way', style='red')
        return USAGE
    return _run_on_stage(options, title, program, console)


def may_skip_verifier() -> bool:
    """Whether the operator lets programs run unverified in a system started from here."""
    return os.environ.get(ALLOWED) == '1'


def read_program(source: str, stdin: BinaryIO) -> str:
    """The text of a program.

    Args:
        source: a file's path, or '-' for `stdin`.

    Raises:
        ProgramFileError: it cannot be read, is empty, too long or no text.
    """
    name = 'standard input' if source == STANDARD_INPUT else source
    limit = 4 * MAX_CHARS  # the most bytes that so many characters can have
    try:
        if source == STANDARD_INPUT:
            data = stdin.read(limit + 1)
        else:
            with Path(source).open('rb') as file:
                data = file.read(limit + 1)
        text = data[:limit].decode('utf-8-sig')
    except OSError as error:
        raise ProgramFileError(f'cannot read {name}: {error.strerror}') from error
    except UnicodeDecodeError as error:
        # What is too long may have been cut within a character.
        if len(data) <= limit:
            where = f'byte {error.start + 1} is 0x{data[error.start]:02x}'
            raise ProgramFileError(f'{name} is no text in UTF-8: {where}') from error
        text = ''
    if len(data) > limit or len(text) > MAX_CHARS:
        raise ProgramFileError(f'{name} is too long: a program has at most {MAX_CHARS} characters')
    if not text.strip():
        raise ProgramFileError(f'{name} is empty')
    return text


def instruction_for(source: str) -> str:
    """What the record has for an instruction."""
    name = 'standard input' if source == STANDARD_INPUT else for_people(Path(source).name)
    return f'run {" ".join(name.split())}'


def _send(options: RunOptions, title: str, program: str, console: Console) -> int:
    """To the system that runs."""
    given = [f'--{name.replace("_", "-")}' for name in options.arguments if name != 'domain']
    given += ['--out'] if options.out else []
    if given:
        console.print(
            f'{", ".join(given)}: for a system that is started for the program. One already runs '
            f'in ROS domain {own_domain_id()}; end it, or set ROS_DOMAIN_ID to another number.',
            style='red',
        )
        return USAGE
    return run_instruct(
        title,
        options.session,
        console,
        program=program,
        skip_verifier=options.skip_verifier,
        domain=options.arguments.get('domain', ''),
    )


def _run_on_stage(options: RunOptions, title: str, program: str, console: Console) -> int:
    out = options.out or _OUT
    order = Order(title, program, options.skip_verifier, options.session)
    try:
        stage = Stage(out, options.arguments)
        console.print(Text(title, 'bold'), f'  (world of seed {stage.seed})')
        ending = stage.perform(order, console)
    except StageError as error:
        console.print(str(error), style='red')
        return NOT_RUN
    tell_planner(console, ending)
    console.print(f'{ending.duration_s:.0f} s; in {out}/: {", ".join(ending.made)}')
    if ending.result and ending.result.evidence_id:
        console.print(f'./cap log {ending.result.evidence_id} --evidence {stage.evidence}')
    return FAILED if ending.error else 0
