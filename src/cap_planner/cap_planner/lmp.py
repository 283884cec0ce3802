"""Language-model programs: what one is, and the messages that ask for one. No ROS.

What a model is told comes from three sources: the API declaration, the facts of the domain
(prompts/<domain>.md), and prompts/<lmp>.py: a docstring with the task, then worked examples. Those
files are Python, and the tests run every example in them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from cap_planner.api.spec import Api, Kind
from cap_planner.models.base import Message

# Characters. A longer answer can be no program, and only its beginning is shown again.
_MOST_QUOTED, _QUOTED = 20_000, 2_000
MAX_SESSION_TURNS = 30
"""Earlier instructions in a prompt, if the model's window has room for so many."""


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
        done: what came of it: a line for each thing that was moved, and how it failed.
    """

    query: str
    context: str
    program: str
    dropped: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lmp:
    """A language-model program.

    Attributes:
        domain: whose facts the model is told.
        returns: the variable that holds its value, or None.
        maintain_session: earlier instructions belong into the prompt.
        instructions: what its task is.
        examples: in the order of the prompt.
        include_context: the context line belongs into the prompt, and is run before the program.
        calls: which functions of the API its programs are told of, and may call.
        query_prefix: stands before the query, behind the comment sign.
        stop: texts before which an answer is cut: what would begin the next request.
    """

    name: str
    domain: str
    returns: str | None
    maintain_session: bool
    instructions: str
    examples: tuple[Example, ...]
    include_context: bool = True
    calls: frozenset[Kind] = frozenset(Kind)
    query_prefix: str = ''
    stop: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def load_lmp(
    name: str,
    domain: str,
    *,
    returns: str | None = None,
    maintain_session: bool = False,
    include_context: bool = True,
    calls: frozenset[Kind] = frozenset(Kind),
    query_prefix: str = '',
) -> Lmp:
    """The LMP of a prompt file.

    Raises:
        ValueError: the file has no docstring, or a block that is no example; with its first line.
    """
    source = _read(f'{name}.py')
    instructions, examples = parse_prompt(source)
    # With the empty line before it: what a chat model repeats of the request, has none.
    first = f'# {query_prefix}' if query_prefix else 'objects = ['
    return Lmp(
        name=name,
        domain=domain,
        returns=returns,
        maintain_session=maintain_session,
        instructions=instructions,
        examples=examples,
        include_context=include_context,
        calls=calls,
        query_prefix=query_prefix,
        stop=(f'\n\n{first}',),
    )


def parse_prompt(source: str) -> tuple[str, tuple[Example, ...]]:
    """Task and examples of a prompt file.

    An example is a block without an empty line: comments and assignments of literals first, which
    are the request and end with the query as a comment, then the program.

    Raises:
        ValueError: there is something else; with the line.
    """
    instructions = ast.get_docstring(ast.parse(source))
    if not instructions:
        raise ValueError('a prompt file begins with its task as a docstring')
    body = source.partition('\n"""\n')[2]
    examples = tuple(_example(block) for block in body.strip().split('\n\n') if block.strip())
    return instructions.strip(), examples


def _example(block: str) -> Example:
    lines = block.strip().split('\n')
    starts = [
        index
        for index, line in enumerate(lines)
        if not line.startswith('#') and not line.startswith('objects = ')
    ]
    first = starts[0] if starts else len(lines)
    if not 0 < first < len(lines) or not lines[first - 1].startswith('# '):
        raise ValueError(f'no example: {lines[0]!r} is not followed by a query and a program')
    return Example('\n'.join(lines[:first]), '\n'.join(lines[first:]))


def build_messages(
    lmp: Lmp,
    api: Api,
    query: str,
    context: str = '',
    session_turns: Sequence[SessionTurn] = (),
    variables: Sequence[str] = (),
    done: Sequence[str] = (),
    functions: Sequence[str] = (),
) -> list[Message]:
    """The chat that asks for a program.

    Args:
        context: such as "objects = ['red block']".
        session_turns: earlier instructions, oldest first; see window.py for how many.
        variables: names that the program is given beside those of the context.
        done: what has been done for the query already.
        functions: those that have been written before, as their calls look.
    """
    messages: list[Message] = [{'role': 'system', 'content': system_text(lmp, api)}]
    for example in fitting_examples(lmp, api):
        messages += _pair(f'Example\n{example.request}', example.program)
    earlier: Sequence[str] = ()
    for turn in session_turns:
        program = turn.program
        if turn.dropped:
            program += f'\n# Not kept for later requests: {", ".join(turn.dropped)}'
        messages += _pair(_request(lmp, turn.query, turn.context, earlier), program)
        earlier = turn.done
    given = [f'given: {", ".join(variables)}'] if variables else []
    given += [f'defined: {", ".join(functions)}'] if functions else []
    content = _request(lmp, query, context, [*earlier, *done, *given])
    messages.append({'role': 'user', 'content': content})
    return messages


def fitting_examples(lmp: Lmp, api: Api) -> tuple[Example, ...]:
    """The examples that call no function which the model is not told of.

    fgen's are shared: a function for a program that may not act must not act either.
    """
    hidden = [name for name, function in api.items() if function.kind not in lmp.calls]
    return tuple(
        example
        for example in lmp.examples
        if not any(re.search(rf'\b{name}\(', example.program) for name in hidden)
    )


def repair_round(program: str, report: str) -> list[Message]:
    """What goes on a chat that led to a program, after what is wrong with it was found out.

    Args:
        program: the completion, as the model wrote it; empty: there was none to be kept.
        report: what is wrong, with lines and advice.
    """
    text = (
        f'This program cannot run:\n{indented(report)}\n'
        'Write the whole program again with that put right. Answer with Python code only.'
    )
    return next_round(program, text)


def next_round(answer: str, text: str) -> list[Message]:
    """An answer and the next word of the user."""
    if len(answer) > _MOST_QUOTED:
        rest = len(answer) - _QUOTED
        answer = f'{answer[:_QUOTED]}\n# ... and {rest} more characters'
    return [_answer(answer), {'role': 'user', 'content': text}]


def _answer(text: str) -> Message:
    # Endpoints refuse an empty message.
    return {'role': 'assistant', 'content': text if text.strip() else '# (no program)'}


def indented(text: str) -> str:
    """Indented, so that no line of it can pass for a request."""
    return '\n'.join(f'  {line}' for line in text.strip().splitlines())


def _request(lmp: Lmp, query: str, context: str, done: Sequence[str] = ()) -> str:
    """What the user writes: what was done, the context line, and the query as a comment."""
    text = ' '.join(query.split())
    if not text.endswith(('.', '?', '!', '。', '？', '！')):
        text += '.'
    lines = [f'# {" ".join(line.split())}' for line in done]
    lines += [context.strip()] if lmp.include_context and context.strip() else []
    return '\n'.join([*lines, f'# {lmp.query_prefix}{text}'])


def _pair(request: str, program: str) -> list[Message]:
    return [{'role': 'user', 'content': request}, _answer(program.strip())]


def system_text(lmp: Lmp, api: Api) -> str:
    """The system message: task, functions, facts of the domain, and how to write."""
    functions = [function for function in api.values() if function.kind in lmp.calls]
    hints = '\n'.join(
        f'{function.header()}\n    {" ".join(function.doc.split())}' for function in functions
    )
    errors = sorted({error.__name__ for function in api.values() for error in function.raises})
    returns = f'The program leaves its value in `{lmp.returns}`.\n\n' if lmp.returns else ''
    return (
        f'Your part: {lmp.name}\n\n{lmp.instructions}\n\n{returns}'
        f'## Functions\n\n{hints}\n\n'
        'Point is a numpy array of shape (2,), Points one of shape (N, 2), Mask a boolean one of '
        f'shape (height, width). Errors that can be raised and caught: {", ".join(errors)}.\n\n'
        f'{_text(f"{lmp.domain}.md")}\n\n{_text("writing.md")}\n'
    )


def _read(name: str) -> str:
    return (resources.files('cap_planner') / 'prompts' / name).read_text(encoding='utf-8')


@cache
def _text(name: str) -> str:
    return _read(name).strip()
