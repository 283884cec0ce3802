"""Camera to scene on pictures of the simulated cell: what a session goes through."""

import numpy as np
import pytest

from cap_sim.layout import PALETTE, ObjectSpec, random_layout


def watch(pipeline, cell, frames=4):
    for _ in range(frames):
        scene = pipeline.process(cell.frame())
    return {thing.name: thing for thing in scene.objects}


def offset(thing, truth):
    """(xy, z) distance [m] of an object from its true place."""
    error = thing.workspace_from_box[:3, 3] - truth[thing.name][:3, 3]
    return float(np.hypot(*error[:2])), float(abs(error[2]))


def assert_at(thing, truth, xy=0.003, z=0.004):
    error = offset(thing, truth)
    assert error[0] < xy, f'{thing.name} is off by {error}'
    assert error[1] < z, f'{thing.name} is off by {error}'


@pytest.mark.parametrize('seed', range(3))
def test_scene_is_the_world(cell, pipeline, seed):
    world = cell(layout=random_layout(seed, 4, 4))
    world.settle(50)
    scene = watch(pipeline, world)
    assert sorted(scene) == sorted(world.truth())
    for thing in scene.values():
        assert_at(thing, world.truth())
        assert thing.visible
        assert thing.confidence > 0.8


def test_a_stacked_on_block_stays_below(cell, pipeline):
    world = cell(
        ObjectSpec('block', 'red', (0.1, -0.4)),
        ObjectSpec('block', 'blue', (-0.1, -0.5)),
        ObjectSpec('block', 'green', (-0.1, -0.7)),
    )
    before = watch(pipeline, world)
    world.put('red block', -0.1, -0.5, 0.06, 0.3)
    watch(pipeline, world)
    world.put('green block', -0.101, -0.5, 0.10, 0.1)
    after = watch(pipeline, world, 30)
    assert {n: t.id for n, t in after.items()} == {n: t.id for n, t in before.items()}
    assert [after[f'{c} block'].visible for c in ('green', 'red', 'blue')] == [True, False, False]
    for thing in after.values():
        assert_at(thing, world.truth())
    world.put('green block', 0.2, -0.7, 0.02)
    after = watch(pipeline, world)
    assert after['red block'].visible
    assert not after['blue block'].visible
    for thing in after.values():
        assert_at(thing, world.truth())


def test_blocks_go_into_bowls_of_their_own_color(cell, pipeline):
    colors = ('yellow', 'gray')
    world = cell(
        *(ObjectSpec('bowl', c, (-0.12 + 0.24 * i, -0.4)) for i, c in enumerate(colors)),
        *(ObjectSpec('block', c, (-0.12 + 0.24 * i, -0.65)) for i, c in enumerate(colors)),
    )
    before = watch(pipeline, world)
    for i, color in enumerate(colors):
        world.put(f'{color} block', -0.118 + 0.24 * i, -0.405, 0.04, 0.5 + i)
    world.settle()
    after = watch(pipeline, world)
    assert {n: t.id for n, t in after.items()} == {n: t.id for n, t in before.items()}
    for thing in after.values():
        assert thing.visible
        assert_at(thing, world.truth())


def test_the_arm_hides_things_and_gives_them_back(cell, pipeline):
    world = cell(
        ObjectSpec('block', 'gray', (0.0, -0.5)),
        ObjectSpec('bowl', 'gray', (0.0, -0.62)),
        ObjectSpec('block', 'blue', (0.08, -0.42)),
        ObjectSpec('bowl', 'cyan', (-0.2, -0.4)),
    )
    before = watch(pipeline, world)
    assert len(before) == 4
    for step in np.linspace(-0.25, 0.25, 12):
        world.hand_over(step, -0.52, 0.15)
        scene = watch(pipeline, world, 1)
        assert {n: t.id for n, t in scene.items()} == {n: t.id for n, t in before.items()}
        for thing in scene.values():
            assert_at(thing, world.truth())
    world.arm((0.0, -1.8, 2.0, -1.8, -np.pi / 2, 0.0))
    hidden = [t for t in watch(pipeline, world, 30).values() if not t.visible]
    assert all(t.confidence < before[t.name].confidence for t in hidden)
    world.arm((-np.pi / 2, -2.2, 2.0, -1.4, -np.pi / 2, 0.0))
    assert all(t.visible for t in watch(pipeline, world, 1).values())


def test_a_carried_block_is_the_same_when_it_is_put_down(cell, pipeline):
    world = cell(
        ObjectSpec('block', 'green', (0.1, -0.4)), ObjectSpec('bowl', 'pink', (-0.15, -0.6))
    )
    before = watch(pipeline, world)
    way = np.linspace((0.1, -0.4), (-0.15, -0.35), 10)
    for (x, y), height in zip(way, (0.02, 0.1, *[0.2] * 6, 0.1, 0.02), strict=True):
        world.put('green block', x, y, height)
        world.hand_over(x, y, height + 0.02)
        scene = watch(pipeline, world, 1)
        assert {'pink bowl'} <= set(scene) <= {'pink bowl', 'green block'}
    world.hand_over(0.2, -0.35, 0.2)
    after = watch(pipeline, world)
    assert_at(after['green block'], world.truth())
    assert after['green block'].id == before['green block'].id
    assert after['green block'].visible


def test_what_is_taken_away_goes_and_comes_back_as_itself(cell, pipeline):
    world = cell(
        ObjectSpec('block', 'red', (0.1, -0.4)), ObjectSpec('block', 'orange', (-0.1, -0.6))
    )
    before = watch(pipeline, world)
    world.put('red block', 2.0, 2.0, 0.02)
    assert sorted(watch(pipeline, world, 3)) == ['orange block']
    world.put('red block', -0.2, -0.3, 0.02)
    assert watch(pipeline, world)['red block'].id == before['red block'].id


def test_a_block_in_the_stead_of_another(cell, pipeline):
    world = cell(
        ObjectSpec('block', 'red', (0.1, -0.4)), ObjectSpec('block', 'orange', (-0.1, -0.6))
    )
    watch(pipeline, world)
    world.put('red block', 2.0, 2.0, 0.02)
    world.put('orange block', 0.1, -0.4, 0.02)
    after = watch(pipeline, world, 5)
    assert sorted(after) == ['orange block']
    assert_at(after['orange block'], world.truth())


def test_a_clock_that_begins_anew_is_a_new_world(cell, pipeline):
    world = cell(ObjectSpec('block', 'red', (0.1, -0.4)))
    watch(pipeline, world)
    world = cell(ObjectSpec('block', 'blue', (0.1, -0.4)))
    assert sorted(watch(pipeline, world)) == ['blue block']


def test_all_colors_at_once(cell, pipeline):
    colors = list(PALETTE)
    for kind, half in (('block', colors[:5]), ('bowl', colors[5:]), ('block', colors[5:])):
        grid = [(-0.2 + 0.2 * (i % 3), -0.35 - 0.25 * (i // 3)) for i in range(5)]
        world = cell(
            *(
                ObjectSpec(kind, c, xy, 0.3 * i)
                for i, (c, xy) in enumerate(zip(half, grid, strict=True))
            )
        )
        scene = watch(pipeline, world)
        assert sorted(scene) == sorted(f'{c} {kind}' for c in half)
