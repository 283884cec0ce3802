"""The main() of every node."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence

import rclpy
from rclpy.executors import (
    ExternalShutdownException,
    MultiThreadedExecutor,
    SingleThreadedExecutor,
)
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from cap_common.config import MissingParameterError

# A thread that computes gives way to another of its process after so long [s]. Python's 5 ms would
# add up to tens of them from a cancellation to the brake.
_GIVE_WAY_S = 5e-4
# How soon an idle node sees that it is to end.
_LOOK_UP_S = 0.2


def run_node(
    factory: Callable[[], Node], args: Sequence[str] | None = None, threads: int = 4
) -> int:
    """Make the node, spin it on `threads` threads, and end cleanly on SIGINT or SIGTERM.

    A node's `close()`, where it has one, is called before it is destroyed. Returns the exit status:
    1 if a callback raised or a thread shut the context down, 2 if parameters are missing.
    """
    sys.setswitchinterval(_GIVE_WAY_S)
    # rclpy's own handlers take the context away under threads that still publish.
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    # Before the node: one of its threads may shut the context down as soon as it runs.
    executor = SingleThreadedExecutor() if threads == 1 else MultiThreadedExecutor(threads)
    try:
        node = factory()
    except MissingParameterError as error:
        print(error, file=sys.stderr)
        rclpy.try_shutdown()
        return 2
    try:
        executor.add_node(node)
        # A multi-threaded executor is silent about a context that is gone.
        while not ended.is_set() and rclpy.ok():
            executor.spin_once(timeout_sec=_LOOK_UP_S)
    except ExternalShutdownException:
        pass  # who shut the context down has said why; the exit status tells
    except Exception:
        traceback.print_exc()
    failed = not ended.is_set()
    close = getattr(node, 'close', None)
    if close:
        close()
    executor.shutdown(timeout_sec=1.0)
    node.destroy_node()
    rclpy.try_shutdown()
    return 1 if failed else 0
