"""draw_ui: from the meaning of a request at the whiteboard to a program. No ROS.

Every shape is in a variable `<noun>_pts`, several of a kind in one as a list; what it was before
the last change is in `old_<noun>_pts`, None where there was none. Undoing swaps the two, and so
does undoing that.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cap_planner.models.offline.code import Refusal, formatted, quoted
from cap_planner.models.offline.history import History, top_level
from cap_planner.models.offline.manner import ACTIONS, with_manner
from cap_planner.models.offline.meaning import (
    Change,
    Flip,
    Pronoun,
    Question,
    Rotate,
    Say,
    Scale,
    Shift,
    Undo,
)
from cap_planner.models.offline.meaning_of_drawing import (
    ChangeDrawing,
    Draw,
    DrawEach,
    DrawLike,
    Drawn,
    Erase,
    Figure,
    MoveTo,
    ShapeRef,
    WhatDrawn,
)
from cap_planner.models.offline.references import References

_BESIDE = 0.12
SHOWN_TURNS = 30
"""So many earlier requests a prompt shows at most: lmp.MAX_SESSION_TURNS."""

_WAY = {'left': 'to the left', 'right': 'to the right', 'top': 'up', 'bottom': 'down'}


@dataclass
class _Board:
    """What programs have left in the variables.

    Attributes:
        shapes: base of each variable, the one that was changed last at the end.
        there: bases of those that are on the board; with 'old_' of those that were.
        many: bases of lists.
        last: bases that the last program changed.
        known: bases, with and without 'old_', that any program has set or used.
    """

    shapes: list[str] = field(default_factory=list)
    there: set[str] = field(default_factory=set)
    many: set[str] = field(default_factory=set)
    last: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def touch(self, base: str) -> None:
        """The shape is the last one from here on."""
        self.shapes = [*(other for other in self.shapes if other != base), base]

    def is_there(self, base: str) -> bool:
        return base in self.there

    @property
    def drawn(self) -> list[str]:
        """Those on the board."""
        return [base for base in self.shapes if base in self.there]


def board_of(history: History) -> _Board:
    """The board after the programs of a conversation."""
    board = _Board()
    for turn in history.turns:
        changed: list[str] = []
        for statement in top_level(turn.program):
            if isinstance(statement, ast.Assign):
                changed += _assign(board, statement)
        if changed:
            board.last = list(dict.fromkeys(changed))
    return board


def _assign(board: _Board, statement: ast.Assign) -> list[str]:
    """The bases of the shapes that a statement has changed."""
    target, value = statement.targets[0], statement.value
    pairs = [(target, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(target.elts, value.elts, strict=False))
    was, changed = set(board.there), []
    for left, right in pairs:
        if not isinstance(left, ast.Name) or not left.id.endswith('_pts'):
            continue
        base = left.id.removesuffix('_pts')
        source = right.id.removesuffix('_pts') if isinstance(right, ast.Name) else ''
        # What the shown requests say nothing of was drawn before them.
        is_gone = bool(source) and source in board.known and source not in was
        is_none = isinstance(right, ast.Constant) or is_gone
        board.known |= {base, source}
        (board.there.discard if is_none else board.there.add)(base)
        if isinstance(right, ast.List | ast.ListComp):
            board.many.add(base)
        base = base.removeprefix('old_')
        board.touch(base)
        changed.append(base)
    return changed


class DrawingWriter(References):
    """Writes one program.

    Attributes:
        manner: see `manner.manner_of`.
    """

    def __init__(self, history: History) -> None:
        super().__init__(history)
        self.manner: dict[str, float] | None = None
        self.board = board_of(history)
        self._is_cut = len(history.turns) >= SHOWN_TURNS
        self._lost = bool(history.last_done and not history.last_done.program)

    def write(self, commands: Sequence[Drawn]) -> str:
        """The program for a chain of commands."""
        for command in commands:
            match command:
                case Draw():
                    self._draw(command)
                case DrawEach():
                    self._draw_each(command)
                case DrawLike():
                    self._draw_like(command)
                case ChangeDrawing():
                    self._change(command)
                case Erase():
                    self._erase(self._bases(command.shapes) if command.shapes else None)
                case _:
                    self._undo_or_say(command)
        return with_manner(str(self._code), self.manner or {}, ACTIONS)

    def _undo_or_say(self, command: Drawn) -> None:
        match command:
            case Undo():
                self._undo()
            case WhatDrawn():
                shapes = ', '.join(f'the {base.replace("_", " ")}' for base in self.board.drawn)
                self._code.add(f'say({quoted(shapes or "There is nothing on the board.")})')
            case Question():
                self._question(command)
            case Say():
                self._code.add(f'say({quoted(command.text)})')

    # ── new shapes ───────────────────────────────────────────────────────────────────────────

    def _new(self, noun: str, *, many: bool = False) -> str:
        """A base that no variable has yet."""
        words = re.sub(r'\W+', '_', noun.lower()).strip('_')
        base = words if words.isascii() and words.isidentifier() else 'shape'
        number = 2
        while f'{base}' in self.board.shapes:
            base, number = f'{words}_{number}', number + 1
        self.board.touch(base)
        self.board.there.add(base)
        if many:
            self.board.many.add(base)
        self._code.add(f'old_{base}_pts = None')
        return base

    def _draw(self, command: Draw) -> None:
        given = self._given(command.figure)
        base = self._new(command.noun)
        self._code.add(
            f'{base}_pts = parse_shape_pts({quoted(command.text)}{given})\ndraw({base}_pts)'
        )

    def _given(self, figure: Figure) -> str:
        """The shapes that a description refers to, as arguments."""
        marks = figure.spot.marks if figure.spot else ()
        bases = [self._there(mark) for mark in marks if isinstance(mark, ShapeRef)]
        return ''.join(f', {base}_pts={base}_pts' for base in dict.fromkeys(bases))

    def _there(self, shape: ShapeRef) -> str:
        """The base of a single shape that is on the board."""
        if not self.board.is_there(shape.base):
            raise Refusal(f'The {shape.base.replace("_", " ")} is not on the board.')
        if shape.base in self.board.many:
            raise Refusal(f'There are several {shape.base.replace("_", " ")}.')
        return shape.base

    def _draw_each(self, command: DrawEach) -> None:
        things = self._refer(command.things)
        base = self._new(f'{command.noun}s', many=True)
        name = self._code.variable(things.name.removesuffix('s'))
        text = formatted(f'{command.text} the <name>', {'<name>': name})
        self._code.add(
            f'{base}_pts = [parse_shape_pts({text}) for {name} in {things.name}]\n'
            f'for new_pts in {base}_pts:\n    draw(new_pts)'
        )

    def _draw_like(self, command: DrawLike) -> None:
        like = self._there(command.like)
        changes = command.changes or (Shift('right', _BESIDE),)
        text = ', and '.join(_said(change) for change in changes)
        if isinstance(changes[0], Scale):
            text = text.replace('as big', 'as big around its bottom', 1)
        base = self._new(command.noun)
        self._code.add(
            f'{base}_pts = transform_shape_pts(\n'
            f'    {quoted(text)}, shape_pts={like}_pts\n'
            f')\n'
            f'draw({base}_pts)'
        )

    # ── shapes that are there ────────────────────────────────────────────────────────────────

    def _bases(self, shapes: tuple[ShapeRef, ...] | Pronoun) -> list[str]:
        """Of the shapes that are meant; all are on the board."""
        if isinstance(shapes, Pronoun):
            return self._meant(shapes)
        bases = [shape.base for shape in shapes]
        if gone := [base for base in bases if not self.board.is_there(base)]:
            raise Refusal(f'The {gone[0].replace("_", " ")} is not on the board.')
        return bases

    def _meant(self, pronoun: Pronoun) -> list[str]:
        drawn = self.board.drawn
        last = [base for base in drawn if base in self.board.last]
        match pronoun.text:
            case 'it':
                found = drawn[-1:]
            case 'both':
                found = drawn[-2:] if len(drawn) > 1 else []
            case _:
                several = len(last) > 1 or any(base in self.board.many for base in last)
                found = last if several else drawn
        if not found:
            raise Refusal(f'I do not know what "{pronoun.text}" is: too little is on the board.')
        return found

    def _all(self, bases: Sequence[str]) -> str:
        """A list of the points of all the shapes."""
        if len(bases) == 1 and bases[0] in self.board.many:
            return f'{bases[0]}_pts'
        return f'[{", ".join("*" * (b in self.board.many) + f"{b}_pts" for b in bases)}]'

    def _for_all(self, function: str, bases: Sequence[str]) -> None:
        if len(bases) == 1 and bases[0] not in self.board.many:
            self._code.add(f'{function}({bases[0]}_pts)')
        elif bases:
            name = 'old_pts' if function == 'erase' else 'new_pts'
            self._code.add(f'for {name} in {self._all(bases)}:\n    {function}({name})')

    def _keep(self, bases: Sequence[str]) -> None:
        for base in bases:
            self._code.add(f'old_{base}_pts = {base}_pts')
            self.board.there.add(f'old_{base}')

    def _change(self, command: ChangeDrawing) -> None:
        bases, change = self._bases(command.shapes), command.change
        text, given = _said(change), ''
        if isinstance(change, MoveTo):
            marks = [mark for mark in change.spot.marks if isinstance(mark, ShapeRef)]
            given = ''.join(f', {self._there(m)}_pts={m.base}_pts' for m in marks)
        elif not isinstance(change, Shift) and (len(bases) > 1 or bases[0] in self.board.many):
            text, given = f'{text} around center_pos', ', center_pos=center_pos'
            self._code.add(
                f'center_pos = np.mean(\n'
                f'    [get_center_of_pts(points=pts) for pts in {self._all(bases)}], axis=0\n'
                f')'
            )
        self._keep(bases)
        self._for_all('erase', bases)
        for base in bases:
            if base in self.board.many:
                call = f'transform_shape_pts({quoted(text)}, shape_pts=pts{given})'
                self._code.add(f'{base}_pts = [{call} for pts in {base}_pts]')
            else:
                self._code.add(
                    f'{base}_pts = transform_shape_pts(\n'
                    f'    {quoted(text)}, shape_pts={base}_pts{given}\n'
                    f')'
                )
            self.board.touch(base)
        self._for_all('draw', bases)

    def _erase(self, bases: Sequence[str] | None) -> None:
        if bases is None and self._is_cut:
            raise Refusal('I no longer know all that I drew; say what I shall erase.')
        bases = self.board.drawn if bases is None else bases
        if not bases:
            raise Refusal('There is nothing on the board.')
        self._keep(bases)
        self._for_all('erase', bases)
        for base in bases:
            self._code.add(f'{base}_pts = None')
            self.board.there.discard(base)

    def _undo(self) -> None:
        board = self.board
        if self._lost:
            raise Refusal('What failed half way cannot be undone: its points were not kept.')
        if not board.last:
            raise Refusal('There is nothing to undo: nothing was drawn before.')
        self._for_all('erase', [base for base in board.last if base in board.there])
        for base in board.last:
            self._code.add(f'{base}_pts, old_{base}_pts = old_{base}_pts, {base}_pts')
        back = [base for base in board.last if f'old_{base}' in board.there]
        self._for_all('draw', back)


def _said(change: Change | MoveTo) -> str:
    """A change in the words of transform_shape_pts."""
    match change:
        case Scale(factor):
            return f'make it {factor:.3g} times as big'
        case Rotate(angle):
            way = 'clockwise' if angle < 0 else 'counterclockwise'
            return f'rotate it by {abs(angle):g} degrees {way}'
        case Flip(horizontally):
            return f'flip it {"horizontally" if horizontally else "vertically"}'
        case Shift(direction, distance):
            return f'move it {distance * 100:g} cm {_WAY[direction]}'
        case MoveTo(_, text):
            return text
