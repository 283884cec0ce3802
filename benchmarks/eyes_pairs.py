"""What the camera costs: the same instruction in the same world, by the camera and by the truth.

./cap bench eyes_pairs                   # 30 worlds of each of the ten families
./cap bench eyes_pairs --worlds 2 --families stack_all --clean --workers 1

The camera has the noise of config/noisy.yaml, its light, its error of pose and its clutter. Model,
sandbox, skills, physics and perception are those of the running system, in one process without ROS.
The exit status is 0 if at most 3 % of the pairs are lost, net of those that only the camera won.
"""

import argparse
import multiprocessing
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cap_bringup.campaign import ALL_FAMILIES, draw_seeds
from cap_bringup.eyes_pairs import NOISY, Pair, PairBench
from cap_bringup.workspace import ROOT
from cap_eval.wilson import wilson_lower_bound

MOST_LOST = 0.03
_WORLDS_TRIED = 50


def run(family: str, camera: tuple[str, ...]) -> Pair:
    """One pair, in the first world drawn now that lets the family be asked."""
    with tempfile.TemporaryDirectory() as folder:
        bench = PairBench(ROOT / 'config', Path(folder), camera)
        try:
            for seed in draw_seeds(_WORLDS_TRIED):
                if (pair := bench.pair(family, seed)) is not None:
                    return pair
        finally:
            bench.close()
    raise SystemExit(f'no world of {_WORLDS_TRIED} lets {family!r} be asked')


def pairs(families: list[str], camera: tuple[str, ...], workers: int) -> Iterator[Pair]:
    """One of each family, in processes of their own: each has its OpenGL context."""
    with multiprocessing.get_context('spawn').Pool(workers, maxtasksperchild=20) as pool:
        yield from pool.imap_unordered(partial(run, camera=camera), families)


def tell(pair: Pair) -> None:
    """A line for each run that did not do what it was to."""
    for name, side in (('camera', pair.camera), ('truth', pair.truth)):
        if not side.carried_out or not side.reported:
            said = 'false success' if side.is_false_success else 'failed'
            print(f'  {name} {said}: {side.family}, seed {side.seed}: {side.reason[:300]}')


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--worlds', type=int, default=30, help='pairs of each family')
    parser.add_argument('--families', nargs='*', default=ALL_FAMILIES, choices=ALL_FAMILIES)
    parser.add_argument('--clean', action='store_true', help="sim.yaml's camera alone")
    parser.add_argument('--workers', type=int, default=2)
    arguments = parser.parse_args()
    camera = NOISY[:1] if arguments.clean else NOISY
    families = [family for _ in range(arguments.worlds) for family in arguments.families]
    done: list[Pair] = []
    for pair in pairs(families, camera, arguments.workers):
        done.append(pair)
        tell(pair)
        count = f'{len(done)} of {len(families)}'
        print(f'{count}: {pair.camera.family}, seed {pair.camera.seed}', flush=True)
    lost = Counter(pair.difference for pair in done)
    net = (lost[-1] - lost[1]) / len(done)
    for name, runs in (('camera', [p.camera for p in done]), ('truth', [p.truth for p in done])):
        good = sum(bool(side.carried_out and side.reported) for side in runs)
        false = sum(side.is_false_success for side in runs)
        low = wilson_lower_bound(good, len(runs))
        print(
            f'{name:7s}{good} of {len(runs)} carried out and told so, lower bound {low:.1%}; '
            f'{false} false successes'
        )
    print(f'only the truth: {lost[-1]}; only the camera: {lost[1]}; net losses {net:.1%}')
    return 0 if net <= MOST_LOST else 1


if __name__ == '__main__':
    sys.exit(main())
