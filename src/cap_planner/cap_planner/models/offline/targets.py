"""Where something goes: positions, distances, containers by colour, lines. No ROS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from cap_planner.models.offline.meaning import (
    AtPosition,
    ByColor,
    Direction,
    EachOwn,
    InLine,
    On,
    OnEachOther,
    Place,
    Pronoun,
    Segment,
    Shape,
    Shift,
    Target,
    Things,
    Towards,
)
from cap_planner.models.offline.parser import Readings, rule
from cap_planner.models.offline.place_phrases import TABLE
from cap_planner.models.offline.positions import Positions
from cap_planner.models.offline.words import DIRECTIONS, singular

A_LITTLE = 0.05
A_LOT = 0.25
"""Metres; the same values are in prompts/tabletop.md."""

_ON_IN = (
    'on the top of|on top of|onto|on to|on|upon|atop|inside of|inside|into|in to|in|within|over|at|'
    'to|along'
)
_ACROSS = {
    'left': 'left',
    'leftwards': 'left',
    'right': 'right',
    'rightwards': 'right',
    'up': 'top',
    'upwards': 'top',
    'top': 'top',
    'down': 'bottom',
    'downwards': 'bottom',
    'bottom': 'bottom',
}
_OWN = 'different|separate|distinct|unique|various|individual'
_SAME = 'matching|corresponding|respective|appropriate|correct|right'
_NOT_SAME = (
    'mismatched|not matching|non matching|differently|different|wrong|incorrect|non corresponding|'
    'not corresponding|another|other|opposite'
)


class Targets(Positions):
    """Rules for targets."""

    @rule
    def target(self, i: int) -> Readings[Target]:
        """All there is to say about where something goes."""
        for j in self.maybe(i, 'down|back|over|up|each'):
            yield from self._by_color(j)
            yield from self._each_own(j)
            yield from self._on_each_other(j)
            yield from self._in_line(j)
            yield from self.towards(j)
            yield from self._at_position(j)
            yield from self._on(j)

    # ── on objects ───────────────────────────────────────────────────────────────────────────

    def _on(self, i: int) -> Readings[Target]:
        for j in self.take(i, _ON_IN):
            for things, k in self.single(j):
                if isinstance(things, Things | Pronoun):
                    yield On(things), k

    def _on_each_other(self, i: int) -> Readings[Target]:
        for j in self.take(
            i,
            'on top of each other|on top of one another|on each other|on one another|'
            'onto each other|into a tower|in a tower|into a stack|in a stack|into a pile|in a pile|'
            'into one stack|in one stack|into a single stack|in a single stack|as a tower|'
            'as a stack',
        ):
            for place, k in self._at_position(j):
                yield OnEachOther(place), k
            for on, k in self._on(j):
                yield OnEachOther(cast('On', on)), k
            yield OnEachOther(), j

    def _each_own(self, i: int) -> Readings[Target]:
        for j in self.take(i, _ON_IN):
            for k in self.maybe(j, 'the four|the|four|all the|all'):
                for end in self.take(k, 'corners|sides'):
                    yield from self._of_corners(EachOwn(self.word(k)[:-1]), end)
        for j in self.take(i, _ON_IN):
            for k in self.maybe(j, 'the four|the|all|a|an|each|its|their|two|three|four'):
                for end in self.take(k, f'{_OWN}|own|its own|their own'):
                    kind, _ = singular(self.word(end), self.nouns)
                    if kind in ('corner', 'side', 'edge') or kind in self.nouns:
                        own = EachOwn('side' if kind == 'edge' else kind)
                        yield from self._of_corners(own, end + 1)
                        for last in self.take(end + 1, 'each'):
                            yield own, last

    def _of_corners(self, own: EachOwn, i: int) -> Readings[Target]:
        """'... clockwise starting at the top right corner'."""
        for j in self.maybe(i, TABLE):
            yield own, j
            if own.kind not in ('corner', 'side'):
                continue
            for k in self.maybe(j, ', going|, in|,|in|going'):
                for around, end in self._around(k):
                    for start, last in self._starting(end):
                        yield EachOwn(own.kind, start, around), last
                for start, end in self._starting(k):
                    for comma in self.maybe(end, ', going|,|going|and going'):
                        for around, last in self._around(comma):
                            yield EachOwn(own.kind, start, around), last
                    yield EachOwn(own.kind, start), end

    def _around(self, i: int) -> Readings[bool]:
        for clockwise, words in (
            (False, 'counterclockwise|counter clockwise|anticlockwise|anti clockwise'),
            (True, 'clockwise'),
        ):
            for j in self.take(i, words):
                for k in self.maybe(j, 'order|direction'):
                    yield clockwise, k

    def _starting(self, i: int) -> Readings[Place]:
        for j in self.maybe(i, ',|and'):
            for k in self.take(j, 'starting|beginning|start|begin'):
                for end in self.take(k, 'at|from|with|in|on'):
                    yield from self.place(end)

    # ── containers by colour ─────────────────────────────────────────────────────────────────

    def _by_color(self, i: int) -> Readings[Target]:
        for j in self.take(i, _ON_IN):
            for start in self.maybe(j, 'the|a|an|their|its|any|all the|some|one of the'):
                for same, k in self._polarity(start, need_color=False):
                    head, _ = singular(self.word(k), self.nouns)
                    if self.content(k):
                        self.seen(k + 1)
                        yield from self._color_tail(head, same, k + 1)
                if self.content(start):
                    head, _ = singular(self.word(start), self.nouns)
                    for same, k in self._color_clause(start + 1):
                        yield ByColor(head, same), k

    def _color_tail(self, head: str, same: bool, j: int) -> Readings[Target]:
        """What may follow 'the matching bowls'."""
        for k in self.maybe(j, 'by color|in color|of color'):
            yield ByColor(head, same), k

    def _polarity(self, i: int, need_color: bool) -> Readings[bool]:
        """'Matching', 'of a different color'; a bare 'different bowls' says nothing of colours."""
        for same, phrases in ((True, f'{_SAME}|same'), (False, _NOT_SAME)):
            for j in self.take(i, phrases):
                for k in self.take(j, 'colors|color|colored'):
                    yield same, k
                word = self.word(j - 1)
                alone = same or word in (
                    'matching',
                    'mismatched',
                    'corresponding',
                    'wrong',
                    'incorrect',
                )
                if alone and not need_color and word not in ('same', 'right'):
                    yield same, j

    def _color_clause(self, i: int) -> Readings[bool]:
        """'With matching colors', 'that match their color', 'of a different color than them'."""
        for j in self.take(i, 'with|of|in|having|that have|which have|that are|that is|that has'):
            for k in self.maybe(j, 'the|a|an|their|its|any'):
                for same, end in self._polarity(k, need_color=True):
                    yield from self._than_them(same, end)
                for end in self.take(k, 'own color|own colors'):
                    yield True, end
            for k in self.take(j, 'their color|its color|their colors|its colors'):
                yield True, k
            for k in self.take(j, 'color matching them|colors that match|a color that matches'):
                yield from self._than_them(True, k)
            for k in self.take(j, 'colors that do not match|a color that does not match'):
                yield from self._than_them(False, k)
        for j in self.take(i, 'such that the colors match|so that the colors match'):
            yield True, j
        for j in self.take(i, 'that match|which match|that matches|which matches|matching'):
            yield from self._than_them(True, j)
        for j in self.take(
            i, 'that do not match|which do not match|that does not match|not matching'
        ):
            yield from self._than_them(False, j)

    def _than_them(self, same: bool, i: int) -> Readings[bool]:
        """'... as the blocks', which repeats who is moved."""
        for j in self.maybe(i, 'as|than|from|to|of'):
            for k in self.take(
                j,
                'them|it|themselves|itself|their own|its own|their color|its color|'
                'their colors|in color|the color of the block',
            ):
                yield same, k
            for things, k in self.things(j):
                if isinstance(things, Things) and things.lexical and not things.adjectives:
                    yield same, k
        yield same, i

    # ── positions ────────────────────────────────────────────────────────────────────────────

    def _at_position(self, i: int) -> Readings[AtPosition]:
        for j in (i, *self.take(i, f'{_ON_IN}|near|close to|somewhere')):
            for position, k in self.position(j):
                if not isinstance(position, Things | Pronoun | Shape | Segment):
                    yield AtPosition(self.text(j, k), position), k
            if j > i:
                for place, k in self.bare_place(j):
                    yield AtPosition(f'the {place.name}', place), k
        for k in self.take(i, 'to the'):
            # 'to the left', with put: the side
            if self.word(k) in DIRECTIONS and self.word(k + 1) != 'of':
                place = Place(f'{self.word(k)} side')
                yield AtPosition(f'the {place.name}', place), k + 1

    # ── lines and circles ────────────────────────────────────────────────────────────────────

    def _in_line(self, i: int) -> Readings[Target]:
        for j in self.maybe(i, 'in|into|along|as|on|to form|forming|so that they form|to make'):
            for shape, k in self.line_words(j):
                yield from self.line_where(shape, k)

    def line_where(self, shape: str, i: int) -> Readings[Target]:
        """How long the line is and where, kept in words."""
        for size, j in self._long(i):
            for k in self.maybe(j, 'and|, and|,|that is|which is'):
                for start in self.take(k, 'in|at|on|near|along|around|close to|across'):
                    for position, end in self.position(start):
                        if not isinstance(position, Shape | Segment):
                            yield InLine(shape, f' around {self.text(start, end)}{size}'), end
                    for place, end in self.bare_place(start):
                        yield InLine(shape, f' around the {place.name}{size}'), end
                for _, end in self.beside(k):
                    yield InLine(shape, f' around the point {self.text(k, end)}{size}'), end
            yield InLine(shape, size), j

    def _long(self, i: int) -> Readings[str]:
        """'20 cm long', in the words of `shape`."""
        for size, j in self.length(i):
            for k in self.take(j, 'long|wide|tall'):
                yield f' with length {size * 100:g} cm', k
        for j in self.take(
            i,
            'with a length of|with length|of length|with a radius of|with radius|with sides of|'
            'with a side of|with a side length of',
        ):
            for size, k in self.length(j):
                yield f' with length {size * 100:g} cm', k
        yield '', i

    # ── by a distance ────────────────────────────────────────────────────────────────────────

    @rule
    def shift(self, i: int) -> Readings[Shift]:
        """'A bit to the right', 'up by 5 cm'."""
        for start in self.maybe(i, 'by|over|further|more'):
            for distance, j in self._distance(start):
                for k in self.maybe(j, 'further|more|over'):
                    for direction, end in self._across(k):
                        yield Shift(direction, distance), end
            for direction, j in self._across(start):
                for k in self.maybe(j, 'by'):
                    for distance, end in self._distance(k):
                        yield Shift(direction, distance), end
                yield Shift(direction, 2 * A_LITTLE), j

    def _distance(self, i: int) -> Readings[float]:
        for amount, j in self.amount(i):
            meaning = {'a little': A_LITTLE, 'a lot': A_LOT}
            yield (meaning[amount] if isinstance(amount, str) else amount), j

    def _across(self, i: int) -> Readings[Direction]:
        for j in self.maybe(i, 'more to the|further to the|to the|to its|towards the|to|towards'):
            direction = _ACROSS.get(self.word(j))
            if direction and self.word(j + 1) not in ('of', 'side', 'corner', 'edge', 'from'):
                self.seen(j + 1)
                yield cast('Direction', direction), j + 1

    def towards(self, i: int) -> Readings[Towards]:
        """'5 cm towards the red bowl'."""
        for distance, j in [*self._distance(i), (2 * A_LITTLE, i)]:
            for k in self.take(j, 'closer to|nearer to|towards|in the direction of'):
                for anchor, end in self.anchor(k):
                    for last in self.take(end, 'by'):
                        for by, stop in self._distance(last):
                            yield Towards(anchor, by), stop
                    yield Towards(anchor, distance), end

    def then(self, i: int) -> Iterator[int]:
        """What stands between two commands."""
        return self.take(
            i,
            ', and then|, and after that|, and finally|, and also|. and then|. after that ,|'
            '. after that|. then ,|. then|. finally ,|. finally|. next ,|. next|. now|. and|. also|'
            '; then|, then|, and|and then|and after that|and finally|and also|then|. |.|;|!|,|and',
        )
