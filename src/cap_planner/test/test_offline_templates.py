"""The templates of the published evaluation."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from offline_world import (
    TABLE,
    Case,
    cases,
    color,
    fewer,
    is_at,
    phrased,
)

from cap_common import errors
from cap_planner.places import nearest


@phrased('put the {blocks} in the {D}', 'toss all the {blocks} into the {D}')
@fewer
def test_all_in_one_bowl(case: Case, text: str) -> None:
    case.instruct(text)
    assert all(is_at(case.world, name, case.world.xy(case.bowls[0])) for name in case.blocks)


@given(case=cases(), side=st.sampled_from(('left', 'right', 'top', 'bottom')))
@fewer
def test_block_beside_bowl_to_place(case: Case, side: str) -> None:
    axis, sign = {'left': (0, -1), 'right': (0, 1), 'top': (1, 1), 'bottom': (1, -1)}[side]
    bowl = case.world.xy(case.bowls[0])
    fitting = [n for n in case.blocks if sign * (case.world.xy(n) - bowl)[axis] > 0]
    text = f'pick up the {{block}} to the {side} of the {{D}} and place it on the right side'
    if not fitting:
        with pytest.raises(errors.ObjectNotFoundError):
            case.instruct(text)
        assert not case.world.moves
        return
    expected = min(fitting, key=lambda name: np.linalg.norm(case.world.xy(name) - bowl))
    case.instruct(text)
    assert [name for name, _ in case.world.moves] == [expected]
    assert is_at(case.world, expected, 'right side')


@given(case=cases(), far=st.booleans(), text=st.sampled_from(('{which} to', '{which} from')))
@fewer
def test_block_by_distance_to_place(case: Case, far: bool, text: str) -> None:
    which = text.format(which='farthest' if far else 'closest')
    bowl = case.world.xy(case.bowls[0])
    key = {name: float(np.linalg.norm(case.world.xy(name) - bowl)) for name in case.blocks}
    expected = (max if far else min)(key, key=lambda name: key[name])
    case.instruct(f'pick up the {{block}} {which} the {{D}} and place it on the top side')
    assert [name for name, _ in case.world.moves] == [expected]
    assert is_at(case.world, expected, 'top side')


@given(
    case=cases(),
    nth=st.sampled_from((('first', 0), ('second', 1), ('third', 2), ('fourth', 3))),
    side=st.sampled_from(('left', 'right', 'top', 'bottom')),
)
@fewer
def test_nth_block_to_place(case: Case, nth: Any, side: str) -> None:
    axis, sign = {'left': (0, 1), 'right': (0, -1), 'top': (1, -1), 'bottom': (1, 1)}[side]
    ordered = sorted(case.blocks, key=lambda name: sign * case.world.xy(name)[axis])
    text = f'pick up the {nth[0]} {{block}} from the {side} and place it on the left side'
    if nth[1] >= len(ordered):
        with pytest.raises(errors.ObjectNotFoundError, match='only'):
            case.instruct(text)
        return
    case.instruct(text)
    assert [name for name, _ in case.world.moves] == [ordered[nth[1]]]


@phrased(
    'put all the {blocks} in different corners',
    'put the {blocks} in separate corners',
    'put every {block} in its own corner',
)
@fewer
def test_different_corners(case: Case, text: str) -> None:
    case.instruct(text)
    used = [nearest(TABLE.corners, case.world.xy(name)) for name in case.blocks]
    assert len(set(used)) == 3
    assert all(is_at(case.world, n, place) for n, place in zip(case.blocks, used, strict=True))


@phrased(
    'put the {blocks} in the {bowls} with mismatched colors',
    'place the {blocks} in {bowls} of a different color',
    'drop the {blocks} into {bowls} with non-matching colours',
)
@fewer
def test_mismatched_colors(case: Case, text: str) -> None:
    case.instruct(text)
    for block in case.blocks:
        bowl = min(
            case.bowls, key=lambda b: np.linalg.norm(case.world.xy(b) - case.world.xy(block))
        )
        assert is_at(case.world, block, case.world.xy(bowl), 0.01)
        assert color(bowl) != color(block)


@given(
    case=cases(),
    side=st.sampled_from(('left', 'right', 'top', 'bottom')),
    lot=st.booleans(),
)
@fewer
def test_magnitude_beside_bowl(case: Case, side: str, lot: bool) -> None:
    axis, sign = {'left': (0, -1), 'right': (0, 1), 'top': (1, 1), 'bottom': (1, -1)}[side]
    much = 'a lot' if lot else 'a little'
    try:
        case.instruct(f'pick up the {{C}} and place it {much} to the {side} of the {{D}}')
    except errors.LimitError:
        assert lot  # there is no table so far out
        return
    offset = sign * (case.world.xy(case.blocks[0]) - case.world.xy(case.bowls[0]))[axis]
    assert offset > 0.2 if lot else 0 < offset <= 0.2


@given(case=cases(), far=st.booleans())
@fewer
def test_corner_by_distance(case: Case, far: bool) -> None:
    bowl = case.world.xy(case.bowls[0])
    pick = max if far else min
    expected = pick(TABLE.corners, key=lambda c: np.linalg.norm(TABLE.corners[c] - bowl))
    which = 'farthest' if far else 'closest'
    case.instruct(f'pick up the {{C}} and place it in the corner {which} to the {{D}}')
    assert is_at(case.world, case.blocks[0], expected)


@given(
    case=cases(),
    line=st.sampled_from(('horizontal', 'vertical', 'diagonal')),
    text=st.sampled_from(
        (
            'put all the {blocks} in a {line} line',
            'arrange the {blocks} in a {line} line',
            'make a {line} line with the {blocks}',
            'line up the {blocks} {line}ly',
        )
    ),
)
@fewer
def test_lines(case: Case, line: str, text: str) -> None:
    case.world.instruct(text.format(line=line, **case.words))
    points = np.array([case.world.xy(name) for name in case.blocks])
    direction = {'horizontal': (1, 0), 'vertical': (0, 1), 'diagonal': (1, 1)}[line]
    normal = np.array([-direction[1], direction[0]]) / np.linalg.norm(direction)
    assert np.ptp(points @ normal) < 0.005
    for one, other in itertools.combinations(points, 2):
        assert np.linalg.norm(one - other) > 0.06
    assert not any(case.world.blocked(name) for name in case.blocks)
