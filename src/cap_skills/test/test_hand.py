"""Where a hand takes hold of things, and what it believes to hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_skills.hand import Grasp, JawHand, SuctionHand
from cap_skills.kinematics import tool_down
from cap_skills.model import GripperReading, Held, Item
from cap_skills.parameters import SkillsParameters


class Fingers:
    """A Robot of which there are but fingers: they close until they meet what is between them."""

    def __init__(self, opening: float, between: float = 0.0) -> None:
        self.opening, self.between = opening, between
        self.efforts: list[float] = []

    def grip(self, opening: float, effort: float = 0.0) -> None:
        self.opening = max(opening, self.between)
        self.efforts.append(effort)

    def gripped(self, timeout_s: float, check: Callable[[], None]) -> bool:
        return True

    def gripper(self) -> GripperReading:
        return GripperReading(0.0, opening=self.opening)


@pytest.fixture
def jaw(parameters: SkillsParameters) -> JawHand:
    return JawHand(parameters.jaw)


def nothing() -> None:
    """A check that lets everything pass."""


def box(size: tuple[float, float, float], yaw: float = 0.0) -> Item:
    pose = np.eye(4)
    c, s = np.cos(yaw), np.sin(yaw)
    pose[:2, :2] = ((c, -s), (s, c))
    pose[:3, 3] = 0.5, 0.1, size[2] / 2
    return Item('thing', 'block', pose, np.array(size))


lengths = st.floats(0.01, 0.12)


@given(lengths, lengths, lengths, st.floats(-3, 3))
def test_fingers_close_across_a_side_that_fits_between_them(
    parameters: SkillsParameters, length: float, width: float, height: float, yaw: float
) -> None:
    config = parameters.jaw
    item = box((length, width, height), yaw)
    grasps = JawHand(config).grasps(item)
    assert bool(grasps) == (min(length, width) + config.margin <= config.most)
    for grasp in grasps:
        assert grasp.yaw is not None
        assert grasp.width is not None
        # Along the closing direction the object is as wide as the grasp says.
        closing = np.array([np.cos(grasp.yaw), np.sin(grasp.yaw), 0.0])
        local = np.abs(item.pose[:3, :3].T @ closing)
        assert float(item.size @ local) == pytest.approx(grasp.width, abs=1e-9)
        low, high = grasp.position[2], item.top
        assert config.above_support - 1e-9 <= low or low >= 0
        assert high - low <= config.most_depth + 1e-9
    widths = [grasp.width for grasp in grasps if grasp.width is not None]
    assert widths == sorted(widths)


@given(lengths, st.floats(0.01, 0.07), st.floats(-3, 3))
def test_fingers_need_room_on_both_sides_of_what_they_let_go(
    parameters: SkillsParameters, length: float, width: float, yaw: float
) -> None:
    config, jaw = parameters.jaw, JawHand(parameters.jaw)
    item = box((max(length, width) + 0.001, width, 0.04), yaw)
    grasp = jaw.grasps(item)[0]
    tcp = tool_down(grasp.position, grasp.yaw or 0.0)
    beside = jaw.beside(Held(item, np.linalg.inv(tcp) @ item.pose, grasp.width))
    corners = beside.reshape(-1, 2)
    free = min(config.margin, (config.most - width) / 2)
    # The narrower side is the object's own y.
    assert sorted(np.abs(corners[:, 1])) == pytest.approx(
        [width / 2 + free] * 4 + [width / 2 + free + config.finger] * 4
    )
    assert np.abs(corners[:, 0]) == pytest.approx(config.breadth / 2)
    assert corners.mean(axis=0) == pytest.approx([0.0, 0.0], abs=1e-9)
    cup = SuctionHand(parameters.suction, 0.013)
    assert len(cup.beside(Held(item, np.eye(4)))) == 0


def test_a_bowl_is_taken_by_its_rim(jaw: JawHand, item: Callable[..., Item]) -> None:
    bowl = item('blue bowl', 0.5, 0.1)
    for grasp in jaw.grasps(bowl):
        away = grasp.position[:2] - bowl.center[:2]
        assert np.hypot(*away) == pytest.approx(0.058)
        closing = np.array([np.cos(grasp.yaw or 0), np.sin(grasp.yaw or 0)])
        assert abs(closing @ away) == pytest.approx(0.058)
        assert 0 < grasp.position[2] < bowl.top


def test_a_plate_is_too_flat_for_fingers(jaw: JawHand, parameters: SkillsParameters) -> None:
    pose = np.eye(4)
    plate = parameters.item('plate', 'plate', pose, np.array([0.2, 0.2, 0.016]))
    assert jaw.grasps(plate) == []
    (by_suction,) = SuctionHand(parameters.suction, 0.013).grasps(plate)
    assert by_suction.width is None


@given(force=st.floats(1.0, 200.0))
def test_what_a_jaw_goes_on_by_after_contact_pushes_no_harder_than_it_may(
    parameters: SkillsParameters, force: float
) -> None:
    config = parameters.jaw
    speed = JawHand(config).touch_speed(force)
    way = speed * config.reaction_s + speed**2 / (2 * config.braking)
    assert way * config.stiffness == pytest.approx(force)
    assert SuctionHand(parameters.suction, 0.013).touch_speed(force) == 0.05


def test_fingers_that_meet_hold_nothing(jaw: JawHand, parameters: SkillsParameters) -> None:
    grasp = Grasp(np.zeros(3), 0.0, 0.04)
    robot = Fingers(0.085)
    jaw.make_ready(robot, grasp, nothing)
    assert robot.opening == pytest.approx(0.04 + 2 * parameters.jaw.margin)
    assert not jaw.holds(robot.gripper())
    assert not jaw.take(robot, 0.0, nothing)
    robot = Fingers(0.085, between=0.04)
    assert jaw.take(robot, 0.0, nothing)
    assert jaw.holds(robot.gripper())
    robot.between = 0.0
    robot.grip(0.0)
    assert not jaw.holds(robot.gripper())


def test_gently_is_gentle(jaw: JawHand, parameters: SkillsParameters) -> None:
    robot = Fingers(0.085, between=0.04)
    jaw.take(robot, 6.0, nothing)
    jaw.take(robot, 0.0, nothing)
    jaw.take(robot, 500.0, nothing)
    most = parameters.jaw.effort
    assert robot.efforts == [6.0, most, most]


def test_a_new_process_feels_what_is_between_the_fingers(parameters: SkillsParameters) -> None:
    for between in (0.0, 0.04):
        robot = Fingers(0.06, between)
        assert JawHand(parameters.jaw).sense(robot, nothing) == bool(between)


def test_what_is_let_go_is_not_held(jaw: JawHand, parameters: SkillsParameters) -> None:
    robot = Fingers(0.085, between=0.04)
    jaw.take(robot, 0.0, nothing)
    assert jaw.let_go(robot, 0.04, nothing)
    assert robot.opening == pytest.approx(0.04 + 2 * parameters.jaw.margin)
    assert not jaw.sense(robot, nothing)
