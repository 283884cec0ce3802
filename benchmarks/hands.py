"""Random pick_places and stacks of blocks, in the physics with exact poses: figures of the skills.

./cap bench hands                        # 500 pick_places, 100 stacks of four: half an hour
./cap bench hands --tool jaw --trials 50 --stacks 0 --seed 7

How many succeed, how exactly, how long planning takes, how fast free motions are, and what the
executed trajectories touched, replayed at 5 mm in the simulator's own shapes. No ROS. The exit
status is 0 if all is within the limits below.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator

import numpy as np

from cap_bringup.campaign import draw_seeds
from cap_bringup.hands_bench import STACK, HandsBench, Trial, world_of
from cap_bringup.workspace import ROOT
from cap_eval.wilson import wilson_lower_bound

PER_WORLD = 10
# Blocks of a world, and bowls.
MOST = 10
# Lower bounds of the success rates.
LEAST_PLACED = {'suction': 0.98, 'jaw': 0.95}
LEAST_STACKED = 0.92
# Medians, and one 99th percentile.
MOST_OFF_M = 0.005
MOST_PLANNING_MS, MOST_PLANNING_P99_MS = 30.0, 400.0
MOST_CHECK_US = 15.0
# 95th percentile.
MOST_RATIO = 1.5


class Report:
    """Prints figures, and knows whether all kept to their limits."""

    def __init__(self) -> None:
        self.good = True

    def line(self, what: str, figure: str, good: bool = True) -> None:
        print(f'{what:44s} {figure}{"" if good else "   MISSED"}')
        self.good &= good

    def rate(self, what: str, good: list[bool], least: float) -> None:
        low = wilson_lower_bound(sum(good), len(good))
        self.line(what, f'{sum(good)} of {len(good)}, lower bound {low:.1%}', low >= least)

    def planning(self, trials: list[Trial]) -> None:
        wall = np.array([trial.wall_s for trial in trials]) * 1e3
        cpu = np.array([trial.cpu_s for trial in trials]) * 1e3
        median, late = float(np.median(wall)), float(np.percentile(wall, 99))
        self.line(
            'planning of a pick_place [ms]',
            f'median {median:.1f}, p99 {late:.1f}; of CPU {np.median(cpu):.1f}, '
            f'{np.percentile(cpu, 99):.1f}; {sum(trial.searches for trial in trials)} searches',
            median < MOST_PLANNING_MS and late < MOST_PLANNING_P99_MS,
        )

    def ratios(self, what: str, figures: list[float], most: float = np.inf) -> None:
        late = float(np.percentile(figures, 95))
        within = float(np.mean(np.array(figures) <= MOST_RATIO))
        self.line(
            f'{what}, of what joints allow',
            f'median {np.median(figures):.2f}, p95 {late:.2f}, {within:.1%} of {len(figures)} '
            f'within {MOST_RATIO:g}',
            late <= most,
        )


def report(placed: list[Trial], stacks: list[tuple[list[Trial], str]], checks: list[float],
           least: float) -> bool:  # fmt: skip
    """Print all figures; whether all are within their limits."""
    lines = Report()
    if placed:
        lines.rate('pick_place', [not trial.why for trial in placed], least)
    if stacks:
        lines.rate(f'stacks of {STACK} that stand', [not why for _, why in stacks], LEAST_STACKED)
    errors = [trial.error_m * 1e3 for trial in placed if trial.error_m is not None]
    if errors:
        median = float(np.median(errors))
        text = f'median {median:.1f}, worst {max(errors):.1f} of {len(errors)}'
        lines.line('off the spot asked for [mm]', text, median < MOST_OFF_M * 1e3)
    trials = placed + [trial for built, _ in stacks for trial in built]
    lines.planning(trials)
    if checks:
        check = float(np.median(checks))
        lines.line('a state validity check [us of CPU]', f'{check:.1f}', check < MOST_CHECK_US)
    motions = [motion for trial in trials for motion in trial.free_motions]
    if motions:
        lines.ratios('free motions', [motion.ratio for motion in motions], MOST_RATIO)
        lines.ratios('planned from rest to rest', [motion.alone for motion in motions], MOST_RATIO)
        carrying = [motion.alone for motion in motions if motion.carrying]
        lines.ratios('the same while carrying', carrying or [np.nan])
    found = sum(len(trial.collisions) for trial in trials)
    text = f'{found} in {sum(trial.motions for trial in trials)} motions'
    lines.line('collisions in the replay', text, not found)
    return lines.good


def tell(seed: int, trial: Trial) -> None:
    """What went wrong, when it does."""
    for text in ([f'failed: {trial.why}'] if trial.why else []) + trial.collisions:
        print(f'seed {seed}: {trial.what}: {text}', flush=True)


def make_world(seed: int, least: int, options: argparse.Namespace) -> HandsBench:
    """The world that a seed draws, with so many blocks or more."""
    rng = np.random.default_rng(seed)
    blocks, bowls = int(rng.integers(1, MOST + 1)), int(rng.integers(0, MOST + 1))
    blocks = max(least, blocks if options.blocks is None else options.blocks)
    bowls = bowls if options.bowls is None else options.bowls
    return world_of(seed, blocks, bowls, ROOT / 'config', options.tool)


def run_trials(
    seeds: Iterator[int], options: argparse.Namespace
) -> tuple[list[Trial], list[float]]:
    """Random pick_places, some in each world, and the times of state validity checks [us]."""
    trials: list[Trial] = []
    checks: list[float] = []
    while len(trials) < options.trials:
        seed = next(seeds)
        bench = make_world(seed, 1, options)
        here: list[Trial] = []
        for trial in bench.random_trials(seed, min(PER_WORLD, options.trials - len(trials))):
            here.append(trial)
            tell(seed, trial)
        trials += here
        if here and not here[-1].why:
            checks.append(bench.check_us())
        print(f'{len(trials)} of {options.trials} pick_places', flush=True)
    return trials, checks


def run_stacks(seeds: Iterator[int], options: argparse.Namespace) -> list[tuple[list[Trial], str]]:
    """Stacks, one in each world: what was done, and why it does not stand."""
    stacks = []
    for number in range(options.stacks):
        seed = next(seeds)
        built, why = make_world(seed, STACK, options).stack(seed)
        stacks.append((built, why))
        for trial in built:
            tell(seed, trial)
        if why:
            print(f'seed {seed}: the stack does not stand: {why}', flush=True)
        print(f'{number + 1} of {options.stacks} stacks', flush=True)
    return stacks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--trials', type=int, default=500)
    parser.add_argument('--stacks', type=int, default=100)
    parser.add_argument('--seed', type=int, help='of the first world; drawn if not given')
    parser.add_argument('--tool', choices=sorted(LEAST_PLACED), default='suction')
    parser.add_argument('--blocks', type=int, help='of each world; drawn if not given: 1 to 10')
    parser.add_argument('--bowls', type=int, help='likewise: 0 to 10')
    options = parser.parse_args()
    first = draw_seeds(1)[0] if options.seed is None else options.seed
    print(f'{options.tool}, seeds from {first} on', flush=True)
    seeds = itertools.count(first)
    placed, checks = run_trials(seeds, options)
    stacks = run_stacks(seeds, options)
    return 0 if report(placed, stacks, checks, LEAST_PLACED[options.tool]) else 1


if __name__ == '__main__':
    sys.exit(main())
