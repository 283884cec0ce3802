"""Language-model programs: which there are, and the messages that ask for one. No ROS.

The five of the paper's tabletop domain (Liang et al. 2022). What a model is told comes from three
sources: the API declaration, prompts/<name>.md and prompts/common.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from cap_planner.api.spec import Api, Kind
from cap_planner.completion import program_from_completion
from cap_planner.models.base import Message

__all__ = [
    'LMPS',
    'Example',
    'Lmp',
    'SessionTurn',
    'build_messages',
    'program_from_completion',
    'repair_messages',
]

MAX_SESSION_TURNS = 8
"""Earlier instructions in a prompt; published demonstrations degrade beyond about ten."""


@dataclass(frozen=True)
class Example:
    """One worked example: what the user writes, and the program."""

    request: str
    program: str


@dataclass(frozen=True)
class SessionTurn:
    """An earlier instruction of the session.

    Attributes:
        context: the objects line as it was then.
        program: what ran.
        dropped: names that it set and that did not live on.
    """

    query: str
    context: str
    program: str
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lmp:
    """A language-model program.

    Attributes:
        returns: the variable that holds its value, or None.
        maintain_session: earlier instructions belong into the prompt.
        instructions: what its task is.
        examples: in the order of the prompt.
        include_context: the context line belongs into the prompt, and is run before the program.
        calls: which functions of the API its programs are told of, and may call.
        query_prefix: stands before the query, behind the comment sign.
    """

    name: str
    returns: str | None
    maintain_session: bool
    instructions: str
    examples: tuple[Example, ...]
    include_context: bool
    calls: frozenset[Kind]
    query_prefix: str = ''


def build_messages(
    lmp: Lmp,
    api: Api,
    query: str,
    context: str = '',
    session_turns: Sequence[SessionTurn] = (),
) -> list[Message]:
    """The chat that asks for one program.

    Args:
        query: the instruction, description, question or signature.
        context: such as "objects = ['blue block']".
        session_turns: oldest first; the last MAX_SESSION_TURNS of them are used.
    """
    messages: list[Message] = [{'role': 'system', 'content': _system_text(lmp, api)}]
    for example in lmp.examples:
        messages += _pair(f'Example\n{example.request}', example.program)
    if lmp.maintain_session:
        for turn in session_turns[-MAX_SESSION_TURNS:]:
            program = turn.program
            if turn.dropped:
                program += f'\n# Not kept for later requests: {", ".join(turn.dropped)}'
            messages += _pair(_request(lmp, turn.query, turn.context), program)
    messages.append({'role': 'user', 'content': _request(lmp, query, context)})
    return messages


def repair_messages(messages: Sequence[Message], program: str, report: str) -> list[Message]:
    """The chat that asks for a better program, after what is wrong with this one was found out.

    Args:
        messages: the chat that led to the program.
        program: the completion, as the model wrote it; empty: there was none to be kept.
        report: what is wrong, with lines and advice.
    """
    # Indented, so that no line of the report can pass for a request.
    indented = '\n'.join(f'  {line}' for line in report.strip().splitlines())
    text = (
        f'This program cannot run:\n{indented}\n'
        'Write the whole program again with that put right. Answer with Python code only.'
    )
    return [
        *messages,
        # Endpoints refuse an empty message.
        {'role': 'assistant', 'content': program if program.strip() else '# (no program)'},
        {'role': 'user', 'content': text},
    ]


def _request(lmp: Lmp, query: str, context: str) -> str:
    """What the user writes: the context line, and the query as a comment that ends in a stop."""
    text = ' '.join(query.split())
    if not text.endswith(('.', '?', '!')):
        text += '.'
    lines = [context.strip()] if lmp.include_context and context.strip() else []
    return '\n'.join([*lines, f'# {lmp.query_prefix}{text}'])


def _pair(request: str, program: str) -> list[Message]:
    return [
        {'role': 'user', 'content': request},
        {'role': 'assistant', 'content': program.strip()},
    ]


def _system_text(lmp: Lmp, api: Api) -> str:
    functions = [function for function in api.values() if function.kind in lmp.calls]
    hints = '\n'.join(
        f'{function.header()}\n    {" ".join(function.doc.split())}' for function in functions
    )
    errors = sorted({error.__name__ for function in functions for error in function.raises})
    returns = f'The program leaves its value in `{lmp.returns}`.\n\n' if lmp.returns else ''
    return (
        f'Your part: {lmp.name}\n\n{lmp.instructions}\n\n{returns}'
        f'## Functions\n\n{hints}\n\n'
        f'Point is a numpy array of shape (2,). Errors that can be raised and caught: '
        f'{", ".join(errors)}.\n\n{_common_text()}\n'
    )


_EXAMPLE = re.compile(r'(?P<request>.+?)\n```python\n(?P<program>.+?)\n```', re.DOTALL)


def _read(name: str) -> str:
    return (resources.files('cap_planner') / 'prompts' / name).read_text(encoding='utf-8')


@cache
def _common_text() -> str:
    return _read('common.md').strip()


def _load(
    name: str,
    *,
    returns: str | None = None,
    maintain_session: bool = False,
    include_context: bool = True,
    calls: frozenset[Kind] = frozenset(Kind),
    query_prefix: str = '',
) -> Lmp:
    instructions, _, examples = _read(f'{name}.md').partition('\n## Examples\n')
    return Lmp(
        name=name,
        returns=returns,
        maintain_session=maintain_session,
        instructions=instructions.strip(),
        examples=tuple(
            Example(match['request'].strip(), match['program'].strip())
            for match in _EXAMPLE.finditer(examples)
        ),
        include_context=include_context,
        calls=calls,
        query_prefix=query_prefix,
    )


_LOOKS = frozenset({Kind.QUERY, Kind.LMP})

LMPS: dict[str, Lmp] = {
    lmp.name: lmp
    for lmp in (
        _load('tabletop_ui', maintain_session=True),
        _load('parse_obj_name', returns='ret_val', calls=_LOOKS),
        _load('parse_position', returns='ret_val', calls=_LOOKS),
        _load('parse_question', returns='ret_val', calls=_LOOKS),
        _load('fgen', include_context=False, query_prefix='define function: '),
    )
}
"""The language-model programs of the tabletop, by name."""
