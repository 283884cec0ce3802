"""How much of a session stands in a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_planner.lmp import MAX_SESSION_TURNS, SessionTurn
from cap_planner.models.base import Message, PromptTooLongError, estimated_prompt_tokens
from cap_planner.window import fitting_chat, fitting_turns


def build(turns: Sequence[SessionTurn]) -> list[Message]:
    """A prompt of which 300 bytes always stand."""
    earlier: list[Message] = [{'role': 'assistant', 'content': turn.program} for turn in turns]
    return [{'role': 'system', 'content': 'x' * 300}, *earlier]


def turns_of(sizes: Sequence[int]) -> list[SessionTurn]:
    return [SessionTurn(f'{number}', '', 'y' * size) for number, size in enumerate(sizes)]


ALONE = estimated_prompt_tokens(build(()))


@given(st.lists(st.integers(0, 600), max_size=20), st.integers(ALONE, ALONE + 600))
def test_the_newest_turns_that_fit(sizes: list[int], room: int) -> None:
    turns = turns_of(sizes)
    fitting = list(fitting_turns(turns, build, room))
    assert fitting == turns[len(turns) - len(fitting) :], 'the newest, in their order'
    assert len(fitting) <= MAX_SESSION_TURNS
    assert estimated_prompt_tokens(build(fitting)) <= room
    if len(fitting) < min(len(turns), MAX_SESSION_TURNS):
        one_more = turns[len(turns) - len(fitting) - 1 :]
        assert estimated_prompt_tokens(build(one_more)) > room


def test_a_small_turn_behind_one_that_is_too_long_is_left_out_too() -> None:
    """The conversation has no hole: 'it' would mean something else."""
    small, huge, newest = turns_of([1, 9000, 1])
    assert list(fitting_turns([small, huge, newest], build, ALONE + 100)) == [newest]


@pytest.mark.parametrize('number', [0, 1, 20])
def test_a_prompt_that_is_too_long_by_itself_is_an_error(number: int) -> None:
    with pytest.raises(PromptTooLongError, match=rf'about {ALONE} tokens, and {ALONE - 1} fit'):
        fitting_turns(turns_of([1] * number), build, ALONE - 1)
    assert list(fitting_turns(turns_of([9000] * number), build, ALONE)) == []


def rounds_of(sizes: Sequence[int]) -> list[list[Message]]:
    return [
        [{'role': 'assistant', 'content': 'a' * size}, {'role': 'user', 'content': f'{number}'}]
        for number, size in enumerate(sizes)
    ]


SIZES = st.lists(st.integers(0, 600), max_size=6)


@given(SIZES, SIZES, st.integers(ALONE, ALONE + 900))
def test_of_a_chat_the_last_round_always_stands(
    sizes: list[int], turn_sizes: list[int], room: int
) -> None:
    rounds, turns = rounds_of(sizes), turns_of(turn_sizes)
    last = [message for each in rounds[-1:] for message in each]
    if estimated_prompt_tokens([*build(()), *last]) > room:
        with pytest.raises(PromptTooLongError):
            fitting_chat(turns, build, rounds, room)
        return
    chat = fitting_chat(turns, build, rounds, room)
    assert estimated_prompt_tokens(chat) <= room
    assert chat[0] == build(())[0]
    assert chat[len(chat) - len(last) :] == last
    whole = [*build(fitting_turns(turns, build, room)), *(m for each in rounds for m in each)]
    if estimated_prompt_tokens(whole) <= room:
        assert chat == whole


def test_rounds_are_left_out_before_requests_of_the_session() -> None:
    turns, rounds = turns_of([90]), rounds_of([300, 300])
    room = estimated_prompt_tokens([*build(turns), *rounds[1]])
    assert fitting_chat(turns, build, rounds, room) == [*build(turns), *rounds[1]]
    assert fitting_chat(turns, build, rounds, room - 1) == [*build(()), *rounds[1]]
