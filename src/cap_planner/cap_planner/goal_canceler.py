"""Ends the goals of one action, and knows whether they have ended."""

from __future__ import annotations

import threading
import time
from functools import partial

from action_msgs.msg import GoalInfo, GoalStatus, GoalStatusArray
from action_msgs.srv import CancelGoal
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import qos_profile_action_status_default
from rclpy.task import Future
from unique_identifier_msgs.msg import UUID

from cap_common.ears import Listen

_ANSWER_S = 1.0  # a server that has not answered by then is asked again: it may be a new one
_ALL = bytes(16)  # with a zero stamp, this id stands for all goals
_ENDED = {GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_CANCELED, GoalStatus.STATUS_ABORTED}


class GoalCanceler:
    """Works on any server, ours or a controller's: its service and topic are those of all actions.

    Args:
        listen: of a node's Ears, or its create_subscription.
        action: its name, relative to the node.
    """

    def __init__(self, node: Node, listen: Listen, action: str) -> None:
        self.action = action
        # Reentrant: an answer calls back at once when it is there before its callback is added.
        self._lock = threading.RLock()
        self._requests: set[Future] = set()
        self._is_answered = False
        self._asked_at = 0.0
        self._listed: set[bytes] = set()
        self._client = node.create_client(
            CancelGoal, f'{action}/_action/cancel_goal', callback_group=ReentrantCallbackGroup()
        )
        listen(
            GoalStatusArray,
            f'{action}/_action/status',
            self._on_status,
            qos_profile_action_status_default,
        )

    def cancel(self, *, anew: bool = False) -> None:
        """Ask the server, if there is one, to cancel all goals.

        Args:
            anew: what was answered before does not count.
        """
        with self._lock:
            waited_s = time.monotonic() - self._asked_at
            if self._requests and waited_s < _ANSWER_S and not anew:
                return
            for request in self._requests:
                self._client.remove_pending_request(request)
            self._requests.clear()
            self._is_answered = self._is_answered and not anew
            if not self._client.service_is_ready():
                return
            self._asked_at = time.monotonic()
            # By its id, too: a server that was started again says that it does not know the goal.
            for goal in (_ALL, *self._listed):
                info = GoalInfo(goal_id=UUID(uuid=list(goal)))
                request = self._client.call_async(CancelGoal.Request(goal_info=info))
                self._requests.add(request)
                request.add_done_callback(partial(self._on_answer, goal))

    @property
    def is_answered(self) -> bool:
        """Whether the server has answered since the last `anew`. No server: nobody to ask."""
        with self._lock:
            return self._is_answered or not self._client.service_is_ready()

    @property
    def has_goals(self) -> bool:
        """Whether a goal has not ended. Where no server is, there is no goal."""
        with self._lock:
            return bool(self._listed and self._client.service_is_ready())

    def _on_answer(self, goal: bytes, request: Future) -> None:
        with self._lock:
            self._requests.discard(request)
            self._is_answered = self._is_answered or not self._requests
            answer = request.result()
            if answer and answer.return_code == CancelGoal.Response.ERROR_UNKNOWN_GOAL_ID:
                self._listed.discard(goal)

    def _on_status(self, message: GoalStatusArray) -> None:
        with self._lock:
            self._listed = {
                bytes(status.goal_info.goal_id.uuid)
                for status in message.status_list
                if status.status not in _ENDED
            }
