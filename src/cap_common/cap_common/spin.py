"""The main() of every node."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from cap_common.parameters import MissingParameterError


def run_node(
    factory: Callable[[], Node], args: Sequence[str] | None = None, threads: int = 4
) -> int:
    """Make the node, spin it on `threads` threads, and end cleanly on SIGINT or SIGTERM.

    A node's `close()`, where it has one, is called before it is destroyed. Returns the exit status:
    1 if a callback raised, 2 if parameters are missing.
    """
    # rclpy's own handlers take the context away under threads that still publish.
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        node = factory()
    except MissingParameterError as error:
        print(error, file=sys.stderr)
        rclpy.try_shutdown()
        return 2
    executor = MultiThreadedExecutor(num_threads=threads)
    executor.add_node(node)
    failures: list[BaseException] = []

    def spin() -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            pass
        except BaseException as error:
            failures.append(error)
            traceback.print_exc()
        ended.set()

    spinning = threading.Thread(target=spin, name='executor', daemon=True)
    spinning.start()
    ended.wait()
    executor.shutdown(timeout_sec=1.0)
    close = getattr(node, 'close', None)
    if close:
        close()
    spinning.join(timeout=2.0)
    node.destroy_node()
    rclpy.try_shutdown()
    return 1 if failures else 0
