import fcntl
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


# ── shared memory of dead nodes ──────────────────────────────────────────────────────────────


OURS, THEIRS, SEGMENT = 'fastrtps_port17411', 'fastrtps_port17661', 'fastrtps_0123456789abcdef'
DOMAIN = 40  # its ports are 17400 to 17649


@pytest.fixture
def left(tmp_path):
    """Makes the files of a process that lived a while ago; returns their lock."""

    def make(name, age_s=60.0, kind='el'):
        lock = tmp_path / f'{name}_{kind}'
        for path in (tmp_path / name, tmp_path / f'sem.{name}_mutex', lock):
            path.touch()
        os.utime(lock, (time.time() - age_s,) * 2)
        return lock

    return make


def swept(folder):
    """Names of what a sweep leaves, but for the locks."""
    supervisor.sweep_shared_memory(DOMAIN, folder)
    return {path.name for path in folder.iterdir() if not path.name.endswith(('_el', '_sl'))}


@pytest.mark.parametrize('kind', ['el', 'sl'])
@pytest.mark.parametrize('name', [OURS, SEGMENT])
def test_what_dead_nodes_have_left_goes(left, tmp_path, name, kind):
    left(name, kind=kind)
    assert swept(tmp_path) == set()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', [OURS, SEGMENT])
def test_what_is_young_may_be_a_node_that_starts(left, tmp_path, name):
    left(name, age_s=1.0)
    assert swept(tmp_path) == {name, f'sem.{name}_mutex'}


def test_ports_of_another_domain_are_not_ours(left, tmp_path):
    left(THEIRS)
    assert swept(tmp_path) == {THEIRS, f'sem.{THEIRS}_mutex'}


@pytest.mark.parametrize(('kind', 'how'), [('el', fcntl.LOCK_EX), ('sl', fcntl.LOCK_SH)])
@pytest.mark.parametrize('name', [OURS, SEGMENT])
def test_what_a_process_holds_stays(left, tmp_path, name, kind, how):
    left(name, kind={'el': 'sl', 'sl': 'el'}[kind])  # of a dead one before
    with left(name, kind=kind).open() as held:
        fcntl.flock(held, how)
        assert swept(tmp_path) == {name, f'sem.{name}_mutex'}
