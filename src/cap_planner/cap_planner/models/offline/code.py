"""Lines of Python and names of variables. No ROS."""

from __future__ import annotations

import keyword
import re

CONTEXT = "f'objects = {get_obj_names()}'"
"""The context argument of every call of an LMP."""


class Refusal(Exception):
    """There is no program for this; the text is what the model answers instead."""


class Code:
    """A program under construction."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._used: set[str] = set()
        self._indent = 0

    def add(self, text: str) -> None:
        """Append lines at the present indentation."""
        self.lines += ['    ' * self._indent + line for line in text.split('\n')]

    def indent(self, by: int = 1) -> None:
        """Change the indentation of what follows."""
        self._indent += by

    def variable(self, words: str) -> str:
        """A new variable named after some words."""
        base = re.sub(r'\W+', '_', words.strip().lower()).strip('_')
        if not base.isascii() or not base.isidentifier() or keyword.iskeyword(base):
            base = re.sub(r'\W', '', re.sub(r'[^a-z_0-9]', '', base))
            base = f'object_{base}'.rstrip('_')
        name, number = base, 2
        while name in self._used:
            name, number = f'{base}_{number}', number + 1
        self._used.add(name)
        return name

    def ask(self, function: str, description: str) -> str:
        """A call of an LMP with a description, which is a Python expression already."""
        return f'{function}({description}, {CONTEXT})'

    def __str__(self) -> str:
        return '\n'.join(self.lines)


def quoted(text: str) -> str:
    """A string literal."""
    return repr(text)


def formatted(text: str, values: dict[str, str]) -> str:
    """A literal of the text, in which some words are replaced by the values of variables.

    Args:
        values: word to what stands in the braces.
    """
    words = text.split()
    if not any(word in values for word in words):
        return quoted(text)
    parts = [
        f'{{{values[word]}}}' if word in values else word.replace('{', '{{').replace('}', '}}')
        for word in words
    ]
    return "f'" + ' '.join(parts).replace('\\', '').replace("'", "\\'") + "'"
