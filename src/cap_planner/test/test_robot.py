"""What every domain's robot answers, says and sees."""

from __future__ import annotations

import numpy as np
import pytest

from cap_common.errors import (
    InvalidGoalError,
    ObjectNotFoundError,
    PerceptionLostError,
    RobotFaultError,
)
from cap_planner.labels import InstructionError, Label
from cap_planner.places import Table
from cap_planner.robot import SceneRobot
from cap_planner.scene import Scene, SceneObject
from cap_planner.testing import SymbolicTable

FREE, PER_PICTURE = 200, 20


class Camera(SymbolicTable):
    """A table of which it is known which pictures have been waited for."""

    def __init__(self) -> None:
        super().__init__(red_block=(0.1, -0.4), odd_bowl=(-0.1, -0.6))
        self.waited_for: list[int] = []
        self.blind = False
        self.mute = False

    def newer(self, than_ns: int) -> Scene:
        if self.blind:
            raise PerceptionLostError('no picture')
        self.waited_for.append(than_ns)
        return super().newer(than_ns)

    def say(self, text: str) -> None:
        if self.mute:
            raise RobotFaultError('no voice')


@pytest.fixture
def camera() -> Camera:
    return Camera()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def robot(camera: Camera, said: list[str]) -> SceneRobot:
    return SceneRobot(camera, camera, camera, Table(-0.25, -0.75, 0.25, -0.25), said.append, 0.045)


# ── queries ──────────────────────────────────────────────────────────────────────────────────────


def test_objects_and_places_have_positions(robot: SceneRobot) -> None:
    assert robot.get_obj_names() == ['red block', 'odd bowl']
    assert np.allclose(robot.get_obj_pos('the Red_Block'), (0.1, -0.4))
    assert np.allclose(robot.get_obj_pos('top left corner'), (-0.25, -0.25))
    assert np.allclose(robot.get_bbox('red block'), (0.08, -0.42, 0.12, -0.38))
    assert np.allclose(robot.denormalize_xy(np.array([0.5, 1.0])), (0.0, -0.25))
    assert robot.get_side_name(np.array([0.2, -0.5])) == 'right side'
    assert robot.get_corner_name(np.array([0.2, -0.6])) == 'bottom right corner'


def test_what_is_not_there_is_told_with_what_is(robot: SceneRobot) -> None:
    with pytest.raises(ObjectNotFoundError, match=r"'gone'.*'red block', 'odd bowl'.*top side"):
        robot.get_obj_pos('gone')
    with pytest.raises(ObjectNotFoundError):
        robot.get_bbox('middle')


def test_a_color_is_that_of_the_palette_or_gray(robot: SceneRobot) -> None:
    red, green, blue, alpha = robot.get_color('red block')
    assert red > max(green, blue)
    assert alpha == 1
    assert len(set(robot.get_color('odd bowl')[:3])) == 1


def test_a_look_for_an_object_waits_for_the_next_picture(robot: SceneRobot, camera: Camera) -> None:
    assert robot.is_obj_visible('red block')
    assert not robot.is_obj_visible('gone')
    assert len(camera.waited_for) == 2


# ── which picture counts ─────────────────────────────────────────────────────────────────────────


def test_after_a_motion_only_newer_pictures_count(robot: SceneRobot, camera: Camera) -> None:
    robot.get_obj_names()
    assert camera.waited_for == []
    robot.look()
    after = camera.now_ns()
    robot.get_obj_names()
    robot.get_obj_pos('red block')
    assert camera.waited_for == [after, after]
    camera.blind = True
    with pytest.raises(PerceptionLostError):
        robot.get_obj_names()


def test_a_loop_over_queries_is_paced_by_pictures(robot: SceneRobot, camera: Camera) -> None:
    assert not any(robot.pace_query() for _ in range(FREE))
    assert camera.waited_for == []
    assert all(robot.pace_query() for _ in range(5 * PER_PICTURE))
    assert len(camera.waited_for) == 5
    assert camera.waited_for == sorted(set(camera.waited_for)), 'each time for the next one'


def test_a_motion_gives_free_queries_again(robot: SceneRobot, camera: Camera) -> None:
    for _ in range(FREE + PER_PICTURE):
        robot.pace_query()
    robot.look()
    assert not robot.pace_query()


def test_a_loop_ends_when_no_pictures_come(robot: SceneRobot, camera: Camera) -> None:
    camera.blind = True
    for _ in range(FREE + PER_PICTURE - 1):
        robot.pace_query()
    with pytest.raises(PerceptionLostError):
        robot.pace_query()


# ── what is said ─────────────────────────────────────────────────────────────────────────────────


def test_what_is_said_is_for_people(robot: SceneRobot, said: list[str]) -> None:
    robot.say('a\x1b[31mb\u202ec' + 'x' * 2000)
    assert said[0].startswith('a[31mbcx')
    assert len(said[0]) == 1000


def test_what_is_said_is_done_but_changes_nothing(robot: SceneRobot) -> None:
    robot.say('hello')
    robot.say('x' * 1000)
    assert robot.done[0] == "said 'hello'"
    assert len(robot.done[1]) < 120
    assert robot.changes == []


# ── what failed ──────────────────────────────────────────────────────────────────────────────────


def fail_to_say(robot: SceneRobot, camera: Camera, text: str) -> None:
    camera.mute = True
    with pytest.raises(RobotFaultError):
        robot.say(text)
    camera.mute = False


def test_what_failed_is_no_success_until_the_same_is_done(
    robot: SceneRobot, camera: Camera
) -> None:
    fail_to_say(robot, camera, 'a')
    assert robot.done == []
    robot.say('b')
    with pytest.raises(InstructionError, match=r"say \('a'\) failed .*no voice") as caught:
        robot.check_outcome()
    assert caught.value.label is Label.ROBOT_FAULT
    robot.say('a')
    robot.check_outcome()


def test_the_next_program_may_do_it_in_another_way(robot: SceneRobot, camera: Camera) -> None:
    fail_to_say(robot, camera, 'a')
    robot.program_begins()
    with pytest.raises(InstructionError, match='say failed'):
        robot.check_outcome()
    robot.say('b')
    robot.check_outcome()
    fail_to_say(robot, camera, 'a')
    robot.starts_over()
    robot.check_outcome()


# ── looking for things ───────────────────────────────────────────────────────────────────────────


def unlisted(name: str, x: float = 0.2, y: float = -0.3) -> SceneObject:
    return SceneObject(name, name, '', (x, y, 0.02), (0.05, 0.05, 0.04), 0.0, True)


def test_what_is_seen_now(robot: SceneRobot, camera: Camera) -> None:
    assert robot.get_visible_obj_names() == ['red block', 'odd bowl']
    assert len(camera.waited_for) == 1


def test_pixels_and_their_color(robot: SceneRobot) -> None:
    assert robot.get_segmask('red block').sum() == 1
    assert robot.get_color_rgb('red block') == robot.get_color('red block')[:3]
    with pytest.raises(ObjectNotFoundError):
        robot.get_segmask('gone')


def test_what_has_a_name_is_found_without_a_search(robot: SceneRobot, camera: Camera) -> None:
    assert robot.find_object('the Red block') == 'red block'
    assert robot.detect_obj('odd bowl')
    assert camera.searches == []


def test_a_search_tells_names_of_the_scene(robot: SceneRobot, camera: Camera) -> None:
    camera.appear('blue block', 0.2, -0.3)
    assert robot.find_object('block') == 'red block'
    assert robot.find_all_objects('block') == ['red block', 'blue block']


def test_what_the_scene_does_not_list_has_a_name_from_then_on(
    robot: SceneRobot, camera: Camera
) -> None:
    assert not robot.detect_obj('mug')
    camera.unlisted = [unlisted('mug'), unlisted('mug', 0.1)]
    assert robot.detect_obj('mug')
    assert robot.find_all_objects('mug') == ['mug', 'mug 2']
    assert np.allclose(robot.get_obj_pos('mug 2'), (0.1, -0.3))
    assert robot.find_all_objects('mug') == ['mug', 'mug 2'], 'the same things, the same names'
    with pytest.raises(ObjectNotFoundError):
        robot.get_obj_pos('mug 3')


def test_a_search_in_vain_ends(robot: SceneRobot, camera: Camera) -> None:
    with pytest.raises(ObjectNotFoundError, match=r"no 'egg' .* 0.05 s; the scene has \['red"):
        robot.find_object('egg', 0.05)
    assert all(phrase == 'egg' and 0 <= wait <= 0.05 for phrase, wait in camera.searches)


def test_a_search_hears_a_stop(robot: SceneRobot, camera: Camera) -> None:
    camera.stopped = lambda: len(camera.searches) > 2
    with pytest.raises(ObjectNotFoundError):
        robot.find_object('egg', 50.0)
    assert len(camera.searches) == 3


def test_what_no_detector_can_look_for_is_not_there(
    robot: SceneRobot, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise InvalidGoalError('the detector knows only blocks')

    monkeypatch.setattr(camera, 'look_for', refuse)
    assert not robot.detect_obj('egg')
    with pytest.raises(ObjectNotFoundError, match=r'only blocks.*red block'):
        robot.find_object('egg', 0.0)
