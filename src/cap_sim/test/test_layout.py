"""Layouts: what every seed must give."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cap_common.frames import matrix_from_rpy, transform_points
from cap_common.palette import PALETTE
from cap_sim.board import Board
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
    whiteboard_layout,
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


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 10), st.integers(4, 10))
def test_many_objects_fill_the_table_and_leave_room_for_a_finger(seed, blocks, bowls):
    layout = random_layout(seed, blocks, bowls)
    kinds = [spec.kind for spec in layout.objects]
    assert kinds == ['block'] * blocks + ['bowl'] * bowls
    for spec in layout.objects:
        assert (np.subtract(spec.xy, spec.radius) >= (-0.32, -0.78)).all()
        assert (np.add(spec.xy, spec.radius) <= (0.32, -0.2)).all()
    for a, b in itertools.combinations(layout.objects, 2):
        assert np.hypot(*np.subtract(a.xy, b.xy)) > a.radius + b.radius + 0.02


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
        ({'block_colors': ['red'] * 21}, f'room for {MAX_OBJECTS}'),
        ({'blocks': 11}, '11 blocks asked for; there are 10 colours'),
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


def board(yaw=0.0, roll=0.0):
    return Board(matrix_from_rpy((0.02, -0.5, 0.005), (roll, 0.0, yaw)), (0.6, 0.4))


@given(seed=st.integers(0, 2**32 - 1), yaw=st.floats(-0.5, 0.5))
@settings(deadline=None)
def test_things_on_a_board_leave_room_to_draw(seed, yaw):
    here = board(yaw)
    layout = whiteboard_layout(seed, here)
    assert sorted(item.kind for item in layout.objects) == ['apple', 'block', 'block', 'lemon']
    places = transform_points(
        np.linalg.inv(here.workspace_from_board), np.array([(*i.xy, i.z) for i in layout.objects])
    )
    np.testing.assert_allclose(places[:, 2], 0.0, atol=1e-9)
    # Circles 2 cm away from the largest boxes around them are on the board,
    assert (np.abs(places[:, :2]) + 0.0745 < (0.3, 0.2)).all()
    for a, b in itertools.combinations(places, 2):
        assert np.hypot(*(a - b)[:2]) > 0.11
    # and the middle, the top right and the bottom are free, also for the eraser.
    for x, y, _ in places:
        assert np.hypot(x, y) > 0.075 + 0.031 + 0.027
        assert np.hypot(x - 0.174, y - 0.114) > 0.05 + 0.031 + 0.027
        assert y > -0.114 + 0.031 + 0.027


def test_a_board_decides_which_worlds_there_are():
    here = board()
    assert draw_layout('', 7, 3, 3, here) == draw_layout('whiteboard', 7, 3, 3, here)
    assert draw_layout('', 7, 3, 3, here) != draw_layout('', 8, 3, 3, here)
    with pytest.raises(LayoutError, match=r"no world 'fruits' .*; there is 'whiteboard'"):
        draw_layout('fruits', 7, 3, 3, here)
    with pytest.raises(LayoutError, match="no world 'whiteboard'; there are 'blocks' and"):
        draw_layout('whiteboard', 7, 3, 3)


def test_nothing_stands_on_a_board_that_leans():
    for world in ('', 'whiteboard'):
        assert draw_layout(world, 7, 3, 3, board(roll=0.1)) == Layout(())


@pytest.mark.parametrize(
    ('roll', 'xy', 'radius', 'there'),
    [
        (0.0, (0.02, -0.5), 0.0, True),
        (0.0, (0.31, -0.31), 0.0, True),
        (0.0, (0.35, -0.5), 0.03, True),
        (0.0, (0.37, -0.5), 0.03, False),
        (0.0, (0.0, -0.25), 0.03, False),
        # One that leans covers less of the table, and one that stands a line.
        (1.0, (0.0, -0.34), 0.03, False),
        (1.0, (0.0, -0.41), 0.03, True),
        (np.pi / 2, (0.0, -0.53), 0.02, False),
        (np.pi / 2, (0.0, -0.53), 0.04, True),
    ],
)
def test_whether_a_thing_is_beside_a_board(roll, xy, radius, there):
    assert board(roll=roll).is_at(xy, radius) == there
