"""Which names of the scene fit the words of a noun phrase. No ROS.

A name is read as adjectives and a noun: 'teal cup', 'small wooden cube 2'. Nothing here knows the
objects of a particular scene; the synonyms are a last resort for words that the scene does not use.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from cap_planner.models.offline.meaning import Things
from cap_planner.models.offline.words import ANYTHING, tokenize, word_set

_SYNONYMS = (
    {'block', 'cube', 'box', 'brick', 'square'},
    {'bowl', 'dish', 'container', 'circle', 'basin'},
    {'cup', 'mug', 'beaker'},
    {'plate', 'saucer', 'tray'},
    {'gray', 'grey', 'silver'},
    {'purple', 'violet'},
    {'cyan', 'turquoise', 'teal', 'aqua'},
    {'blue', 'sky', 'sea', 'ocean', 'water', 'lake', 'river'},
    {'yellow', 'sun', 'banana', 'lemon', 'gold', 'sand', 'desert'},
    {'green', 'grass', 'forest', 'leaf', 'lime', 'meadow', 'jungle'},
    {'red', 'fire', 'blood', 'tomato', 'crimson', 'volcano', 'lava'},
    {'brown', 'wood', 'chocolate', 'earth'},
    {'orange', 'pumpkin', 'carrot'},
    {'pink', 'rose', 'flamingo'},
    {'white', 'snow', 'milk'},
    {'black', 'coal', 'night'},
)
# Nouns for several kinds of things.
_KINDS = {
    'fruit': word_set(
        'apple orange lemon banana plum pear peach cherry strawberry grape kiwi mango lime melon '
        'pineapple apricot'
    ),
    'vegetable': word_set('carrot potato tomato onion cucumber pepper broccoli corn'),
}
PLATES = word_set('plate saucer tray')
# From sour to sweet.
_SWEETNESS = (
    *('lime', 'lemon', 'strawberry', 'kiwi', 'plum', 'orange', 'apricot', 'apple', 'peach'),
    *('pear', 'pineapple', 'melon', 'cherry', 'banana', 'mango', 'grape'),
)
_COLORS = word_set(
    """
    red green blue yellow orange purple violet pink cyan teal turquoise magenta brown gray grey
    black white beige navy maroon olive gold silver lime indigo crimson aqua
    """
)


@functools.lru_cache(maxsize=1024)
def split_name(name: str) -> tuple[tuple[str, ...], str]:
    """Adjectives and noun; a number at the end belongs to neither noun nor colour."""
    words = tokenize(name)
    named = [word for word in words if not word.isdigit()]
    numbers = tuple(word for word in words if word.isdigit())
    if not named:
        return (), ' '.join(words)
    return (*named[:-1], *numbers), named[-1]


def color_of(name: str) -> str:
    """The colour word of a name, or its first adjective; '' if it has none."""
    adjectives, _ = split_name(name)
    return next(
        (word for word in adjectives if word in _COLORS), adjectives[0] if adjectives else ''
    )


def lexical_matches(things: Things, names: Sequence[str]) -> list[str]:
    """The names that fit noun and adjectives; what else the phrase says is not looked at."""
    if things.name is not None:
        return [name for name in names if name == things.name]
    vocabulary = {word for name in names for word in _words(name)}
    heads = {split_name(name)[1] for name in names}
    head, adjectives = things.head, list(things.adjectives)
    if head and head not in heads and head in vocabulary:
        # 'The red', without a noun.
        head, adjectives = '', [*adjectives, head]
    wanted = [
        _meanings(word, vocabulary) for word in adjectives if word not in ('colored', 'color')
    ]
    unwanted = [_meanings(word, vocabulary) for word in things.not_adjectives]
    head_meanings = _meanings(head, heads) if head and head not in ANYTHING else None
    return [
        name
        for name in names
        if (head_meanings is None or split_name(name)[1] in head_meanings)
        and all(meanings & _words(name) for meanings in wanted)
        and not any(meanings & _words(name) for meanings in unwanted)
    ]


@functools.lru_cache(maxsize=1024)
def _words(name: str) -> frozenset[str]:
    return frozenset(tokenize(name))


def _meanings(word: str, vocabulary: set[str]) -> set[str]:
    """The word itself if the scene uses it, otherwise what it could stand for."""
    if word in vocabulary:
        return {word}
    return {word}.union(_KINDS.get(word, ()), *(group for group in _SYNONYMS if word in group))


def associated_color(word: str, names: Sequence[str]) -> str | None:
    """The first name of the color that one thinks of at a word: the ocean is blue."""
    colors = {word}.union(*(group for group in _SYNONYMS if word in group)) & _COLORS
    return next((name for name in names if color_of(name) in colors), None)


def by_sweetness(names: Sequence[str]) -> list[str]:
    """Those whose taste is known, from sour to sweet."""
    known = [name for name in names if split_name(name)[1] in _SWEETNESS]
    return sorted(known, key=lambda name: _SWEETNESS.index(split_name(name)[1]))
