"""Where things go in a dish: side by side in a plate, as they come in a bowl."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon

from cap_common.errors import NoPathError
from cap_sim.shapes import KINDS
from cap_skills.dishes import footprint, free_in, is_wide
from cap_skills.hand import JawHand
from cap_skills.kinematics import tool_down
from cap_skills.model import Held, Item, Place, SceneView
from cap_skills.parameters import SkillsParameters
from cap_skills.targets import find_spot, tool_poses

Make = Callable[..., Item]
GAP = 0.005


@pytest.fixture(scope='module')
def thing(parameters: SkillsParameters) -> Make:
    """Makes a thing of the simulator's size."""

    def make(kind: str, x: float = 0.3, y: float = 0.3, bottom: float = 0.0, yaw: float = 0.0):
        pose = np.eye(4)
        c, s = np.cos(yaw), np.sin(yaw)
        pose[:2, :2] = ((c, -s), (s, c))
        size = np.array(KINDS[kind].size)
        pose[:3, 3] = x, y, bottom + size[2] / 2
        return parameters.item(kind, kind, pose, size)

    return make


def laid(item: Item, spot: tuple[np.ndarray, float]) -> Item:
    """The item as it lies on the spot."""
    (x, y), yaw = spot
    pose = np.eye(4)
    c, s = np.cos(yaw), np.sin(yaw)
    pose[:2, :2] = ((c, -s), (s, c))
    pose[:3, 3] = x, y, 0.003 + item.half_height
    return item.at(pose)


def fill(plate: Item, things: Sequence[Item]) -> list[Item]:
    """Lay things down one after the other."""
    there: list[Item] = []
    for item in things:
        spot = free_in(plate, item, there)
        assert spot is not None, (item.name, [other.name for other in there])
        there.append(laid(item, spot))
    return there


@pytest.mark.parametrize('order', list(permutations(['apple', 'banana', 'plum'])))
def test_a_plate_takes_what_the_conversation_puts_there(thing: Make, order: Sequence[str]) -> None:
    """All fruits; then the smallest goes, and an egg and a bottle come."""
    plate = thing('plate', 0.5, 0.1)
    there = [item for item in fill(plate, [thing(kind) for kind in order]) if item.name != 'plum']
    for kind in ('egg', 'bottle'):
        spot = free_in(plate, thing(kind), there)
        assert spot is not None
        there.append(laid(thing(kind), spot))


@pytest.mark.parametrize('order', list(permutations(['apple', 'banana', 'plum'])))
def test_fingers_have_room_beside_what_they_put_on_a_plate(
    thing: Make, parameters: SkillsParameters, order: Sequence[str]
) -> None:
    """Within its rim, and clear of what lies there."""
    plate, jaw = thing('plate', 0.5, 0.1), JawHand(parameters.jaw)
    rim = Point(plate.center[:2]).buffer(plate.radius - parameters.plate.wall)
    there: list[Item] = []
    for kind in order:
        item = thing(kind, yaw=0.3)
        grasp = jaw.grasps(item)[0]
        tcp = tool_down(grasp.position, grasp.yaw or 0.0)
        beside = jaw.beside(Held(item, np.linalg.inv(tcp) @ item.pose, grasp.width))
        spot = free_in(plate, item, there, beside)
        assert spot is not None, kind
        lies = laid(item, spot)
        for finger in beside @ lies.pose[:2, :2].T + lies.center[:2]:
            assert rim.covers(Polygon(finger))
            assert all(footprint(other).distance(Polygon(finger)) > GAP for other in there)
        there.append(lies)


@given(
    x=st.floats(0.3, 0.7),
    y=st.floats(-0.2, 0.2),
    yaws=st.lists(st.floats(-np.pi, np.pi), min_size=3, max_size=3),
)
@settings(max_examples=20, deadline=None)
def test_nothing_lies_on_another_or_on_the_wall(
    thing: Make, x: float, y: float, yaws: list[float]
) -> None:
    plate = thing('plate', x, y)
    kinds = ('banana', 'apple', 'egg')
    there = fill(plate, [thing(kind, yaw=yaw) for kind, yaw in zip(kinds, yaws, strict=True)])
    for item in there:
        corners = np.array(footprint(item).exterior.coords)
        assert np.hypot(*(corners - plate.center[:2]).T).max() <= plate.floor_radius - 0.003 + 1e-6
    for i, one in enumerate(there):
        for other in there[:i]:
            assert footprint(one).distance(footprint(other)) > GAP


def test_a_plate_is_wide_and_a_bowl_is_not(thing: Make) -> None:
    assert all(is_wide(thing('plate'), thing(kind)) for kind in ('apple', 'banana', 'block', 'egg'))
    assert not any(is_wide(thing('bowl'), thing(kind)) for kind in ('apple', 'block', 'plum'))
    assert not is_wide(thing('plate'), thing('bowl'))


def test_into_a_bowl_a_block_goes_in_the_middle_and_onto_what_is_there(thing: Make) -> None:
    bowl, block = thing('bowl', 0.5, 0.1), thing('block')
    spot = find_spot(Place('bowl'), block, SceneView((bowl, block), 0.0), 0.04)
    assert spot.xy == pytest.approx((0.5, 0.1))
    plum = thing('plum', 0.5, 0.1, bottom=0.004)
    spot = find_spot(Place('bowl'), block, SceneView((bowl, block, plum), 0.0), 0.04)
    assert spot.supports == {'bowl', 'plum'}


def test_a_full_plate_says_what_fills_it(thing: Make) -> None:
    plate = thing('plate', 0.5, 0.1)
    scene = SceneView((plate, thing('apple'), thing('bowl', 0.5, 0.1, bottom=0.003)), 0.0)
    with pytest.raises(NoPathError, match="no room for 'apple' on 'plate' beside 'bowl'"):
        find_spot(Place('plate'), thing('apple'), scene, 0.04)


def test_at_a_point_of_a_plate_it_lies_there_or_beside_what_is_there(thing: Make) -> None:
    plate, egg = thing('plate', 0.5, 0.1), thing('egg')
    scene = SceneView((plate, egg), 0.0)
    spot = find_spot(Place(position=(0.51, 0.12, 0.0)), egg, scene, 0.04)
    assert spot.xy == pytest.approx((0.51, 0.12), abs=0.005)
    assert (spot.height, spot.supports) == (pytest.approx(0.003), {'plate'})


def test_what_is_longer_than_wide_is_turned_by_halves(thing: Make) -> None:
    plate = thing('plate', 0.5, 0.1)
    for kind, turns in (('banana', 2), ('apple', 4), ('block', 4)):
        item = thing(kind)
        spot = find_spot(Place('plate'), item, SceneView((plate, item), 0.0), 0.04)
        assert len(tool_poses(item, np.eye(4), spot)) == turns
