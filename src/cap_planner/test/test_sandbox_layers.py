"""Each layer alone: what it must stop is stopped by it, and is possible where no layer is."""

import os
from unittest import mock

import pytest

from cap_planner.sandbox import launch
from cap_planner.sandbox.confine import LAYERS
from cap_planner.sandbox.doctor import try_probe
from cap_planner.sandbox.launch import Zygote
from cap_planner.sandbox.probes import PROBES
from cap_planner.sandbox.program import SandboxConfig

CONFIG = SandboxConfig(cpu_seconds=5, memory_bytes=256 << 20)
ROOTS = {'root', 'chroot', 'raise a limit'}  # of what only root can do, others need no layer


@pytest.fixture(scope='module')
def zygote():
    with mock.patch.dict(launch._ENVIRONMENT, {'SECRET': 'of the host'}):
        started = Zygote(CONFIG.start_seconds)
    yield started
    started.close()


@pytest.mark.parametrize('name', PROBES)
def test_a_layer_stops_it(zygote, name):
    held, why = try_probe(CONFIG, zygote, name)
    assert held, why


@pytest.mark.parametrize('name', PROBES)
def test_without_layers_it_is_possible(zygote, name):
    if name in ROOTS and os.geteuid() != 0:
        pytest.skip('not root')
    held, why = try_probe(CONFIG, zygote, name, skip=LAYERS)
    assert not held, why


def test_every_layer_is_probed():
    assert {probe.layer for probe in PROBES.values()} == set(LAYERS)
