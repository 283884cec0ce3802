import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from cap_bringup import supervisor
from cap_bringup.node_list import NodeSpec, tabletop


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


def test_the_guard_keeps_its_stop_in_a_folder_of_this_run(tmp_path):
    def start():
        specs = [spec for spec in tabletop({}) if spec.name == 'guard']
        nodes = supervisor.Supervisor(specs, tmp_path, os.environ, restart=True)
        content = yaml.safe_load((tmp_path / 'guard.yaml').read_text())
        return nodes, Path(content['/**/guard']['ros__parameters']['stop_file'])

    (one, kept), (other, kept_by_other) = start(), start()
    assert kept.is_absolute()
    assert kept.parent.is_dir()
    assert kept != kept_by_other
    one.stop()
    other.stop()
    assert not list(tmp_path.glob('run_*'))


def test_what_ends_before_it_is_needed_is_said_with_its_log(sleeper):
    with sleeper(restart=True) as nodes:
        wait_for(lambda: 'hello' in nodes.log_tail('n'))
        nodes.require_all()
        os.kill(nodes.pid('n'), signal.SIGKILL)
        with pytest.raises(supervisor.NodeEndedError, match=r'n ended with status -9(.|\n)*hello'):
            wait_for(nodes.require_all)
