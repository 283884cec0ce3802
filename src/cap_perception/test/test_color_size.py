"""Fruits, bottles and plates on pictures of the simulated cell."""

from dataclasses import replace

import numpy as np
import pytest

from cap_description import cell_urdf
from cap_perception.catalogue import parse_things
from cap_perception.deproject import pixels_of
from cap_perception.detector import make_detector
from cap_perception.pipeline import Pipeline
from cap_sim.board import find_board
from cap_sim.ink import Ink
from cap_sim.layout import Layout, ObjectSpec, fruit_layout, whiteboard_layout
from cap_sim.shapes import KINDS, PLATE


@pytest.fixture
def look(parameters):
    """Makes a function that watches some frames of a world: objects by name."""
    parameters = replace(parameters, phrases=tuple(parse_things(parameters.models.things)))
    pipeline = Pipeline(make_detector('color_size', parameters), parameters)

    def watch(world, frames=4):
        for _ in range(frames):
            # The noise of config/sim.yaml.
            scene = pipeline.process(world.frame(2.0, 0.001))
        return {thing.name: thing for thing in scene.objects}

    return watch


def assert_seen(seen, world, kinds):
    """Every thing by its name, kind and size, where it is; nothing else."""
    truth = world.truth()
    assert sorted(seen) == sorted(truth)
    for name, thing in seen.items():
        offset = thing.workspace_from_box[:3, 3] - truth[name][:3, 3]
        assert np.hypot(*offset[:2]) < 0.004, name
        assert abs(offset[2]) < 0.003, name
        kind = kinds[name]
        assert thing.class_name == kind
        assert thing.size == pytest.approx(KINDS[kind].size, abs=2e-4)
        if kind == 'banana':
            along = abs(thing.workspace_from_box[:3, 0] @ truth[name][:3, 0])
            assert along > np.cos(np.deg2rad(5))


def kinds_of(*specs):
    return {spec.name: spec.kind for spec in specs}


@pytest.mark.parametrize('seed', range(6))
def test_the_scene_is_the_world(cell, look, seed):
    layout = fruit_layout(seed)
    world = cell(layout=layout)
    assert_seen(look(world), world, kinds_of(*layout.objects))


def test_all_that_a_plate_may_bear(cell, look):
    """Also what has the colour of its plate."""
    floor = PLATE.wall
    specs = (
        ObjectSpec('plate', 'yellow', (-0.2, -0.6)),
        ObjectSpec('banana', 'yellow', (-0.2, -0.64), 0.1, z=floor),
        ObjectSpec('lemon', 'yellow', (-0.22, -0.57), 0.7, z=floor),
        ObjectSpec('plate', 'blue', (0.05, -0.6)),
        ObjectSpec('bottle', 'blue', (0.03, -0.64), z=floor),
        ObjectSpec('bottle', 'black', (0.08, -0.57), z=floor),
        ObjectSpec('plate', 'green', (0.1, -0.35)),
        ObjectSpec('apple', 'red', (0.06, -0.37), z=floor),
        ObjectSpec('egg', 'white', (0.13, -0.31), 1.0, z=floor),
        ObjectSpec('plum', 'purple', (0.14, -0.38), z=floor),
        ObjectSpec('orange', 'orange', (-0.15, -0.35)),
        ObjectSpec('block', 'cyan', (-0.2, -0.4), 0.3),
    )
    world = cell(layout=Layout(specs))
    assert_seen(look(world), world, kinds_of(*specs))


def test_gray_and_white_and_what_has_one_size_but_another_outline(cell, look):
    floor = PLATE.wall
    specs = (
        ObjectSpec('plate', 'gray', (-0.2, -0.6)),
        ObjectSpec('egg', 'white', (-0.2, -0.62), 0.4, z=floor),
        ObjectSpec('plate', 'white', (0.05, -0.6)),
        ObjectSpec('bottle', 'gray', (0.05, -0.62), z=floor),
        ObjectSpec('block', 'gray', (0.2, -0.6), 0.5),
        ObjectSpec('block', 'white', (0.2, -0.4), 0.2),
        ObjectSpec('block', 'purple', (0.0, -0.4), 0.8),
        ObjectSpec('plate', 'green', (-0.2, -0.35)),
        ObjectSpec('plum', 'purple', (-0.18, -0.33), z=floor),
    )
    world = cell(layout=Layout(specs))
    assert_seen(look(world), world, kinds_of(*specs))


def test_the_arm_is_no_fruit_and_what_it_hides_is_remembered(cell, look):
    layout = fruit_layout(1)
    world = cell(layout=layout)
    before = look(world)
    for spec in layout.objects:
        world.hand_over(*spec.xy, 0.20)
        seen = look(world)
        assert sorted(seen) == sorted(before)
        assert {name: thing.id for name, thing in seen.items()} == {
            name: thing.id for name, thing in before.items()
        }


def circle(ink, x, y, radius):
    for turn in np.linspace(0, 2 * np.pi, 800):
        ink.touch(x + radius * np.cos(turn), y + radius * np.sin(turn))
    ink.lift()


@pytest.mark.parametrize('seed', range(4))
def test_on_a_board_with_drawings_there_are_things_and_no_plates(cell, look, seed):
    board = find_board(cell_urdf(tool='marker'))
    layout = whiteboard_layout(seed, board)
    ink = Ink(board.size)
    for item in layout.objects:
        x, y, _ = np.subtract((*item.xy, item.z), board.workspace_from_board[:3, 3])
        circle(ink, x, y, 0.055)
    circle(ink, 0.02, -0.06, PLATE.rim_radius)
    world = cell(layout=layout, drawing=ink.drawing())
    assert_seen(look(world), world, kinds_of(*layout.objects))


def test_an_egg_that_comes_is_seen_and_one_that_goes_is_gone(cell, look):
    layout = fruit_layout(2)
    egg = ObjectSpec('egg', 'white', (0.0, -0.5), 0.4)
    world = cell(layout=Layout((*layout.objects, egg)))
    world.put('egg', 3.0, 0.0, 0.1)
    assert 'egg' not in look(world)
    world.put('egg', -0.25, -0.32, 0.0161)
    assert look(world)['egg'].visible
    world.put('egg', 3.0, 0.0, 0.1)
    assert 'egg' not in look(world, 6)


def test_a_thing_as_text():
    sponge = 'sponge any 0.1 0.06 0.03 box'
    things = parse_things(('egg white 0.056 0.044 0.032', 'plate any 0.2 0.2 0.016', sponge))
    assert things['egg'].size == (0.056, 0.044, 0.032)
    assert (things['egg'].color, things['plate'].color) == ('white', '')
    assert (things['egg'].is_round, things['plate'].is_round) == (False, True)
    assert (things['egg'].is_box, things['sponge'].is_box) == (False, True)
    assert things['sponge'].size == (0.1, 0.06, 0.03)


@pytest.mark.parametrize(
    'texts',
    [
        ('egg',),
        ('egg white 1 2 x',),
        ('egg white 0.05 0.04',),
        ('egg white 0.05 0.04 box',),
        ('egg white 0.04 0.05 0.03',),
        ('egg white 0.05 0.04 0.0',),
        ('egg white 0.05 0.04 0.03', 'egg red 0.05 0.04 0.03'),
    ],
)
def test_what_is_no_thing(texts):
    with pytest.raises(ValueError, match='egg'):
        parse_things(texts)


def test_the_catalogue_is_that_of_the_simulator(parameters):
    for name, thing in parse_things(parameters.models.things).items():
        assert thing.size == pytest.approx(KINDS[name].size, abs=1e-4)
        assert thing.color == KINDS[name].color


@pytest.mark.parametrize('cut', [0.008, 0.012, 0.016])
def test_what_the_robot_covers_in_part_is_nothing_else(cell, parameters, cut):
    """A corner of an apple has the size of a block."""
    world = cell(ObjectSpec('apple', 'red', (0.1, -0.5)))
    parameters = replace(parameters, phrases=tuple(parse_things(parameters.models.things)))
    pipeline = Pipeline(make_detector('color_size', parameters), parameters)

    def robot(frame):
        ((u, v),), _ = pixels_of(frame, np.array([[0.1 - cut, -0.5 - cut, 0.05]]))
        rows, columns = np.indices(frame.depth.shape)
        return (columns < u) | (rows > v)

    for _ in range(4):
        scene = pipeline.process(world.frame(2.0, 0.001), robot)
    assert {thing.name for thing in scene.objects} <= {'apple'}
