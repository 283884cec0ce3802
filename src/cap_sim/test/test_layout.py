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
    Layout,
    LayoutError,
    ObjectSpec,
    random_layout,
)


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
