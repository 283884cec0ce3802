"""From pictures to scenes: names and places, identities, time and memory.

./cap bench eyes                         # 300 tables, 100 stories of twins, 10,000 frames ...
./cap bench eyes --tables 50 --stories 0 --frames 0 --fruits 0 --live 0 --seed 7

Tables of 3 to 12 blocks and bowls of ten colours; stories in which two or three things of one name
are carried, pushed and covered; frames for time and memory; tables of fruits, bottles, blocks and
plates; a running system whose camera takes ten pictures a second. All but the last without ROS. The
camera is a poor one (config/noisy.yaml) unless told otherwise. The exit status is 0 if all is
within the limits below.
"""

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from cap_bringup.campaign import draw_seeds
from cap_bringup.eyes_bench import (
    NEAR,
    Eyes,
    TableResult,
    live_through,
    look_at_table,
    run_frames,
)
from cap_bringup.eyes_live import watch_pictures
from cap_bringup.eyes_worlds import draw_fruits, draw_table
from cap_bringup.testing import evidence_folder, running_system
from cap_bringup.workspace import ROOT
from cap_eval.wilson import wilson_interval, wilson_lower_bound
from cap_sim.layout import FRUITS, Layout, LayoutError

# Bounds of rates, over thousands of things.
LEAST_RIGHT, MOST_WRONG_NAMES = 0.98, 0.005
# A rate: no hundred stories have a lower bound as high as this.
LEAST_KEPT = 0.97
MOST_OFF_MM, MOST_OFF_P95_MM = 3.0, 8.0
MOST_MS = 40.0
# Of the memory after the first tenth of the frames.
MOST_GROWTH = 0.02
# A camera's pace, and how much of it a simulator must keep up for its losses to count.
LIVE_HZ, LEAST_OF_RATE = 10.0, 0.95


class Report:
    """Prints figures, and knows whether all kept to their limits."""

    def __init__(self) -> None:
        self.good = True

    def line(self, what: str, figure: str, good: bool = True) -> None:
        print(f'{what:36s} {figure}{"" if good else "   MISSED"}', flush=True)
        self.good &= good

    def bound(self, what: str, count: int, of: int, least: float) -> None:
        low = wilson_lower_bound(count, of)
        self.line(what, f'{count} of {of}: {count / of:.2%}, lower bound {low:.2%}', low >= least)


def tables(
    eyes: Eyes,
    seeds: Iterator[int],
    count: int,
    report: Report,
    draw: Callable[[int], Layout] = draw_table,
) -> None:
    """Names and places."""
    results: list[TableResult] = []
    while len(results) < count:
        seed = next(seeds)
        try:
            results.append(look_at_table(eyes, draw(seed), seed))
        except LayoutError:
            continue  # it was full before the clutter came
        for fault in results[-1].faults:
            print(f'seed {seed}: {fault}', flush=True)
    there, seen, right, wrong = (
        sum(getattr(result, what) for result in results)
        for what in ('there', 'seen', 'right', 'wrong_names')
    )
    where = f'right name within {NEAR * 100:g} cm'
    report.bound(f'recall: {where}', right, there, LEAST_RIGHT)
    report.bound(f'precision: {where}', right, seen, LEAST_RIGHT)
    high = wilson_interval(wrong, seen)[1]
    text = f'{wrong} of {seen}: {wrong / seen:.2%}, upper bound {high:.2%}'
    report.line('wrong names', text, high <= MOST_WRONG_NAMES)
    off = np.concatenate([result.off_m for result in results]) * 1e3
    median, late = np.percentile(off, (50, 95))
    text = f'median {median:.2f}, p95 {late:.2f}, worst {off.max():.1f} of {len(off)}'
    report.line('off its place [mm]', text, median < MOST_OFF_MM and late < MOST_OFF_P95_MM)


def fruits(camera: Sequence[str], seeds: Iterator[int], count: int, report: Report) -> None:
    """Names and places of fruits, bottles, blocks and plates, by the detector of their world."""
    eyes = Eyes(ROOT / 'config', ('sim', *camera), next(seeds), world=FRUITS)
    tables(eyes, seeds, count, report, draw_fruits)
    eyes.close()


def stories(eyes: Eyes, seeds: Iterator[int], count: int, report: Report) -> None:
    """Identities."""
    kept = 0
    for number, seed in enumerate(itertools.islice(seeds, count), start=1):
        why = live_through(eyes, seed)
        kept += not why
        if why:
            print(f'seed {seed}: {why}', flush=True)
        if number % 20 == 0:
            print(f'{kept} of {number} stories', flush=True)
    low = wilson_lower_bound(kept, count)
    text = f'{kept} of {count}: {kept / count:.2%}, lower bound {low:.2%}'
    report.line('twins stay themselves', text, kept >= LEAST_KEPT * count)


def frames(eyes: Eyes, seeds: Iterator[int], count: int, report: Report) -> None:
    """Time and memory."""
    pace = run_frames(eyes, seeds, count)
    for what, times in (('', pace.wall_ms), (' of CPU', pace.cpu_ms)):
        median, late = np.percentile(times, (50, 99))
        text = f'median {median:.1f}, p99 {late:.1f}, longest {times.max():.1f} of {count}'
        report.line(f'messages to scene [ms{what}]', text, median < MOST_MS)
    if len(pace.memory_mb) > 1:
        first, last = pace.memory_mb[0], pace.memory_mb[-1]
        text = ' '.join(f'{each:.0f}' for each in pace.memory_mb)
        report.line('memory, every tenth of them [MB]', text, last < (1 + MOST_GROWTH) * first)


def live(camera: Sequence[str], seed: int, seconds: float, report: Report) -> None:
    """Losses, over DDS."""
    arguments = {'seed': f'{seed}', 'camera_rate_hz': f'{LIVE_HZ}'}
    arguments['camera'] = ' '.join(camera) or 'clean'
    # The operator's camera is for people, and costs more than all that is measured here.
    with (
        evidence_folder('eyes', lambda: not report.good) as folder,
        running_system(folder, watch_world=False, **arguments) as system,
    ):
        pictures = watch_pictures(system.client, seconds)
    lost, taken = len(pictures.lost()), len(pictures.taken_at)
    rate = taken / seconds
    good = not lost and rate > LEAST_OF_RATE * LIVE_HZ
    report.line('pictures without a scene', f'{lost} of {taken} at {rate:.1f} Hz', good)
    if lost == taken:
        return
    median, late = np.percentile(np.multiply(pictures.delays_s(), 1e3), (50, 99))
    report.line('taken to scene, over DDS [ms]', f'median {median:.0f}, p99 {late:.0f}')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--tables', type=int, default=300)
    parser.add_argument('--fruits', type=int, default=300, help='tables of them')
    parser.add_argument('--stories', type=int, default=100)
    parser.add_argument('--frames', type=int, default=10_000)
    parser.add_argument('--live', type=float, default=60.0, help='seconds of a system')
    parser.add_argument('--seed', type=int, help='of the first table; drawn if not given')
    parser.add_argument(
        '--camera', nargs='*', default=['noisy'], help='files in config/ on top of sim.yaml'
    )
    parser.add_argument(
        '--untold', action='store_true', help='the eyes do not hear of what the gripper holds'
    )
    options = parser.parse_args()
    # One core, as the figures have it.
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    cv2.setNumThreads(1)
    first = draw_seeds(1)[0] if options.seed is None else options.seed
    print(f'camera {" ".join(["sim", *options.camera])}, seeds from {first} on', flush=True)
    seeds, report = itertools.count(first), Report()
    eyes = Eyes(ROOT / 'config', ('sim', *options.camera), first, told=not options.untold)
    for part, size in ((tables, options.tables), (stories, options.stories),
                       (frames, options.frames)):  # fmt: skip
        started = time.monotonic()
        if size:
            part(eyes, seeds, size, report)
            print(f'{part.__name__}: {time.monotonic() - started:.0f} s', flush=True)
    eyes.close()
    if options.fruits:
        print('fruits:', flush=True)
        fruits(options.camera, seeds, options.fruits, report)
    if options.live:
        os.sched_setaffinity(0, cores)
        live(options.camera, next(seeds), options.live, report)
    return 0 if report.good else 1


if __name__ == '__main__':
    sys.exit(main())
