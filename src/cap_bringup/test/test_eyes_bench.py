"""A slice of the benchmark, and what it judges by."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cap_bringup import eyes_bench
from cap_bringup.eyes_bench import Eyes, judge, live_through, look_at_table, run_frames
from cap_bringup.eyes_worlds import FEWEST, MOST, Hand, draw_fruits, draw_table, draw_twins
from cap_bringup.workspace import ROOT
from cap_perception.types import Scene, SceneObject
from cap_sim.layout import FRUITS, Layout, ObjectSpec


@pytest.fixture
def eyes():
    eyes = Eyes(ROOT / 'config', ('sim', 'noisy'), 0)
    yield eyes
    eyes.close()


def at(x, y, z=0.02):
    pose = np.eye(4)
    pose[:3, 3] = x, y, z
    return pose


def scene(**places):
    things = [
        SceneObject(name, name.replace('_', ' '), 'block', 'red', pose, (0.04,) * 3, 1.0, 0, True)
        for name, pose in places.items()
    ]
    return Scene(0, tuple(things))


TRUTH = {'red block': at(0, -0.5), 'blue bowl': at(0.2, -0.5)}


def test_right_things():
    result = judge(scene(red_block=at(0.003, -0.5), blue_bowl=at(0.2, -0.504)), TRUTH)
    assert (result.there, result.seen, result.right, result.wrong_names) == (2, 2, 2, 0)
    np.testing.assert_allclose(result.off_m, (0.003, 0.004), atol=1e-9)
    assert not result.faults


@pytest.mark.parametrize(
    ('places', 'right', 'wrong_names', 'fault'),
    [
        ({'red_block': at(0.015, -0.5), 'blue_bowl': at(0.2, -0.5)}, 1, 0, '15 mm off'),
        ({'red_bowl': at(0, -0.5), 'blue_bowl': at(0.2, -0.5)}, 1, 1, 'red block: not seen'),
        ({'red_block': at(0.2, -0.5), 'blue_bowl': at(0, -0.5)}, 0, 2, 'from the blue bowl'),
        ({'red_block': at(0, -0.5), 'red_block_2': at(-0.3, -0.3)}, 1, 0, 'blue bowl: not seen'),
        ({'red_block': at(0, -0.5), 'red_block_2': at(0.005, -0.5)}, 1, 1, 'from the red block'),
    ],
)
def test_wrong_things(places, right, wrong_names, fault):
    result = judge(scene(**places), TRUTH)
    assert (result.right, result.wrong_names) == (right, wrong_names)
    assert fault in '; '.join(result.faults)


def test_no_scene_is_nothing_seen():
    result = judge(None, TRUTH)
    assert (result.there, result.seen, result.right, len(result.faults)) == (2, 0, 0, 2)


def test_tables_are_as_many_and_as_different_as_told():
    layouts = [draw_table(seed) for seed in range(40)]
    counts = [len(layout.objects) for layout in layouts]
    assert (min(counts), max(counts)) == (FEWEST, MOST)
    assert len({spec.name for layout in layouts for spec in layout.objects}) == 20
    assert any(spec.z > 0 for layout in layouts for spec in layout.objects)
    assert draw_table(3) == layouts[3]


def test_twins_share_a_colour_and_nothing_else_has_it():
    for seed in range(20):
        twins = draw_twins(seed)
        assert 2 <= len(twins.bodies) <= 3
        (color,) = set(twins.paint.values())
        kinds = {body.split()[1] for body in twins.bodies}
        names = {spec.name for spec in twins.layout.objects} - set(twins.bodies)
        assert len(kinds) == 1
        assert f'{color} {kinds.pop()}' not in names


def test_a_carried_thing_is_in_the_gripper_and_then_where_it_was_to_be(eyes):
    cell = eyes.watch(Layout((ObjectSpec('block', 'red', (0.1, -0.4)),)), 0)
    hand = Hand(cell, np.random.default_rng(0))
    holding, places, covered = [], [], []
    for hold in hand.carry('red block', (-0.15, -0.6)):
        holding.append(hold.holding)
        places.append(cell.truth()['red block'][:3, 3])
        covered.append((cell.picture()[1][150:] < 0.85).any())
    held = np.flatnonzero(holding)
    assert (np.diff(held) == 1).all()
    assert max(place[2] for place in places) == pytest.approx(0.02 + 0.16, abs=0.002)
    # It was not taken by its middle, and the tool turns on its way.
    np.testing.assert_allclose(places[-1], (-0.15, -0.6, 0.02), atol=0.006)
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert steps.max() < 0.031
    # The arm is in the picture while it carries, and gone at the end.
    assert all(covered[k] for k in held)
    assert not covered[-1]


@pytest.mark.parametrize('seed', [1, 2, 3])
def test_a_slice_of_the_tables(eyes, seed):
    result = look_at_table(eyes, draw_table(seed), seed)
    assert result.right == result.there == result.seen, result.faults
    assert max(result.off_m) < 0.005


# A gray plate; an egg on a plate, half of it in the shade; a purple block and a plum, twice.
@pytest.mark.parametrize('seed', [1654910070, 1654910083, 1654910124, 1654910129])
def test_a_slice_of_the_fruits(seed):
    eyes = Eyes(ROOT / 'config', ('sim', 'noisy'), 0, world=FRUITS)
    result = look_at_table(eyes, draw_fruits(seed), seed)
    eyes.close()
    assert result.right == result.there == result.seen, result.faults
    assert max(result.off_m) < 0.008


@pytest.mark.parametrize('seed', [1, 4])
def test_a_slice_of_the_stories(eyes, seed):
    assert live_through(eyes, seed, events=1) == ''


def test_a_story_tells_of_twins_that_were_swapped(eyes, monkeypatch):
    """Two things of one colour change places unseen: nobody could tell, and the judge does."""

    def swap(cell, _hand, bodies, _rng):
        first, second = (cell.truth()[body] for body in bodies[:2])
        cell.place(bodies[0], second)
        cell.place(bodies[1], first)
        return 'swapped', iter(())

    monkeypatch.setattr(eyes_bench, 'draw_event', swap)
    assert live_through(eyes, 1, events=1).startswith('swapped')


def test_a_slice_of_the_frames(eyes):
    pace = run_frames(eyes, itertools.count(5), 20, tables=2)
    assert pace.wall_ms.shape == pace.cpu_ms.shape == (20,)
    assert (pace.cpu_ms > 0).all()
    assert len(pace.memory_mb) == 10
