"""ActionCaller against a real server that answers when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.node import Node

from cap_common.calls import ActionCaller
from cap_common.errors import BusyError, CanceledError, RobotFaultError, SkillTimeoutError
from cap_interfaces.action import Say

pytestmark = pytest.mark.system
DEADLINE_S = 10.0


class Server:
    """Accepts at once and never ends a goal, unless told otherwise."""

    def __init__(self, context: Context) -> None:
        self.node = Node('server', context=context)
        self.accepts = True
        self.breaks = False
        self.asked, self.may_answer, self.may_end = (threading.Event() for _ in range(3))
        self.running, self.canceled = threading.Event(), threading.Event()
        self.may_answer.set()
        self._server = ActionServer(
            self.node,
            Say,
            'say',
            execute_callback=self._execute,
            goal_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def _accept(self, _: Say.Goal) -> GoalResponse:
        self.asked.set()
        self.may_answer.wait(DEADLINE_S)
        return GoalResponse.ACCEPT if self.accepts else GoalResponse.REJECT

    def _execute(self, handle: ServerGoalHandle) -> Say.Result:
        self.running.set()
        while not self.may_end.wait(0.01):
            if handle.is_cancel_requested:
                handle.canceled()
                self.canceled.set()
                return Say.Result()
        if self.breaks:
            raise RuntimeError('a bug of the server')
        handle.succeed()
        return Say.Result()


@pytest.fixture
def server(context: Context, spin: Callable[[Node], None]) -> Server:
    server = Server(context)
    spin(server.node)
    return server


@pytest.fixture
def caller(context: Context, spin: Callable[[Node], None]) -> ActionCaller:
    node = Node('client', context=context)
    caller = ActionCaller(node, Say, 'say', 'the speaker')
    spin(node)
    return caller


def test_a_result_comes_back(server: Server, caller: ActionCaller) -> None:
    server.may_end.set()
    assert caller.call(Say.Goal(text='a'), deadline_s=DEADLINE_S).error_code == 0


def test_a_server_that_breaks_off_has_not_succeeded(server: Server, caller: ActionCaller) -> None:
    server.breaks = True
    server.may_end.set()
    with pytest.raises(RobotFaultError, match=r"the speaker broke off 'say'"):
        caller.call(Say.Goal(text='a'), deadline_s=DEADLINE_S)


def test_nobody_there_is_a_fault_that_names_who_should_be(
    context: Context, spin: Callable[[Node], None]
) -> None:
    node = Node('client', context=context)
    # Of another name: the server of the test before is gone, and may not be known to be.
    caller = ActionCaller(node, Say, 'whisper', 'the speaker')
    spin(node)
    with pytest.raises(RobotFaultError, match=r"'whisper'.*is the speaker running"):
        caller.call(Say.Goal(), deadline_s=DEADLINE_S, accept_s=0.1)


def test_a_rejected_goal_is_busy(server: Server, caller: ActionCaller) -> None:
    server.accepts = False
    with pytest.raises(BusyError, match='the speaker'):
        caller.call(Say.Goal(), deadline_s=DEADLINE_S)


def test_past_its_deadline_a_goal_is_canceled(server: Server, caller: ActionCaller) -> None:
    with pytest.raises(SkillTimeoutError, match=r'after 0\.1 s'):
        caller.call(Say.Goal(), deadline_s=0.1)
    assert server.canceled.wait(DEADLINE_S)


def test_a_caller_may_take_it_back(server: Server, caller: ActionCaller) -> None:
    with pytest.raises(CanceledError):
        caller.call(Say.Goal(), deadline_s=DEADLINE_S, canceled=server.running.is_set)
    assert server.canceled.wait(DEADLINE_S)


@pytest.mark.parametrize('how', ['lost', 'interrupted'])
def test_without_a_caller_no_goal_goes_on(server: Server, caller: ActionCaller, how: str) -> None:
    def lost() -> str | None:
        if not server.running.is_set():
            return None
        if how == 'interrupted':
            raise KeyboardInterrupt
        return 'no beat'

    with pytest.raises(RobotFaultError if how == 'lost' else KeyboardInterrupt):
        caller.call(Say.Goal(), deadline_s=DEADLINE_S, lost=lost)
    assert server.canceled.wait(DEADLINE_S)


@pytest.mark.parametrize('how', ['late', 'lost'])
def test_a_goal_that_is_accepted_too_late_does_not_run(
    server: Server, caller: ActionCaller, how: str
) -> None:
    server.may_answer.clear()
    with pytest.raises(SkillTimeoutError if how == 'late' else RobotFaultError):
        caller.call(
            Say.Goal(),
            deadline_s=DEADLINE_S,
            lost=lambda: 'no beat' if how == 'lost' and server.asked.is_set() else None,
            accept_s=0.5 if how == 'late' else DEADLINE_S,
        )
    assert server.asked.wait(DEADLINE_S)
    server.may_answer.set()
    assert server.canceled.wait(DEADLINE_S)
