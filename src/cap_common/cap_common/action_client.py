"""rclpy's ActionClient, made safe to call from a thread that is not its executor's.

rclpy 7.1 sends a request and only then notes its number: an answer that comes in between is dropped
as unexpected, and the caller waits for ever (3 of 100 goals here, on a busy machine).
"""

from __future__ import annotations

import threading
from typing import Any

from rclpy.action import ActionClient


class OrderedActionClient(ActionClient):
    """Takes no answer while a request is on its way out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._order = threading.RLock()
        super().__init__(*args, **kwargs)

    def send_goal_async(self, *args: Any, **kwargs: Any) -> Any:
        """See ActionClient."""
        with self._order:
            return super().send_goal_async(*args, **kwargs)

    def _get_result_async(self, *args: Any, **kwargs: Any) -> Any:
        with self._order:
            return super()._get_result_async(*args, **kwargs)

    def _cancel_goal_async(self, *args: Any, **kwargs: Any) -> Any:
        with self._order:
            return super()._cancel_goal_async(*args, **kwargs)

    async def execute(self, taken_data: Any) -> None:
        """See ActionClient."""
        with self._order:
            await super().execute(taken_data)
