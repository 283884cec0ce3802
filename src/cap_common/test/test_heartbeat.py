"""Beats over a real topic."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest
from rclpy.context import Context
from rclpy.node import Node

from cap_common.heartbeat import PERIOD_S, Beat, BeatMonitor

pytestmark = pytest.mark.system
DEADLINE_S = 10.0


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, 'not in time'
        threading.Event().wait(0.005)


def test_a_node_beats_once_it_is_ready_and_is_missed_when_it_ends(
    context: Context, spin: Callable[[Node], None]
) -> None:
    asked: list[bool] = []
    ready = threading.Event()

    def is_ready() -> bool:
        asked.append(ready.is_set())
        return ready.is_set()

    node, listener = Node('heart', context=context), Node('listener', context=context)
    Beat(node, is_ready)
    beats = BeatMonitor(listener.create_subscription)
    spin(node)
    spin(listener)
    _wait(lambda: len(asked) > 3)
    assert beats.age_s('heart') == float('inf')
    assert beats.epoch('heart') is None
    ready.set()
    _wait(lambda: beats.age_s('heart') < 2 * PERIOD_S)
    assert (beats.epoch('heart') or 0) >> 32 == os.getpid()
    node.destroy_node()
    _wait(lambda: beats.age_s('heart') > 5 * PERIOD_S)
    assert beats.age_s('nobody') == float('inf')
