"""The families of instructions that the system was first built for, in any world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_world import (
    Case,
    cases,
    color,
    fewer,
    is_at,
    phrased,
    positions,
    untouched,
)


@phrased(
    'place every {block} in the {bowl} of the same color',
    'move the {blocks} into their matching {bowls}',
    'put each {block} into the {bowl} that matches its color.',
    'sort all the {blocks} into {bowls} with the corresponding colour',
    'Please put the {blocks} in the same-colored {bowls}!',
    'match the {blocks} with the {bowls}',
)
@fewer
def test_matching_colors(case: Case, text: str) -> None:
    start = positions(case)
    case.instruct(text)
    by_color = {color(name): name for name in case.bowls}
    for block in case.blocks:
        if color(block) in by_color:
            assert case.world.things[block].on == by_color[color(block)]
        else:
            assert np.array_equal(case.world.xy(block), start[block])
            assert any(block in text for text in case.world.said)
    assert untouched(case, start, case.blocks)


@phrased(
    'place the {C} onto the {E}',
    'pick the {C} up and set it down on the {E}',
    'stack the {C} on top of the {E}',
    'could you put the {C} on the {E}, please?',
)
@fewer
def test_on_block(case: Case, text: str) -> None:
    start = positions(case)
    case.instruct(text)
    assert case.world.things[case.blocks[0]].on == case.blocks[1]
    assert untouched(case, start, case.blocks[:1])


@phrased(
    'drop the {C} into the {D}',
    'grab the {C} and put it inside the {D}',
    'move the {C} to the {D}',
)
@fewer
def test_in_bowl(case: Case, text: str) -> None:
    case.instruct(text)
    assert case.world.things[case.blocks[0]].on == case.bowls[0]


@given(
    case=cases(),
    text=st.sampled_from(
        ('set the {C} {where} the {D}', 'take the {C} and place it {where} the {D}')
    ),
    where=st.sampled_from(
        (
            ('left of', 0, -1),
            ('to the left of', 0, -1),
            ('on the left side of', 0, -1),
            ('to the right of', 0, 1),
            ('right of', 0, 1),
            ('above', 1, 1),
            ('to the top of', 1, 1),
            ('below', 1, -1),
            ('under', 1, -1),
        )
    ),
)
@settings(max_examples=60, deadline=None)
def test_beside_bowl(case: Case, text: str, where: tuple[str, int, int]) -> None:
    phrase, axis, sign = where
    case.world.instruct(text.format(where=phrase, **case.words))
    offset = case.world.xy(case.blocks[0]) - case.world.xy(case.bowls[0])
    assert sign * offset[axis] > 0.06
    assert abs(offset[1 - axis]) < 0.06
    assert np.linalg.norm(offset) < 0.16
    assert case.bowls[0] not in case.world.blocked(case.blocks[0])


@phrased(
    'pile up the {blocks}',
    'build a tower with the {blocks}',
    'put all of the {blocks} on top of each other',
    'make one stack out of the {blocks}',
)
@fewer
def test_stack(case: Case, text: str) -> None:
    start = positions(case)
    case.instruct(text)
    levels = sorted(case.world.things[name].level for name in case.blocks)
    assert levels == [0, 1, 2]
    base = next(name for name in case.blocks if case.world.things[name].level == 0)
    assert np.array_equal(case.world.xy(base), start[base])
    assert untouched(case, start, case.blocks)


PLACES = {
    'the top-left corner': 'top left corner',
    'the upper right corner': 'top right corner',
    'the lower left corner of the table': 'bottom left corner',
    'the bottom right corner': 'bottom right corner',
    'the left side': 'left side',
    'the right edge': 'right side',
    'the top side': 'top side',
    'the bottom side of the table': 'bottom side',
    'the middle': 'middle',
}


@given(
    case=cases(),
    text=st.sampled_from(
        (
            'move every {block} to {place}',
            'place the {blocks} in {place}',
            'gather all the {blocks} at {place}',
            'stack the {blocks} on {place}',
            'build a tower of the {blocks} at {place}',
        )
    ),
    place=st.sampled_from(sorted(PLACES)),
)
@fewer
def test_all_at_place(case: Case, text: str, place: str) -> None:
    start = positions(case)
    case.world.instruct(text.format(place=place, **case.words))
    assert all(is_at(case.world, name, PLACES[place]) for name in case.blocks)
    assert untouched(case, start, case.blocks)
    moves, said = len(case.world.moves), len(case.world.said)
    case.world.instruct(text.format(place=place, **case.words))
    assert all(is_at(case.world, name, PLACES[place]) for name in case.blocks)
    # Nothing to do, and it says so.
    assert len(case.world.moves) == moves
    assert len(case.world.said) == said + 3


@given(
    case=cases(),
    verb=st.sampled_from(('shift', 'push', 'move', 'nudge')),
    amount=st.sampled_from((('slightly ', 0.05), ('a little ', 0.05), ('4 cm ', 0.04))),
    way=st.sampled_from(
        (('to the right', (1, 0)), ('to the left', (-1, 0)), ('up', (0, 1)), ('down', (0, -1)))
    ),
)
@fewer
def test_shift(case: Case, verb: str, amount: Any, way: Any) -> None:
    start = positions(case)
    case.instruct(f'{verb} the {{C}} {amount[0]}{way[0]}')
    expected = start[case.blocks[0]] + amount[1] * np.array(way[1])
    assert case.world.xy(case.blocks[0]) == pytest.approx(expected)
    assert untouched(case, start, case.blocks[:1])


@given(
    case=cases(),
    side=st.sampled_from(('left', 'right', 'top', 'bottom')),
    text=st.sampled_from(
        (
            'drop the {side}-most {block} into the {D}',
            'place the {side}most {block} in the {D}',
            'put the first {block} from the {side} in the {D}',
            'take the {side} {block} and put it in the {D}',
        )
    ),
)
@fewer
def test_outermost_block(case: Case, side: str, text: str) -> None:
    axis, sign = {'left': (0, 1), 'right': (0, -1), 'top': (1, -1), 'bottom': (1, 1)}[side]
    expected = min(case.blocks, key=lambda name: sign * case.world.xy(name)[axis])
    case.world.instruct(text.format(side=side, **case.words))
    assert case.world.moves == [(expected, case.bowls[0])]


@given(
    case=cases(),
    side=st.sampled_from(('left', 'right', 'top', 'bottom')),
    text=st.sampled_from(
        (
            'which {block} is the {side}-most one?',
            'What is the {side}most {block}',
            'which {block} is furthest to the {side}?',
            'tell me which {block} is {side}most',
        )
    ),
)
@fewer
def test_outermost_question(case: Case, side: str, text: str) -> None:
    axis, sign = {'left': (0, 1), 'right': (0, -1), 'top': (1, -1), 'bottom': (1, 1)}[side]
    expected = min(case.blocks, key=lambda name: sign * case.world.xy(name)[axis])
    case.world.instruct(text.format(side=side, **case.words))
    assert case.world.said == [expected]
    assert not case.world.moves
