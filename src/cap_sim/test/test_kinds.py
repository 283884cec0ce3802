"""Every kind of object: it rests, the cup holds it, and a dish bears it."""

import mujoco
import numpy as np
import pytest

from cap_common.palette import COLORS
from cap_sim.layout import ObjectSpec, fruit_layout
from cap_sim.shapes import BOWL, FLAT, KINDS, PLATE

FLOORS = {'bowl': BOWL.wall, 'plate': PLATE.wall}
PICKED = [kind for kind in KINDS if kind not in FLOORS]


def spec(kind, xy=(0.0, -0.5), yaw=0.4, z=0.0):
    return ObjectSpec(kind, KINDS[kind].color or 'blue', xy, yaw, z)


def press(cell, x, y, z):
    """Come down on a face at that height with the pump on."""
    cell.tool_down(x, y, z + 0.1, 1.5)
    cell.tool_down(x, y, z + 0.010)
    cell.cell.grip(0.0)
    cell.tool_down(x, y, z - 0.004)
    cell.cell.step(100)


@pytest.mark.parametrize('kind', KINDS)
def test_the_cup_lifts_every_kind(bench, kind):
    cell = bench(spec(kind))
    # A little off, as the camera is.
    press(cell, 0.502, 0.002, FLOORS.get(kind, KINDS[kind].size[2]))
    cell.tool_down(0.502, 0.002, 0.25)
    cell.cell.step(250)
    assert cell.state.tool.held == spec(kind).name
    assert cell.body(spec(kind).name)[2] > 0.1


@pytest.mark.parametrize('kind', PICKED)
def test_every_kind_comes_to_rest_on_a_plate_and_does_not_roll_off(bench, kind):
    cell = bench(spec('plate'), spec(kind, (0.03, -0.48), z=PLATE.wall + 0.005))
    cell.cell.step(1000)
    x, y, z = cell.body(spec(kind).name)[:3]
    assert (x, y) == pytest.approx((0.48, 0.03), abs=0.003)
    assert z == pytest.approx(PLATE.wall + KINDS[kind].size[2] / 2, abs=0.001)
    assert np.abs(cell.cell._data.qvel).max() < 1e-3


@pytest.mark.parametrize('kind', KINDS)
def test_a_box_is_as_large_as_the_thing(bench, kind):
    model = bench(spec(kind, yaw=0.0)).cell.model
    body = model.body(spec(kind).name)
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for geom in range(body.geomadr[0], body.geomadr[0] + body.geomnum[0]):
        if model.geom(geom).contype[0] or KINDS[kind].color or kind in ('block', 'bottle'):
            points = corners(model, geom)
            low, high = np.minimum(low, points.min(axis=0)), np.maximum(high, points.max(axis=0))
    # The wall of a dish is made of flat pieces, whose corners stand out.
    slack = 0.004 if kind in FLOORS else 0.0005
    np.testing.assert_allclose(high - low, KINDS[kind].size, atol=slack)
    np.testing.assert_allclose(high + low, 0.0, atol=slack)


def corners(model, geom):
    """Points around a geom, in its body's frame."""
    this = model.geom(geom)
    rotation = np.empty(9)
    mujoco.mju_quat2Mat(rotation, this.quat)
    if this.dataid[0] >= 0:
        mesh = model.mesh(int(this.dataid[0]))
        points = model.mesh_vert[mesh.vertadr[0] : mesh.vertadr[0] + mesh.vertnum[0]]
    else:
        points = np.stack(np.meshgrid(*[(-1, 1)] * 3), axis=-1).reshape(-1, 3) * this.size
    return points @ rotation.reshape(3, 3).T + this.pos


def test_a_flat_is_wider_than_the_cup():
    assert FLAT > 0.0115 + 0.003


def test_the_fruits_lie_still(bench):
    layout = fruit_layout(3)
    cell = bench(*layout.objects)
    cell.cell.step(250)
    before = {item.name: cell.body(item.name) for item in layout.objects}
    cell.cell.step(1500)
    for name, pose in before.items():
        np.testing.assert_allclose(cell.body(name), pose, atol=2e-5)


def test_what_is_darkest_and_smallest_among_the_fruits():
    """What the conversation about them asks for has one answer."""
    things = fruit_layout(0).objects
    movable = [item for item in things if item.kind != 'plate']
    assert min(movable, key=lambda item: sum(COLORS[item.color])).name == 'black bottle'
    fruits = [item for item in movable if item.kind != 'bottle']
    assert min(fruits, key=lambda item: np.prod(KINDS[item.kind].size[:2])).name == 'plum'
