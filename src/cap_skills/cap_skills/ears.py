"""A node that only listens, with an executor and a thread of its own."""

from __future__ import annotations

import contextlib
import threading

from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
)
from rclpy.node import Node


class Ears:
    """Where a node puts the subscriptions that come often or must not wait.

    Each wake of an executor with action servers costs 2 ms; 375 sensor messages a second took a
    whole core, and the lease waited behind them. Topics resolve as in the parent.
    """

    def __init__(self, parent: Node) -> None:
        self.node = Node(
            f'{parent.get_name()}_ears',
            context=parent.context,
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
        )
        self._parent = parent
        self._executor = SingleThreadedExecutor(context=parent.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name='ears', daemon=True)

    def listen(self, kind: type, topic: str, callback: object, qos: object) -> None:
        """Subscribe; before `start`."""
        self.node.create_subscription(kind, self._parent.resolve_topic_name(topic), callback, qos)

    def start(self) -> None:
        """Begin to call back, in the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._executor.shutdown(timeout_sec=1.0)
        self._thread.join(1.0)
        self.node.destroy_node()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException, ShutdownException):
            self._executor.spin()
