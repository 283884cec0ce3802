"""The offline model: reads the same messages as any model, and answers by grammar. No ROS."""

from __future__ import annotations

import ast
import itertools
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cap_planner.models.base import Completion, Message, Options, cut_at_stop
from cap_planner.models.offline.code import Refusal
from cap_planner.models.offline.conversation import Conversation
from cap_planner.models.offline.decompose import write_parts
from cap_planner.models.offline.drawing import Drawing
from cap_planner.models.offline.history import History, Turn
from cap_planner.models.offline.manner import manner_of
from cap_planner.models.offline.parser import Node, Parser
from cap_planner.models.offline.words import tokenize
from cap_planner.models.offline.write_conversation import ConversationWriter
from cap_planner.models.offline.write_drawing import DrawingWriter
from cap_planner.models.offline.write_functions import write_function
from cap_planner.models.offline.write_names import NamesWriter
from cap_planner.models.offline.write_positions import PositionsWriter
from cap_planner.models.offline.write_questions import QuestionsWriter
from cap_planner.models.offline.write_shapes import ShapesWriter

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
_DRAWING = (
    'I can draw lines, polygons, circles, ovals, stars, spirals and waves, on the board and around '
    'objects, and erase, move, turn, flip and scale what I drew.'
)


@dataclass(frozen=True)
class _Request:
    """What the messages ask for.

    Attributes:
        done: what was done for this request already, or for the one before it.
        given: names of the variables that the program is given.
    """

    part: str
    query: str
    names: list[str]
    history: History
    done: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


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
    done, given = _head(messages[last]['content'])
    return _Request(
        part=part[1],
        query=query.strip(),
        names=_names(messages[last]['content']),
        history=History(tuple(_turns(messages, [index for index, _ in requests]))),
        done=done,
        given=given,
    )


def _turns(messages: Sequence[Message], requests: Sequence[int]) -> Iterator[Turn]:
    """The earlier requests; what came of each stands at the head of the next."""
    for index, following in itertools.pairwise(requests):
        content = messages[index]['content']
        if content.startswith('Example'):
            continue
        program = messages[index + 1]['content']
        done, _ = _head(messages[following]['content'])
        yield Turn(_QUERY.findall(content)[-1].strip(), program, done)


def _head(content: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The comments before the query: what was done, and which variables are given."""
    lines = _QUERY.findall(content)[:-1]
    given = [line.removeprefix('given: ') for line in lines if line.startswith('given: ')]
    done = tuple(line for line in lines if not line.startswith('given: '))
    return done, tuple(name.strip() for text in given for name in text.split(','))


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
    if request.part == 'decompose':
        return write_parts(words, request.names, request.done)
    grammar, program = _write(request, words)
    if program is None:
        raise Refusal(f'{_stuck(grammar)} {_abilities(request.part)}')
    return program


def _abilities(part: str) -> str:
    return _DRAWING if part in ('draw_ui', 'parse_shape_pts', 'transform_shape_pts') else _ABILITIES


def _stuck(grammar: Parser) -> str:
    """Up to where the words are understood."""
    known, rest = grammar.words[: grammar.furthest], grammar.words[grammar.furthest :]
    if not known:
        return f'I do not understand "{" ".join(rest)}".'
    stuck = f'not the rest: "{" ".join(rest)}"' if rest else 'something is missing after it'
    return f'I follow "{" ".join(known)}", but {stuck}.'


def _write(request: _Request, words: list[str]) -> tuple[Parser, str | None]:
    """The program; None if the words are not understood by the grammar."""
    names, part = request.names, request.part
    grammar = Conversation(words, names)
    program = None
    if part == 'parse_obj_name':
        things = _whole(grammar, grammar.reference(0))
        program = NamesWriter(names).write(things) if things else None
    elif part == 'parse_position':
        position = _whole(grammar, grammar.position(0))
        program = PositionsWriter().write(position) if position else None
    elif part == 'parse_question':
        question = _whole(grammar, grammar.question(0))
        program = QuestionsWriter(names).write(question) if question else None
    elif part == 'tabletop_ui':
        writer = ConversationWriter(request.history, names)
        writer.manner = manner_of(request.query)
        grammar = Conversation(words, writer.nouns)
        commands = grammar.instruction()
        program = writer.write(commands) if commands else None
    elif part == 'draw_ui':
        return _write_drawing(request, words)
    else:
        return _write_shape(request, words)
    return grammar, program


def _write_drawing(request: _Request, words: list[str]) -> tuple[Parser, str | None]:
    """As `_write`, for requests at the whiteboard."""
    writer = DrawingWriter(request.history)
    writer.manner = manner_of(request.query)
    grammar = Drawing(words, request.names, writer.board.shapes)
    commands = grammar.instruction()
    return grammar, writer.write(commands) if commands else None


def _write_shape(request: _Request, words: list[str]) -> tuple[Parser, str | None]:
    """As `_write`, for the points of shapes."""
    bases = [name.removesuffix('_pts') for name in request.given if name.endswith('_pts')]
    grammar = Drawing(words, request.names, bases)
    writer = ShapesWriter(request.given)
    if request.part == 'parse_shape_pts':
        figure = _whole(grammar, grammar.figure(0))
        return grammar, writer.write(figure) if figure else None
    if request.part == 'transform_shape_pts':
        change = grammar.transform()
        return grammar, writer.change(*change) if change else None
    raise Refusal(f'I know no part "{request.part}".')


def _whole(grammar: Parser, readings: Iterable[tuple[Node, int]]) -> Node | None:
    """The first reading that uses up all the words."""
    return next((node for node, end in readings if end == len(grammar.words)), None)
