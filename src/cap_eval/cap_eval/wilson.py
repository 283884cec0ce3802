"""How sure a success rate is: Wilson's score interval (E. B. Wilson, 1927)."""

from __future__ import annotations

import math

Z_95 = 1.959963984540054  # two-sided 95%


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Bounds of the success probability, given what was counted.

    Args:
        z: quantile of the standard normal distribution; the default is the two-sided 95%.

    Raises:
        ValueError: not 0 <= successes <= trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f'{successes} successes of {trials} trials')
    if trials == 0:
        return 0.0, 1.0
    rate, square = successes / trials, z * z / trials
    centre = rate + square / 2
    spread = z * math.sqrt(rate * (1 - rate) / trials + square / (4 * trials))
    low, high = (centre - spread) / (1 + square), (centre + spread) / (1 + square)
    # At the ends the bound is exact, and rounding must not take it outside.
    return (0.0 if successes == 0 else low), (1.0 if successes == trials else high)


def wilson_lower_bound(successes: int, trials: int, z: float = Z_95) -> float:
    """The lower bound of `wilson_interval`."""
    return wilson_interval(successes, trials, z)[0]
