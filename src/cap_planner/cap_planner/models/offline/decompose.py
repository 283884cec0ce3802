"""decompose: from an instruction to several simpler ones. No ROS."""

from __future__ import annotations

from collections.abc import Sequence

from cap_planner.models.offline.conversation import Conversation
from cap_planner.models.offline.words import word_set

_BETWEEN = 'and after that|and then|then|and finally|finally|next|and also|also|and'
_NOT_ALONE = word_set('it them they this that these those one ones same again so their its')


def write_parts(words: list[str], names: Sequence[str], done: Sequence[str]) -> str:
    """A list of instructions, each of which is understood alone; empty: it cannot be split.

    Args:
        done: what was done for the instruction already. Which of the parts that was, the words do
            not tell, and nothing is to be done twice.
    """
    parts = [] if done else _split(words, names)
    return f'ret_val = {[" ".join(part) for part in parts]!r}' if len(parts) > 1 else 'ret_val = []'


def _split(words: list[str], names: Sequence[str]) -> list[list[str]]:
    """The first way to split in which everybody understands every part."""
    for i in range(1, len(words)):
        grammar = Conversation(words, names)
        for j in _separators(grammar, i):
            first, rest = words[:i], words[j:]
            if not _is_complete(first, names):
                continue
            if more := _split(rest, names):
                return [first, *more]
            if _is_complete(rest, names):
                return [first, rest]
    return []


def _separators(grammar: Conversation, i: int) -> list[int]:
    """The ends of what separates two instructions at i."""
    ends = []
    for j in grammar.maybe(i, ',|.|;|!|?'):
        ends += [*grammar.take(j, _BETWEEN)]
        if j > i and grammar.word(i) != ',':
            ends.append(j)
    return [end for end in ends if end < len(grammar.words)]


def _is_complete(words: list[str], names: Sequence[str]) -> bool:
    if _NOT_ALONE & set(words):
        return False
    return Conversation(words, names).instruction() is not None
