from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node

from cap_common.action_client import OrderedActionClient
from cap_common.domain import free_domain_id
from cap_interfaces.action import Say
from cap_skills.action_server import AnsweringActionServer

pytestmark = pytest.mark.system
_DEADLINE_S = 30.0


class Bed:
    """A server and a client, each with an executor that goes on only when a test spins it."""

    def __init__(self) -> None:
        self._context = Context()
        rclpy.init(context=self._context, domain_id=free_domain_id())
        self.may_end = threading.Event()
        self._here = MultiThreadedExecutor(2, context=self._context)
        self._there = SingleThreadedExecutor(context=self._context)
        self._nodes = [Node(name, context=self._context) for name in ('server', 'client')]
        self._here.add_node(self._nodes[0])
        self._there.add_node(self._nodes[1])
        self.server = AnsweringActionServer(self._nodes[0], Say, 'say', self._execute)
        self.client = OrderedActionClient(self._nodes[1], Say, 'say')

    def _execute(self, handle: Any) -> Say.Result:
        assert self.may_end.wait(_DEADLINE_S)
        handle.succeed()
        return Say.Result(error_msg=handle.request.text)

    def until(
        self, condition: Callable[[], bool], *, here: bool = True, there: bool = True
    ) -> None:
        """Spin the server, the client or both until something is so."""
        deadline = time.monotonic() + _DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f'not in {_DEADLINE_S:g} s'
            for executor, spins in ((self._here, here), (self._there, there)):
                if spins:
                    executor.spin_once(timeout_sec=0.01)

    def send(self, text: str) -> Any:
        assert self.client.wait_for_server(_DEADLINE_S)
        sent = self.client.send_goal_async(Say.Goal(text=text))
        self.until(sent.done)
        return sent.result()

    def close(self) -> None:
        self.may_end.set()
        self._here.shutdown()
        self._there.shutdown()
        for node in self._nodes:
            node.destroy_node()
        rclpy.shutdown(context=self._context)


@pytest.fixture
def bed() -> Iterator[Bed]:
    bed = Bed()
    yield bed
    bed.close()


def test_a_result_is_owed_from_the_question_until_it_has_gone_out(bed: Bed) -> None:
    handle = bed.send('done')
    assert not bed.server.owes_result(), 'nobody has asked yet'
    result = handle.get_result_async()
    bed.until(bed.server.owes_result)
    bed.may_end.set()
    # Nothing of the server's is needed any more once it owes nothing.
    bed.until(lambda: not bed.server.owes_result(), there=False)
    bed.until(result.done, here=False)
    assert result.result().result.error_msg == 'done'


def test_a_late_question_is_owed_nothing_once_it_has_its_answer(bed: Bed) -> None:
    bed.may_end.set()
    handle = bed.send('done')
    for _ in range(2):
        result = handle.get_result_async()
        bed.until(result.done)
        bed.until(lambda: not bed.server.owes_result())
