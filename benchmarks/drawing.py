"""How well lines are drawn: ink against the points that were commanded, in the physics.

./cap bench drawing                      # 10 of each shape, 5 to 20 cm, anywhere on the board
./cap bench drawing --each 2 --seed 7

No ROS. The exit status is 0 if no shape is off by more than the limits below.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Callable

import numpy as np
import shapely

from cap_bringup.cell_robot import BenchCell
from cap_bringup.workspace import ROOT
from cap_common.errors import CapError
from cap_description import board_size, cell_urdf
from cap_sim.layout import Layout
from cap_skills.call import Call

# As asked for: root mean square of the ink's distance from the line, and the longest piece of the
# line with no ink [m].
RMS, GAP = 0.002, 0.005
SMALLEST, LARGEST = 0.05, 0.20
# The line is looked at so often, and has ink where there is some so near [m].
STEP, NEAR = 0.0005, 0.002


def regular(sides: int) -> np.ndarray:
    """A closed polygon in the circle of radius 1."""
    turns = np.arange(sides + 1) * 2 * np.pi / sides
    return np.column_stack([np.cos(turns), np.sin(turns)])


def star() -> np.ndarray:
    turns = np.arange(11) * np.pi / 5 + np.pi / 2
    radii = np.where(np.arange(11) % 2, 0.4, 1.0)[:, None]
    return radii * np.column_stack([np.cos(turns), np.sin(turns)])


def spiral() -> np.ndarray:
    turns = np.linspace(0, 6 * np.pi, 150)
    return (turns / turns[-1])[:, None] * np.column_stack([np.cos(turns), np.sin(turns)])


SHAPES: dict[str, Callable[[], np.ndarray]] = {
    'hexagon': lambda: regular(6),
    'circle': lambda: regular(72),
    'star': star,
    'spiral': spiral,
}


def quiet(*_: object) -> None:
    """Nothing ends a call, and nobody hears of its steps."""


def uncovered(line: shapely.LineString, ink: np.ndarray) -> float:
    """The longest piece of a line on which there is no ink [m]."""
    at = np.arange(0.0, line.length + STEP, STEP)
    dots = shapely.MultiPoint(ink)
    shapely.prepare(dots)
    bare = shapely.distance(dots, shapely.line_interpolate_point(line, at)) > NEAR
    longest = run = 0
    for is_bare in bare:
        run = run + 1 if is_bare else 0
        longest = max(longest, run)
    return longest * STEP


def draw(bench: BenchCell, points: np.ndarray) -> tuple[float, float, float]:
    """RMS of the ink's distance from the line, longest gap [m], and simulated seconds."""
    bench.cell.reset(Layout(()))
    bench.cell.step(50)
    began = bench.cell.time_s
    bench.drawing.draw(points, Call(quiet, quiet))
    ink = bench.cell.ink()[:, :2]
    line = shapely.LineString(points)
    off = shapely.distance(line, shapely.points(ink))
    return float(np.sqrt((off**2).mean())), uncovered(line, ink), bench.cell.time_s - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--each', type=int, default=10, help='of each shape')
    parser.add_argument('--seed', type=int, help='drawn if not given')
    options = parser.parse_args()
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    rng = np.random.default_rng(seed)
    print(f'seed {seed}')
    bench = BenchCell(Layout(()), ROOT / 'config', 'marker')
    half = np.divide(board_size(cell_urdf(tool='marker')), 2) - 0.01
    print(f'{"shape":10s}   n  RMS [mm]: median  worst  gap [mm]: worst  simulated s')
    good, began = True, time.monotonic()
    for name, shape in SHAPES.items():
        rows = []
        for _ in range(options.each):
            size = rng.uniform(SMALLEST, LARGEST)
            turn, unit = rng.uniform(-np.pi, np.pi), shape()
            c, s = np.cos(turn), np.sin(turn)
            points = size / 2 * unit @ np.array([(c, s), (-s, c)])
            room = half - np.abs(points).max(axis=0)
            try:
                rows.append(draw(bench, points + rng.uniform(-room, room)))
            except CapError as error:
                print(f'{name} of {size * 100:.1f} cm: {type(error).__name__}: {error}')
                good = False
        rms, gap, seconds = np.array(rows).T
        print(
            f'{name:10s} {len(rows):3d} {np.median(rms) * 1000:17.2f} {rms.max() * 1000:6.2f} '
            f'{gap.max() * 1000:16.1f} {np.median(seconds):12.1f}'
        )
        good = good and rms.max() < RMS and gap.max() <= GAP
    verdict = 'reached' if good else 'MISSED '
    print(f'\n{verdict}  RMS under {RMS * 1000:g} mm, no gap over {GAP * 1000:g} mm')
    print(f'{time.monotonic() - began:.0f} s')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
