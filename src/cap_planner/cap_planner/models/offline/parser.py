"""The grammar's engine: every rule yields all its readings, the likeliest first. No ROS.

A rule takes the index of a word and yields (meaning, index after it). A sentence is understood by
the first reading that uses up all its words. Written by hand rather than with a parser generator
because the nouns come from the scene, the order of the readings matters, and a typical sentence is
to take about a millisecond.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from cap_planner.models.offline.words import NUMBERS, is_number, tokenize

Node = TypeVar('Node')
Self = TypeVar('Self', bound='Parser')
MAX_READINGS = 50
"""Of one rule at one word: chains of prepositions have a number of readings beyond all bounds."""

Readings = Iterator[tuple[Node, int]]


class Parser:
    """Words and the names of the scene.

    Attributes:
        furthest: index after the last word that any rule understood.
    """

    def __init__(self, words: Sequence[str], names: Sequence[str]) -> None:
        self.words = list(words)
        self.names = list(names)
        self.name_words = {tuple(tokenize(name)): name for name in names}
        self.nouns = {words[-1] for words in self.name_words if words}
        self.vocabulary = {word for words in self.name_words for word in words}
        self.furthest = 0
        self.memo: dict[tuple[str, int], list[tuple[Any, int]]] = {}

    def word(self, i: int) -> str:
        """The word at an index; '' after the last one."""
        return self.words[i] if i < len(self.words) else ''

    def text(self, i: int, j: int) -> str:
        """The words from i to before j."""
        return ' '.join(self.words[i:j])

    def take(self, i: int, phrases: str) -> Iterator[int]:
        """The ends of those phrases ('on top of|on') that stand at i, in the order given."""
        for phrase in _phrases(phrases):
            j = i + len(phrase)
            if self.words[i:j] == list(phrase):
                self.seen(j)
                yield j

    def maybe(self, i: int, phrases: str) -> Iterator[int]:
        """As `take`, and then without any of the phrases."""
        yield from self.take(i, phrases)
        yield i

    def seen(self, j: int) -> None:
        """Remember that the words before j made sense."""
        self.furthest = max(self.furthest, j)

    def number(self, i: int) -> Readings[float]:
        """'5', 'five', 'a' is not one."""
        word = self.word(i)
        if is_number(word):
            yield float(word), i + 1
        elif word in NUMBERS:
            yield float(NUMBERS[word]), i + 1

    def length(self, i: int) -> Readings[float]:
        """'5 cm', in metres."""
        units = {'cm': 0.01, 'mm': 0.001, 'm': 1.0, 'inch': 0.0254, 'inches': 0.0254}
        for value, j in self.number(i):
            if self.word(j) in units:
                self.seen(j + 1)
                yield value * units[self.word(j)], j + 1


@functools.cache
def _phrases(text: str) -> list[tuple[str, ...]]:
    return [tuple(phrase.split()) for phrase in text.split('|')]


def rule(
    method: Callable[[Self, int], Iterator[tuple[Node, int]]],
) -> Callable[[Self, int], list[tuple[Node, int]]]:
    """Remember the readings of a rule at a word (and keep repeated readings out)."""

    @functools.wraps(method)
    def remembered(self: Self, i: int) -> list[tuple[Node, int]]:
        key = (method.__name__, i)
        if key not in self.memo:
            readings = itertools.islice(method(self, i), MAX_READINGS)
            self.memo[key] = list(dict.fromkeys(readings))
        return self.memo[key]

    return remembered
