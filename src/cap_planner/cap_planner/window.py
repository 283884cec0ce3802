"""How much of a session, and of a chat, fits into the model's window. No ROS.

The rule: task, functions, examples and the present request always stand in the prompt. Of the
earlier requests the last MAX_SESSION_TURNS do, and of those the newest that fit; what is left out
is the oldest. Their variables and functions still exist.

Of a chat in which a program is written again, the last answer and what is wrong with it always
stand in the prompt. The oldest rounds before it are left out first, then requests of the session.
"""

from __future__ import annotations

import itertools
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


def fitting_chat(
    turns: Sequence[SessionTurn],
    build: Callable[[Sequence[SessionTurn]], list[Message]],
    rounds: Sequence[Sequence[Message]],
    room_tokens: int,
) -> list[Message]:
    """The prompt with as much of the chat after it as fits.

    Args:
        build: the prompt with some turns.
        rounds: the chat after it, oldest first.
        room_tokens: for all of it.

    Raises:
        PromptTooLongError: not even the prompt without any turn and with the last round fits.
    """
    prompt = build(fitting_turns(turns, build, room_tokens))
    for first in range(len(rounds)):
        chat = [*prompt, *itertools.chain(*rounds[first:])]
        if estimated_prompt_tokens(chat) <= room_tokens:
            return chat
    last = [message for each in rounds[-1:] for message in each]
    fitting = fitting_turns(turns, lambda some: [*build(some), *last], room_tokens)
    return [*build(fitting), *last]
