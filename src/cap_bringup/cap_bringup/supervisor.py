"""Runs the node list as processes: started together, restarted when one dies, ended together."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml
from ament_index_python.packages import get_package_prefix, get_package_share_directory

from cap_bringup.node_list import (
    DIE_WITH_PARENT,
    NodeSpec,
    process_environment,
    robot_description,
)
from cap_common.domain import own_domain_id
from cap_common.errors import CapError

_RESTART_DELAY_S = 1.0
_END_S = 5.0


def node_environment(domain_id: int | None = None) -> dict[str, str]:
    """The environment of every process of the system, on this machine only."""
    share = Path(get_package_share_directory('cap_bringup'))
    environment = {
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        **os.environ,
        **process_environment(share),
    }
    if domain_id is not None:
        environment['ROS_DOMAIN_ID'] = str(domain_id)
    return environment


def node_command(spec: NodeSpec, parameters_file: Path, run: Path) -> list[str]:
    """How a node is started; writes what comes on top of its yaml into `parameters_file`.

    Args:
        run: a folder of this run of the system.
    """
    parameters: dict[str, Any] = dict(spec.parameters)
    if spec.uses_sim_time:
        parameters['use_sim_time'] = True
    config = Path(get_package_share_directory('cap_bringup'), 'config')
    if description := robot_description(spec, config):
        parameters['robot_description'] = description
    if spec.needs_stop_file:
        parameters['stop_file'] = str(run.absolute() / 'stop')
    content = {f'/**/{spec.name}': {'ros__parameters': parameters}}
    parameters_file.write_text(yaml.safe_dump(content), encoding='utf-8')
    executable = Path(get_package_prefix(spec.package), 'lib', spec.package, spec.executable)
    files = [*(config / name for name in spec.config), parameters_file]
    return [
        *('nice', '-n', str(spec.niceness)),
        *(str(executable), '--ros-args'),
        *(word for file in files for word in ('--params-file', str(file))),
    ]


@dataclass
class _Child:
    name: str
    command: list[str]
    log: IO[bytes]
    process: subprocess.Popen[bytes] | None = None
    died_at: float = 0.0


class NodeEndedError(CapError):
    """A node ended by itself before the system was ready."""


class Supervisor:
    """The processes of a system.

    Args:
        folder: for their logs and parameter files.
        restart: start a node again when it ends by itself.
    """

    def __init__(
        self, specs: Sequence[NodeSpec], folder: Path, environment: Mapping[str, str], restart: bool
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = {**environment, 'ROS_LOG_DIR': str(folder / 'ros')}
        own_domain_id(environment)  # a wrong one is refused here, not by every node
        self._restart = restart
        # Not `folder` itself: the run before used that, and another may do so now.
        self._run = tempfile.TemporaryDirectory(prefix='run_', dir=folder)
        self._children = [
            _Child(
                spec.name,
                node_command(spec, folder / f'{spec.name}.yaml', Path(self._run.name)),
                (folder / f'{spec.name}.log').open('wb', buffering=0),
            )
            for spec in specs
        ]

    def __enter__(self) -> Supervisor:
        for child in self._children:
            self._start(child)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def poll(self) -> list[str]:
        """Restart what died; returns a line for each death and each restart."""
        events = []
        for child in self._children:
            if child.process is None:
                if self._restart and time.monotonic() - child.died_at > _RESTART_DELAY_S:
                    self._start(child)
                    events.append(f'{child.name} started again')
            elif (status := child.process.poll()) is not None:
                child.process, child.died_at = None, time.monotonic()
                events.append(f'{child.name} ended with status {status}; its log: {child.log.name}')
        return events

    def require_all(self) -> None:
        """Go on only if no node has ended.

        Raises:
            NodeEndedError: one has; with the end of its log.
        """
        for event in self.poll():
            raise NodeEndedError(f'{event}\n{self.log_tail(event.split()[0])}')

    def pid(self, name: str) -> int:
        """Process id of a running node.

        Raises:
            LookupError: no such node, or it is not running.
        """
        for child in self._children:
            if child.name == name and child.process is not None and child.process.poll() is None:
                return child.process.pid
        raise LookupError(f'{name!r} is not running; nodes: {[c.name for c in self._children]}')

    def log_tail(self, name: str, lines: int = 15) -> str:
        """The end of a node's log."""
        (log,) = (child.log.name for child in self._children if child.name == name)
        return '\n'.join(Path(log).read_text(errors='replace').splitlines()[-lines:])

    def stop(self) -> None:
        """SIGINT to all, then SIGKILL to those that do not end."""
        running = [c.process for c in self._children if c.process and c.process.poll() is None]
        for process in running:
            _signal_group(process, signal.SIGINT)
        deadline = time.monotonic() + _END_S
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.wait()
        for child in self._children:
            child.log.close()
        self._run.cleanup()

    def _start(self, child: _Child) -> None:
        child.process = subprocess.Popen(
            [*DIE_WITH_PARENT, *child.command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=child.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        process.poll()
