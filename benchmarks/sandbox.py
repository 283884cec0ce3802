"""What the sandbox costs: from the fork to a program's first line, and a call through the broker.

./cap bench sandbox                      # half a minute
./cap bench sandbox --forks 1000
"""

import argparse
import dataclasses
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cap_planner.api import TABLETOP
from cap_planner.broker import Broker
from cap_planner.budget import Budget, Limits
from cap_planner.evidence import EvidenceStore
from cap_planner.sandbox import launch
from cap_planner.sandbox.host import Sandbox, SandboxConfig
from cap_planner.sandbox.program import Call, Outcome, Program, Reply, Returned, Status
from cap_planner.sandbox.run import Listener, Run, job
from cap_planner.sandbox.start import prepared

# What the zygote holds ready for programs; the project's own modules are not even counted.
_FRESH = """
import os, numpy, shapely, shapely.affinity, shapely.geometry, shapely.ops, transforms3d
os.write({pipe}, b'.')
"""
_TARGET_MS, _TARGET_RATIO, _TARGET_CALL_MS = 1.0, 30, 0.15


class Robot:
    """Answers at once, so that only the way to it is measured."""

    def get_obj_pos(self, name: str) -> np.ndarray:
        """Any position."""
        return np.array([0.1, -0.5])

    def say(self, message: str) -> None:
        """Nothing."""

    def answer(self, call: Call) -> Any:
        """Of a call that no broker has looked at."""
        return getattr(self, call.name)(*call.args)

    def phases(self) -> list[dict[str, Any]]:
        """It has none."""
        return []

    def pace_query(self) -> bool:
        """No picture is waited for."""
        return False


def seconds_until(happened: Callable[[Callable[[], None]], None]) -> float:
    """From now until what is given calls back."""
    moments = [time.perf_counter()]
    happened(lambda: moments.append(time.perf_counter()))
    return moments[1] - moments[0]


def bare_fork(zygote: launch.Zygote, config: SandboxConfig) -> float:
    """Seconds from asking the zygote for a fork to the first byte that a bare child writes."""

    def fork(arrived: Callable[[], None]) -> None:
        child = zygote.fork(job(config) | {'bare': True}, config.start_seconds)
        child.pipe.recv(1)
        arrived()
        # Or the next measurement would wait for a zygote that buries this one.
        while zygote.receive(config.start_seconds)[0].get('exited') != child.pid:
            pass
        child.close()

    return seconds_until(fork)


def forked_line(zygote: launch.Zygote, config: SandboxConfig) -> float:
    """Seconds from asking the zygote for a fork to the call in the program's first line."""
    program = Program('say("x")', TABLETOP)
    _, start, _ = prepared(program)

    def fork(arrived: Callable[[], None]) -> None:
        def on_call(_: Call) -> Reply:
            arrived()
            return Returned()

        child = Run(config, zygote, program.api, start)
        listener = Listener(on_call, lambda: None, lambda call, result: None)
        finished(child.execute(program, listener, 10.0, lambda: False))
        child.close()

    return seconds_until(fork)


def first_line(sandbox: Sandbox) -> float:
    """Seconds from `Sandbox.run` to the call in the first line of the program."""

    def run(arrived: Callable[[], None]) -> None:
        def on_call(_: Call) -> Reply:
            arrived()
            return Returned()

        finished(sandbox.run(Program('say("x")', TABLETOP), on_call, wall_seconds=10.0))

    return seconds_until(run)


def whole_run(sandbox: Sandbox) -> float:
    """Seconds of a program that does nothing, from `Sandbox.run` to its outcome."""
    before = time.perf_counter()
    finished(sandbox.run(Program('x = 1', TABLETOP), lambda _: Returned(), wall_seconds=10.0))
    return time.perf_counter() - before


def fresh_python() -> float:
    """Seconds from starting an interpreter to the first line after its imports."""
    reader, writer = os.pipe()

    def start(arrived: Callable[[], None]) -> None:
        paths = f'import sys; sys.path[:0] = {launch._paths()!r}'
        command = [sys.executable, *launch._FLAGS, '-c', paths + _FRESH.format(pipe=writer)]
        process = subprocess.Popen(command, env=launch._ENVIRONMENT, pass_fds=[writer])
        os.read(reader, 1)
        arrived()
        process.wait()

    try:
        return seconds_until(start)
    finally:
        os.close(reader)
        os.close(writer)


def calls(
    sandbox: Sandbox,
    count: int,
    source: str,
    answer: Callable[[Call], Any],
    answered: Callable[[], None] = lambda: None,
) -> list[float]:
    """Seconds from one call's arrival to that of the next."""
    moments = []

    def on_call(call: Call) -> Reply:
        moments.append(time.perf_counter())
        return Returned(answer(call))

    text = f'for i in range({count + 1}):\n    {source}'
    program = Program(text, TABLETOP)
    finished(sandbox.run(program, on_call, wall_seconds=60.0, on_answered=answered))
    return list(np.diff(moments))


def brokered(sandbox: Sandbox, folder: Path, count: int, source: str) -> list[float]:
    """The same, through a broker as the planner has one, with its evidence on the disk."""
    # Every budget is counted, and none is in the way.
    limits = Limits(**{field.name: 10**6 for field in dataclasses.fields(Limits)})
    path = folder / f'{uuid.uuid4().hex}.sqlite'
    with EvidenceStore(path) as store:
        record = store.begin('benchmark', 'benchmark', 'auto')
        no_model: Any = None
        broker = Broker(
            TABLETOP,
            Robot(),
            Budget(limits),
            record,
            no_model,
            lambda: None,
            lambda text, line, kind: None,
        )
        times = calls(sandbox, count, source, broker.call, broker.answered)
        kept = store.export(record.id)['calls']
    assert len(kept) == count + 1
    assert all(row['duration_s'] is not None for row in kept)
    return times


def finished(outcome: Outcome) -> None:
    """Stop the benchmark if a program did not do its work."""
    if outcome.status is not Status.FINISHED:
        raise SystemExit(f'{outcome.status}: {outcome.text}')


def show(name: str, seconds: list[float]) -> float:
    """Print one row; returns the median in milliseconds."""
    median = 1000 * np.median(seconds)
    p95 = 1000 * np.percentile(seconds, 95)
    print(f'{name:52s} {median:9.3f} {p95:9.3f} {1000 * min(seconds):9.3f} {len(seconds):7d}')
    return median


def verdict(reached: bool, text: str) -> None:
    """Print a target and whether this run reached it."""
    print(f'{"reached" if reached else "MISSED ":8s} {text}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--forks', type=int, default=300)
    parser.add_argument('--calls', type=int, default=5000)
    parser.add_argument('--fresh', type=int, default=20, help='starts of a fresh interpreter')
    parser.add_argument('--folder', help='where the evidence is written; a disk, not a tmpfs')
    options = parser.parse_args()
    config = SandboxConfig(cpu_seconds=60)
    bare, forked, first, whole = [], [], [], []
    print(f'{"milliseconds":52s} {"median":>9s} {"95 %":>9s} {"least":>9s} {"n":>7s}')
    with (
        Sandbox(config) as sandbox,
        tempfile.TemporaryDirectory(prefix='cap-sandbox-', dir=options.folder) as folder,
    ):
        zygote = sandbox._living_zygote()
        for _ in range(options.forks):  # in turn, so that a busy machine is the same for all
            bare.append(bare_fork(zygote, config))
            forked.append(forked_line(zygote, config))
            first.append(first_line(sandbox))
            whole.append(whole_run(sandbox))
        fresh = [fresh_python() for _ in range(options.fresh)]
        bare_ms = show('a bare fork of the zygote, to its first byte', bare)
        forked_ms = show("a fork with all layers, to the program's first line", forked)
        first_ms = show('Sandbox.run to the first line', first)
        show('Sandbox.run to the outcome of an empty program', whole)
        fresh_ms = show('a fresh Python with the libraries, to its first line', fresh)
        alone = calls(sandbox, options.calls, 'get_obj_pos("a")', Robot().answer)
        show("a query's round trip, no broker", alone)
        query_ms, action_ms = (
            show(f"{what}'s round trip, broker and audit commit", times)
            for what, times in (
                ('a query', brokered(sandbox, Path(folder), options.calls, 'get_obj_pos("a")')),
                ('an action', brokered(sandbox, Path(folder), options.calls, 'say("done")')),
            )
        )
    processors = len(os.sched_getaffinity(0))
    print(f'\nload average {os.getloadavg()[0]:.1f} on {processors} processors')
    over_ms, ratio = forked_ms - bare_ms, fresh_ms / first_ms
    verdict(over_ms <= _TARGET_MS, f'{over_ms:.2f} ms over a bare fork (at most {_TARGET_MS:g})')
    verdict(
        ratio >= _TARGET_RATIO,
        f'{ratio:.0f} times faster than a fresh Python (at least {_TARGET_RATIO})',
    )
    verdict(
        max(query_ms, action_ms) < _TARGET_CALL_MS,
        f'{query_ms:.3f} ms a query, {action_ms:.3f} ms an action (under {_TARGET_CALL_MS:g})',
    )


if __name__ == '__main__':
    main()
