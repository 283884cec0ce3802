"""Text of programs and models, made safe for people to read."""

from __future__ import annotations

import sys
import unicodedata

# Category Cf holds the bidirectional controls and the invisible joiners; Cs, Co, Cn have no glyph.
_STRIPPED = frozenset({'Cc', 'Cf', 'Cs', 'Co', 'Cn'})
_LINE_ENDS = {'\r\n': '\n', '\r': '\n', '\x85': '\n', '\u2028': '\n', '\u2029': '\n'}


# The "highly restrictive" set of Unicode's UTS 39: these are written together, and look unlike.
_TOGETHER = frozenset({'LATIN', 'CJK', 'HIRAGANA', 'KATAKANA', 'BOPOMOFO', 'HANGUL'})


def mixes_alphabets(text: str) -> bool:
    """Whether letters of alphabets that look alike stand side by side, as in 'r\u0435d'."""
    if text.isascii():
        return False
    letters = (c for c in text if unicodedata.category(c)[0] in 'LM')
    found = {unicodedata.name(c, '').split(' ')[0].partition('-')[0] for c in letters}
    found.discard('COMBINING')  # accents
    return len(found) > 1 and not found <= _TOGETHER


def python_lines(text: str) -> list[str]:
    """The lines as Python numbers them; str.splitlines ends one at U+2028 and others, too."""
    return text.replace('\r\n', '\n').replace('\r', '\n').split('\n')


def for_people(text: str, limit: int = sys.maxsize) -> str:
    """The text without control and bidirectional characters, cut to `limit` characters.

    New lines and tabs stay. For terminals, logs and approval dialogs: what a person reads is then
    what is there, in this order.
    """
    for end, plain in _LINE_ENDS.items():
        text = text.replace(end, plain)
    kept = ''.join(c for c in text if c in '\n\t' or unicodedata.category(c) not in _STRIPPED)
    return kept if len(kept) <= limit else kept[: max(limit - 1, 0)] + '…'
