"""The real planner node in this process, with an engine that does what a test says."""

import threading
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from action_msgs.msg import GoalStatus
from rclpy.node import Node

from cap_common.action_client import OrderedActionClient
from cap_interfaces.action import ExecuteInstruction
from cap_interfaces.srv import Instruct
from cap_planner.engine import Report, Request
from cap_planner.evidence import EvidenceStore
from cap_planner.labels import Label
from cap_planner.models.base import ModelUnavailableError, Options
from cap_planner.node import PlannerNode

pytestmark = pytest.mark.system

CONFIG = Path(__file__).parents[3] / 'config' / 'planner.yaml'
Result = ExecuteInstruction.Result


class Caller(Node):
    """Asks the planner, and waits for its answers."""

    def __init__(self, until, **kwargs):
        super().__init__('caller', **kwargs)
        self._until = until
        self.action = OrderedActionClient(self, ExecuteInstruction, 'execute_instruction')
        self.service = self.create_client(Instruct, 'instruct')

    def get(self, future, what):
        self._until(future.done, what)
        return future.result()

    def send(self, text='do it', **fields):
        """Returns the goal's handle."""
        goal = ExecuteInstruction.Goal(instruction=text, **fields)
        sent = self.action.send_goal_async(goal)
        return self.get(sent, 'the word on the goal')

    def result(self, handle):
        """Returns (status, Result)."""
        answer = self.get(handle.get_result_async(), 'the result')
        return answer.status, answer.result

    def instruct(self, *, wait, **fields):
        request = Instruct.Request(instruction='do it', wait=wait, **fields)
        return self.get(self.service.call_async(request), 'the answer')


@pytest.fixture
def make_planner(start, tmp_path):
    def make(*more):
        evidence = ['-p', f'evidence:={tmp_path}/evidence.db']
        arguments = ['--params-file', str(CONFIG), *evidence, *more]
        return start(partial(PlannerNode, cli_args=['--ros-args', *arguments])).node

    return make


@pytest.fixture
def planner(make_planner):
    return make_planner()


@pytest.fixture
def caller(start, planner, until):
    node = start(partial(Caller, until)).node
    until(node.action.server_is_ready, 'the action')
    until(node.service.service_is_ready, 'the service')
    return node


def broken(*_):
    raise RuntimeError('a bug')


def until_stopped(request, on_progress, stopped, on_begun):
    on_begun('abc')
    end, pause = time.monotonic() + 10.0, threading.Event()
    while stopped() is None:
        assert time.monotonic() < end
        pause.wait(0.01)
    return Report('stopped', Label.STOPPED, str(stopped()), evidence_id='abc')


def test_everything_that_is_asked_for_gets_through(planner, caller):
    asked = []
    planner._engine.run = lambda request, *_: asked.append(request) or Report('succeeded')
    fields = {'session': 's', 'mode': 'auto', 'program': 'say("ü")', 'skip_verifier': True}
    caller.result(caller.send(**fields))
    caller.instruct(wait=True, **fields)
    caller.instruct(wait=True)
    assert asked == [*[Request('do it', **fields)] * 2, Request('do it')]


@pytest.mark.parametrize('wait', [True, False])
def test_a_bug_is_an_answer_of_the_service(planner, caller, wait):
    planner._engine.run = broken
    answer = caller.instruct(wait=wait)
    assert (answer.outcome, answer.error_code) == ('failed', Result.INTERNAL_ERROR)
    assert 'a bug' in answer.error_msg


def test_a_bug_is_a_result_of_the_action(planner, caller):
    planner._engine.run = broken
    status, result = caller.result(caller.send())
    assert status == GoalStatus.STATUS_ABORTED
    assert (result.error_code, result.outcome) == (Result.INTERNAL_ERROR, 'failed')
    assert not planner._busy.locked(), 'the next one is served'


def test_a_service_that_does_not_wait_answers_when_it_has_begun(planner, caller):
    planner._lease.refusal = lambda: None
    planner._engine.run = until_stopped
    answer = caller.instruct(wait=False)
    assert (answer.outcome, answer.evidence_id) == ('running', 'abc')
    assert caller.instruct(wait=True).error_code == Result.BUSY
    planner._lease.refusal = lambda: 'enough'


@pytest.mark.parametrize(('begins', 'what'), [(True, 'ended'), (False, 'begun')])
def test_a_service_that_has_waited_in_vain_says_so(begins, what):
    may_end = threading.Event()

    def work(request, on_progress, canceled, on_begun):
        if begins:
            on_begun('abc')
        assert may_end.wait(20.0)
        return Report('succeeded')

    node = SimpleNamespace(
        _run=work,
        _engine=SimpleNamespace(parts=SimpleNamespace(limits=SimpleNamespace(longest_s=2.0))),
    )
    request = Instruct.Request(instruction='do it', wait=begins)
    answer = PlannerNode._on_instruct(node, request, Instruct.Response())
    may_end.set()
    assert (answer.outcome, answer.error_code) == ('running', Result.BUDGET_EXCEEDED)
    assert answer.error_msg == f'it has not {what} after 2 s'
    assert answer.evidence_id == ('abc' if begins else '')


def test_one_of_two_goals_at_once_is_busy(planner, caller):
    planner._lease.refusal = lambda: None
    planner._engine.run = until_stopped
    first, second = caller.send(), caller.send()
    assert first.accepted
    assert second.accepted
    first_ended, second_ended = first.get_result_async(), second.get_result_async()
    caller._until(lambda: first_ended.done() or second_ended.done(), 'the refusal')
    refused, other = (second, first) if second_ended.done() else (first, second)
    status, result = caller.result(refused)
    assert (status, result.error_code) == (GoalStatus.STATUS_ABORTED, Result.BUSY)
    caller.get(other.cancel_goal_async(), 'the answer to the cancellation')
    status, result = caller.result(other)
    assert (status, result.error_code) == (GoalStatus.STATUS_CANCELED, Result.STOPPED)


@pytest.mark.parametrize('first_by', ['action', 'service'])
def test_a_second_instruction_is_refused_and_the_first_goes_on(planner, caller, first_by):
    may_end = threading.Event()

    def work(request, on_progress, stopped, on_begun):
        on_begun(request.session)
        assert may_end.wait(20.0)
        return Report('succeeded', answer=request.session)

    planner._engine.run = work
    if first_by == 'action':
        first = caller.send(session='one').get_result_async()
    else:
        first = caller.service.call_async(Instruct.Request(session='one', wait=True))
    caller._until(planner._busy.locked, 'the first one')
    status, refused = caller.result(caller.send(session='two'))
    assert (status, refused.error_code) == (GoalStatus.STATUS_ABORTED, Result.BUSY)
    assert refused.error_msg == 'another instruction is being carried out'
    for wait in (True, False):
        answer = caller.instruct(wait=wait, session='two')
        assert (answer.outcome, answer.error_code) == ('failed', Result.BUSY)
        assert answer.error_msg == 'another instruction is being carried out'
    may_end.set()
    ended = caller.get(first, 'the end of the first one')
    assert getattr(ended, 'result', ended).answer == 'one'
    assert caller.result(caller.send(session='three'))[1].answer == 'three'
    assert caller.instruct(wait=True, session='four').answer == 'four'


def test_a_cancellation_that_came_too_late(planner, caller):
    planner._lease.refusal = lambda: None
    planner._engine.run = lambda *a: until_stopped(*a) and Report('succeeded')
    handle = caller.send()
    caller.get(handle.cancel_goal_async(), 'the answer to the cancellation')
    status, result = caller.result(handle)
    assert (status, result.outcome) == (GoalStatus.STATUS_SUCCEEDED, 'succeeded')


@pytest.mark.parametrize(
    ('variable', 'parameters', 'allowed'),
    [
        ('1', [], True),
        (None, [], False),
        ('0', [], False),
        ('1', ['-p', 'sandbox.allow_missing:=[landlock]'], False),
    ],
)
def test_who_may_skip_the_verifier(monkeypatch, make_planner, variable, parameters, allowed):
    monkeypatch.delenv('CAP_ALLOW_UNVERIFIED', raising=False)
    if variable:
        monkeypatch.setenv('CAP_ALLOW_UNVERIFIED', variable)
    planner = make_planner(*parameters)
    assert planner._engine.parts.allow_unverified is allowed


@pytest.mark.parametrize('url', ['http://localhost:abc/v1', 'http://[::1'])
def test_it_lives_without_an_endpoint(monkeypatch, start, tmp_path, url):
    monkeypatch.setenv('OPENAI_BASE_URL', url)
    arguments = ['-p', f'evidence:={tmp_path}/evidence.db', '-p', 'model:=openai:gpt']
    cli_args = ['--ros-args', '--params-file', str(CONFIG), *arguments]
    planner = start(partial(PlannerNode, cli_args=cli_args)).node
    with pytest.raises(ModelUnavailableError, match='OPENAI_BASE_URL'):
        planner._engine.parts.model.complete([], Options(deadline_s=1.0))


def test_the_records_of_another_planner_stay_open(make_planner, planner, tmp_path):
    running = planner._evidence.begin('x', 'default', 'auto').id
    second = make_planner()
    assert not second._engine._arm_may_hide
    with EvidenceStore(tmp_path / 'evidence.db') as store:
        assert store.export(running)['label'] is None
