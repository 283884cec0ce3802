"""Synchronous calls of actions and services: every wait has a deadline, which cancels a goal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future

from cap_common.action_client import OrderedActionClient
from cap_common.errors import BusyError, CanceledError, RobotFaultError, SkillTimeoutError

_POLL_S = 0.02


def call_service(client: Client, request: Any, timeout_s: float) -> Any:
    """The response of a service, from a thread that is not the executor's.

    Args:
        timeout_s: for its server to be there, and then for the answer.

    Raises:
        RobotFaultError: there is no server, or no answer.
    """
    if not client.wait_for_service(timeout_sec=timeout_s):
        raise RobotFaultError(f'service {client.srv_name!r} has no server: is the system up?')
    done = threading.Event()
    future = client.call_async(request)
    future.add_done_callback(lambda _: done.set())
    if not done.wait(timeout_s):
        client.remove_pending_request(future)
        raise RobotFaultError(f'service {client.srv_name!r} did not answer in {timeout_s:g} s')
    return future.result()


class ActionCaller:
    """Calls one action from a thread that is not the executor's.

    Args:
        server: what to call the server in error texts.

    Attributes:
        name: of the action.
    """

    def __init__(self, node: Node, action_type: Any, name: str, server: str) -> None:
        self._client = OrderedActionClient(
            node, action_type, name, callback_group=ReentrantCallbackGroup()
        )
        self.name = name
        self._server = server

    def wait_for_server(self, timeout_s: float) -> None:
        """Return when the server is there.

        Raises:
            RobotFaultError: it did not come.
        """
        if not self._client.wait_for_server(timeout_sec=timeout_s):
            raise RobotFaultError(
                f'action {self.name!r} has no server after {timeout_s:g} s: '
                f'is {self._server} running?'
            )

    def call(
        self,
        goal: Any,
        *,
        deadline_s: float,
        canceled: Callable[[], bool] = lambda: False,
        lost: Callable[[], str | None] = lambda: None,
        on_feedback: Callable[[Any], None] | None = None,
        accept_s: float = 5.0,
        cancel_s: float = 3.0,
    ) -> Any:
        """Send a goal and wait for its Result.

        Args:
            deadline_s: of the steady clock; past it the goal is canceled.
            canceled: polled; once true the goal is canceled.
            lost: polled; a text says that the server is gone, and the wait ends.
            accept_s: how long the server may take to accept or reject.
            cancel_s: how long it may take to end a canceled goal.

        Raises:
            BusyError: the goal was rejected.
            CanceledError: `canceled`, or the server ended it as canceled without an error code.
            RobotFaultError: no server, it was lost, or it broke off without an error code.
            SkillTimeoutError: the deadline passed.
        """
        self.wait_for_server(accept_s)
        feedback = (lambda message: on_feedback(message.feedback)) if on_feedback else None
        sent = self._client.send_goal_async(goal, feedback_callback=feedback)
        try:
            handle = self._wait(sent, time.monotonic() + accept_s, lambda: False, lost)
            if handle is None:
                raise SkillTimeoutError(
                    f'{self._server} did not accept {self.name!r} in {accept_s:g} s'
                )
        except BaseException:
            # The answer may still come; whatever it is, the goal shall not run.
            sent.add_done_callback(_cancel_late)
            raise
        if not handle.accepted:
            raise BusyError(f'{self._server} rejected a goal of {self.name!r}')
        result = handle.get_result_async()
        try:
            response = self._wait(result, time.monotonic() + deadline_s, canceled, lost)
        except BaseException:
            handle.cancel_goal_async()
            raise
        if response is None:
            was_canceled = canceled()
            handle.cancel_goal_async()
            response = self._wait(result, time.monotonic() + cancel_s, lambda: False, lost)
            if response is None or not was_canceled:
                raise (CanceledError if was_canceled else SkillTimeoutError)(
                    f'{self.name!r} was canceled: '
                    + ('as asked' if was_canceled else f'not done after {deadline_s:g} s')
                )
        if response.status == GoalStatus.STATUS_CANCELED and not response.result.error_code:
            raise CanceledError(f'{self.name!r} was canceled')
        if response.status == GoalStatus.STATUS_ABORTED and not response.result.error_code:
            # What rclpy sends when the server's own code has raised: no success.
            raise RobotFaultError(f'{self._server} broke off {self.name!r} without a reason')
        return response.result

    def _wait(
        self,
        future: Future,
        deadline: float,
        canceled: Callable[[], bool],
        lost: Callable[[], str | None],
    ) -> Any:
        """The future's result, or None at the deadline or when canceled."""
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        while not done.wait(_POLL_S):
            gone = lost()
            if gone:
                raise RobotFaultError(f'{self._server} was lost during {self.name!r}: {gone}')
            if canceled() or time.monotonic() > deadline:
                return None
        return future.result()


def _cancel_late(future: Future) -> None:
    handle = future.result()
    if handle is not None and handle.accepted:
        handle.cancel_goal_async()
