"""Looks whether programs can be run safely on this machine, by trying what must not work."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterator

from cap_planner.sandbox.confine import LAYERS, LayerStatus
from cap_planner.sandbox.launch import Zygote, ZygoteError
from cap_planner.sandbox.probes import PROBES
from cap_planner.sandbox.program import SandboxConfig, SandboxUnavailableError
from cap_planner.sandbox.run import job
from cap_planner.sandbox.wire import OverBudget, PeerEnded, Wire

_END_SECONDS = 5.0
_REFUSED = '; refused: '


def doctor(config: SandboxConfig | None = None) -> list[LayerStatus]:
    """Each layer: applied in a real child, and tried by every probe that it must stop.

    `why` of a layer that holds says what it does and what was tried; of another, what is missing.
    """
    config = config or SandboxConfig()
    try:
        zygote = Zygote(config.start_seconds)
    except SandboxUnavailableError as error:
        return [LayerStatus(name, False, str(error)) for name in LAYERS]
    try:
        found = {layer.name: layer for layer in _applied(config, zygote)}
        for name, probe in PROBES.items():
            layer = found[probe.layer]
            held, why = try_probe(config, zygote, name)
            if layer.ok:
                link = ', ' if _REFUSED in layer.why else _REFUSED
                text = f'{layer.why}{link}{name}' if held else f'{name}: {why}'
                found[probe.layer] = LayerStatus(layer.name, held, text)
        return list(found.values())
    except (ZygoteError, OverBudget, PeerEnded) as error:
        return [LayerStatus(name, False, f'the child ended: {error}') for name in LAYERS]
    finally:
        zygote.close()


def _applied(config: SandboxConfig, zygote: Zygote) -> Iterator[LayerStatus]:
    """What a child says of its own layers."""
    fork = zygote.fork({**job(config), 'report': True}, config.start_seconds)
    try:
        message = Wire(fork.pipe, config.poll_seconds, config.start_seconds).receive()
    finally:
        fork.kill()
        fork.close()
    for name, ok, why in message['layers']:
        yield LayerStatus(name, ok, why)


def try_probe(
    config: SandboxConfig, zygote: Zygote, name: str, skip: Collection[str] = ()
) -> tuple[bool, str]:
    """Let a child try a forbidden thing: whether it was stopped, and how.

    Args:
        skip: layers to leave out, besides those that the probe leaves out to see its own.
    """
    fork = zygote.fork({**job(config, skip=skip), 'probe': name}, config.start_seconds)
    try:
        wire = Wire(fork.pipe, config.poll_seconds, _END_SECONDS)
        message = wire.receive()
        if PROBES[name].kills:
            return False, 'it was possible' if not message['held'] else message['why']
        return message['held'], message['why']
    except PeerEnded:
        status = _end_status(zygote, fork.pid)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS
        return killed and PROBES[name].kills, 'killed by SIGSYS' if killed else f'status {status}'
    finally:
        fork.kill()
        fork.close()


def _end_status(zygote: Zygote, pid: int) -> int:
    while True:
        message, _ = zygote.receive(_END_SECONDS)
        if message.get('exited') == pid:
            return int(message['status'])
