"""What a goal means: every answer, and every refusal with what exists in its text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cap_common.errors import InvalidGoalError, LimitError, NoPathError, ObjectNotFoundError
from cap_skills.kinematics import tool_down
from cap_skills.model import Item, Place, SceneView
from cap_skills.surfaces import grasp_height, surface_below
from cap_skills.targets import Area, find_object, find_spot, free_spot, tool_poses

Make = Callable[..., Item]


@pytest.fixture
def scene(item: Make) -> SceneView:
    items = (
        item('blue block', 0.40, 0.10, yaw=0.3),
        item('red block', 0.40, -0.10),
        item('blue bowl', 0.60, -0.10),
    )
    return SceneView(items, 0.0)


def test_objects_by_name_and_by_point(scene: SceneView) -> None:
    assert find_object(Place('red block'), scene).name == 'red block'
    assert find_object(Place('', (0.41, 0.11, 0.0)), scene).name == 'blue block'
    with pytest.raises(ObjectNotFoundError, match=r"'green block'.*'blue block', 'red block'"):
        find_object(Place('green block'), scene)
    with pytest.raises(ObjectNotFoundError, match='nothing stands'):
        find_object(Place('', (0.5, 0.25, 0.0)), scene)
    with pytest.raises(InvalidGoalError, match='nan'):
        find_object(Place('', (float('nan'), 0.0, 0.0)), scene)


def test_a_point_may_be_above_the_table_and_not_below_it(scene: SceneView) -> None:
    """Contact finds how high a thing stands: a point may be as far off as a camera measures it."""
    red = find_object(Place('red block'), scene)
    for z in (0.5, 0.0, -0.009):
        assert find_object(Place('', (0.40, 0.10, z)), scene).name == 'blue block'
        assert find_spot(Place('', (0.3, 0.2, z)), red, scene, 0.03).height == 0.0
    below = (0.40, 0.10, -0.1)
    with pytest.raises(LimitError, match=r'the object, .* is 0\.100 m below the table'):
        find_object(Place('', below), scene)
    with pytest.raises(LimitError, match=r'the target, .* is 0\.100 m below the table'):
        find_spot(Place('', below), red, scene, 0.03)


def test_spots_on_in_and_beside(scene: SceneView, item: Make) -> None:
    red = find_object(Place('red block'), scene)
    on = find_spot(Place('blue block'), red, scene, 0.03)
    assert on.height == pytest.approx(0.04)
    assert on.yaw == pytest.approx(0.3)
    assert on.supports == {'blue block'}
    inside = find_spot(Place('blue bowl'), red, scene, 0.03)
    assert inside.height == pytest.approx(0.004)
    table = find_spot(Place('', (0.3, 0.2, 0.7)), red, scene, 0.03)
    assert (table.height, table.supports) == (0.0, frozenset())
    covered = find_spot(Place('', (0.405, 0.095, 0.0)), red, scene, 0.03)
    assert np.allclose(covered.xy, (0.40, 0.10))
    assert covered.height == pytest.approx(0.04)


def test_what_is_half_taken_moves_aside_or_says_so(scene: SceneView) -> None:
    red = find_object(Place('red block'), scene)
    point = Place('', (0.44, 0.10, 0.0))
    beside = find_spot(point, red, scene, 0.04)
    assert 0.0 < np.hypot(beside.xy[0] - 0.44, beside.xy[1] - 0.10) <= 0.04
    with pytest.raises(NoPathError, match="half taken by 'blue block'"):
        find_spot(point, red, scene, 0.005)
    with pytest.raises(InvalidGoalError, match='itself'):
        find_spot(Place('red block'), red, scene, 0.03)


def test_a_full_bowl_is_stacked_in(scene: SceneView, item: Make) -> None:
    full = SceneView((*scene.items, item('green block', 0.61, -0.09, bottom=0.004)), 0.0)
    red = find_object(Place('red block'), full)
    spot = find_spot(Place('blue bowl'), red, full, 0.03)
    assert spot.height == pytest.approx(0.044)
    assert spot.supports == {'blue bowl', 'green block'}
    tower = SceneView((*scene.items, item('green block', 0.40, 0.10, bottom=0.04)), 0.0)
    assert find_spot(Place('blue block'), red, tower, 0.03).height == pytest.approx(0.08)


def test_limits_name_the_area(area: Area) -> None:
    area.require(np.array([0.75, 0.25]), 'it')
    with pytest.raises(LimitError, match='outside the work area'):
        area.require(np.array([0.9, 0.0]), 'it')
    with pytest.raises(LimitError, match='outside'):
        area.require(np.array([0.10, 0.0]), 'it')


def test_a_free_spot_is_free(scene: SceneView, area: Area) -> None:
    red = find_object(Place('red block'), scene)
    spot = free_spot(np.array([0.40, 0.10]), red, scene, area)
    for other in scene.items:
        if other is not red:
            apart = np.hypot(*(spot.xy - other.center[:2]))
            assert apart >= red.radius + other.size[0] / 2


def test_heights(scene: SceneView) -> None:
    block, _, bowl = scene.items
    assert grasp_height(block) == pytest.approx(0.04)
    assert grasp_height(bowl) == pytest.approx(0.004)
    rim = surface_below(np.array([0.655, -0.10]), 0.02, scene.items)
    assert rim.height == pytest.approx(0.045)
    assert surface_below(np.array([0.3, 0.3]), 0.02, scene.items).item is None


def test_tool_poses_put_the_objects_centre_there(scene: SceneView) -> None:
    """Grasped off its middle, it is the object that goes to the spot, not the tool."""
    block = scene.items[0]
    tcp = tool_down(np.array([0.405, 0.093, 0.04]), 0.7)
    spot = find_spot(Place('', (0.30, -0.20, 0.0)), block, scene, 0.03)
    tcp_from_object = np.linalg.inv(tcp) @ block.pose
    for pose in tool_poses(block, tcp, spot):
        placed = pose @ tcp_from_object
        assert np.allclose(placed[:3, 3], (0.30, -0.20, 0.02))
        assert pose[2, 2] == pytest.approx(-1.0)
