"""rclpy's ActionServer, which also knows whether it still owes somebody a result."""

from __future__ import annotations

import threading
from typing import Any

from rclpy.action import ActionServer
from rclpy.task import Future


class AnsweringActionServer(ActionServer):
    """Counts the results that were asked for and have not gone out.

    rclpy sends one by a task of the executor, some time after the goal's thread has ended: a node
    that ends in between leaves its caller without an answer.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._count = threading.Lock()
        self._owed = 0
        super().__init__(*args, **kwargs)

    def owes_result(self) -> bool:
        """Whether somebody waits for the result of a goal, be it still under way or not."""
        return self._owed > 0

    async def _execute_get_result_request(self, request_header_and_message: Any) -> None:
        if bytes(request_header_and_message[1].goal_id.uuid) in self._goal_handles:
            self._add(1)
        await super()._execute_get_result_request(request_header_and_message)

    def _send_result_response(self, request_header: Any, future: Future) -> None:
        try:
            super()._send_result_response(request_header, future)
        finally:
            self._add(-1)

    def _add(self, number: int) -> None:
        with self._count:
            self._owed += number
