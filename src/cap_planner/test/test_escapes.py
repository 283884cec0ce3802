"""Escapes of Python sandboxes, tried on the real one.

An attack counts only if it first succeeds with the layers off that it is up against. With every
layer of the kernel on and the verifier off, it must touch nothing and the host must answer the
next program. See escapes/ for the attacks and the canaries.
"""

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from escapes import ATTACKS
from escapes.attack import EVERY_LAYER, TOLD, WALK, Goal, Layer
from escapes.firing_range import FiringRange

from cap_planner.api import TABLETOP
from cap_planner.sandbox import landlock
from cap_planner.sandbox.host import Sandbox, SandboxConfig
from cap_planner.sandbox.program import Budget, Program, Returned, Status
from cap_planner.verifier import verify

# One of each kind of thing that each layer stands before.
FIRST_OF_EACH = {
    (attack.goal, layer): name
    for name, attack in reversed(ATTACKS.items())
    for layer in attack.layers
}
# Of Landlock: TCP, and later the scope of signals.
SINCE_ABI = {Goal.SOCKET: 4, Goal.SIGNAL: 6}
IN_PYTHON = [name for name, attack in ATTACKS.items() if Layer.SCOPE in attack.layers]
# Among these are programs that do nothing wrong but use too much: only a run tells.
ORDINARY_KINDS = ('exhaustion', 'next program')


@pytest.fixture(scope='module')
def firing_range():
    with contextlib.closing(FiringRange()) as opened:
        yield opened


@pytest.fixture(scope='module')
def sandbox():
    with Sandbox(SandboxConfig(cpu_seconds=5, memory_bytes=256 << 20)) as started:
        yield started


def attack_here(name):
    """The attack, if it can be tried on this machine by this user."""
    attack = ATTACKS[name]
    if attack.root and os.geteuid() != 0:
        pytest.skip('only root has the right that it takes')
    if attack.x86 and platform.machine() != 'x86_64':
        pytest.skip('only x86_64 has the call')
    return attack


def test_the_corpus_is_large_and_goes_for_everything():
    assert len(ATTACKS) >= 150
    assert {attack.goal for attack in ATTACKS.values()} == set(Goal)
    assert {layer for attack in ATTACKS.values() for layer in attack.layers} >= set(Layer)


@pytest.mark.parametrize('name', ATTACKS)
def test_it_succeeds_with_its_layers_off(name, firing_range):
    attack = attack_here(name)
    trial = firing_range.fire(attack, attack.off, follow=attack.goal is Goal.NEXT_PROGRAM)
    if attack.optional and attack.goal not in trial.touched:
        pytest.skip(f'this machine refuses it without a sandbox, too: {trial.ended}')
    assert trial.ran, trial
    assert attack.goal in trial.touched, trial


@pytest.mark.parametrize('name', ATTACKS)
def test_with_the_layers_on_it_touches_nothing(name, firing_range):
    attack = attack_here(name)
    # The scope is no boundary: what needs it off is tried with it off, and meets the kernel.
    trial = firing_range.fire(attack, attack.layers & {Layer.SCOPE})
    assert trial.ran, trial
    assert trial.touched == {}, trial


@pytest.mark.parametrize('name', IN_PYTHON)
def test_the_scope_alone_stops_what_it_should(name, firing_range):
    trial = firing_range.fire(ATTACKS[name], ATTACKS[name].off - {Layer.SCOPE})
    assert trial.touched == {}, trial


@pytest.mark.skipif(os.geteuid() != 0, reason='an ordinary user has not the rights to be taken')
@pytest.mark.parametrize(('goal', 'layer'), sorted(FIRST_OF_EACH))
def test_each_layer_stops_it_alone(goal, layer, firing_range):
    attack = attack_here(FIRST_OF_EACH[goal, layer])
    if layer == 'landlock' and landlock.abi() < SINCE_ABI.get(goal, 1):
        pytest.skip('the Landlock of this kernel does not know of it')
    trial = firing_range.fire(attack, attack.off - {layer})
    assert not {goal, Goal.NEXT_PROGRAM} & set(trial.touched), (attack, trial)


def test_every_layer_of_the_kernel_that_stops_something_alone_is_named():
    named = {layer for attack in ATTACKS.values() for layer in attack.layers}
    # No attack needs to gain a privilege by exec: it would need exec first.
    assert set(EVERY_LAYER) - named == {'no_new_privs'}


@pytest.mark.parametrize('name', [name for name in ATTACKS if not name.startswith(ORDINARY_KINDS)])
def test_the_verifier_reports_it(name):
    assert not verify(ATTACKS[name].program, TABLETOP, known=TOLD).ok


SEND = f"""{WALK}
def send(payload):
    os.write(3, len(payload).to_bytes(4, 'big') + payload)
    while True: pass
"""


@pytest.mark.parametrize(
    'attempt',
    [
        "os.write(3, b'\\xff\\xff\\xff\\xff')",
        "send(b'[]')",
        'send(b\'{"kind": "exec", "code": "1"}\')',
        'send(b\'{"kind": "call", "name": "say"}\')',
        'send(b\'{"kind": "end", "error": null}\')',
    ],
)
def test_what_is_no_frame_ends_the_child(attempt, sandbox):
    outcome = sandbox.run(Program(SEND + attempt, TABLETOP), None, wall_seconds=10.0)
    assert outcome.status is Status.VIOLATION, outcome
    assert 'it sent' in outcome.text


def test_a_child_that_floods_the_pipe_runs_into_its_time(sandbox):
    call = (
        b'{"kind": "call", "id": 1, "name": "say", "line": 1, "depth": 0, "kwargs": {}, "args": []}'
    )
    source = f'{WALK}frame = ({len(call)}).to_bytes(4, "big") + {call!r}\n'
    source += 'while True: os.write(3, frame * 100)'
    answer = Returned('x' * 1000)
    outcome = sandbox.run(Program(source, TABLETOP), lambda c: answer, wall_seconds=0.5)
    assert (outcome.status, outcome.budget) == (Status.KILLED, Budget.WALL)


@pytest.mark.parametrize(
    'source', ['x = 10 ** 10 ** 8', "x = 'a' * 10 ** 11", 'x = [0] * 10 ** 10']
)
def test_bombs_are_killed(source, sandbox):
    outcome = sandbox.run(Program(source, TABLETOP), lambda c: Returned(), wall_seconds=0.5)
    assert outcome.status is Status.KILLED


def _python_of_everybody():
    """An interpreter of this version that an ordinary user may run: ours may be in root's home."""
    version = f'python{sys.version_info.major}.{sys.version_info.minor}'
    for path in (sys.executable, f'/usr/bin/{version}', f'/usr/local/bin/{version}'):
        if shutil.which(path) and _runs_as_nobody(path):
            return path
    return None


def _as_nobody(command):
    return ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', *command]


def _runs_as_nobody(path):
    # Twice: setpriv itself can still read root's folders when it starts the first.
    probe = [path, '-S', '-c', 'import os, sys; os.execv(sys.executable, [sys.executable, "-V"])']
    return not subprocess.run(_as_nobody(probe), capture_output=True, check=False).returncode


ORDINARY = """
import os, sys
assert os.getuid() == 65534
from cap_planner.api import TABLETOP
from cap_planner.sandbox.doctor import doctor
from cap_planner.sandbox.host import Sandbox, SandboxConfig
from cap_planner.sandbox.program import Program, Returned
print([layer for layer in doctor() if not layer.ok])
with Sandbox(SandboxConfig()) as sandbox:
    for source in eval(sys.argv[1]):
        program = Program(source, TABLETOP)
        print(sandbox.run(program, lambda call: Returned(), wall_seconds=10.0).status)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason='everything else here runs as an ordinary user then')
def test_an_ordinary_user_has_the_same_sandbox():
    python = shutil.which('setpriv') and _python_of_everybody()
    if not python:
        pytest.skip('no setpriv, or no interpreter that an ordinary user may run')
    attempts = ("real.open('/tmp')", "modules['socket'].socket()", 'os.fork()', 'os.kill(1, 9)')
    attacks = ['x = 1', *(WALK + attempt for attempt in attempts)]
    folders = {str(Path(p).resolve()) for p in sys.path if 'packages' in p or '/src' in p}
    import cap_common
    import cap_planner

    folders |= {str(Path(m.__file__).parent.parent) for m in (cap_common, cap_planner)}
    result = subprocess.run(
        _as_nobody([python, '-P', '-c', ORDINARY, repr(attacks)]),
        env={'PYTHONPATH': os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd='/',
    )
    assert result.stdout.split() == ['[]', 'finished', *['violation'] * 4], result.stderr
