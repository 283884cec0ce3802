"""Time counts while the process runs."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_common.awake import AwakeClock, awake_s


class Steady:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_goes_with_the_steady_clock_while_somebody_ticks():
    steady = Steady()
    clock = AwakeClock(steady)
    for _ in range(100):
        steady.now += 0.06
        clock.tick()
    steady.now += 0.02
    assert clock.now() == pytest.approx(6.02)


def test_a_stall_hardly_counts_before_and_after_the_next_tick():
    steady = Steady()
    clock = AwakeClock(steady)
    steady.now += 3.0
    assert clock.now() == pytest.approx(0.25)
    clock.tick()
    assert clock.now() == pytest.approx(0.25)
    steady.now += 0.05
    assert clock.now() == pytest.approx(0.3)


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.booleans())))
def test_it_never_goes_back_nor_faster_than_the_steady_clock(steps):
    steady = Steady()
    clock = AwakeClock(steady)
    for seconds, ticks in steps:
        before, at = clock.now(), steady.now
        steady.now += seconds
        if ticks:
            clock.tick()
        assert 0.0 <= clock.now() - before <= steady.now - at + 1e-9


def test_the_clock_of_this_process_runs():
    begin, pause = awake_s(), threading.Event()
    end = time.monotonic() + 20.0
    while awake_s() < begin + 0.5:
        assert time.monotonic() < end
        pause.wait(0.01)
