"""The offline model: reads the same messages as any model, and answers by grammar. No ROS."""

from __future__ import annotations

import ast
import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from cap_planner.models.base import Completion, Message, Options, cut_at_stop
from cap_planner.models.offline.code import Refusal
from cap_planner.models.offline.sentences import Sentences
from cap_planner.models.offline.words import tokenize
from cap_planner.models.offline.write_functions import write_function
from cap_planner.models.offline.write_names import NamesWriter
from cap_planner.models.offline.write_positions import PositionsWriter
from cap_planner.models.offline.write_questions import QuestionsWriter
from cap_planner.models.offline.write_ui import UiWriter

NAME = 'offline'
MAX_WORDS = 120

_PART = re.compile(r'^Your part: (\w+)', re.MULTILINE)
_OBJECTS = re.compile(r'^objects = (\[.*\])\s*$', re.MULTILINE)
_QUERY = re.compile(r'^# (.+)$', re.MULTILINE)
_ABILITIES = (
    'I can put, move and stack objects, arrange them in lines, corners or bowls, point at them, '
    'and answer what, which, where, how many and whether. Objects are told apart by kind, color, '
    'order and place.'
)


@dataclass(frozen=True)
class _Request:
    """What the messages ask for."""

    part: str
    query: str
    names: list[str]
    earlier: list[str]


class OfflineModel:
    """Answers with programs as a language model would, without one.

    It has only the messages: the task stands in the system message, the names of the objects in the
    objects line, earlier instructions in the chat. What it does not understand it answers in words,
    as a language model does, and the caller finds no program there.
    """

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """A program or a refusal; takes milliseconds, whatever the deadline."""
        start = time.monotonic()
        try:
            text = _answer(_read(messages))
        except Refusal as refusal:
            text = f'I cannot write this program. {refusal}'
        return Completion(cut_at_stop(text, options.stop), NAME, 0, 0, time.monotonic() - start)


def _read(messages: Sequence[Message]) -> _Request:
    system = next((m['content'] for m in messages if m['role'] == 'system'), '')
    part = _PART.search(system)
    if part is None:
        raise Refusal('The system message names no part to play.')
    requests = [
        (index, query[-1])
        for index, message in enumerate(messages)
        if message['role'] == 'user' and (query := _QUERY.findall(message['content']))
    ]
    if not requests:
        raise Refusal('No request stands in the messages.')
    # After the last request there can be a program and its report: the request is the same.
    last, query = requests[-1]
    answers = [
        answer['content']
        for request, answer in itertools.pairwise(messages[:last])
        if request['role'] == 'user' and answer['role'] == 'assistant'
        if not request['content'].startswith('Example')
    ]
    return _Request(part[1], query.strip(), _names(messages[last]['content']), answers)


def _names(content: str) -> list[str]:
    found = _OBJECTS.search(content)
    if found is None:
        return []
    try:
        names = ast.literal_eval(found[1])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return [name for name in names if isinstance(name, str)]


def _answer(request: _Request) -> str:
    if request.part == 'fgen':
        signature = request.query.removeprefix('define function: ').removesuffix('.')
        return write_function(signature)
    words = tokenize(request.query)
    if not words:
        raise Refusal('The request is empty.')
    if len(words) > MAX_WORDS:
        raise Refusal(f'The request has {len(words)} words; I read up to {MAX_WORDS}.')
    grammar = Sentences(words, request.names)
    program = _write(request, grammar)
    if program is None:
        known, rest = grammar.words[: grammar.furthest], grammar.words[grammar.furthest :]
        stuck = f'not the rest: "{" ".join(rest)}"' if rest else 'something is missing after it'
        understood = f'I follow "{" ".join(known)}", but {stuck}' if known else f'I do not {stuck}'
        if not known:
            understood = f'I do not understand "{" ".join(rest)}"'
        raise Refusal(f'{understood}. {_ABILITIES}')
    return program


def _write(request: _Request, grammar: Sentences) -> str | None:
    """The program; None if the words are not understood."""
    if request.part == 'parse_obj_name':
        for things, end in grammar.reference(0):
            if end == len(grammar.words):
                return NamesWriter(request.names).write(things)
    elif request.part == 'parse_position':
        for position, end in grammar.position(0):
            if end == len(grammar.words):
                return PositionsWriter().write(position)
    elif request.part == 'parse_question':
        for question, end in grammar.question(0):
            if end == len(grammar.words):
                return QuestionsWriter(request.names).write(question)
    elif request.part == 'tabletop_ui':
        commands = grammar.instruction()
        if commands is not None:
            return UiWriter(request.earlier).write(commands)
    else:
        raise Refusal(f'I know no part "{request.part}".')
    return None
