"""Positions in words: beside, between, in the closest corner, on a line. No ROS."""

from __future__ import annotations

from typing import Literal, cast

from cap_planner.models.offline.meaning import (
    Anchor,
    Beside,
    Between,
    ExtremePlace,
    FromTowards,
    Group,
    NearTo,
    Position,
    Segment,
    Shape,
    Things,
)
from cap_planner.models.offline.noun_phrases import NounPhrases
from cap_planner.models.offline.parser import Readings, rule

_LITTLE = 'just a little bit|a little bit|a tiny bit|a bit|a little|slightly|a tad|a touch|somewhat'
_LOT = 'quite a lot|a lot|a good deal|far|much|a long way|way'
_LINE = 'line|row|column'
_CLOSED = 'square|triangle|rectangle|diamond|pentagon|hexagon|heptagon|octagon'
_STRAIGHT = {'row': 'horizontal', 'column': 'vertical', 'line': 'horizontal'}


class Positions(NounPhrases):
    """Rules for positions."""

    @rule
    def position(self, i: int) -> Readings[Position]:
        """What parse_position is asked for."""
        for j in self.maybe(
            i, 'the point|a point|the position|the spot|a spot|a free spot|the place|somewhere'
        ):
            for start in self.maybe(j, 'that is|which is|at|in|on') if j > i else (i,):
                yield from self.beside(start)
                yield from self._from_towards(start)
                yield from self._extreme_place(start)
                yield from self._between(start)
                yield from self.place(start)
                for k in self.near(start):
                    for anchor, end in self.anchor(k):
                        yield NearTo(anchor), end
        yield from self.shape(i)
        for things, j in self.single(i):
            if not isinstance(things, Group):
                yield things, j

    def beside(self, i: int) -> Readings[Position]:
        """'5 cm to the left of the bowl'."""
        for distance, j in self.amount(i):
            for direction, k in self.direction_of(j):
                for anchor, end in self.anchor(k):
                    yield Beside(direction, anchor, distance), end
        for direction, j in self.direction_of(i):
            for anchor, k in self.anchor(j):
                for end in self.take(k, 'by'):
                    for distance, last in self.amount(end):
                        yield Beside(direction, anchor, distance), last
                yield Beside(direction, anchor), k

    def amount(self, i: int) -> Readings[float | Literal['a little', 'a lot']]:
        """A distance [m], or a word for one."""
        for j in self.maybe(i, 'exactly|about|around|roughly'):
            yield from self.length(j)
        for j in self.take(i, _LITTLE):
            yield 'a little', j
        for j in self.take(i, _LOT):
            yield 'a lot', j

    def _from_towards(self, i: int) -> Readings[Position]:
        for distance, j in self.length(i):
            for k in self.take(j, 'from|away from'):
                for start, end in self.anchor(k):
                    for last in self.take(end, 'towards|in the direction of'):
                        for goal, stop in self.anchor(last):
                            yield FromTowards(start, goal, distance), stop

    def _extreme_place(self, i: int) -> Readings[Position]:
        for j in self.maybe(i, 'the'):
            for k in self.take(j, 'corner|side|edge'):
                kind = 'corner' if self.word(j) == 'corner' else 'side'
                for start in self.maybe(k, 'that is|which is|of the table'):
                    for middle in self.maybe(start, 'the'):
                        for end in self.take(middle, 'closest|farthest'):
                            yield from self._extreme(kind, self.word(end - 1), end)
            for k in self.take(j, 'closest|farthest'):
                for end in self.take(k, 'corner|side|edge'):
                    kind = 'corner' if self.word(k) == 'corner' else 'side'
                    yield from self._extreme(kind, self.word(j), end)

    def _extreme(self, kind: str, word: str, i: int) -> Readings[Position]:
        for j in self.maybe(i, 'away from|to|from|of'):
            for anchor, k in self.anchor(j):
                place = cast('Literal["corner", "side"]', kind)
                yield ExtremePlace(place, word == 'farthest', anchor), k

    def _between(self, i: int) -> Readings[Position]:
        for j in self.take(
            i,
            'halfway between|midway between|in between|between|the middle of|the center of|'
            'the middle between|the point between|the midpoint of|the midpoint between|middle of',
        ):
            for first, k in self.anchor(j):
                if isinstance(first, Group) or (isinstance(first, Things) and first.plural):
                    yield Between((first,)), k
                yield from self._between_rest((first,), k)

    def _anchor_or_its(
        self, i: int, first: Anchor | ExtremePlace
    ) -> Readings[Anchor | ExtremePlace]:
        """'(From the bowl to) its closest corner'."""
        for j in self.take(i, 'its closest|its farthest|the closest|the farthest'):
            for k in self.take(j, 'corner|side|edge'):
                kind: Literal['corner', 'side'] = 'side'
                if self.word(j) == 'corner':
                    kind = 'corner'
                if not isinstance(first, ExtremePlace):
                    yield ExtremePlace(kind, self.word(j - 1) == 'farthest', first), k
        yield from self.anchor(i)

    def _between_rest(
        self, anchors: tuple[Anchor | ExtremePlace, ...], i: int
    ) -> Readings[Position]:
        for j in self.take(i, ', and|and|,'):
            for anchor, k in self._anchor_or_its(j, anchors[0]):
                more = (*anchors, anchor)
                if len(more) < 6:
                    yield from self._between_rest(more, k)
                yield Between(more), k

    def line_words(self, i: int) -> Readings[str]:
        """'A diagonal line' as 'a diagonal line'."""
        for j in self.maybe(i, 'one|a|the|an'):
            for k in self.maybe(j, 'straight|single|neat'):
                for end in self.take(k, 'circle|ring'):
                    yield 'a circle', end
                if self.word(j - 1) in ('a', 'an', 'one') and j > i:
                    for end in self.take(k, _CLOSED):
                        yield f'a {self.word(end - 1)}', end
                for end in self.take(k, 'horizontal|vertical|diagonal'):
                    for last in self.take(end, _LINE):
                        yield f'a {self.word(end - 1)} line', last
                for end in self.take(k, _LINE):
                    yield f'a {_STRAIGHT[self.word(k)]} line', end

    @rule
    def shape(self, i: int) -> Readings[Position]:
        """'A vertical line with 4 points around the middle'."""
        for text, j in self.line_words(i):
            kind = text.split()[1]
            for k in self.take(j, 'with|of'):
                for number, end in self.number(k):
                    for last in self.take(end, 'points|positions|point'):
                        yield from self._shape_rest(kind, int(number), last)

    def _shape_rest(self, kind: str, points: int, i: int) -> Readings[Position]:
        for j in self.take(i, 'around|at|near|in|centered on|along'):
            for where, k in self.position(j):
                yield from self._shape_size(Shape(kind, points, None, where), k)
        for j in self.take(i, 'from'):
            for start, k in self.anchor(j):
                for middle in self.take(k, 'to'):
                    for goal, end in self._anchor_or_its(middle, start):
                        yield Segment(start, goal, points), end
        yield from self._shape_size(Shape(kind, points), i)

    def _shape_size(self, shape: Shape, i: int) -> Readings[Position]:
        for j in self.take(
            i,
            'with radius|with a radius of|with length|with a length of|with sides of|and',
        ):
            for size, k in self.length(j):
                yield Shape(shape.kind, shape.points, size, shape.where), k
        yield shape, i
