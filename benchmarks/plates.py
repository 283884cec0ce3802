"""Every kind of thing picked from the table and put on a plate, by the skills in the physics.

./cap bench plates                       # 20 worlds, each with 9 things and 3 plates

The scene is exact: this measures skills and physics, not the camera. No ROS. The exit status is 0
if everything came to lie on its plate, and stayed there.
"""

import argparse
import sys
from collections import defaultdict

import numpy as np

from cap_bringup.cell_robot import BenchCell
from cap_bringup.workspace import ROOT
from cap_common.errors import CapError
from cap_eval.wilson import wilson_interval
from cap_sim.layout import NoRoomError, fruit_layout
from cap_sim.shapes import KINDS, PLATE
from cap_sim.spawn import spawn
from cap_skills.call import Call
from cap_skills.model import Place

# These come to the things of the world `fruits`.
MORE = (('egg', ''), ('orange', ''), ('lemon', ''), ('block', 'red'))
PLATES = ('green plate', 'blue plate', 'yellow plate')
SETTLE_STEPS = 500
# As judged: how far a thing's foot may be off the plate's floor [m], and its axis off upright.
HEIGHT, TILT = 0.003, np.deg2rad(10)


def quiet(*_: object) -> None:
    """Nothing ends a call, and nobody hears of its steps."""


def lies_on(cell, name: str, plate: str) -> str:
    """Empty, or why the thing does not lie on the plate's floor."""
    poses = {item.spec.name: item for item in cell.state().objects}
    thing, under = poses[name], poses[plate]
    away = np.hypot(*(thing.pose - under.pose)[:2, 3])
    foot = thing.pose[2, 3] - KINDS[thing.spec.kind].size[2] / 2
    tilt = np.arccos(np.clip(thing.pose[2, 2], -1, 1))
    if away > PLATE.foot_radius or abs(foot - PLATE.wall) > HEIGHT or tilt > TILT:
        return f'{away * 100:.1f} cm off, foot at {foot * 100:.1f} cm, {np.rad2deg(tilt):.0f} deg'
    return ''


def run(seed: int) -> list[tuple[str, str]]:
    """(kind, why it failed) of each thing of one world."""
    bench = BenchCell(fruit_layout(seed), ROOT / 'config')
    rng = np.random.default_rng(seed)
    for kind, color in MORE:
        try:
            spawn(bench.cell, kind, color, (), float(rng.uniform(-np.pi, np.pi)), seed)
        except NoRoomError:
            continue  # the table is full: one kind fewer in this world
    bench.cell.step(SETTLE_STEPS)
    things = [item.spec for item in bench.cell.state().objects if item.spec.kind != 'plate']
    results, placed = [], []
    for number, index in enumerate(rng.permutation(len(things))):
        spec, plate = things[index], PLATES[number % len(PLATES)]
        why = ''
        try:
            bench.skills.pick_place(Place(spec.name), Place(plate), Call(quiet, quiet))
        except CapError as error:
            why = f'{type(error).__name__}: {error}'
        bench.cell.step(SETTLE_STEPS)
        results.append((spec.kind, why or lies_on(bench.cell, spec.name, plate)))
        placed += [] if results[-1][1] else [(spec.name, plate)]
    # Nothing that was put down before was pushed off by what came after.
    return results + [('still there', lies_on(bench.cell, name, plate)) for name, plate in placed]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--worlds', type=int, default=20)
    parser.add_argument('--seed', type=int, default=0, help='of the first world')
    options = parser.parse_args()
    counts: dict[str, list[bool]] = defaultdict(list)
    for seed in range(options.seed, options.seed + options.worlds):
        results = run(seed)
        for kind, why in results:
            counts[kind].append(not why)
            if why:
                print(f'seed {seed}: {kind}: {why}')
        print(f'seed {seed}: {sum(not why for _, why in results)} of {len(results)}', flush=True)
    kept = counts.pop('still there', [])
    counts['all kinds'] = [good for each in counts.values() for good in each]
    counts['still there at the end'] = kept
    print(f'\n{"":24s}  done  of   rate, 95% Wilson lower bound')
    for name, good in counts.items():
        low, _ = wilson_interval(sum(good), len(good))
        print(f'{name:24s} {sum(good):5d} {len(good):3d}  {np.mean(good):6.1%}  {low:6.1%}')
    return 0 if all(all(good) for good in counts.values()) else 1


if __name__ == '__main__':
    sys.exit(main())
