"""Functions that the offline model writes: what they do, by any numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_world import TABLE, TABLE_LMPS, Thing, World

from cap_common import errors
from cap_planner.api import TABLETOP
from cap_planner.lmp import build_messages
from cap_planner.models import Options
from cap_planner.models.offline import OfflineModel

few = settings(max_examples=25, deadline=None)
SPOTS = [np.array([x, y]) for x in (-0.2, -0.1, 0.0, 0.1, 0.2) for y in (-0.7, -0.5, -0.3)]


def value(call: str, **variables: Any) -> Any:
    """What a function that is written for a call returns."""
    scope = World({})._run(f'ret_val = {call}', dict(variables))
    return scope['ret_val']


class Watched(World):
    """Sees to it that nothing is put on another thing."""

    def put_first_on_second(self, first: Any, second: Any, *manner: Any, **named: Any) -> None:
        super().put_first_on_second(first, second, *manner, **named)
        assert self.things[first].level == 0, f'{first} stands on {self.things[first].on}'
        assert not self.blocked(first)


@given(st.permutations(range(len(SPOTS))), st.permutations(range(10)), st.integers(2, 5))
@few
def test_objects_go_to_each_others_places(spots: list[int], order: list[int], count: int) -> None:
    names = [f'{color} block' for color in ('red', 'blue', 'green', 'pink', 'gray')[:count]]
    starts = [SPOTS[i] for i in spots[:count]]
    # Some go where others are: chains, circles, and places of their own.
    pool = [SPOTS[i] for i in spots[: 2 * count]]
    goals = [pool[i] for i in order if i < len(pool)][:count]
    world = Watched({name: Thing(xy, 0.02) for name, xy in zip(names, starts, strict=True)})
    world._run(
        'move_objects_to_positions(obj_names=names, positions=goals)',
        {'names': names, 'goals': goals},
    )
    for name, goal in zip(names, goals, strict=True):
        assert world.xy(name) == pytest.approx(goal)
    assert len(world.moves) <= 2 * count


def test_what_stays_in_the_way_is_told_before_anything_moves() -> None:
    world = Watched(
        {
            'red block': Thing(np.array([-0.1, -0.5]), 0.02),
            'blue block': Thing(np.array([-0.1, -0.3]), 0.02),
            'red bowl': Thing(np.array([0.1, -0.5]), 0.06),
        }
    )
    variables = {
        'names': ['blue block', 'red block'],
        'goals': [np.array([0.0, -0.7]), np.array([0.07, -0.5])],
    }
    with pytest.raises(errors.LocationNotFoundError, match='the red bowl would be in the way'):
        world._run('move_objects_to_positions(obj_names=names, positions=goals)', variables)
    assert world.moves == []


points = st.lists(
    st.tuples(st.floats(-0.2, 0.2), st.floats(-0.7, -0.3)), min_size=3, max_size=6, unique=True
)


@given(points, st.floats(-180, 180))
@few
def test_turning_keeps_shape_and_center(positions: list[Any], angle: float) -> None:
    old = np.array(positions)
    new = np.array(
        value('rotate_positions_around_center(positions=ps, angle_deg=a)', ps=positions, a=angle)
    )
    assert new.mean(axis=0) == pytest.approx(old.mean(axis=0))
    back = np.array(
        value('rotate_positions_around_center(positions=ps, angle_deg=a)', ps=new, a=-angle)
    )
    assert back == pytest.approx(old)


@given(points, st.floats(0.2, 3))
@few
def test_scaling_keeps_the_center(positions: list[Any], factor: float) -> None:
    old = np.array(positions)
    call = 'scale_positions_around_center(positions=ps, factor=f)'
    new = np.array(value(call, ps=positions, f=factor))
    assert new.mean(axis=0) == pytest.approx(old.mean(axis=0))
    assert np.ptp(new, axis=0) == pytest.approx(factor * np.ptp(old, axis=0))


@pytest.mark.parametrize('sides', [3, 4, 5, 6])
def test_as_many_positions_as_sides_are_its_corners(sides: int) -> None:
    call = (
        'get_polygon_positions('
        'center=[0, -0.5], num_points=n, num_sides=n, side_length=0.1, angle_deg=0)'
    )
    corners = np.array(value(call, n=sides))
    edges = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    assert edges == pytest.approx([0.1] * sides)
    assert corners.mean(axis=0) == pytest.approx([0, -0.5])


def test_corners_clockwise() -> None:
    corners = value(
        'sort_positions_clockwise(positions=get_corner_positions(), start_pos=start)',
        start=TABLE.corners['top right corner'],
    )
    names = ['top right corner', 'bottom right corner', 'bottom left corner', 'top left corner']
    assert np.array(corners) == pytest.approx(np.array([TABLE.corners[name] for name in names]))


@given(st.lists(st.lists(st.sampled_from('abcd'), min_size=1, unique=True), min_size=1, max_size=4))
@few
def test_different_names_are_chosen_as_far_as_there_are_enough(options: list[list[str]]) -> None:
    chosen = value('choose_different_names(options=options)', options=options)
    assert all(name in some for name, some in zip(chosen, options, strict=True))
    assert len(set(chosen)) == _most_different(options)


def _most_different(options: list[list[str]]) -> int:
    chosen = [{()}]
    for some in options:
        chosen.append({(*already, name) for already in chosen[-1] for name in some})
    return max(len(set(each)) for each in chosen[-1])


# ── splitting ────────────────────────────────────────────────────────────────────────────────────


def parts(text: str, *done: str) -> list[str]:
    context = "objects = ['red block', 'blue block', 'red bowl']"
    messages = build_messages(TABLE_LMPS['decompose'], TABLETOP, text, context, done=done)
    answer = OfflineModel().complete(messages, Options(deadline_s=1.0)).text
    scope: dict[str, Any] = {}
    exec(answer, scope)
    found: list[str] = scope['ret_val']
    return found


@pytest.mark.parametrize('between', [' and then ', ', then ', '; ', '. ', ' and ', '. Then '])
def test_two_commands_are_two_parts(between: str) -> None:
    first, second = 'put the red block in the red bowl', 'move the blue block 5 cm up'
    assert parts(f'{first}{between}{second}') == [first, second]


def test_three_commands() -> None:
    text = 'put the red block in the red bowl, then stack all the blocks; which block is leftmost?'
    assert len(parts(text)) == 3


@pytest.mark.parametrize(
    'text',
    [
        'put the red block in the red bowl',
        'put the red block and the blue block in the red bowl',
        'put the red block in the red bowl and juggle',
        'put the red block in the red bowl and then move it up',
        'frobnicate the red block; put the red block in the red bowl',
    ],
)
def test_what_is_one_or_not_understood_is_not_split(text: str) -> None:
    assert parts(text) == []


def test_what_is_begun_is_not_split() -> None:
    text = 'put the red block in the red bowl; stack the blocks'
    assert parts(text, "moved 'red block' from [0.1, 0.1] to [0.2, 0.2]") == []
