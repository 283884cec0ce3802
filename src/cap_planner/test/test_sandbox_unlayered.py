"""Layers switched off one by one: an attack that a layer stops works without it."""

import dataclasses
from pathlib import Path

import pytest

import cap_planner
from cap_planner.api import TABLETOP
from cap_planner.sandbox.confine import LAYERS
from cap_planner.sandbox.host import Sandbox, SandboxConfig
from cap_planner.sandbox.program import Program, Returned, Status
from cap_planner.sandbox.unlayered import UnlayeredSandbox

TO_THE_REAL_OS = """
_close = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close'][0]
os = _close.__init__.__globals__
"""
WRITE = TO_THE_REAL_OS + "os['close'](os['open']('@/a', os['O_CREAT'] | os['O_WRONLY']))"
FILE_LAYERS = {'seccomp', 'landlock', 'rlimits', 'identity'}


@pytest.fixture(scope='module')
def unlayered():
    with UnlayeredSandbox(SandboxConfig(), ()) as started:
        yield started


def run(sandbox, source):
    return sandbox.run(Program(source, TABLETOP), lambda call: Returned(), wall_seconds=10.0)


def test_a_file_is_written_without_the_layers_that_forbid_it(unlayered, tmp_path):
    tmp_path.chmod(0o777)
    unlayered.skip = FILE_LAYERS
    assert run(unlayered, WRITE.replace('@', str(tmp_path))).status is Status.FINISHED
    assert [path.name for path in tmp_path.iterdir()] == ['a']


@pytest.mark.parametrize('only', sorted(FILE_LAYERS - {'identity'}))
def test_one_layer_of_them_is_enough(unlayered, only, tmp_path):
    tmp_path.chmod(0o777)
    unlayered.skip = FILE_LAYERS - {only}
    outcome = run(unlayered, WRITE.replace('@', str(tmp_path)))
    assert outcome.status is not Status.FINISHED, outcome
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('layer', LAYERS)
def test_programs_run_without_any_one_layer(unlayered, layer):
    # The kernel restricts a process that has no privileges only once it cannot gain any.
    unlayered.skip = {layer, 'landlock', 'seccomp'} if layer == 'no_new_privs' else {layer}
    assert run(unlayered, 'x = float(np.sqrt(4))').session.variables == {'x': 2.0}


def test_with_no_layer_off_it_is_the_real_sandbox(unlayered, tmp_path):
    unlayered.skip = frozenset()
    outcome = run(unlayered, WRITE.replace('@', str(tmp_path)))
    assert outcome.status is Status.VIOLATION


def test_only_names_of_layers_are_taken():
    with pytest.raises(ValueError, match='the layers are descriptors, environment'):
        UnlayeredSandbox(SandboxConfig(), {'selinux'})


def test_no_parameter_of_the_planner_switches_a_layer_off():
    assert 'skip' not in {field.name for field in dataclasses.fields(SandboxConfig)}
    with pytest.raises(TypeError):
        Sandbox(SandboxConfig(), skip={'seccomp'})
    package = Path(cap_planner.__file__).parent
    importers = [p.name for p in package.rglob('*.py') if 'sandbox.unlayered' in p.read_text()]
    assert importers == []
