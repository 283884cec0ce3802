"""A ROS context in a domain of its own, and nodes that spin in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from cap_common.domain import free_domain_id


@pytest.fixture
def context() -> Iterator[Context]:
    context = Context()
    rclpy.init(context=context, domain_id=free_domain_id())
    yield context
    rclpy.try_shutdown(context=context)


@pytest.fixture
def spin(context: Context) -> Iterator[Callable[[Node], None]]:
    """Spins a node, once it has all its parts, in threads of its own until the test ends."""
    running: list[tuple[MultiThreadedExecutor, threading.Thread]] = []

    def start(node: Node) -> None:
        executor = MultiThreadedExecutor(3, context=context)
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin, daemon=True)
        thread.start()
        running.append((executor, thread))

    yield start
    for executor, thread in running:
        executor.shutdown(timeout_sec=1.0)
        thread.join(5.0)
