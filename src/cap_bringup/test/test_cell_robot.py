"""The skills on the simulated cell in one process: fruits, bottles and plates."""

import math

import numpy as np
import pytest

from cap_bringup.cell_robot import BenchCell
from cap_bringup.workspace import ROOT
from cap_common.errors import CanceledError, NoPathError, ObjectNotFoundError
from cap_sim.layout import Layout, ObjectSpec, fruit_layout
from cap_sim.shapes import KINDS, PLATE
from cap_sim.spawn import move, spawn
from cap_skills.call import Call
from cap_skills.model import Place

REST_STEPS = 250
# steps.force_limit of config/skills.yaml [N].
MAY_PUSH = 15.0


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


def test_a_jaw_puts_fruits_side_by_side_on_a_plate():
    bench = BenchCell(fruit_layout(4), ROOT / 'config', tool='jaw')
    bench.cell.step(REST_STEPS)
    for fruit in ('apple', 'banana', 'plum'):
        put(bench, fruit, Place('green plate'))
    assert on(bench, 'green plate') == {'apple', 'banana', 'plum'}


def test_fingers_that_would_push_at_a_bowl_put_nothing_into_it():
    things = ObjectSpec('apple', 'red', (0.0, -0.5)), ObjectSpec('bowl', 'blue', (0.2, -0.5))
    bench = BenchCell(Layout(things), ROOT / 'config', tool='jaw')
    bench.cell.step(REST_STEPS)
    stood = bench.cell.state().q
    with pytest.raises(NoPathError, match='blue bowl would touch left_finger_link'):
        put(bench, 'apple', Place('blue bowl'))
    np.testing.assert_allclose(bench.cell.state().q, stood, atol=0.001)


def test_a_plate_is_carried_by_its_floor():
    bench = BenchCell(Layout((ObjectSpec('plate', 'blue', (-0.1, -0.5)),)), ROOT / 'config')
    bench.cell.step(REST_STEPS)
    put(bench, 'blue plate', Place(position=(0.45, -0.1, 0.0)))
    assert bench.item('blue plate').center == pytest.approx((0.45, -0.1, 0.008), abs=0.004)


class FeltCell(BenchCell):
    """A cell that notes how hard its tool is pushed at.

    Attributes:
        push: the most so far, looked at in each step of the physics [N].
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.push = 0.0
        step = self.cell.step

        def felt(count):
            for _ in range(count):
                step(1)
                self.push = max(self.push, -float(self.cell.state().force[2]))

        self.cell.step = felt


def block_beside_a_bowl(tool):
    block, bowl = ObjectSpec('block', 'red', (0.0, -0.5)), ObjectSpec('bowl', 'blue', (0.2, -0.5))
    bench = FeltCell(Layout((block, bowl)), ROOT / 'config', tool=tool)
    bench.cell.step(REST_STEPS)
    return bench


def upset(bench, step, after_s, what):
    """A call in which something happens once, some time after a step has begun."""
    due_s = []

    def tell(text):
        if text.startswith(step) and not due_s:
            due_s.append(bench.cell.time_s + after_s)

    def check():
        if due_s and bench.cell.time_s > due_s[0]:
            due_s[0] = math.inf
            what()

    return Call(check, tell)


def apart(bench):
    """Of block and bowl, seen from above [m]."""
    return np.hypot(*(bench.item('red block').center - bench.item('blue bowl').center)[:2])


@pytest.mark.parametrize('away', [0.012, 0.03, 0.06])
def test_a_block_that_is_moved_under_the_jaw_is_found_again(away):
    """By less than its size, a finger comes down on it; by more, the jaw closes on nothing."""
    bench = block_beside_a_bowl('jaw')
    call = upset(bench, 'approach', 0.4, lambda: move(bench.cell, 'red block', (-away, -0.5), 0.0))
    bench.skills.pick_place(Place('red block'), Place('blue bowl'), call)
    bench.cell.step(REST_STEPS)
    assert apart(bench) < 0.03
    assert bench.skills.held is None
    assert 1.0 < bench.push < MAY_PUSH


@pytest.mark.parametrize(
    ('tool', 'step', 'away'), [('suction', 'carry', 0.039), ('jaw', 'place', 0.02)]
)
def test_a_bowl_that_is_moved_while_a_block_is_brought_to_it_is_found_again(tool, step, away):
    """By less than its size: what comes down meets its rim, or its wall."""
    bench = block_beside_a_bowl(tool)
    there = (0.2 - away, -0.5)
    call = upset(bench, step, 0.1, lambda: move(bench.cell, 'blue bowl', there, 0.0))
    bench.skills.pick_place(Place('red block'), Place('blue bowl'), call)
    bench.cell.step(REST_STEPS)
    assert bench.item('blue bowl').center[1] == pytest.approx(there[0], abs=0.01)
    assert apart(bench) < 0.02
    assert 1.0 < bench.push < MAY_PUSH


@pytest.mark.parametrize(('step', 'is_held'), [('grasp', False), ('carry', True)])
def test_after_a_cancel_the_jaw_holds_what_it_held(step, is_held):
    bench = block_beside_a_bowl('jaw')

    def cancel():
        raise CanceledError('enough')

    with pytest.raises(CanceledError):
        bench.skills.pick_place(
            Place('red block'), Place('blue bowl'), upset(bench, step, 0.1, cancel)
        )
    held, stood = bench.cell.state().tool.held, bench.cell.state().q
    assert held == ('red block' if is_held else '')
    bench.cell.step(500)
    np.testing.assert_allclose(bench.cell.state().q, stood, atol=0.01)
    assert bench.cell.state().tool.held == held
    put(bench, 'red block', Place('blue bowl'))
    assert apart(bench) < 0.03
