"""Layouts: what every seed must give."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cap_common.palette import PALETTE
from cap_sim.layout import (
    MAX_OBJECTS,
    MIN_DISTANCE,
    SPAWN_X,
    SPAWN_Y,
    TABLE_HIGH,
    TABLE_LOW,
    Layout,
    LayoutError,
    ObjectSpec,
    draw_layout,
    fruit_layout,
    random_layout,
)
from cap_sim.shapes import PLATE


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(0, 4))
def test_any_seed_gives_distinct_objects_apart_and_within(seed, blocks, bowls):
    layout = random_layout(seed, blocks, bowls)
    kinds = [spec.kind for spec in layout.objects]
    assert (kinds.count('block'), kinds.count('bowl')) == (blocks, bowls)
    assert len({spec.name for spec in layout.objects}) == blocks + bowls
    for spec in layout.objects:
        assert SPAWN_X[0] <= spec.xy[0] <= SPAWN_X[1]
        assert SPAWN_Y[0] <= spec.xy[1] <= SPAWN_Y[1]
        assert spec.color in PALETTE
    for a, b in itertools.combinations(layout.objects, 2):
        assert np.hypot(a.xy[0] - b.xy[0], a.xy[1] - b.xy[1]) > MIN_DISTANCE


def test_the_seed_decides_everything():
    assert random_layout(7) == random_layout(7)
    assert random_layout(7) != random_layout(8)


def test_colours_can_be_named():
    layout = random_layout(1, block_colors=['red', 'cyan'], bowl_colors=['red'])
    assert [spec.name for spec in layout.objects] == ['red block', 'cyan block', 'red bowl']


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        ({'block_colors': ['mauve']}, 'mauve.*blue'),
        ({'block_colors': ['red', 'red']}, 'more than one red block'),
        ({'blocks': 5, 'bowls': 4}, f'room for {MAX_OBJECTS}'),
        ({'blocks': 200}, f'room for {MAX_OBJECTS}'),
    ],
)
def test_what_cannot_be_is_refused_by_name(arguments, text):
    with pytest.raises(LayoutError, match=text):
        random_layout(0, **arguments)


def test_a_layout_has_no_two_of_a_name():
    twin = ObjectSpec('block', 'red', (0.0, -0.5))
    with pytest.raises(LayoutError):
        Layout((twin, twin))


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_fruits_bottles_and_plates_are_apart_and_on_the_table(seed):
    layout = fruit_layout(seed)
    things = {item.name: item for item in layout.objects}
    plum, plate = things.pop('plum'), things['yellow plate']
    assert sorted(things) == [
        *('apple', 'banana', 'black bottle', 'blue bottle'),
        *('blue plate', 'green plate', 'yellow plate'),
    ]
    for item in things.values():
        assert (np.subtract(item.xy, item.radius) >= TABLE_LOW).all()
        assert (np.add(item.xy, item.radius) <= TABLE_HIGH).all()
    for a, b in itertools.combinations(things.values(), 2):
        assert np.hypot(*np.subtract(a.xy, b.xy)) > a.radius + b.radius
    # The whole plum is on the level part of its plate.
    assert np.hypot(*np.subtract(plum.xy, plate.xy)) + plum.radius < PLATE.foot_radius


def test_the_seed_decides_where_the_fruits_are():
    assert fruit_layout(7) == fruit_layout(7)
    assert fruit_layout(7) != fruit_layout(8)


def test_a_world_by_its_name():
    assert draw_layout('', 7, 2, 1) == draw_layout('blocks', 7, 2, 1) == random_layout(7, 2, 1)
    assert draw_layout('fruits', 7, 2, 1) == fruit_layout(7)
    with pytest.raises(LayoutError, match="no world 'moon'; there are 'blocks' and 'fruits'"):
        draw_layout('moon', 7, 2, 1)


@pytest.mark.parametrize(
    ('spec', 'text'),
    [
        (('apple', 'blue'), 'every apple is red, not blue'),
        (('pear', 'green'), 'no kind pear; there are .*apple'),
        (('plate', 'mauve'), 'no colour mauve; there are .*white'),
    ],
)
def test_a_thing_that_cannot_be(spec, text):
    with pytest.raises(LayoutError, match=text):
        Layout((ObjectSpec(*spec, (0.0, -0.5)),))


def test_a_fruit_is_called_by_its_kind_alone():
    assert ObjectSpec('apple', 'red', (0, 0)).name == 'apple'
    assert ObjectSpec('plate', 'green', (0, 0)).name == 'green plate'
