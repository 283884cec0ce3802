"""What ends a program that uses too much."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cap_planner import budget
from cap_planner.budget import Budget, Limits
from cap_planner.labels import InstructionError, Label

LIMITS = Limits(
    wall_s=10.0,
    model_s=5.0,
    text_s=3.0,
    text_tokens=99,
    window_tokens=20_000,
    tokens=1_000_000,
    compute_s=9.0,
    motion_s=4.0,
    calls=3,
    calls_per_s=9,
    programs=2,
    tries=2,
)


class Clock:
    """Steady time by hand."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(budget, 'time', clock)
    return clock


def test_calls_are_counted_but_not_those_that_wait(clock: Clock) -> None:
    spent = Budget(LIMITS)
    for _ in range(100):
        spent.call(waits=True)
    for _ in range(LIMITS.calls):
        spent.call()
    with pytest.raises(InstructionError, match='3 API calls') as caught:
        spent.call()
    assert caught.value.label is Label.BUDGET_EXCEEDED


def test_calls_in_one_second_are_bounded(clock: Clock) -> None:
    spent = Budget(replace(LIMITS, calls=99, calls_per_s=2))
    spent.call()
    clock.now += 0.6
    spent.call()
    clock.now += 0.6
    spent.call()
    with pytest.raises(InstructionError, match='in one second'):
        spent.call()


def test_the_time_of_a_motion_counts_while_it_lasts(clock: Clock) -> None:
    spent = Budget(LIMITS)
    with spent.motion():
        clock.now += 3.0
        assert spent.exceeded() is None
    clock.now += 3.0
    assert spent.exceeded() is None, 'nothing moved'
    with spent.motion():
        clock.now += 1.5
        assert 'of motion' in str(spent.exceeded())


def test_thinking_is_apart_from_the_wall(clock: Clock) -> None:
    spent = Budget(LIMITS)
    clock.now += 12.0
    spent.thought(4.0)
    assert spent.exceeded() is None
    clock.now += 3.0
    assert 'more than 10 s' in str(spent.exceeded())


def test_a_text_has_its_limit_or_what_is_left(clock: Clock) -> None:
    spent = Budget(LIMITS)
    assert spent.text_s == 3.0
    spent.program()
    spent.thought(4.0)
    assert spent.text_s == 1.0
    spent.check_thinking()
    spent.thought(1.0)
    with pytest.raises(InstructionError, match='thought for 5 s'):
        spent.program()


def test_texts_are_counted(clock: Clock) -> None:
    spent = Budget(LIMITS)
    spent.program()
    spent.program()
    with pytest.raises(InstructionError, match='2 texts'):
        spent.program()


def test_no_text_is_asked_for_when_the_time_is_up(clock: Clock) -> None:
    spent = Budget(LIMITS)
    spent.program()
    clock.now += 11.0
    with pytest.raises(InstructionError, match='more than 10 s'):
        spent.program()


def test_the_longest_that_an_instruction_takes() -> None:
    assert LIMITS.longest_s == 10.0 + 5.0 + budget.END_S
