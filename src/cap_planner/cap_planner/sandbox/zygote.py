"""The process that forks one child per program. Exec'd clean, one thread, no ROS, no secrets.

Talks to the host over a socket of packets (SOCK_SEQPACKET), JSON each:

    host:   {"fork": {...job}} with the child's end of a pipe as descriptor
    zygote: {"ready": pid}, {"forked": pid} with a pidfd or {"failed": text},
            {"exited": pid, "status": of waitpid, "cpu": seconds}

It ends when the host's end closes or the host dies, and takes its children with it.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import warnings
from typing import Any

import numpy as np

from cap_planner.sandbox import frames, kernel, libraries, probes, scope, syscalls, texts
from cap_planner.sandbox.channel import Channel
from cap_planner.sandbox.child import Child
from cap_planner.sandbox.confine import Confinement, Layers, Limits, confine, statuses
from cap_planner.sandbox.environment import ENVIRONMENT
from cap_planner.sandbox.rehearsal import rehearse

PACKET_BYTES = 1 << 16
_READY = frames.pack({'kind': 'ready'})


def main(control_fd: int, host_pid: int) -> None:
    """Serve the host on an inherited socket until it is gone."""
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != host_pid:
        return
    control = socket.socket(fileno=control_fd)
    warnings.simplefilter('ignore')  # showing one would open a source file
    np.seterr(all='ignore')
    # All that a child would do before its program is done here if it can be: a child first has to
    # copy each page of memory that it touches.
    for name in ENVIRONMENT:
        os.environ.pop(name, None)
    libraries.callables(), libraries.preloaded()
    rehearse()
    confinement = Confinement()
    scope.forget_the_disk()
    gc.collect()
    gc.freeze()
    _send(control, {'ready': os.getpid()})
    Zygote(control, confinement).serve()


class Zygote:
    """The loop: fork when asked, report who ended."""

    def __init__(self, control: socket.socket, confinement: Confinement) -> None:
        self._control = control
        self._confinement = confinement
        self._unborn: dict[str, Child] = {}
        self._children: dict[int, int] = {}  # pidfd -> pid
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Until the host is gone."""
        while True:
            for fd, _ in self._poll.poll():
                if fd in self._children:
                    self._reap(fd)
                elif not self._take_job():
                    return self._end()

    def _take_job(self) -> bool:
        data, fds, _, _ = socket.recv_fds(self._control, PACKET_BYTES, 1)
        if not data:
            return False
        pipe = fds[0]
        job = json.loads(data)['fork']
        layers = self._layers(job)
        child = self._unborn_child(job['child'])
        move, descriptors = kernel.move_call(pipe, syscalls.PIPE)
        try:
            pid = os.fork()
        except OSError as error:
            os.close(pipe)
            _send(self._control, {'failed': f'fork: {error}'})
            return True
        if pid == 0:
            status = 1
            try:
                if job.get('bare'):
                    os.write(pipe, b'.')  # what a fork costs by itself, for the benchmark
                else:
                    move(*descriptors)
                    self._become_child(job, child, layers)
                status = 0
            finally:
                os._exit(status)
        # First the answer, and in few steps: the fork has made this process, too, copy each page of
        # memory that it writes to, and the host waits.
        pidfd = os.pidfd_open(pid)
        _write(self._control, b'{"forked": %d}' % pid, pidfd)
        os.close(pipe)
        self._children[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)
        return True

    def _layers(self, job: dict[str, Any]) -> Layers:
        """Those that the child of a job puts on."""
        skip = frozenset(job['skip'])
        if probe := probes.PROBES.get(job.get('probe', '')):
            skip |= {*probe.skip}
        limits = Limits(job['cpu_seconds'], job['memory_bytes'])
        return self._confinement.layers(limits, skip)

    def _unborn_child(self, given: list[Any]) -> Child:
        """The child for an API, made once; it runs in forks of this process alone."""
        key = str(given)
        if key not in self._unborn:
            self._unborn[key] = Child(Channel(syscalls.PIPE), *given)
            gc.freeze()
        return self._unborn[key]

    def _become_child(self, job: dict[str, Any], child: Child, layers: Layers) -> None:
        """What the process of a program does, to its end."""
        failed = confine(layers)
        channel = child.channel
        if 'probe' in job:
            held, why = probes.attempt(job['probe'])
            channel.send({'kind': 'probe', 'held': held, 'why': why})
        elif job.get('report'):
            channel.send({'kind': 'report', 'layers': [list(s) for s in statuses(layers, failed)]})
        elif failed and set(failed) - set(job['allow_missing']):
            channel.send({'kind': 'refused', 'missing': failed})
        else:
            channel.write(_READY)
            child.run(texts.load(channel.receive_payload()))

    def _reap(self, pidfd: int) -> None:
        pid = self._children.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        _, status, usage = os.wait4(pid, 0)
        cpu = usage.ru_utime + usage.ru_stime
        _send(self._control, {'exited': pid, 'status': status, 'cpu': cpu})

    def _end(self) -> None:
        for pidfd in self._children:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    _write(control, json.dumps(message).encode())


def _write(control: socket.socket, packet: bytes, *fds: int) -> None:
    try:
        socket.send_fds(control, [packet], fds)
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)  # the host is gone; the death signal takes the children along
