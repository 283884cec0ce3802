"""How much of a session fits into the model's window. No ROS.

The rule: task, functions, examples and the present request always stand in the prompt. Of the
earlier requests the last MAX_SESSION_TURNS do, and of those the newest that fit; what is left out
is the oldest. Their variables and functions still exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cap_planner.lmp import MAX_SESSION_TURNS, SessionTurn
from cap_planner.models.base import Message, PromptTooLongError, estimated_prompt_tokens


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
        PromptTooLongError: not even the prompt without any turn does.
    """
    for first in range(max(0, len(turns) - MAX_SESSION_TURNS), len(turns)):
        if estimated_prompt_tokens(build(turns[first:])) <= room_tokens:
            return turns[first:]
    alone = estimated_prompt_tokens(build(()))
    if alone > room_tokens:
        raise PromptTooLongError(
            f'the prompt has about {alone} tokens, and {room_tokens} fit; say it in fewer words, '
            'or set budget.window_tokens to what the model can take'
        )
    return ()
