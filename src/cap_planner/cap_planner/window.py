"""How much of a session fits into the model's window. No ROS.

The rule: task, functions, examples and the present request always stand in the prompt. Of the
earlier requests the last MAX_SESSION_TURNS do, and of those the newest that fit; what is left out
is the oldest. Their variables and functions still exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cap_planner.lmp import MAX_SESSION_TURNS, SessionTurn
from cap_planner.models.base import Message, ModelUnavailableError

# Measured tokenizers give 3 to 4 for Python and English, and about 1 for other scripts.
_BYTES_PER_TOKEN = 3.0
_TOKENS_PER_MESSAGE = 8


def estimated_tokens(messages: Sequence[Message]) -> int:
    """An upper estimate of what an endpoint would count, from the bytes of the text."""
    size = sum(len(message['content'].encode(errors='replace')) for message in messages)
    return int(size / _BYTES_PER_TOKEN) + _TOKENS_PER_MESSAGE * len(messages)


def fitting_turns(
    turns: Sequence[SessionTurn],
    build: Callable[[Sequence[SessionTurn]], list[Message]],
    room_tokens: int,
) -> Sequence[SessionTurn]:
    """The newest turns with which the prompt fits.

    Args:
        build: the prompt with some turns.
        room_tokens: for the prompt.

    Raises:
        ModelUnavailableError: not even the prompt without any turn does.
    """
    for first in range(max(0, len(turns) - MAX_SESSION_TURNS), len(turns)):
        if estimated_tokens(build(turns[first:])) <= room_tokens:
            return turns[first:]
    alone = estimated_tokens(build(()))
    if alone > room_tokens:
        raise ModelUnavailableError(
            f'the prompt has about {alone} tokens, and {room_tokens} fit; say it in fewer words, '
            'or set budget.window_tokens to what the model can take'
        )
    return ()
