"""Beats over a real topic."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from rclpy.context import Context
from rclpy.node import Node

from cap_common.heartbeat import PERIOD_S, Beat, BeatMonitor
from cap_common.process_watch import process_epoch

pytestmark = pytest.mark.system
DEADLINE_S = 10.0


@pytest.fixture
def ended() -> list[str]:
    """Names of the nodes whose process has ended."""
    return []


@pytest.fixture
def beats(
    context: Context, spin: Callable[[Node], None], ended: list[str]
) -> Iterator[BeatMonitor]:
    listener = Node('listener', context=context)
    beats = BeatMonitor(listener.create_subscription, ended.append)
    spin(listener)
    yield beats
    beats.close()


def _wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, 'not in time'
        threading.Event().wait(0.005)


def test_a_node_beats_once_it_is_ready_and_is_missed_when_it_falls_silent(
    context: Context, spin: Callable[[Node], None], beats: BeatMonitor
) -> None:
    asked: list[bool] = []
    ready = threading.Event()

    def is_ready() -> bool:
        asked.append(ready.is_set())
        return ready.is_set()

    node = Node('heart', context=context)
    Beat(node, is_ready)
    spin(node)
    _wait(lambda: len(asked) > 3)
    assert beats.lost('heart', DEADLINE_S) == 'no heartbeat yet'
    assert beats.epoch('heart') is None
    ready.set()
    _wait(lambda: beats.lost('heart', 2 * PERIOD_S) is None)
    assert beats.epoch('heart') == process_epoch(os.getpid())
    node.destroy_node()
    said: list[str] = []

    def is_missed() -> bool:
        said.append(beats.lost('heart', 5 * PERIOD_S) or '')
        return bool(said[-1])

    _wait(is_missed)
    assert re.fullmatch(r'no heartbeat for \d+\.\d s', said[-1])
    assert beats.lost('nobody', DEADLINE_S) == 'no heartbeat yet'


OTHER = """
import rclpy
from rclpy.node import Node
from cap_common.heartbeat import Beat

rclpy.init()
node = Node('heart')
beat = Beat(node)
rclpy.spin(node)
"""


def test_the_end_of_a_process_is_known_without_waiting_for_beats(
    context: Context, beats: BeatMonitor, ended: list[str]
) -> None:
    def start() -> subprocess.Popen[bytes]:
        variables = {**os.environ, 'ROS_DOMAIN_ID': str(context.get_domain_id())}
        return subprocess.Popen([sys.executable, '-c', OTHER], env=variables)

    with start() as first:
        _wait(lambda: beats.lost('heart', DEADLINE_S) is None)
        first.kill()
        _wait(lambda: ended == ['heart'])
        assert beats.lost('heart', DEADLINE_S) == 'its process has ended'
    with start() as second:
        _wait(lambda: beats.lost('heart', DEADLINE_S) is None)
        assert (beats.epoch('heart') or 0) >> 32 == second.pid
        second.kill()
