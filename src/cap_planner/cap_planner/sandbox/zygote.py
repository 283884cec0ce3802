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

from cap_planner.sandbox import frames, kernel, libraries, probes, scope, syscalls
from cap_planner.sandbox.channel import Channel
from cap_planner.sandbox.child import Child
from cap_planner.sandbox.confine import LayerStatus, Limits, Prepared, confine, prepare

PACKET_BYTES = 1 << 16


def main(control_fd: int, host_pid: int) -> None:
    """Serve the host on an inherited socket until it is gone."""
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != host_pid:
        return
    control = socket.socket(fileno=control_fd)
    warnings.simplefilter('ignore')  # showing one would open a source file
    np.seterr(all='ignore')
    prepared = prepare()
    libraries.callables(), libraries.preloaded()  # made once, for all children
    gc.collect()
    gc.freeze()
    _send(control, {'ready': os.getpid()})
    Zygote(control, prepared).serve()


class Zygote:
    """The loop: fork when asked, report who ended."""

    def __init__(self, control: socket.socket, prepared: Prepared) -> None:
        self._control = control
        self._prepared = prepared
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
        zygote = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(pipe)
            _send(self._control, {'failed': f'fork: {error}'})
            return True
        if pid == 0:
            try:
                _child(self._prepared, json.loads(data)['fork'], pipe, zygote)
            finally:
                os._exit(1)
        os.close(pipe)
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)
        _send(self._control, {'forked': pid}, pidfd)
        return True

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


def _send(control: socket.socket, message: dict[str, Any], *fds: int) -> None:
    try:
        socket.send_fds(control, [json.dumps(message).encode()], list(fds))
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)  # the host is gone; the death signal takes the children along


def _child(prepared: Prepared, job: dict[str, Any], pipe: int, zygote: int) -> None:
    limits = Limits(job['cpu_seconds'], job['memory_bytes'])
    probe = probes.PROBES.get(job.get('probe', ''))
    layers = confine(prepared, pipe, zygote, limits, probe.skip if probe else job['skip'])
    channel = Channel(syscalls.PIPE)
    missing = {layer.name for layer in layers if not layer.ok}
    if probe is not None:
        held, why = probes.attempt(job['probe'])
        channel.send({'kind': 'probe', 'held': held, 'why': why})
    elif missing - set(job['allow_missing']):
        channel.send({'kind': 'refused', 'layers': _plain(layers)})
    else:
        channel.send({'kind': 'ready', 'layers': _plain(layers)})
        scope.forget_the_disk()
        try:
            Child(channel, channel.receive()).run()
        except frames.FrameError:
            os._exit(1)
    os._exit(0)


def _plain(layers: list[LayerStatus]) -> list[list[Any]]:
    return [[layer.name, layer.ok, layer.why] for layer in layers]
