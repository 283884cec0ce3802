"""What a conversation has brought about so far, as the messages tell it. No ROS."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

_NUMBER = r'(-?[\d.]+)'
_PLACE = rf'\[{_NUMBER}, {_NUMBER}\]'
_NAME = r'(?P<name>\'[^\']*\'|"[^"]*")'
# What is put down after it was picked up has a line of its own, and was moved by the first.
_MOVED = re.compile(rf'(?:moved|displaced|picked up) {_NAME} from {_PLACE}(?: to {_PLACE})?')


@dataclass(frozen=True)
class Move:
    """One object went from one position to another, `workspace` [m]."""

    name: str
    start: tuple[float, float]
    goal: tuple[float, float]


@dataclass(frozen=True)
class Turn:
    """An earlier request.

    Attributes:
        program: what ran; empty if none did to its end.
        done: what the robot did for it, a line for each thing; with 'it failed: ...' at the end.
    """

    query: str
    program: str = ''
    done: tuple[str, ...] = ()

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """What was moved, also by a failure, in that order."""
        found = (_MOVED.match(line) for line in self.done)
        return tuple(
            Move(
                ast.literal_eval(match['name']),
                (float(match[2]), float(match[3])),
                (float(match[4] or match[2]), float(match[5] or match[3])),
            )
            for match in found
            if match
        )

    @property
    def moved(self) -> list[str]:
        """The names of what was moved, each once."""
        return list(dict.fromkeys(move.name for move in self.moves))


@dataclass(frozen=True)
class History:
    """The earlier requests of a conversation, oldest first."""

    turns: Sequence[Turn] = field(default_factory=tuple)

    @property
    def programs(self) -> list[str]:
        """What ran."""
        return [turn.program for turn in self.turns]

    @property
    def last(self) -> Turn | None:
        """The latest request."""
        return self.turns[-1] if self.turns else None

    @property
    def last_done(self) -> Turn | None:
        """The latest request for which the robot changed something."""
        return next((turn for turn in reversed(self.turns) if turn.done), None)

    @property
    def last_moved(self) -> Turn | None:
        """The latest request for which objects were moved."""
        return next((turn for turn in reversed(self.turns) if turn.moves), None)

    def assigned(self) -> Iterator[str]:
        """The variables that programs have set, oldest first."""
        for program in self.programs:
            for statement in top_level(program):
                for node in ast.walk(statement):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        yield node.id


def top_level(program: str) -> list[ast.stmt]:
    """The statements of a program; none if it does not parse."""
    try:
        return ast.parse(program).body
    except (SyntaxError, ValueError):
        return []
