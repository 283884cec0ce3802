"""Beats on the steady clock: "I am alive", and who is not."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from cap_common.awake import awake_s
from cap_common.ears import Listen
from cap_common.process_watch import ProcessWatch, process_epoch
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
        self._message = Heartbeat(node=node.get_name(), epoch=process_epoch(os.getpid()))
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
    """Who is alive: the newest Heartbeat of each node, and the kernel's word on its process.

    The end of a process of this machine is known at once, by whatever it ended. Silence tells the
    rest, and takes longer to be sure of: a process that hangs, or one of another machine.

    Args:
        listen: of a node's Ears, or its create_subscription.
        on_end: told the name of a node whose process has ended, in a thread of its own.
    """

    def __init__(self, listen: Listen, on_end: Callable[[str], None] = lambda _: None) -> None:
        self._on_end = on_end
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, int]] = {}
        self._watched: set[int] = set()
        self._ended: set[int] = set()
        self._processes = ProcessWatch(self._on_process_end)
        listen(Heartbeat, 'heartbeat', self._on_beat, BEAT)

    def close(self) -> None:
        """End the thread."""
        self._processes.close()

    def _on_beat(self, message: Heartbeat) -> None:
        with self._lock:
            self._seen[message.node] = (awake_s(), message.epoch)
            if message.epoch not in self._watched:
                self._watched.add(message.epoch)
                self._processes.watch(message.epoch)

    def _on_process_end(self, epoch: int) -> None:
        with self._lock:
            self._ended.add(epoch)
            names = [name for name, (_, of) in self._seen.items() if of == epoch]
        for name in names:
            self._on_end(name)

    def lost(self, node_name: str, silence_s: float) -> str | None:
        """Why a node is not there, or None: it ended, or has been silent for so long (awake.py)."""
        with self._lock:
            seen = self._seen.get(node_name)
            ended = seen is not None and seen[1] in self._ended
        if seen is None:
            return 'no heartbeat yet'
        if ended:
            return 'its process has ended'
        age = awake_s() - seen[0]
        return f'no heartbeat for {age:.1f} s' if age > silence_s else None

    def epoch(self, node_name: str) -> int | None:
        """Which process beats under that name; None before the first beat."""
        with self._lock:
            seen = self._seen.get(node_name)
        return seen[1] if seen else None
