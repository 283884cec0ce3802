"""Real processes, and the kernel that tells of their ends."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cap_common.process_watch import ProcessWatch, process_epoch

DEADLINE_S = 10.0


class Watched:
    """A watch, and what it tells."""

    def __init__(self) -> None:
        self.ended: queue.Queue[int] = queue.Queue()
        self.watch = ProcessWatch(self.ended.put)


@pytest.fixture
def watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.watch.close()


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_a_process_is_told(
    watched: Watched, process: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    epoch = process_epoch(process.pid)
    assert watched.watch.watch(epoch)
    assert watched.ended.empty()
    process.send_signal(number)
    assert watched.ended.get(timeout=DEADLINE_S) == epoch


def test_it_is_told_while_nobody_has_reaped_it(
    watched: Watched, process: subprocess.Popen[bytes]
) -> None:
    epoch = process_epoch(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert watched.watch.watch(epoch)
    assert watched.ended.get(timeout=DEADLINE_S) == epoch


def test_of_several_only_the_one(watched: Watched, process: subprocess.Popen[bytes]) -> None:
    assert watched.watch.watch(process_epoch(os.getpid()))
    assert watched.watch.watch(process_epoch(process.pid))
    process.kill()
    assert watched.ended.get(timeout=DEADLINE_S) >> 32 == process.pid
    assert watched.ended.empty()


def test_what_names_no_process_of_this_machine_is_not_watched(
    watched: Watched, process: subprocess.Popen[bytes]
) -> None:
    epoch = process_epoch(process.pid)
    assert not watched.watch.watch(epoch + 1), 'the same pid, started at another time'
    assert not watched.watch.watch(0)
    assert not watched.watch.watch(2**64 - 1)
    process.kill()
    process.wait()
    assert not watched.watch.watch(epoch)
    assert watched.ended.empty()


def test_a_closed_watch_tells_nothing(process: subprocess.Popen[bytes]) -> None:
    watched = Watched()
    watched.watch.watch(process_epoch(process.pid))
    watched.watch.close()
    process.kill()
    process.wait()
    assert watched.ended.empty()
