"""Worlds that are written out."""

import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cap_sim.layout import LayoutError, ObjectSpec, fruit_layout, random_layout
from cap_sim.placement import layout_text, parse_layout


def test_objects_with_and_without_colour_height_and_yaw():
    text = ' red block 0.1 -0.4 ; blue block 0.1 -0.4 0.04 1.5;\napple 0 -5e-1;'
    assert parse_layout(text).objects == (
        ObjectSpec('block', 'red', (0.1, -0.4)),
        ObjectSpec('block', 'blue', (0.1, -0.4), yaw=1.5, z=0.04),
        ObjectSpec('apple', 'red', (0.0, -0.5)),
    )
    assert parse_layout(' ; ').objects == ()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_drawn_world_can_be_written_out(seed):
    for layout in (random_layout(seed), fruit_layout(seed)):
        again = parse_layout(layout_text(layout))
        for spec, other in zip(layout.objects, again.objects, strict=True):
            assert (other.name, other.kind, other.color) == (spec.name, spec.kind, spec.color)
            assert math.dist((*other.xy, other.z), (*spec.xy, spec.z)) < 2e-5
            assert other.yaw == pytest.approx(spec.yaw, abs=1e-4)


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('red block 0.1', 'COLOUR.*KIND X Y'),
        ('red block', 'KIND X Y'),
        ('0.1 0.2', 'KIND X Y'),
        ('red block 1 2 3 4 5', 'KIND X Y'),
        ('very red block 0.1 0.2', 'KIND X Y'),
        ('red block 0.1 nan', 'KIND X Y'),
        ('red block 0.1 1e999', 'KIND X Y'),
        ('red block 0.1 0.2, blue block 0.3 0.4', 'KIND X Y'),
        ('red cube 0.1 0.2', "'cube'.*block, bowl"),
        ('block 0.1 0.2', 'no colour'),
        ('green apple 0.1 0.2', 'apple is red'),
        ('mauve block 0.1 0.2', 'mauve.*blue'),
        ('red block 0.1 0.2 -0.1', 'below the table'),
        ('red block 0 0; red block 1 1', 'more than one red block'),
    ],
)
def test_what_cannot_be_is_refused_by_name(text, why):
    with pytest.raises(LayoutError, match=why):
        parse_layout(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='redblock ;.-+e0123456789\n', max_size=60))
def test_any_text_is_a_layout_or_refused(text):
    with contextlib.suppress(LayoutError):
        parse_layout(text)
