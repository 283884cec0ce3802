"""Things of no name: where they lie, and that they are things."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_common.palette import COLORS
from cap_sim.cell import Cell
from cap_sim.layout import LayoutError, ObjectSpec, random_layout, with_clutter
from cap_sim.shapes import BOWL, size_of


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(0, 6))
def test_nothing_lies_on_anything(seed, count, clutter):
    layout = with_clutter(random_layout(seed, count, 2), seed, clutter)
    assert len(layout.clutter) == clutter
    for a, b in itertools.combinations((*layout.objects, *layout.clutter), 2):
        assert np.hypot(*np.subtract(a.xy, b.xy)) > a.radius + b.radius
    assert layout == with_clutter(random_layout(seed, count, 2), seed, clutter)
    assert layout.objects == random_layout(seed, count, 2).objects


def test_all_shapes_come_and_none_is_a_block_or_a_bowl():
    things = [
        thing
        for seed in range(40)
        for thing in with_clutter(random_layout(seed, 0, 0), seed, 4).clutter
    ]
    assert {thing.is_round for thing in things} == {True, False}
    assert {thing.color for thing in things} == set(COLORS)
    block = size_of('block')[2]
    for thing in things:
        assert thing.size[2] < 0.85 * block
        assert max(thing.size[:2]) < 0.7 * 2 * BOWL.rim_radius or not thing.is_round


def test_too_much_is_told():
    with pytest.raises(LayoutError, match='50 things'):
        with_clutter(random_layout(1), 1, 50)


@pytest.fixture
def cluttered(bench, parameters):
    """A bench with a block and things of no name."""
    made = bench(ObjectSpec('block', 'red', (0.0, -0.5)))
    made.cell = Cell(made.urdf, parameters, with_clutter(made.cell.layout, 3, 4))
    return made


def test_they_lie_still_on_the_table_and_have_no_name(cluttered):
    names = [f'clutter {number}' for number in range(1, 5)]
    cluttered.cell.step(250)
    before = [cluttered.body(name) for name in names]
    cluttered.cell.step(500)
    for name, was in zip(names, before, strict=True):
        np.testing.assert_allclose(cluttered.body(name), was, atol=1e-4)
        assert 0 < was[2] < 0.02
    assert [item.spec.name for item in cluttered.state.objects] == ['red block']


def test_they_stay_where_they_were_pushed_while_objects_come_and_go(cluttered):
    cluttered.cell.step(100)
    cluttered.put('clutter 1', 0.6, 0.3, 0.03)
    cluttered.cell.step(100)
    moved = cluttered.body('clutter 1')
    cluttered.cell.add(ObjectSpec('block', 'blue', (0.0, -0.65)))
    np.testing.assert_array_equal(cluttered.body('clutter 1'), moved)
    cluttered.cell.remove('red block')
    assert len(cluttered.cell.layout.clutter) == 4
    np.testing.assert_array_equal(cluttered.body('clutter 1'), moved)


def test_nothing_is_put_onto_them(cluttered):
    thing = cluttered.cell.layout.clutter[0]
    with pytest.raises(LayoutError, match='clutter 1'):
        cluttered.cell.add(ObjectSpec('block', 'blue', thing.xy))
