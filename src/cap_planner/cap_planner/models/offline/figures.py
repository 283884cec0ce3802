"""Descriptions of figures for the board: 'a 5 cm hexagon around the middle'. No ROS."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from cap_planner.models.offline.changes import Changes
from cap_planner.models.offline.meaning import Things
from cap_planner.models.offline.meaning_of_drawing import BoardPlace, Figure, Mark, ShapeRef, Spot
from cap_planner.models.offline.parser import Readings
from cap_planner.models.offline.questions import Questions
from cap_planner.models.offline.words import singular

KINDS = {
    **{kind: kind for kind in ('circle', 'square', 'rectangle', 'line', 'star', 'spiral', 'oval')},
    **{kind: kind for kind in ('triangle', 'pentagon', 'hexagon', 'heptagon', 'octagon')},
    'ring': 'circle',
    'ellipse': 'oval',
    'box': 'rectangle',
    'wave': 'wave',
    'diamond': 'diamond',
}
_SCALES = {'tiny': 0.5, 'small': 2 / 3, 'little': 2 / 3, 'big': 1.5, 'large': 1.5, 'huge': 2.0}
_WAYS = ('horizontal', 'vertical', 'diagonal')
_PARTS = {'left': 0.2, 'right': 0.8, 'top': 0.8, 'upper': 0.8, 'bottom': 0.2, 'lower': 0.2}
_BOARD = 'of the board|of the whiteboard|on the board|on the whiteboard'


class Figures(Changes, Questions):
    """Rules for figures.

    Args:
        shapes: bases of the variables of shapes that were drawn, oldest first.
    """

    def __init__(
        self, words: Sequence[str], names: Sequence[str], shapes: Collection[str] = ()
    ) -> None:
        super().__init__(words, names)
        self.shapes = list(shapes)

    def figure(self, i: int) -> Readings[Figure]:
        """A figure with all that is said of it."""
        for figure, j in self._head(i):
            for sized, k in self._sized(figure, j):
                yield from self._placed(sized, k)

    def figures(self, i: int) -> Readings[Figure]:
        """Several of a kind: 'circles', without a place."""
        yield from self._head(i, plural=True)

    def _head(self, i: int, *, plural: bool = False) -> Readings[Figure]:
        for start in self.maybe(i, 'a|an|one|the') if not plural else (i,):
            figure, j = self._adjectives(start)
            for size, k in [*self.length(j), (None, j)]:
                for by, end in [*self._by(k), (None, k)]:
                    word, is_plural = singular(self.word(end), KINDS)
                    if word in KINDS and is_plural == plural:
                        self.seen(end + 1)
                        yield replace(figure, kind=KINDS[word], size=size, height=by), end + 1

    def _adjectives(self, i: int) -> tuple[Figure, int]:
        figure = Figure('')
        while (word := self.word(i)) in _SCALES or word in _WAYS:
            if word in _WAYS:
                figure = replace(figure, way=word)
            else:
                figure = replace(figure, scale=figure.scale * _SCALES[word])
            i += 1
        return figure, i

    def _by(self, i: int) -> Readings[float]:
        for j in self.take(i, 'by|x'):
            yield from self.length(j)

    def _sized(self, figure: Figure, i: int) -> Readings[Figure]:
        for j in self.maybe(i, 'that is|which is|,|and'):
            for of, phrases in (
                ('side', 'with sides of|with side length|with a side length of|with a side of'),
                ('radius', 'with a radius of|with radius|of radius'),
                ('diameter', 'with a diameter of|with diameter'),
                ('', 'of|with a length of|with length|of length'),
            ):
                for k in self.take(j, phrases):
                    for size, end in self.length(k):
                        yield from self._sized(_with_size(figure, size, of), end)
            for size, k in self.length(j):
                for of, words in (('width', 'wide|across|long'), ('height', 'high|tall')):
                    for end in self.take(k, words):
                        yield from self._sized(_with_size(figure, size, of), end)
                for by, end in self._by(k):
                    yield from self._sized(replace(figure, size=size, of='', height=by), end)
            for k in self.take(j, 'with'):
                for count, end in self.number(k):
                    for last in self.take(end, 'points|turns|waves|rays|spikes|arms'):
                        yield from self._sized(replace(figure, count=int(count)), last)
        yield figure, i

    # ── where ────────────────────────────────────────────────────────────────────────────────

    def _placed(self, figure: Figure, i: int) -> Readings[Figure]:
        for j in self.maybe(i, ', that is|that is|which is|,|that stands|standing|drawn'):
            for spot, k in self.spot(j):
                yield from self._sized(replace(figure, spot=spot), k)
            if figure.kind == 'line':
                for spot, k in self._line_spot(j):
                    yield from self._sized(replace(figure, spot=spot), k)
        yield figure, i

    def spot(self, i: int) -> Readings[Spot]:
        """'Around the middle', '5 cm above the hexagon'."""
        for how, phrases in (
            ('around', 'around'),
            ('inside', 'inside of|inside|within|in'),
            ('on', 'on top of|on|upon'),
        ):
            for j in self.take(i, phrases):
                for mark, k in self.mark(j):
                    is_place = isinstance(mark, BoardPlace)
                    yield Spot('at' if is_place else how, (mark,)), k
        for j in self.maybe(i, 'at|near|close to|in|towards|to|on'):
            for place, k in self._board_place(j):
                yield Spot('at', (place,)), k
        for distance, j in [*self._some_way(i), (None, i)]:
            for direction, k in self.direction_of(j):
                for mark, end in self.mark(k):
                    yield Spot('beside', (mark,), direction, distance), end
        for j in self.take(i, 'between|halfway between|in between'):
            yield from self._two('between', j, 'and')

    def _some_way(self, i: int) -> Readings[float | None]:
        for distance, j in self.amount(i):
            meaning = {'a little': 0.05, 'a lot': 0.25}
            yield (meaning[distance] if isinstance(distance, str) else distance), j

    def _line_spot(self, i: int) -> Readings[Spot]:
        for j in self.take(i, 'from'):
            yield from self._two('from to', j, 'to')
        for j in self.take(i, 'that connects|connecting|that joins|joining'):
            yield from self._two('from to', j, 'and|with|to')
        for j in self.take(
            i,
            'that bisects|which bisects|bisecting|through the middle of|through the center of|'
            'that goes through|that cuts|that halves|through|across|that crosses|that divides',
        ):
            for mark, k in self.mark(j):
                for end in self.maybe(k, 'in half|in two|into two halves'):
                    yield Spot('through', (mark,)), end

    def _two(self, how: str, i: int, between: str) -> Readings[Spot]:
        for first, j in self.mark(i):
            for k in self.take(j, between):
                for second, end in self.mark(k):
                    yield Spot(how, (first, second)), end

    def mark(self, i: int) -> Readings[Mark]:
        """A place, a shape or an object."""
        yield from self.drawn(i)
        yield from self._board_place(i)
        for things, j in self.things(i):
            if isinstance(things, Things) and not things.plural:
                yield things, j

    def drawn(self, i: int) -> Readings[ShapeRef]:
        """A shape that was drawn, by its noun; the latest of them first."""
        for j in self.maybe(i, 'the|that|this|your'):
            named = [base.split('_') for base in reversed(self.shapes)]
            plain = [[word for word in words if not word.isdigit()] for words in named]
            heads = [words[-1:] for words in plain]
            # The full name before a part of it: 'the pyramid' is not the smaller pyramid.
            for said in (named, plain, heads):
                for words, part in zip(named, said, strict=True):
                    if part and self.words[j : j + len(part)] == part:
                        self.seen(j + len(part))
                        yield ShapeRef('_'.join(words)), j + len(part)

    def _board_place(self, i: int) -> Readings[BoardPlace]:
        for j in self.maybe(i, 'the'):
            for k in self.take(j, 'very middle|middle|center'):
                for end in self.maybe(k, _BOARD):
                    yield BoardPlace(0.5, 0.5), end
            x, y, k = 0.5, 0.5, j
            while (word := self.word(k)) in _PARTS and k < j + 2:
                if word in ('left', 'right'):
                    x = _PARTS[word]
                else:
                    y = _PARTS[word]
                k += 1
            if k > j and self.word(k) != 'of':
                self.seen(k)
                for end in self.maybe(k, 'hand corner|corner|hand side|side|edge|part|area'):
                    yield BoardPlace(x, y), end
            elif k > j:
                for end in self.take(k, _BOARD):
                    yield BoardPlace(x, y), end


def _with_size(figure: Figure, size: float, of: str) -> Figure:
    if of == 'height':
        return replace(figure, height=size)
    if of == 'diameter':
        return replace(figure, size=size / 2, of='radius')
    return replace(figure, size=size, of=of)
