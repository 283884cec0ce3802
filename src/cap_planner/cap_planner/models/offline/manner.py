"""How an action is to be done: a request's adverbs, and the arguments that say the same. No ROS."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection

ACTIONS = ('put_first_on_second', 'pick_up', 'point_gripper_to', 'draw', 'erase')
"""What takes the arguments `speed` and, where it presses on something, `force`."""

_SLOW = {'speed': 0.3}
_GENTLE = {'speed': 0.3, 'force': 8.0}
_FULL: dict[str, float] = {}  # full speed is the ordinary one

MANNERS = {
    **dict.fromkeys(('slowly', 'slower'), _SLOW),
    **dict.fromkeys(('gently', 'carefully', 'softly', 'cautiously', 'lightly'), _GENTLE),
    **dict.fromkeys(('quickly', 'faster', 'fast'), _FULL),
}
"""Arguments by adverb."""

_MANNER = re.compile(rf'\b({"|".join(MANNERS)})\b')
_MORE = re.compile(rf'\bmore (?=({"|".join(MANNERS)})\b)')


def without_more(text: str) -> str:
    """A text in which 'more slowly' is 'slowly'."""
    return _MORE.sub('', text)


def manner_of(query: str) -> dict[str, float] | None:
    """The arguments that a request asks for; None: it says nothing of how."""
    found = _MANNER.findall(query.lower())
    return dict(MANNERS[found[-1]]) if found else None


def with_manner(code: str, manner: dict[str, float], functions: Collection[str]) -> str:
    """A program whose calls of some functions have further arguments.

    Args:
        manner: value by name.
    """
    if not manner:
        return code
    return with_arguments(code, {name: f'{value:g}' for name, value in manner.items()}, functions)


def with_arguments(code: str, arguments: dict[str, str], functions: Collection[str]) -> str:
    """A program whose calls of some functions have further arguments, as Python text by name."""
    lines = [line.encode() for line in code.split('\n')]  # columns of a tree are bytes
    calls = {
        _end_of_last_argument(node): node.func.id
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in functions
    }
    # The last first: what is inserted moves only what comes after it.
    for row, column in sorted(calls, reverse=True):
        touches = calls[row, column] != 'point_gripper_to'
        taken = [f', {k}={v}' for k, v in arguments.items() if k != 'force' or touches]
        line = lines[row - 1]
        lines[row - 1] = line[:column] + ''.join(taken).encode() + line[column:]
    return b'\n'.join(lines).decode()


def _end_of_last_argument(call: ast.Call) -> tuple[int, int]:
    """Line, from 1, and byte in it."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return max((node.end_lineno or 0, node.end_col_offset or 0) for node in arguments)
