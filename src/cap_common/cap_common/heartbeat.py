"""Beats on the steady clock: "I am alive", and who is not."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from cap_common.ears import Listen
from cap_common.qos import BEAT
from cap_interfaces.msg import Heartbeat

PERIOD_S = 0.05
STEADY = Clock(clock_type=ClockType.STEADY_TIME)


class Beat:
    """Publishes this node's Heartbeat 20 times a second, from a callback group of its own.

    It goes through the node's executor on purpose: a node whose executor hangs must be missed.

    Args:
        ready: the first beat comes when this is true: the node has all that it needs to work.
    """

    def __init__(self, node: Node, ready: Callable[[], bool] = lambda: True) -> None:
        self._ready = ready
        self._message = Heartbeat(
            node=node.get_name(), epoch=(os.getpid() << 32) | int(time.time())
        )
        self._publisher = node.create_publisher(Heartbeat, 'heartbeat', BEAT)
        self._timer = node.create_timer(
            PERIOD_S,
            self._publish,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=STEADY,
        )

    def _publish(self) -> None:
        if self._message.sequence == 0 and not self._ready():
            return
        self._message.sequence += 1
        self._publisher.publish(self._message)


class BeatMonitor:
    """Who beats: the steady age of each node's newest Heartbeat.

    Args:
        listen: of a node's Ears, or its create_subscription.
    """

    def __init__(self, listen: Listen) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, int]] = {}
        listen(Heartbeat, 'heartbeat', self._on_beat, BEAT)

    def _on_beat(self, message: Heartbeat) -> None:
        with self._lock:
            self._seen[message.node] = (time.monotonic(), message.epoch)

    def age_s(self, node_name: str) -> float:
        """Seconds since the last beat; infinite before the first."""
        with self._lock:
            seen = self._seen.get(node_name)
        return time.monotonic() - seen[0] if seen else float('inf')

    def epoch(self, node_name: str) -> int | None:
        """Which process beats under that name; None before the first beat."""
        with self._lock:
            seen = self._seen.get(node_name)
        return seen[1] if seen else None
