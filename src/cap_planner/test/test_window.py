"""How much of a session stands in a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_planner.lmp import MAX_SESSION_TURNS, SessionTurn
from cap_planner.models.base import Message, PromptTooLongError, estimated_prompt_tokens
from cap_planner.window import fitting_turns


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
