"""What is looked for, in the words of the configuration: 'block', 'red bowl'. No ROS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cap_common.palette import COLORS

_ARTICLES = ('a', 'an', 'the')
_SPELLINGS = {'grey': 'gray'}


class NoPhrasesError(ValueError):
    """Nothing is looked for."""


class UnknownPhraseError(LookupError):
    """A detector of known things does not know one; the text lists those that it knows."""


@dataclass(frozen=True)
class Phrase:
    """A noun phrase: a colour of the palette or '', and the rest.

    Attributes:
        text: as it was asked for.
        noun: in lower case, without article and colour.
    """

    text: str
    color: str
    noun: str


def parse_phrase(text: str) -> Phrase:
    """A phrase from its text: 'the red block' is a block that is red, 'orange' is a fruit.

    Raises:
        NoPhrasesError: there are no words.
    """
    words = text.lower().split()
    if len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    if not words:
        raise NoPhrasesError(f'{text!r} is no phrase: say what to look for, such as "red block"')
    color = _SPELLINGS.get(words[0], words[0])
    if len(words) > 1 and color in COLORS:
        return Phrase(text, color, ' '.join(words[1:]))
    return Phrase(text, '', ' '.join(words))


def parse_phrases(texts: Sequence[str]) -> tuple[Phrase, ...]:
    """Phrases from their texts, in their order.

    Raises:
        NoPhrasesError: there are none, or one has no words.
    """
    return _parse(tuple(texts))


@lru_cache(maxsize=16)
def _parse(texts: tuple[str, ...]) -> tuple[Phrase, ...]:
    """Kept, because every frame asks for the same."""
    if not texts:
        raise NoPhrasesError(
            'the list of phrases is empty: say what to look for, such as "block" and "red bowl"'
        )
    return tuple(map(parse_phrase, texts))


def check_known(phrases: Iterable[Phrase], class_names: Iterable[str], detector: str) -> None:
    """Refuse phrases that a detector has no class for.

    Raises:
        UnknownPhraseError: a phrase whose noun is none of the class names.
    """
    known = set(class_names)
    unknown = [phrase.text for phrase in phrases if phrase.noun not in known]
    if unknown:
        raise UnknownPhraseError(
            f'detector {detector!r} does not know {unknown}; it knows {sorted(known)}'
        )


def answered(phrases: Iterable[Phrase], color: str, class_name: str) -> Phrase | None:
    """The phrase that a thing answers; of two the one that names its colour. None: nobody asked."""
    return max(
        (p for p in phrases if p.noun == class_name and p.color in ('', color)),
        key=lambda phrase: len(phrase.color),
        default=None,
    )
