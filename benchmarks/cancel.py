"""How the arm stops when a goal is canceled: in each phase of pick, place, draw and erase.

./cap bench cancel                       # suction, jaw and marker; five times in each phase
./cap bench cancel --tool jaw --each 3 --seed 7

At full speed, at a random moment of each phase, in the physics and in its time. What it asks for:
braking begins within 20 ms, the arm is at rest within v/a + 50 ms, what was held is held still,
and the next goal works. No ROS. The exit status is 0 if all of it holds.
"""

import argparse
import itertools
import sys

import numpy as np

from cap_bringup.campaign import draw_seeds
from cap_bringup.cancel_bench import (
    MOST_BEYOND_S,
    MOST_UNTIL_BRAKING_S,
    Cancel,
    CancelBench,
)
from cap_bringup.workspace import ROOT

TOOLS = ('suction', 'jaw', 'marker')


def run(tool: str, seed: int, each: int) -> list[Cancel]:
    """So many cancellations in each phase; each time in another world."""
    found = []
    for number in range(each):
        rng = np.random.default_rng((seed, number))
        bench = CancelBench(seed + number, tool, ROOT / 'config')
        for phase in bench.phases:
            cancel = bench.cancel(phase, float(rng.uniform()))
            found.append(cancel)
            if not cancel.good:
                print(f'seed {seed + number}, {tool}: {cancel}', flush=True)
    return found


def report(tool: str, found: list[Cancel]) -> None:
    """A line for each phase, in the order of the goal."""
    order = list(dict.fromkeys(cancel.phase for cancel in found))
    for name, group in itertools.groupby(
        sorted(found, key=lambda cancel: order.index(cancel.phase)), lambda cancel: cancel.phase
    ):
        here = list(group)
        print(
            f'{tool:8s} {name:9s} {sum(cancel.good for cancel in here):3d} of {len(here):3d}   '
            f'{max(cancel.speed for cancel in here):5.2f} rad/s   '
            f'{max(cancel.until_s for cancel in here) * 1e3:4.0f} ms   '
            f'{max(cancel.beyond_s for cancel in here) * 1e3:+4.0f} ms   '
            f'{sum(bool(cancel.held) for cancel in here):3d} held'
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--tool', choices=TOOLS, help='all if not given')
    parser.add_argument('--each', type=int, default=5, help='cancellations in each phase')
    parser.add_argument('--seed', type=int, help='of the first world; drawn if not given')
    options = parser.parse_args()
    seed = draw_seeds(1)[0] if options.seed is None else options.seed
    print(f'seeds from {seed} on; worst of each phase: speed, until braking, to rest beyond v/a')
    found: list[Cancel] = []
    for tool in (options.tool,) if options.tool else TOOLS:
        here = run(tool, seed, options.each)
        report(tool, here)
        found += here
    good = sum(cancel.good for cancel in found)
    print(
        f'\n{good} of {len(found)} within {MOST_UNTIL_BRAKING_S * 1e3:.0f} ms and '
        f'v/a + {MOST_BEYOND_S * 1e3:.0f} ms, what was held still held, and the next goal works'
    )
    return 0 if good == len(found) else 1


if __name__ == '__main__':
    sys.exit(main())
