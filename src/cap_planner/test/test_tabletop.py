"""What the calls of the tabletop do, and whether what was placed is where it was to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cap_common.errors import (
    CanceledError,
    CapError,
    GraspFailedError,
    ObjectLostError,
    ObjectNotFoundError,
    PerceptionLostError,
    UnreachableError,
)
from cap_planner.api.spec import Target
from cap_planner.labels import InstructionError, Label
from cap_planner.places import Table
from cap_planner.robot import ORDINARY, Manner
from cap_planner.scene import Scene, SceneObject
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
        self.happens: Callable[[], None] | None = None
        self.may_point = True
        self.is_blind = False
        self.hidden: list[str] = []
        self.robot = TabletopRobot(
            self, self, self, Table(-0.25, -0.75, 0.25, -0.25), self.said.append, 0.045
        )

    def nudge(self, name: str, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        old = self.objects[name]
        self.objects[name] = (old[0] + x, old[1] + y, old[2] + z)

    def newer(self, than_ns: int) -> Scene:
        if self.is_blind:
            raise PerceptionLostError('no picture')
        scene = super().newer(than_ns)
        return replace(
            scene,
            objects=tuple(
                replace(item, visible=item.name not in self.hidden) for item in scene.objects
            ),
        )

    def pick_place(self, first: Target, second: Target, manner: Manner = ORDINARY) -> None:
        if not self.happens:
            super().pick_place(first, second, manner)
        else:
            self.happens()

    def move_to(self, target: Target, manner: Manner = ORDINARY) -> None:
        super().move_to(target, manner)
        if not self.may_point:
            raise UnreachableError('too far')

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


def test_how_an_action_is_to_be_done_reaches_the_skill(desk: Desk) -> None:
    desk.robot.put_first_on_second('red block', 'blue block', speed=0.4, force=7.0)
    desk.robot.put_first_on_second('red block', [0.0, -0.3])
    desk.robot.point_gripper_to('blue block', 0.2)
    assert desk.manners == [Manner(0.4, 7.0), ORDINARY, Manner(0.2)]


def test_what_only_a_search_found_is_moved_by_its_place(desk: Desk) -> None:
    place = (0.22, -0.7, 0.05)
    desk.unlisted = [SceneObject('mug', 'mug', '', place, (0.05, 0.05, 0.1), 0.0, True)]
    desk.happens = lambda: None
    desk.robot.put_first_on_second(desk.robot.find_object('mug', 0.0), 'blue block')
    assert desk.robot.changes[0].startswith('moved what was at [0.220, -0.700] to')
    with pytest.raises(ObjectNotFoundError):
        desk.robot.get_obj_pos('mug')


def test_what_is_picked_up_is_put_down_from_where_it_was(desk: Desk) -> None:
    start = desk.objects['red block']
    desk.robot.pick_up('the red block', speed=0.5)
    assert (desk.held, desk.looks) == ('red block', 1)
    desk.robot.check_outcome()
    desk.robot.put_first_on_second('red block', 'blue block')
    desk.robot.check_outcome()
    x, y, _ = start
    assert desk.robot.changes[0] == f"picked up 'red block' from [{x:.3f}, {y:.3f}]"
    assert desk.robot.changes[1].startswith("put down 'red block' at [")
    assert desk.robot.changes[1].endswith("on 'blue block'")
    assert desk.manners == [Manner(0.5), ORDINARY]


def test_what_was_held_before_something_else_is_picked_is_told_of(desk: Desk) -> None:
    desk.robot.pick_up('red block')
    desk.robot.put_first_on_second('gray block', 'blue block')
    assert desk.robot.changes[1] == "put down 'red block' at [0.200, -0.300]"
    assert desk.robot.changes[2].startswith("moved 'gray block' from")
    desk.robot.check_outcome()


def test_what_cannot_be_picked_up_is_no_success_until_it_is(desk: Desk) -> None:
    desk.failures = [GraspFailedError('slippery')]
    with pytest.raises(GraspFailedError):
        desk.robot.pick_up('red block')
    with pytest.raises(InstructionError, match='slippery') as caught:
        desk.robot.check_outcome()
    assert caught.value.label is Label.GRASP_FAILED
    desk.robot.pick_up('red block')
    desk.robot.check_outcome()


def test_what_was_put_somewhere_may_be_picked_up_again(desk: Desk) -> None:
    desk.robot.put_first_on_second('red block', 'blue block')
    desk.robot.pick_up('red block')
    desk.robot.check_outcome()


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


def put_and_fail(desk: Desk, *arguments: str | np.ndarray) -> None:
    desk.failures = [GraspFailedError('slippery')]
    with pytest.raises(CapError):
        desk.robot.put_first_on_second(*arguments)


def test_what_failed_where_nothing_is_seen_is_no_success(desk: Desk) -> None:
    nowhere = np.array([0.2, -0.7])
    put_and_fail(desk, nowhere, 'red bowl')
    with pytest.raises(InstructionError, match=r'\[0.200, -0.700\].*slippery') as caught:
        desk.robot.check_outcome()
    assert caught.value.label is Label.GRASP_FAILED
    desk.robot.program_begins()
    desk.robot.put_first_on_second('red block', 'red bowl')
    desk.robot.check_outcome()


def test_a_name_that_was_not_found_is_no_success(desk: Desk) -> None:
    with pytest.raises(ObjectNotFoundError):
        desk.robot.put_first_on_second('Gold_Block', 'red bowl')
    desk.robot.put_first_on_second('red block', 'red bowl')
    with pytest.raises(InstructionError, match=r"'gold block'.*no object") as caught:
        desk.robot.check_outcome()
    assert caught.value.label is Label.OBJECT_NOT_FOUND
    desk.appear('gold block', 0.2, -0.7)
    desk.robot.put_first_on_second('the gold block', 'red bowl')
    desk.robot.check_outcome()


def test_where_it_could_not_point_is_no_success(desk: Desk) -> None:
    desk.may_point = False
    with pytest.raises(UnreachableError):
        desk.robot.point_gripper_to('red block')
    desk.may_point = True
    desk.robot.point_gripper_to('blue block')
    with pytest.raises(InstructionError, match=r"'red block'.*too far") as caught:
        desk.robot.check_outcome()
    assert caught.value.label is Label.UNREACHABLE
    desk.robot.point_gripper_to(np.array([0.101, -0.399]))
    desk.robot.check_outcome()
    assert desk.robot.done[-1] == "pointed the gripper to 'red block'"
    assert desk.robot.changes == []


def test_whoever_starts_over_is_not_held_to_what_failed(desk: Desk) -> None:
    put_and_fail(desk, 'red block', 'blue block')
    desk.robot.starts_over()
    desk.robot.check_outcome()


# ── what is told of it ───────────────────────────────────────────────────────────────────────────


def test_what_was_moved_is_told(desk: Desk) -> None:
    desk.robot.put_first_on_second('red block', 'red bowl')
    desk.robot.put_first_on_second('blue block', np.array([0.2, -0.4]))
    assert (
        desk.robot.done
        == desk.robot.changes
        == [
            "moved 'red block' from [0.100, -0.400] to [0.100, -0.600] on 'red bowl'",
            "moved 'blue block' from [-0.100, -0.400] to [0.200, -0.400]",
        ]
    )


def test_what_is_picked_without_being_seen_is_told(desk: Desk) -> None:
    desk.happens = lambda: None
    desk.robot.put_first_on_second(np.array([0.2, -0.7]), 'red bowl')
    (line,) = desk.robot.changes
    assert line == "moved what was at [0.200, -0.700] to [0.100, -0.600] on 'red bowl'"


def test_a_failure_that_changed_nothing_leaves_no_line(desk: Desk) -> None:
    put_and_fail(desk, 'red block', 'blue block')
    assert desk.robot.done == []


def test_what_a_failure_displaced_is_told(desk: Desk) -> None:
    def drop() -> None:
        desk.nudge('red block', x=0.05)
        desk.nudge('blue block', y=-0.03)
        desk.nudge('gray block', y=0.005)  # the camera errs
        raise ObjectLostError('it fell')

    desk.happens = drop
    put_and_fail(desk, 'red block', 'red bowl')
    assert (
        desk.robot.done
        == desk.robot.changes
        == [
            "displaced 'red block' from [0.100, -0.400] to [0.150, -0.400]",
            "displaced 'blue block' from [-0.100, -0.400] to [-0.100, -0.430]",
        ]
    )


@pytest.mark.parametrize('why', ['gone', 'hidden', 'blind', 'stopped'])
def test_what_is_not_seen_after_a_failure_may_have_moved(desk: Desk, why: str) -> None:
    def fail() -> None:
        desk.hidden = ['red block'] if why == 'hidden' else []
        desk.is_blind = why == 'blind'
        if why == 'gone':
            del desk.objects['red block']
        raise CanceledError('canceled')

    desk.stopped = lambda: why == 'stopped'
    desk.happens = fail
    put_and_fail(desk, 'red block', 'red bowl')
    assert desk.robot.changes == ["may have moved 'red block' from [0.100, -0.400]"]


@pytest.mark.parametrize('why', ['fallen', 'stopped'])
def test_what_a_failure_moved_without_its_being_seen_is_told(desk: Desk, why: str) -> None:
    def fail() -> None:
        desk.nudge('red block', x=0.05)
        raise ObjectLostError('it fell')

    desk.stopped = lambda: why == 'stopped'
    desk.happens = fail
    put_and_fail(desk, np.array([0.2, -0.7]), 'red bowl')
    lines = ["displaced 'red block' from [0.100, -0.400] to [0.150, -0.400]"]
    lines = [] if why == 'stopped' else lines
    lines.append('may have moved what was at [0.200, -0.700]')
    assert desk.robot.done == desk.robot.changes == lines


def test_what_was_not_tried_has_moved_nothing(desk: Desk) -> None:
    with pytest.raises(ObjectNotFoundError):
        desk.robot.put_first_on_second(np.array([0.2, -0.7]), 'gold block')
    assert desk.robot.done == []


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
