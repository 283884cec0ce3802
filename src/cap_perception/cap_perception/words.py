"""The words in which a detector is asked: phrase engineering is a table of the configuration.

The words that people use are not always those that a model finds best; the paper's MDETR saw a
'square' where it missed a 'block'. No ROS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cap_perception.phrases import Phrase, answered, parse_phrase


class WordsError(ValueError):
    """An entry of a table of words that is none; the text says how one looks."""


class Words:
    """Rewrites phrases on their way into one detector, and what it answers on the way back.

    Args:
        entries: texts such as 'block = square'; where several match the longest counts.
        prompt: what is said around a phrase, with {} in its place.

    Raises:
        WordsError: an entry is not of that form, or a word comes twice, or no {} in the prompt.
    """

    def __init__(self, entries: Iterable[str] = (), prompt: str = '{}') -> None:
        self._table: dict[str, str] = {}
        for entry in entries:
            ours, equals, theirs = (part.strip().lower() for part in entry.partition('='))
            if not (ours and equals and theirs) or ours in self._table:
                raise WordsError(f'{entry!r}: an entry is as "block = square", each word once')
            self._table[ours] = theirs
        if prompt.count('{}') != 1:
            raise WordsError(f'{prompt!r}: a prompt has one {{}}, such as "a photo of a {{}}"')
        self._prompt = prompt
        longest_first = sorted(self._table, key=len, reverse=True)
        self._pattern = re.compile(rf'(?<!\S)({"|".join(map(re.escape, longest_first))})(?!\S)')

    def said(self, phrase: Phrase) -> str:
        """How the detector is asked for a phrase."""
        return self._prompt.replace('{}', f'{phrase.color} {self._noun(phrase)}'.strip())

    def meant(self, answer: str, phrases: Sequence[Phrase]) -> Phrase | None:
        """The phrase that an answer in the detector's words stands for, with the colour it tells.

        'red block' also answers 'block'; of two the one that names the colour. None: nobody asked.
        """
        answer = answer.strip().lower()
        for phrase in phrases:
            if self.said(phrase).lower() == answer:
                return phrase
        if not answer:
            return None
        heard = parse_phrase(answer)
        theirs = [replace(phrase, noun=self._noun(phrase)) for phrase in phrases]
        found = answered(theirs, heard.color, heard.noun)
        return replace(phrases[theirs.index(found)], color=heard.color) if found else None

    def _noun(self, phrase: Phrase) -> str:
        if not self._table:
            return phrase.noun
        return self._pattern.sub(lambda match: self._table[match[0]], phrase.noun)
