"""What the calls of the tabletop do, and whether what was placed is where it was to be."""

from __future__ import annotations

import numpy as np
import pytest

from cap_common.errors import GraspFailedError, ObjectNotFoundError
from cap_planner.labels import InstructionError, Label
from cap_planner.places import Table
from cap_planner.tabletop import TabletopRobot
from cap_planner.testing import SymbolicTable


class Desk(SymbolicTable):
    """The robot over a symbolic table, where a test may move things."""

    def __init__(self) -> None:
        super().__init__(
            red_block=(0.1, -0.4), blue_block=(-0.1, -0.4), gray_block=(0.0, -0.3),
            red_bowl=(0.1, -0.6),
        )  # fmt: skip
        self.said: list[str] = []
        self.robot = TabletopRobot(
            self, self, Table(-0.25, -0.75, 0.25, -0.25), self.said.append, 0.045
        )

    def nudge(self, name: str, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        old = self.objects[name]
        self.objects[name] = (old[0] + x, old[1] + y, old[2] + z)

    def say(self, text: str) -> None:
        self.said.append(f'skill: {text}')


@pytest.fixture
def desk() -> Desk:
    return Desk()


def wrong(desk: Desk) -> str:
    with pytest.raises(InstructionError) as caught:
        desk.robot.check_outcome()
    assert caught.value.label is Label.WRONG_OUTCOME
    return str(caught.value)


def test_what_rests_where_it_was_put_is_right(desk: Desk) -> None:
    desk.robot.put_first_on_second('red block', 'blue block')
    desk.nudge('red block', x=0.012, z=-0.006)  # the camera errs
    desk.robot.check_outcome()
    desk.nudge('red block', z=0.014)
    desk.robot.check_outcome()


def test_what_stands_beside_its_support_fell_off(desk: Desk) -> None:
    desk.robot.put_first_on_second('red block', 'blue block')
    desk.nudge('red block', x=0.041, z=-0.04)
    assert 'on the blue block' in wrong(desk)


def test_what_is_seen_at_the_height_of_its_support_is_not_on_it(desk: Desk) -> None:
    desk.robot.put_first_on_second('red block', 'blue block')
    desk.nudge('red block', x=0.015, z=-0.03)
    assert 'not on top' in wrong(desk)


def test_the_last_of_several_on_one_support_rests_on_the_others(desk: Desk) -> None:
    for target in ('blue block', 'red bowl'):
        desk.robot.put_first_on_second('gray block', target)
        desk.robot.put_first_on_second('red block', target)
        desk.robot.check_outcome()


def test_a_block_lies_in_a_bowl_and_not_on_its_rim(desk: Desk) -> None:
    desk.robot.put_first_on_second('red block', 'red bowl')
    desk.nudge('red block', x=0.03, z=0.015)  # it leans at the wall
    desk.robot.check_outcome()
    desk.nudge('red block', z=0.03)
    assert 'above the rim' in wrong(desk)


def test_a_support_takes_along_what_stands_on_it(desk: Desk) -> None:
    desk.robot.put_first_on_second('red block', 'blue block')
    desk.nudge('red block', y=-0.1)
    desk.nudge('blue block', y=-0.1)
    desk.robot.check_outcome()


def test_a_vanished_support_is_a_wrong_outcome(desk: Desk) -> None:
    desk.robot.put_first_on_second('red block', 'blue block')
    del desk.objects['blue block']
    assert 'blue block' in wrong(desk)


def test_a_bare_position_has_the_tolerance(desk: Desk) -> None:
    desk.robot.put_first_on_second('red block', np.array([0.0, -0.5]))
    desk.nudge('red block', x=0.04)
    desk.robot.check_outcome()
    desk.nudge('red block', x=0.01)
    assert '5.0 cm off' in wrong(desk)


def test_a_failure_is_made_good_or_told(desk: Desk) -> None:
    desk.failures = [GraspFailedError('slippery')]
    with pytest.raises(GraspFailedError):
        desk.robot.put_first_on_second('red block', 'blue block')
    with pytest.raises(InstructionError, match='slippery') as caught:
        desk.robot.check_outcome()
    assert caught.value.label is Label.GRASP_FAILED
    desk.robot.put_first_on_second('red block', 'red bowl')
    desk.robot.check_outcome()


def test_names_are_those_of_objects_and_places(desk: Desk) -> None:
    assert np.allclose(desk.robot.get_obj_pos('the Red_Block'), [0.1, -0.4])
    assert np.allclose(desk.robot.get_obj_pos('middle'), [0.0, -0.5])
    with pytest.raises(ObjectNotFoundError, match='top side'):
        desk.robot.get_obj_pos('gold block')
    assert desk.robot.is_obj_visible('red block')
    assert not desk.robot.is_obj_visible('gold block')


def test_what_is_said_can_be_shown(desk: Desk) -> None:
    desk.robot.say('a\x1b[2J\u202eb')
    assert desk.said == ['skill: a[2Jb', 'a[2Jb']
