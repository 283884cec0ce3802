"""What the calls of the whiteboard do, and what is remembered of them."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import pytest

from cap_common.errors import LimitError
from cap_planner.labels import InstructionError, Label
from cap_planner.places import Table
from cap_planner.robot import ORDINARY, Manner
from cap_planner.scene import Scene
from cap_planner.testing import SymbolicTable
from cap_planner.whiteboard import WhiteboardRobot

LINE = np.array([[0.0, 0.1], [0.2, 0.1], [0.2, -0.05]])
BOX = 'within [0.000, -0.050] and [0.200, 0.100]'


class Board(SymbolicTable):
    """The robot over a symbolic board."""

    def __init__(self) -> None:
        super().__init__()
        self.robot = WhiteboardRobot(
            self, self, self, Table(-0.3, -0.2, 0.3, 0.2), lambda _: None, 0.0
        )
        self.error: Exception | None = None
        self.waited_for: list[int] = []

    def newer(self, than_ns: int) -> Scene:
        self.waited_for.append(than_ns)
        return super().newer(than_ns)

    def draw(self, points: np.ndarray, manner: Manner = ORDINARY) -> None:
        super().draw(points, manner)
        if self.error:
            raise self.error


@pytest.fixture
def board() -> Board:
    return Board()


def test_lines_are_drawn_and_erased(board: Board) -> None:
    board.robot.draw(LINE, speed=0.5)
    board.robot.erase(LINE, force=6.0)
    assert [what for what, _ in board.strokes] == ['draw', 'erase']
    assert all(points is LINE for _, points in board.strokes)
    assert board.manners == [Manner(0.5), Manner(force=6.0)]
    assert board.robot.done == [f'drew 3 points {BOX}', f'erased 3 points {BOX}']
    board.robot.check_outcome()


def test_what_failed_may_have_left_a_piece(board: Board) -> None:
    board.error = LimitError('beyond the edge')
    with pytest.raises(LimitError):
        board.robot.draw(LINE)
    assert board.robot.done == board.robot.changes == [f'may have begun to draw 3 points {BOX}']


def test_a_line_that_failed_is_no_success_until_it_is_drawn(board: Board) -> None:
    board.error = LimitError('beyond the edge')
    with pytest.raises(LimitError):
        board.robot.draw(LINE)
    board.error = None
    board.robot.erase(LINE)
    board.robot.draw(LINE / 2)
    with pytest.raises(InstructionError, match=f'draw.*{re.escape(BOX)}.*beyond') as caught:
        board.robot.check_outcome()
    assert caught.value.label is Label.LIMIT
    board.robot.draw(LINE)
    board.robot.check_outcome()


@pytest.mark.parametrize('error', [None, LimitError('beyond the edge')])
def test_the_arm_has_moved_whatever_came_of_it(board: Board, error: Exception | None) -> None:
    board.error = error
    with pytest.raises(LimitError) if error else contextlib.nullcontext():
        board.robot.draw(LINE)
    ended = board.now_ns()
    board.robot.get_obj_names()
    assert board.waited_for == [ended], 'only a picture that is newer counts'
