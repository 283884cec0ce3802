"""Phrases for places and directions: 'the top left corner', 'to the left of'. No ROS."""

from __future__ import annotations

from typing import cast

from cap_planner.models.offline.meaning import Direction, Place
from cap_planner.models.offline.parser import Parser, Readings, rule
from cap_planner.models.offline.words import DIRECTIONS, FUNCTION_WORDS

TABLE = (
    'of the table|of the workspace|of the board|of the desk|of the area|of the scene|'
    'of the surface|of the work surface|on the table|of the tabletop|of it all'
)
SIDES = {word: word for word in DIRECTIONS} | {'upper': 'top', 'lower': 'bottom'}


def _direction_phrases() -> dict[str, Direction]:
    """All ways to say in which direction from something: 'to the left of'."""
    phrases: dict[str, Direction] = {}
    for name in DIRECTIONS:
        direction = cast('Direction', name)
        for side in ('', ' side', ' hand side'):
            for start in ('to the ', 'on the ', 'at the ', 'in the ', 'towards the ', 'the ', ''):
                phrases[f'{start}{name}{side} of'] = direction
    for phrase in ('top of', 'the top of', 'on the top of', 'in the top of'):
        del phrases[phrase]  # on it, not above it
    phrases |= {'above': 'top', 'up from': 'top', 'higher than': 'top'}
    phrases |= dict.fromkeys(('below', 'under', 'beneath', 'underneath', 'lower than'), 'bottom')
    phrases |= {'left from': 'left', 'right from': 'right', 'left to': 'left', 'right to': 'right'}
    phrases |= {'further left than': 'left', 'further right than': 'right'}
    return phrases


_DIRECTION_OF = _direction_phrases()
_DIRECTION_TEXT = '|'.join(_DIRECTION_OF)


class PlacePhrases(Parser):
    """Rules for places and directions."""

    def content(self, i: int) -> bool:
        """Whether the word can be a noun or an adjective of a noun phrase."""
        word = self.word(i)
        if not word or word in '.,;?!:':
            return False
        return word in self.vocabulary or (word not in FUNCTION_WORDS and not word[0].isdigit())

    def direction_of(self, i: int) -> Readings[Direction]:
        """'To the left of'."""
        for j in self.take(i, _DIRECTION_TEXT):
            if self.word(j - 1) == 'of' and any(True for _ in self.take(j - 1, TABLE)):
                continue  # a place: 'the left side of the table'
            yield _DIRECTION_OF[self.text(i, j)], j

    @rule
    def place(self, i: int) -> Readings[Place]:
        """'The top left corner', 'the left side', 'the middle'."""
        for start in self.maybe(i, 'the very|the'):
            first, second = self.word(start), self.word(start + 1)
            if first in SIDES and second in SIDES:
                pair = {SIDES[first], SIDES[second]}
                vertical, horizontal = pair & {'top', 'bottom'}, pair & {'left', 'right'}
                if vertical and horizontal:
                    name = f'{vertical.pop()} {horizontal.pop()} corner'
                    for j in self.maybe(start + 2, 'hand corner|corner'):
                        yield from self._of_table(Place(name), j)
            if first in SIDES:
                for j in self.take(start + 1, 'hand side|side|edge|end|border|boundary|half'):
                    yield from self._of_table(Place(f'{SIDES[first]} side'), j)
            for j in self.take(start, 'middle|center'):
                if not self.content(j):
                    yield from self._of_table(Place('middle'), j)

    def bare_place(self, i: int) -> Readings[Place]:
        """'The left', as in 'on the left'."""
        for j in self.maybe(i, 'the far|the'):
            word = self.word(j)
            if word in DIRECTIONS and not self.content(j + 1):
                yield from self._of_table(Place(f'{word} side'), j + 1)

    def _of_table(self, place: Place, j: int) -> Readings[Place]:
        self.seen(j)
        for k in self.take(j, TABLE):
            yield place, k
        if self.word(j) != 'of':
            yield place, j
