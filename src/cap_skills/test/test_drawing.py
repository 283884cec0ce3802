"""draw and erase over the kinematic robot: lines, and what is no line. Ink needs physics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from cap_common.config import read_config
from cap_common.errors import (
    CapError,
    InvalidGoalError,
    LimitError,
    NoPathError,
    PlaceFailedError,
    StoppedError,
    UnreachableError,
)
from cap_description.cell import cell_urdf, transform
from cap_skills.arm import Arm
from cap_skills.call import Call
from cap_skills.drawing import Drawing
from cap_skills.kinematic_robot import KinematicRobot
from cap_skills.model import Item, Trajectory
from cap_skills.parameters import SkillsParameters, make_drawing, make_hand, motion_limits
from cap_skills.planner import EmbeddedPlanner
from cap_skills.robot_model import robot_model

_CONFIG = Path(__file__).parents[3] / 'config' / 'skills.yaml'
_SQUARE = np.array([(-0.05, -0.05), (0.05, -0.05), (0.05, 0.05), (-0.05, 0.05), (-0.05, -0.05)])
# Of the board's surface over the table.
_SURFACE = 0.005


class Desk:
    """An arm with a marker over a board, and what it did."""

    def __init__(self, **xacro_args: str) -> None:
        urdf = cell_urdf(tool='marker', **xacro_args)
        self.parameters = read_config(_CONFIG, 'skills', SkillsParameters, robot_description=urdf)
        robot = robot_model(urdf)
        self.planner = EmbeddedPlanner(
            robot, motion_limits(self.parameters, robot), self.parameters.planning
        )
        self.items: list[Item] = []
        self.base_from_board = transform(urdf, 'base_link', 'whiteboard')
        self.robot = Recorded(robot.kinematics, self.parameters.steps.park, ())
        self.robot.tools = [np.eye(4), transform(urdf, 'tcp', 'eraser')]
        hand = make_hand(self.parameters, robot)
        self.arm = Arm(self.robot, hand, self.planner, self.parameters.steps)
        drawing = make_drawing(self.parameters, robot, self.arm, lambda: self.items)
        assert drawing is not None
        self.drawing: Drawing = drawing
        self.steps: list[str] = []

    def call(self, check: Callable[[], None] = lambda: None, **kwargs: float) -> Call:
        return Call(check, self.steps.append, **kwargs)

    def on_board(self, trajectory: Trajectory) -> np.ndarray:
        """Where the marker goes, in the board's frame, (n, 3)."""
        board_from_base = np.linalg.inv(self.base_from_board)
        tips = [self.planner.kinematics.forward(q)[:, 3] for q in trajectory.positions]
        return (board_from_base @ np.array(tips).T).T[:, :3]


class Recorded(KinematicRobot):
    """Keeps what it was told to follow, and feels the board with both of its tools."""

    tools: Sequence[np.ndarray] = ()

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.followed: list[Trajectory] = []

    def _touch(self) -> None:
        tcp = self._kinematics.forward(self._joints)
        lowest = min(float((tcp @ tool)[2, 3]) for tool in self.tools)
        self._pressed = float(np.clip(_SURFACE - lowest, 0.0, 0.012))

    def execute(self, trajectory: Trajectory, *args: object) -> bool:
        self.followed.append(trajectory)
        return super().execute(trajectory, *args)  # type: ignore[arg-type]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_marker_follows_the_line(desk: Desk) -> None:
    worst = desk.drawing.draw(_SQUARE, desk.call())
    assert worst < 0.001
    assert desk.steps == [
        *('check', 'approach the board', 'touch down', 'follow the line', 'lift', 'park')
    ]
    stroke = desk.on_board(desk.robot.followed[2])
    np.testing.assert_allclose(stroke[0, :2], _SQUARE[0], atol=1e-3)
    np.testing.assert_allclose(stroke[-1, :2], _SQUARE[-1], atol=1e-3)
    for corner in _SQUARE:
        assert np.hypot(*(stroke[:, :2] - corner).T).min() < 0.002
    # Pressed in beyond where it was felt, and from then on all the same.
    felt, press = stroke[0, 2], desk.parameters.drawing.marker.press
    assert -0.006 < felt < 0
    np.testing.assert_allclose(stroke[8:, 2], felt - press, atol=1e-4)
    # Along the sides as fast as it may, and never faster.
    times = desk.robot.followed[2].times
    speed = np.hypot(*np.diff(stroke[:, :2], axis=0).T) / np.diff(times)
    assert speed.max() == pytest.approx(desk.parameters.drawing.marker.speed, rel=0.05)


def test_the_eraser_points_into_the_board(desk: Desk) -> None:
    desk.drawing.erase(_SQUARE, desk.call())
    tcp_from_eraser = transform(desk.parameters.robot_description, 'tcp', 'eraser')
    for joints in desk.robot.followed[2].positions:
        eraser = desk.planner.kinematics.forward(joints) @ tcp_from_eraser
        assert eraser[2, 2] == pytest.approx(-1.0, abs=1e-4)
        assert eraser[2, 3] < _SURFACE


@pytest.mark.parametrize(
    ('points', 'error', 'text'),
    [
        (np.zeros((0, 2)), InvalidGoalError, 'has 0'),
        (np.zeros((1, 2)), InvalidGoalError, 'has 1'),
        (np.zeros((5, 2)), InvalidGoalError, 'all 5 points of the line are one'),
        (np.array([(0, 0), (np.nan, 0)]), InvalidGoalError, 'point 1 .* not finite'),
        (np.array([(0, 0), (np.inf, 0)]), InvalidGoalError, 'point 1 .* not finite'),
        (np.array([(0, 0), (0.3, 0)]), LimitError, r'point 1 at x=0\.300.*off the board'),
        (np.array([(0, -0.2), (0, 0)]), LimitError, r'point 0 .*off the board'),
        (np.zeros((10_001, 2)), LimitError, '10000 are the most'),
        (np.tile([(-0.2, 0), (0.2, 0)], (50, 1)), LimitError, 'draw it in parts'),
    ],
)
def test_what_is_no_line(desk: Desk, points: np.ndarray, error: type[CapError], text: str) -> None:
    before = desk.robot.joints()
    for stroke in (desk.drawing.draw, desk.drawing.erase):
        with pytest.raises(error, match=text):
            stroke(points, desk.call())
    np.testing.assert_array_equal(desk.robot.joints(), before)
    desk.drawing.draw(_SQUARE, desk.call())


def test_a_line_of_ten_thousand_points(desk: Desk) -> None:
    turn = np.linspace(0, 20 * np.pi, 10_000)
    radius = np.linspace(0.02, 0.08, 10_000)
    spiral = np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
    assert desk.drawing.draw(spiral, desk.call()) < 0.002


@pytest.mark.parametrize(
    ('xyz', 'rpy', 'error', 'text'),
    [
        # Upright, and it shows the arm its back.
        (
            '0 -0.7 0.3',
            '1.5708 0 0',
            UnreachableError,
            'the {tool} does not get to all of the line',
        ),
        # Its surface looks down: a wrist could face it, but for the table and the arm.
        ('0 -0.5 0.3', '3.1416 0 0', NoPathError, 'blocked'),
    ],
)
def test_a_board_that_no_wrist_can_face(
    xyz: str, rpy: str, error: type[CapError], text: str
) -> None:
    desk = Desk(board_xyz=xyz, board_rpy=rpy)
    before = desk.robot.joints()
    for stroke, tool in ((desk.drawing.draw, 'marker'), (desk.drawing.erase, 'eraser')):
        with pytest.raises(error, match=text.format(tool=tool)):
            stroke(_SQUARE, desk.call())
    np.testing.assert_array_equal(desk.robot.joints(), before)


def test_a_stop_ends_a_line_where_it_is(desk: Desk) -> None:
    def check() -> None:
        if desk.steps[-1] == 'follow the line':
            raise StoppedError('enough')

    with pytest.raises(StoppedError):
        desk.drawing.draw(_SQUARE, desk.call(check))
    desk.drawing.draw(_SQUARE, desk.call())


def test_a_board_that_is_not_there(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.robot, '_touch', lambda: None)
    with pytest.raises(PlaceFailedError, match='met no board'):
        desk.drawing.draw(_SQUARE, desk.call())


def test_a_board_that_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    touch = desk.robot._touch

    def half() -> None:
        touch()
        if desk.planner.kinematics.forward(desk.robot.joints())[1, 3] < 0:
            desk.robot._pressed = 0.0

    monkeypatch.setattr(desk.robot, '_touch', half)
    line = np.array([(0.05, 0.0), (-0.05, 0.0)])
    with pytest.raises(PlaceFailedError, match=r'the marker lost the board at x=-0\.00[2-7]'):
        desk.drawing.draw(line, desk.call())


def test_a_line_through_an_object(desk: Desk) -> None:
    pose = desk.base_from_board.copy()
    pose[2, 3] += 0.02
    desk.items.append(Item('red block', 'block', pose, np.array([0.04, 0.04, 0.04])))
    with pytest.raises(NoPathError, match='red block'):
        desk.drawing.draw(np.array([(-0.1, 0.0), (0.1, 0.0)]), desk.call())
    desk.drawing.draw(_SQUARE * 2, desk.call())
