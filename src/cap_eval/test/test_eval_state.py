from __future__ import annotations

import math

import pytest

from cap_eval.state import WorldState, at_rest, displacement, distance_xy, world_from_scene
from cap_eval.testing import TIPPED, block, bowl, change, shift, world
from cap_interfaces.msg import Scene, SceneObject

STATE = world(block('red', 0.1, -0.5), bowl('blue', -0.1, -0.4))


def message(name: str, class_name: str, color: str) -> SceneObject:
    made = SceneObject(name=name, class_name=class_name, color=color)
    made.pose.position.x, made.pose.position.y, made.pose.position.z = 0.1, -0.5, 0.02
    made.pose.orientation.w = 1.0
    made.size.x = made.size.y = made.size.z = 0.04
    return made


def test_a_scene_becomes_a_state() -> None:
    scene = Scene(objects=[message('red block', 'block', 'red')])
    scene.header.frame_id = 'workspace'
    assert world_from_scene(scene) == world(block('red', 0.1, -0.5))


def test_a_scene_in_another_frame_is_refused() -> None:
    scene = Scene()
    scene.header.frame_id = 'base_link'
    with pytest.raises(ValueError, match="'workspace', not in 'base_link'"):
        world_from_scene(scene)


def test_objects_are_found_by_name_and_class() -> None:
    assert STATE.get('red block').color == 'red'
    assert STATE.find('green block') is None
    assert [each.name for each in STATE.blocks] == ['red block']
    assert [each.name for each in STATE.bowls] == ['blue bowl']
    with pytest.raises(KeyError, match='blue bowl'):
        STATE.get('green block')


def test_distances() -> None:
    red, blue = STATE.objects
    assert distance_xy(red, blue) == pytest.approx(math.hypot(0.2, 0.1))
    assert distance_xy(red, (0.1, -0.4)) == pytest.approx(0.1)
    lifted = shift(STATE, 'red block', 0.03, 0.0, 0.04).get('red block')
    assert displacement(red, lifted) == pytest.approx(0.05)
    assert (red.bottom, red.top) == pytest.approx((0.0, 0.04))


def test_tilt_is_measured_from_upright() -> None:
    assert STATE.get('blue bowl').tilt == 0.0
    assert change(STATE, 'blue bowl', orientation=TIPPED).get('blue bowl').tilt == pytest.approx(
        math.pi / 2
    )
    yawed = (0.0, 0.0, math.sin(0.7), math.cos(0.7))
    assert change(STATE, 'blue bowl', orientation=yawed).get('blue bowl').tilt == pytest.approx(0.0)
    turned_over = (1.0, 0.0, 0.0, 0.0)
    assert change(STATE, 'blue bowl', orientation=turned_over).get(
        'blue bowl'
    ).tilt == pytest.approx(math.pi)


@pytest.mark.parametrize(('dz', 'rests'), [(0.0, True), (0.0009, True), (0.0011, False)])
def test_at_rest_is_a_millimetre(dz: float, rests: bool) -> None:
    assert at_rest(STATE, shift(STATE, 'red block', 0.0, 0.0, dz)) is rests


def test_a_world_that_loses_an_object_is_not_at_rest() -> None:
    assert not at_rest(STATE, WorldState(STATE.objects[:1]))
    assert not at_rest(WorldState(STATE.objects[:1]), STATE)
