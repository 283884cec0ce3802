"""What people ask for at a whiteboard. No ROS."""

from __future__ import annotations

from collections.abc import Iterator

from cap_planner.models.offline.changes import BIGGER, CHANGE_VERBS, SMALLER
from cap_planner.models.offline.conversation import UNDO
from cap_planner.models.offline.figures import Figures
from cap_planner.models.offline.meaning import Change, Pronoun, Scale, Undo
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
from cap_planner.models.offline.parser import Readings
from cap_planner.models.offline.questions import is_plural

_DRAW = 'draw|sketch|make|paint|add|write'
_ERASE = 'erase|wipe away|wipe off|wipe out|wipe|remove|delete|rub out|clear|clean'
_ALL = (
    'everything|all of it|it all|all shapes|all the shapes|all of them|the whole board|'
    'the whiteboard|the board|all'
)
_POLITE = 'can you|could you|would you|please|now|then|and|next|also|ok|okay|robot|,'
_THEN = ', and then|and then|, then|then|. then|. now|. also|. and|; and|.|;|, and|,|and'


class Drawing(Figures):
    """Rules for requests at the whiteboard."""

    def instruction(self) -> list[Drawn] | None:
        """The meaning of all the words; None if they are not understood."""
        start = self._polite(0)
        for question, j in self.question(start):
            if not self.word(j):
                return [question]
        for commands, j in self._commands(start):
            if not self.word(j):
                return commands
        return None

    def _polite(self, i: int) -> int:
        while (j := next(self.take(i, _POLITE), i)) > i:
            i = j
        return i

    def _commands(self, i: int) -> Readings[list[Drawn]]:
        for first, j in self._command(i):
            for k in self.take(j, _THEN):
                for rest, end in self._commands(self._polite(k)):
                    yield [first, *rest], end
            yield [first], j

    def _command(self, i: int) -> Readings[Drawn]:
        for j in self.take(i, UNDO):
            yield Undo(), j
        for j in self.take(i, 'what did you draw|what have you drawn|what is on the board'):
            yield WhatDrawn(), j
        yield from self._change(i)
        yield from self._erase(i)
        for j in self.take(i, _DRAW):
            yield from self._draw(j)
        for j in self.take(i, 'connect|join'):
            yield from self._connect(j)

    # ── new shapes ───────────────────────────────────────────────────────────────────────────

    def _draw(self, i: int) -> Readings[Drawn]:
        yield from self._like(i)
        for noun, j in self._called(i):
            for figure, k in self.figure(j):
                yield Draw(noun or figure.kind, self.text(j, k), figure), k
        yield from self._each(i)

    def _called(self, i: int) -> Readings[str]:
        """'The sun as (a circle)'."""
        for j in self.maybe(i, 'the|a|an|your|my'):
            end = j
            while self.content(end) and end < j + 3:
                end += 1
                for k in self.take(end, 'as|like'):
                    yield self.text(j, end), k
        yield '', i

    def _each(self, i: int) -> Readings[Drawn]:
        """'Circles around the blocks', 'a circle around each block'."""
        for figures in (self.figures, self._one):
            for figure, j in figures(i):
                for k in self.take(j, 'around'):
                    for things, end in self.reference(k):
                        if is_plural(things):
                            text = f'a {figure.kind} around'
                            yield DrawEach(figure.kind, text, things), end

    def _one(self, i: int) -> Readings[Figure]:
        for figure, j in self.figure(i):
            if figure.spot is None:
                yield figure, j

    def _like(self, i: int) -> Readings[Drawn]:
        """'A smaller pyramid a little to the left', 'another hexagon 10 cm to the right'."""
        for j in self.take(i, 'a|another|one more|the same|a second|a third'):
            changes: tuple[Change, ...] = ()
            said, k = [], j
            for word, factor in (('bigger', BIGGER), ('smaller', SMALLER)):
                for end in self.take(j, word):
                    changes, said, k = (Scale(factor),), [word], end
            if not changes and self.word(i) == 'a' and self.word(j - 1) == 'a':
                continue  # 'a hexagon' is a new one
            for shape, end in self.drawn(k):
                noun = '_'.join([*said, shape.base.split('_')[-1]])
                for shift, last in self.shift(end):
                    yield DrawLike(noun, shape, (*changes, shift)), last
                yield DrawLike(noun, shape, changes), end

    def _connect(self, i: int) -> Readings[Drawn]:
        for _, j in self.mark(i):
            for k in self.take(j, 'and|with|to'):
                for _, end in self.mark(k):
                    text = f'a line from {self.text(i, j)} to {self.text(k, end)}'
                    inner = Figures(text.split(), self.names, self.shapes)
                    for figure, last in inner.figure(0):
                        if last == len(inner.words):
                            yield Draw('line', text, figure), end
                            break

    # ── shapes that are there ────────────────────────────────────────────────────────────────

    def _shapes(self, i: int) -> Readings[tuple[ShapeRef, ...] | Pronoun]:
        for j in self.take(i, 'them both|both of them|both shapes|both'):
            yield Pronoun('both', plural=True), j
        for j in self.take(i, 'all of them|them all|them|these|those'):
            yield Pronoun('them', plural=True), j
        for j in self.take(i, 'it|that|this'):
            yield Pronoun('it', plural=False), j
        for shape, j in self.drawn(i):
            for k in self.take(j, ', and|and|,'):
                for rest, end in self._shapes(k):
                    if isinstance(rest, tuple):
                        yield (shape, *rest), end
            yield (shape,), j

    def _change(self, i: int) -> Readings[Drawn]:
        for j in self.take(i, CHANGE_VERBS):
            verb = self.text(i, j)
            for shapes, k in self._shapes(j):
                for change, end in self.after_verb(verb, k):
                    yield ChangeDrawing(shapes, change), end
                if verb in ('move', 'shift'):
                    for spot, end in self.spot(k):
                        if spot.how in ('at', 'beside', 'between', 'inside'):
                            text = f'move it {self.text(k, end)}'
                            yield ChangeDrawing(shapes, MoveTo(spot, text)), end

    def _erase(self, i: int) -> Readings[Drawn]:
        for j in self.take(i, _ERASE):
            for shapes, k in self._shapes(j):
                for end in self.maybe(k, 'away|off|out'):
                    yield Erase(shapes), end
            for k in self.take(j, _ALL):
                yield Erase(()), k

    # ── changes in words ─────────────────────────────────────────────────────────────────────

    def transform(self) -> tuple[list[Change | MoveTo], str] | None:
        """What transform_shape_pts is asked for: changes, and around what."""
        for changes, pivot, j in self._transforms(0):
            if not self.word(j):
                return changes, pivot
        return None

    def _transforms(self, i: int) -> Iterator[tuple[list[Change | MoveTo], str, int]]:
        for change, j in self._change_of_it(i):
            for pivot, k in self._pivot(j):
                for end in self.take(k, ', and then|and then|, then|, and|and|,|then'):
                    for rest, other, last in self._transforms(end):
                        yield [change, *rest], pivot or other, last
                yield [change], pivot, k

    def _change_of_it(self, i: int) -> Iterator[tuple[Change | MoveTo, int]]:
        for j in self.take(i, CHANGE_VERBS):
            verb = self.text(i, j)
            for k in self.take(j, 'it|the shape|this|that'):
                yield from self.after_verb(verb, k)
                if verb in ('move', 'shift'):
                    for spot, end in self.spot(k):
                        yield MoveTo(spot, self.text(k, end)), end

    def _pivot(self, i: int) -> Readings[str]:
        for j in self.take(i, 'around center pos|about center pos'):
            yield 'center_pos', j
        for j in self.take(i, 'around its bottom|so that it stands where it stood'):
            yield 'bottom', j
        yield '', i
