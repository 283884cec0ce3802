"""What the broker lets through, refuses, ends and keeps."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cap_common.errors import GraspFailedError, PerceptionLostError
from cap_planner.api import TABLETOP
from cap_planner.api.spec import WrongArgumentsError
from cap_planner.broker import Broker, LmpProgram, context_variables
from cap_planner.budget import Budget, Limits
from cap_planner.evidence import EvidenceStore
from cap_planner.labels import InstructionError, Label
from cap_planner.sandbox.program import Call, NestedResult
from cap_planner.writer import Written

LIMITS = Limits(
    wall_s=9.0,
    model_s=9.0,
    text_s=9.0,
    text_tokens=99,
    window_tokens=20_000,
    tokens=1_000_000,
    compute_s=9.0,
    motion_s=9.0,
    calls=2,
    calls_per_s=99,
    programs=9,
    tries=2,
)


class Robot:
    """Does nothing, or what it is told to raise."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.queries = 0
        self.refusals: list[str] = []
        self.spent: list[dict[str, Any]] = []
        self.free_queries = 100

    def pace_query(self) -> bool:
        self.queries += 1
        return self.queries > self.free_queries

    def say(self, message: str) -> None:
        if self.error:
            raise self.error

    def refused(self, action: str, error: Exception) -> None:
        self.refusals.append(action)

    def phases(self) -> list[dict[str, Any]]:
        return self.spent

    put_first_on_second = get_obj_pos = is_obj_visible = lambda self, *args, **kwargs: None


class Desk:
    """A broker, and what belongs to it."""

    def __init__(self, folder: Path, robot: Robot, limits: Limits = LIMITS) -> None:
        self.stop: InstructionError | None = None
        self.heard: list[str] = []
        self._store = EvidenceStore(folder / 'evidence.db')
        self._record = self._store.begin('x', 's', 'auto')
        self.budget = Budget(limits)
        self.broker = Broker(
            TABLETOP,
            robot,
            self.budget,
            self._record,
            lambda *_: LmpProgram(Written('ret_val = 1'), 'ret_val'),
            lambda: self.stop,
            lambda text, line, kind: self.heard.append(text),
        )

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.broker.call(Call(1, name, args, kwargs, 1, 0))
        finally:
            self.broker.answered()

    @property
    def kept(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self._store.export(self._record.id)['calls']
        return calls


def test_a_deed_is_one_that_has_returned(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Robot(GraspFailedError('slippery')))
    with pytest.raises(GraspFailedError):
        desk.call('say', 'x')
    assert not desk.broker.acted
    assert desk.broker.raised == {'GraspFailedError'}
    desk.call('get_obj_pos', 'x')
    assert not desk.broker.acted
    desk = Desk(tmp_path, Robot())
    desk.call('say', 'x')
    assert desk.broker.acted
    assert desk.broker.raised == set()
    assert desk.heard == ["say('x')"]


def test_what_is_about_to_be_done_is_kept_before_it_is_done(tmp_path: Path) -> None:
    robot = Robot()
    desk = Desk(tmp_path, robot, replace(LIMITS, calls=9))
    before: list[list[float | None]] = []

    def look(**_: str) -> None:
        before.append([call['duration_s'] for call in desk.kept])

    robot.say = robot.get_obj_pos = look  # type: ignore[assignment]
    desk.call('say', 'x')
    desk.call('get_obj_pos', 'x')  # does nothing to the world: one line, at its end
    assert before[0] == [None]
    assert len(before[1]) == 1
    with pytest.raises(WrongArgumentsError):
        desk.call('get_obj_pos', 1)
    assert [call['name'] for call in desk.kept] == ['say', 'get_obj_pos', 'get_obj_pos']
    assert all(call['duration_s'] is not None for call in desk.kept)
    assert desk.kept[2]['error'].startswith('WrongArgumentsError')


def test_calls_are_kept_with_what_they_came_to(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Robot(PerceptionLostError('dark')))
    with pytest.raises(PerceptionLostError):
        desk.call('say', 'x')
    with pytest.raises(WrongArgumentsError):
        desk.call('say', np.array([1j]))
    failed, odd = desk.kept
    assert failed['error'] == 'PerceptionLostError: dark'
    assert odd['arguments'] == {'args': [['1j']]}


@pytest.mark.parametrize('error', [None, GraspFailedError('slippery')])
def test_what_an_action_spent_its_time_on_is_kept(tmp_path: Path, error: Exception | None) -> None:
    robot = Robot(error)
    robot.spent = [{'name': 'grasp', 'planning_s': 0.1, 'moving_s': 1.0, 'waiting_s': 0.2}]
    desk = Desk(tmp_path, robot)
    desk.call('get_obj_pos', 'x')
    with contextlib.suppress(GraspFailedError):
        desk.call('say', 'x')
    query, action = desk.kept
    assert query['phases'] is None
    assert action['phases'] == robot.spent


def test_an_action_that_cannot_be_tried_is_told_to_the_robot(tmp_path: Path) -> None:
    robot = Robot()
    desk = Desk(tmp_path, robot)
    for name in ('say', 'get_obj_pos'):
        with pytest.raises(WrongArgumentsError):
            desk.call(name, 1)
    assert robot.refusals == ['say']


def test_calls_that_wait_for_a_picture_are_not_counted(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Robot())
    for _ in range(20):
        desk.call('is_obj_visible', 'cup')
    desk.call('get_obj_pos', 'cup')
    desk.call('get_obj_pos', 'cup')
    with pytest.raises(InstructionError, match='2 API calls'):
        desk.call('get_obj_pos', 'cup')


def test_queries_that_had_to_wait_for_a_picture_are_not_counted(tmp_path: Path) -> None:
    robot = Robot()
    robot.free_queries = 1
    desk = Desk(tmp_path, robot)
    for _ in range(20):
        desk.call('get_obj_pos', 'cup')


def test_pictures_that_are_lost_while_a_loop_waits_are_no_fault_of_the_program(
    tmp_path: Path,
) -> None:
    robot = Robot()
    desk = Desk(tmp_path, robot)

    def lost() -> bool:
        raise PerceptionLostError('dark')

    robot.pace_query = lost  # type: ignore[method-assign]
    with pytest.raises(PerceptionLostError):
        desk.call('get_obj_pos', 'cup')
    assert desk.broker.raised == {'PerceptionLostError'}
    assert [call['error'] for call in desk.kept] == ['PerceptionLostError: dark']


def test_a_call_that_is_refused_is_kept(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Robot(), replace(LIMITS, calls=0))
    with pytest.raises(InstructionError):
        desk.call('get_obj_pos', 'cup')
    desk.stop = InstructionError(Label.STOPPED, 'stopped by ann')
    with pytest.raises(InstructionError):
        desk.call('say', 'x')
    query, action = desk.kept
    assert query['error'].endswith('more than 0 API calls')
    assert action['error'] == 'InstructionError: stopped by ann'


def test_a_stop_comes_before_a_budget_and_before_what_an_action_says(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Robot(), replace(LIMITS, wall_s=-1.0))
    with pytest.raises(InstructionError) as caught:
        desk.call('say', 'x')
    assert caught.value.label is Label.BUDGET_EXCEEDED
    desk.stop = InstructionError(Label.STOPPED, 'stopped by ann')
    with pytest.raises(InstructionError) as caught:
        desk.call('say', 'x')
    assert caught.value is desk.stop

    desk = Desk(tmp_path, Robot())

    def stopped_in_the_middle(message: str) -> None:
        desk.stop = InstructionError(Label.STOPPED, 'stopped by ann')
        raise GraspFailedError('slippery')

    desk.broker._robot.say = stopped_in_the_middle
    with pytest.raises(InstructionError) as caught:
        desk.call('say', 'x')
    assert caught.value is desk.stop


def test_a_value_that_a_program_finds_out(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Robot())
    answer = desk.call('parse_obj_name', 'the cup', "objects = ['cup']", color='red')
    assert isinstance(answer, LmpProgram)
    assert answer.variables == {'objects': ['cup'], 'color': 'red'}
    desk.broker.nested_result(1, NestedResult('cup', None))
    assert desk.kept[0]['result'] == 'cup'


@pytest.mark.parametrize(
    'context', ['x', 'x = f()', 'a.b = 1', 'x = (', 'x = [1e999]', f'x = {2**70}', 'x = "\\ud800"']
)
def test_what_is_no_context(context: str) -> None:
    with pytest.raises(WrongArgumentsError, match='the context must be'):
        context_variables(context)


def test_the_evidence_is_not_filled_by_one_call(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Robot())
    with pytest.raises(WrongArgumentsError):
        desk.call('get_corner_name', np.zeros(400_000))
    desk.broker.answered()
    assert len(json.dumps(desk.kept[0])) < 2_000
