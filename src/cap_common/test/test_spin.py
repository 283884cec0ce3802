"""How a node's process ends, and with which exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cap_common.domain import free_domain_id

pytestmark = pytest.mark.system
DEADLINE_S = 20.0
PROGRAM = """
import sys
import threading
from dataclasses import dataclass

from rclpy.node import Node

from cap_common.ears import Ears
from cap_common.parameters import load_parameters
from cap_common.qos import LATCHED
from cap_common.spin import run_node
from cap_interfaces.msg import Heartbeat

how, threads = sys.argv[1], int(sys.argv[2])


@dataclass(frozen=True)
class Settings:
    size: float


class Short(Node):
    def __init__(self):
        super().__init__('short')
        if how == 'parameter':
            load_parameters(self, Settings)
        self.ears = Ears(self)
        self.ears.listen(Heartbeat, 'word', lambda _: 1 / 0, LATCHED)
        self.ears.start()
        self.words = self.create_publisher(Heartbeat, 'word', LATCHED)
        self.create_timer(0.05, self.tick)
        if how == 'before it spins':
            self.context.try_shutdown()

    def tick(self):
        print('alive', flush=True)
        if how == 'callback':
            raise ValueError('from a callback')
        if how == 'ears':
            self.words.publish(Heartbeat())
        if how == 'thread':
            threading.Thread(target=self.context.try_shutdown).start()

    def close(self):
        self.ears.close()
        print('closed', flush=True)


sys.exit(run_node(Short, threads=threads))
"""


def _start(folder: Path, how: str, threads: int) -> subprocess.Popen[str]:
    program = folder / 'short.py'
    program.write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, str(program), how, str(threads)],
        env=os.environ | {'ROS_DOMAIN_ID': str(free_domain_id())},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well(tmp_path: Path, number: signal.Signals) -> None:
    process = _start(tmp_path, 'signal', 3)
    assert process.stdout
    assert process.stdout.readline() == 'alive\n'
    process.send_signal(number)
    out, err = _end(process)
    assert process.returncode == 0, err
    assert 'closed' in out


@pytest.mark.parametrize('threads', [1, 3])
@pytest.mark.parametrize(
    ('how', 'text'),
    [
        ('callback', 'from a callback'),
        ('ears', 'ZeroDivisionError'),
        ('thread', ''),
        ('before it spins', ''),
    ],
)
def test_a_fault_ends_it_with_1(tmp_path: Path, how: str, text: str, threads: int) -> None:
    process = _start(tmp_path, how, threads)
    out, err = _end(process)
    assert process.returncode == 1, err
    assert text in err
    assert 'closed' in out


def test_a_missing_parameter_ends_it_with_2(tmp_path: Path) -> None:
    process = _start(tmp_path, 'parameter', 1)
    _, err = _end(process)
    assert process.returncode == 2
    assert 'size' in err
