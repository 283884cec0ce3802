"""The main() of every node."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Sequence

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node

from cap_common.parameters import MissingParameterError


def run_node(
    factory: Callable[[], Node], args: Sequence[str] | None = None, threads: int = 4
) -> int:
    """Make the node, spin it on `threads` threads, and end cleanly on SIGINT or SIGTERM.

    A node's `close()`, where it has one, is called before it is destroyed. Returns the exit status.
    """
    # Not `with rclpy.init()`: Jazzy's has no context manager.
    rclpy.init(args=args)
    try:
        try:
            node = factory()
        except MissingParameterError as error:
            print(error, file=sys.stderr)
            return 2
        executor = MultiThreadedExecutor(num_threads=threads)
        executor.add_node(node)
        signal.signal(signal.SIGTERM, lambda *_: rclpy.try_shutdown())
        with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
            executor.spin()
        close = getattr(node, 'close', None)
        if close:
            close()
        executor.shutdown(timeout_sec=1.0)
        node.destroy_node()
    finally:
        rclpy.try_shutdown()
    return 0
