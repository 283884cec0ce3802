"""The skills on the simulated cell in one process: fruits, bottles and plates."""

import numpy as np
import pytest

from cap_bringup.cell_robot import BenchCell
from cap_bringup.workspace import ROOT
from cap_common.errors import ObjectNotFoundError
from cap_sim.layout import Layout, ObjectSpec, fruit_layout
from cap_sim.shapes import KINDS, PLATE
from cap_sim.spawn import spawn
from cap_skills.arm import Call
from cap_skills.model import Place

REST_STEPS = 250


def quiet(*_):
    """Nothing ends a call, and nobody hears of its steps."""


def put(bench, name, target):
    bench.skills.pick_place(Place(name), target, Call(quiet, quiet))
    bench.cell.step(REST_STEPS)


def on(bench, plate):
    """Names of what lies on a plate's floor."""
    states = {item.spec.name: item for item in bench.cell.state().objects}
    middle = states[plate].pose[:3, 3]
    return {
        name
        for name, item in states.items()
        if np.hypot(*(item.pose[:3, 3] - middle)[:2]) < PLATE.foot_radius
        and item.pose[2, 3] - KINDS[item.spec.kind].size[2] / 2
        == pytest.approx(PLATE.wall, abs=0.002)
        and item.pose[2, 2] > 0.99
    }


def test_the_published_sequence_with_fruits_bottles_and_plates():
    bench = BenchCell(fruit_layout(1), ROOT / 'config')
    bench.cell.step(REST_STEPS)
    assert on(bench, 'yellow plate') == {'plum'}
    for fruit in ('apple', 'banana', 'plum'):
        put(bench, fruit, Place('green plate'))
    assert on(bench, 'green plate') == {'apple', 'banana', 'plum'}
    for bottle in ('black bottle', 'blue bottle'):
        put(bench, bottle, Place('blue plate'))
    put(bench, 'plum', Place('yellow plate'))
    with pytest.raises(ObjectNotFoundError, match='apple'):
        put(bench, 'egg', Place('green plate'))
    spawn(bench.cell, 'egg', '', (), 0.3, 1)
    put(bench, 'egg', Place('green plate'))
    put(bench, 'black bottle', Place('green plate'))
    assert on(bench, 'green plate') == {'apple', 'banana', 'egg', 'black bottle'}
    assert on(bench, 'blue plate') == {'blue bottle'}
    assert on(bench, 'yellow plate') == {'plum'}


def test_a_plate_is_carried_by_its_floor():
    bench = BenchCell(Layout((ObjectSpec('plate', 'blue', (-0.1, -0.5)),)), ROOT / 'config')
    bench.cell.step(REST_STEPS)
    put(bench, 'blue plate', Place(position=(0.45, -0.1, 0.0)))
    assert bench.item('blue plate').center == pytest.approx((0.45, -0.1, 0.008), abs=0.004)
