"""Detector and box fit on the hard cases, with figures: run with -s to see them."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from cap_perception.boxes import observe
from cap_perception.deproject import crop_to_box, denoise
from cap_perception.detectors.color import from_parameters
from cap_sim.layout import PALETTE, ObjectSpec

COLORS = list(PALETTE)
BOWLS = [(-0.15, -0.35), (0.15, -0.35), (-0.15, -0.65), (0.15, -0.65)]


class Score:
    """Compares what is seen with what is, over many pictures."""

    def __init__(self, parameters):
        self._parameters = parameters
        self._detector = from_parameters(parameters)
        self._models = parameters.models
        self._region = np.array([parameters.region_low, parameters.region_high])
        self.errors = defaultdict(list)
        self.missed, self.false = Counter(), Counter()

    def look(self, world, hidden=()):
        frame = world.frame()
        frame = denoise(crop_to_box(frame, *self._region))
        seen = observe(frame, self._detector.detect(frame, self._parameters.phrases), self._models)
        truth = world.truth()
        names = Counter(f'{o.color} {o.class_name}' for o in seen)
        self.false += names - Counter(truth.keys())
        self.missed += Counter(set(truth) - set(hidden)) - names
        for o in seen:
            name = f'{o.color} {o.class_name}'
            if name in truth and o.complete:
                offset = o.workspace_from_box[:3, 3] - truth[name][:3, 3]
                turn = o.workspace_from_box[:3, :3].T @ truth[name][:3, :3]
                # A cube's 24 turns look alike: each axis must lie along some axis.
                yaw = np.degrees(np.arccos(np.clip(np.abs(turn).max(axis=1).min(), -1, 1)))
                self.errors[o.class_name].append(
                    (1e3 * np.hypot(*offset[:2]), 1e3 * abs(offset[2]), yaw)
                )

    def report(self, title):
        for kind, errors in self.errors.items():
            mean, worst = np.mean(errors, axis=0), np.max(errors, axis=0)
            print(f'\n{title}: {kind} n={len(errors)} '
                  f'xy {mean[0]:.2f}/{worst[0]:.2f} mm, z {mean[1]:.2f}/{worst[1]:.2f} mm'
                  + (f', axes {mean[2]:.2f}/{worst[2]:.2f} deg' if kind == 'block' else '')
                  + ' (mean/max)', end='')  # fmt: skip


@pytest.fixture
def score(parameters):
    return Score(parameters)


def same_colors(rng):
    colors = rng.permutation(COLORS)[:4]
    return (
        [f'{c} block' for c in colors],
        [ObjectSpec('bowl', str(c), xy) for c, xy in zip(colors, BOWLS, strict=True)]
        + [ObjectSpec('block', str(c), (0.0, 0.0)) for c in colors],
    )


def assert_accurate(score, title, tilted=False):
    score.report(title)
    assert not score.false
    for xy, z, axes in score.errors['block']:
        assert xy < 3.0
        assert z < 4.0
        assert axes < (10.0 if tilted else 5.0)
    assert all(xy < 4.0 and z < 4.0 for xy, z, _ in score.errors['bowl'])


@pytest.mark.parametrize('pretty', [False, True], ids=['plain', 'shadows'])
def test_blocks_in_bowls_of_their_own_color(cell, score, pretty):
    rng = np.random.default_rng(5)
    for _ in range(4):
        blocks, specs = same_colors(rng)
        world = cell(*specs, pretty=pretty)
        for name, (x, y) in zip(blocks, BOWLS, strict=True):
            dx, dy = rng.uniform(-0.01, 0.01, 2)
            world.put(name, x + dx, y + dy, 0.03, rng.uniform(0, 3))
        world.settle(300)
        score.look(world)
    assert_accurate(score, 'in a bowl of its colour')
    assert not score.missed


def test_blocks_across_the_rim_of_a_bowl_of_their_own_color(cell, score):
    rng = np.random.default_rng(6)
    for _ in range(4):
        blocks, specs = same_colors(rng)
        world = cell(*specs)
        for name, (x, y) in zip(blocks, BOWLS, strict=True):
            angle, r = rng.uniform(0, 2 * np.pi), rng.uniform(0.04, 0.07)
            world.put(name, x + r * np.cos(angle), y + r * np.sin(angle), 0.067, rng.uniform(0, 3))
        score.look(world)
    assert_accurate(score, 'across the rim')
    assert not score.missed


def test_blocks_that_lean_in_a_bowl_of_their_own_color(cell, score):
    rng = np.random.default_rng(7)
    for _ in range(5):
        blocks, specs = same_colors(rng)
        world = cell(*specs)
        for name, (x, y) in zip(blocks, BOWLS, strict=True):
            angle, r = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.045)
            world.put(name, x + r * np.cos(angle), y + r * np.sin(angle), 0.067, rng.uniform(0, 3))
        world.settle(300)
        score.look(world)
    assert_accurate(score, 'leaning', tilted=True)
    assert score.missed.total() <= 1


def test_stacks_and_neighbours(cell, score):
    rng = np.random.default_rng(8)
    for _ in range(4):
        blocks, specs = same_colors(rng)
        world = cell(*specs)
        for i in range(3):
            dx, dy = rng.uniform(-0.005, 0.005, 2)
            world.put(blocks[i], 0.02 + dx, -0.5 + dy, 0.02 + 0.04 * i, rng.uniform(0, 3))
        world.put(blocks[3], -0.15, -0.8, 0.02, 0.3)
        score.look(world, hidden=blocks[:2])
        for i, name in enumerate(blocks):
            world.put(name, 0.0415 * (i % 2), -0.5 + 0.0415 * (i // 2), 0.02)
        score.look(world)
    assert_accurate(score, 'stacked or side by side')
    assert not score.missed


def test_an_empty_table_and_the_arm_are_no_objects(cell, score):
    rng = np.random.default_rng(9)
    world = cell()
    for _ in range(12):
        lift, elbow = rng.uniform(-2.4, -0.9), rng.uniform(0.9, 2.5)
        wrist = -np.pi / 2 - lift - elbow
        world.arm((rng.uniform(-0.9, 0.9), lift, elbow, wrist, -np.pi / 2, rng.uniform(-3, 3)))
        score.look(world)
    assert not score.false


def test_masks_do_not_overlap(cell, score, parameters):
    blocks, specs = same_colors(np.random.default_rng(10))
    world = cell(*specs)
    for name, (x, y) in zip(blocks, BOWLS, strict=True):
        world.put(name, x, y, 0.03)
    frame = denoise(world.frame())
    detections = from_parameters(parameters).detect(frame, parameters.phrases)
    assert len(detections) == 8
    assert sum(d.mask.astype(int) for d in detections).max() == 1
    assert all(d.mask.shape == frame.depth.shape for d in detections)
