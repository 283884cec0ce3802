"""A node that only listens, with an executor and a thread of its own."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock
from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
)
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

# Message type, topic, callback and QoS; a node's create_subscription is one, too.
Listen = Callable[[type, str, Callable[[Any], None], QoSProfile], object]


class Ears:
    """Where a node puts the subscriptions that come often or must not wait.

    Each wake of an executor with action servers costs 2 ms; 375 sensor messages a second took a
    whole core, and the lease waited behind them. Topics resolve as in the parent. The parent's
    `use_sim_time` moves here too, with its 50 messages a second: ROS time is `clock`.

    A callback that raises shuts the context down: nobody would miss a deaf node that beats.

    Args:
        name: of its node and thread, behind the parent's.
    """

    def __init__(self, parent: Node, name: str = 'ears') -> None:
        sim_time = Parameter('use_sim_time', value=parent.get_parameter('use_sim_time').value)
        if sim_time.value:
            parent.set_parameters([Parameter('use_sim_time', value=False)])
        self.node = Node(
            f'{parent.get_name()}_{name}',
            context=parent.context,
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
            parameter_overrides=[sim_time],
        )
        self._parent = parent
        self._executor = SingleThreadedExecutor(context=parent.context)
        self._executor.add_node(self.node)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._spin, name=name, daemon=True)

    def listen(
        self, kind: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile
    ) -> Subscription:
        """Subscribe; before `start`, or in a callback of these ears."""
        name = self._parent.resolve_topic_name(topic)
        return self.node.create_subscription(kind, name, callback, qos)

    def serve(self, kind: type, name: str, answer: Callable[[Any, Any], Any]) -> None:
        """Answer a service, whose callback may wait: only these ears are deaf meanwhile.

        Before `start`.
        """
        self.node.create_service(kind, self._parent.resolve_service_name(name), answer)

    @property
    def clock(self) -> Clock:
        """ROS time, as the parent was asked to have it."""
        return self.node.get_clock()

    def start(self) -> None:
        """Begin to call back, in the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._executor.shutdown(timeout_sec=1.0)
        self._thread.join(1.0)
        self.node.destroy_node()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except (ExternalShutdownException, ShutdownException):
            pass  # that is how it is ended
        except Exception:
            # rclpy's executor may also stumble over its own shutdown.
            if not self._closing.is_set():
                traceback.print_exc()
                self.node.context.try_shutdown()
