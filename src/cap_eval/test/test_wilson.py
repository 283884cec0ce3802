from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_eval.wilson import wilson_interval, wilson_lower_bound


@pytest.mark.parametrize(
    ('successes', 'trials', 'low', 'high'),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # scipy.stats.binomtest(k, n).proportion_ci(method='wilson')
        (15, 15, 0.79612, 1.0),
        (143, 150, 0.90681, 0.97721),
        (150, 150, 0.97503, 1.0),
    ],
)
def test_known_values(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_nothing_tried_says_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(('successes', 'trials'), [(-1, 3), (4, 3), (0, -1)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match='successes of'):
        wilson_interval(successes, trials)


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_rate_and_mirrors(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = wilson_interval(successes, trials)
    assert 0.0 <= low <= successes / trials <= high <= 1.0
    mirrored = wilson_interval(trials - successes, trials)
    assert (1 - high, 1 - low) == pytest.approx(mirrored)
    if successes < trials:
        assert wilson_lower_bound(successes + 1, trials) > low
