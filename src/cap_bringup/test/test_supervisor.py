import os
import signal
import sys
import threading
import time

import pytest

from cap_bringup import supervisor
from cap_bringup.node_list import NodeSpec


@pytest.fixture
def sleeper(monkeypatch, tmp_path):
    """A supervisor of one process that says hello and sleeps."""
    code = "print('hello', flush=True); import time; time.sleep(60)"
    monkeypatch.setattr(supervisor, 'node_command', lambda *_: [sys.executable, '-c', code])

    def make(restart):
        return supervisor.Supervisor([NodeSpec('p', 'e', 'n')], tmp_path, os.environ, restart)

    return make


def wait_for(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.02)


def test_a_dead_process_is_started_again(sleeper):
    with sleeper(restart=True) as nodes:
        first = nodes.pid('n')
        os.kill(first, signal.SIGKILL)
        events = []
        wait_for(lambda: events.extend(nodes.poll()) or 'n started again' in events)
        assert any('status -9' in event for event in events)
        assert nodes.pid('n') != first


def test_without_restart_it_stays_dead(sleeper):
    with sleeper(restart=False) as nodes:
        os.kill(nodes.pid('n'), signal.SIGKILL)
        events = []
        wait_for(lambda: events.extend(nodes.poll()) or events)
        with pytest.raises(LookupError, match="nodes: \\['n'\\]"):
            nodes.pid('n')


def test_nobody_outlives_it(sleeper):
    with sleeper(restart=True) as nodes:
        pid = nodes.pid('n')
        wait_for(lambda: 'hello' in nodes.log_tail('n'))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
