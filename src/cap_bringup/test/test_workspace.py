import os
import shutil
import subprocess

import pytest

from cap_bringup import workspace


def test_fingerprints_know_the_distribution():
    jazzy, kilted = (workspace.fingerprints(distro) for distro in workspace.DISTROS)
    assert jazzy['python'] == kilted['python']
    assert jazzy['packages'] != kilted['packages']
    assert jazzy['build'] != kilted['build']


def test_lock_files_pin_every_package_with_a_hash():
    for distro in workspace.DISTROS:
        text = workspace.requirements(distro).read_text()
        entries = [line for line in text.splitlines() if line and line[0] not in ' #']
        assert len(entries) > 100
        assert all('==' in entry for entry in entries)
        assert text.count('--hash=sha256:') >= len(entries)
        assert '://' not in text, 'no registry is named'


def test_missing_packages_are_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(workspace.SYSTEM_PACKAGES, 'cmake', lambda: False)
    monkeypatch.setattr(workspace.shutil, 'which', lambda _: None)
    with pytest.raises(workspace.SetupError, match=r'apt-get install .*cmake'):
        workspace.install_system_packages()


def test_a_failing_step_shows_the_end_of_its_output(monkeypatch, tmp_path):
    monkeypatch.setattr(workspace, 'LOG', tmp_path / 'setup.log')
    with pytest.raises(workspace.SetupError, match='no such compiler'):
        workspace.run(['bash', '-c', 'echo no such compiler; exit 3'])
    assert 'no such compiler' in (tmp_path / 'setup.log').read_text()


# ── what is done again ───────────────────────────────────────────────────────────────────────


@pytest.fixture
def steps(monkeypatch, tmp_path):
    """A workspace whose steps only say that they were taken; one may be told to fail."""
    taken = []
    for name, value in {
        'ROOT': tmp_path,
        'VENV': tmp_path / '.venv',
        'STAMP': tmp_path / '.venv/stamp.json',
        'ENVIRONMENT': tmp_path / 'install/environment.sh',
        'LOG': tmp_path / 'log/setup.log',
    }.items():
        monkeypatch.setattr(workspace, name, value)
    monkeypatch.setattr(
        workspace,
        'fingerprints',
        lambda distro: {'python': steps.python, 'packages': distro, 'build': distro},
    )

    def step(name, make):
        def run(*_):
            taken.append(name)
            if steps.failing == name:
                raise KeyboardInterrupt
            make()

        return run

    def build():
        (tmp_path / 'build').mkdir(exist_ok=True)
        (tmp_path / 'install').mkdir(exist_ok=True)
        workspace.ENVIRONMENT.touch()

    for name, make in {
        'install_system_packages': lambda: None,
        'make_environment': lambda: workspace.VENV.mkdir(exist_ok=True),
        'install_python_packages': lambda: None,
        'build': build,
    }.items():
        monkeypatch.setattr(workspace, name, step(name, make))

    def steps(distro=None):
        taken.clear()
        workspace.setup(distro)
        return taken[1:]

    steps.python, steps.failing, steps.taken = '3.11', '', taken
    return steps


ALL = ['make_environment', 'install_python_packages', 'build']


def test_the_second_setup_does_nothing(steps):
    assert steps() == ALL
    assert steps() == []


@pytest.mark.parametrize('lost', ['build', 'install/environment.sh'])
def test_what_was_deleted_is_built_again(steps, tmp_path, lost):
    steps()
    path = tmp_path / lost
    path.rmdir() if path.is_dir() else path.unlink()
    assert steps() == ['build']


@pytest.mark.parametrize('failing', ALL)
def test_an_interrupted_setup_goes_on_where_it_was(steps, failing):
    steps.failing = failing
    with pytest.raises(KeyboardInterrupt):
        steps()
    steps.failing = ''
    assert steps() == ALL[ALL.index(failing) :]


def test_an_interrupted_change_of_distribution_is_finished(steps, tmp_path):
    steps('jazzy')
    steps.failing = 'install_python_packages'
    with pytest.raises(KeyboardInterrupt):
        steps('kilted')
    steps.failing = ''
    assert (tmp_path / 'install').exists(), 'what there was works on without a network'
    (tmp_path / 'install/of_jazzy').touch()
    assert steps() == ['install_python_packages', 'build']
    assert not (tmp_path / 'install/of_jazzy').exists()
    assert workspace.read_stamp()['packages'] == 'kilted'


def test_another_python_makes_everything_new(steps):
    steps()
    steps.python = '3.12'
    assert steps() == ALL


def test_exports_are_pointed_at_this_python():
    text = (
        'INCLUDES "/opt/python/cp311-cp311/include/python3.11;/a/b/lib/python3.11/site-packages/'
        'numpy/_core/include"\n"${_IMPORT_PREFIX}/lib/python3.11/site-packages/x"'
    )
    mended = workspace.mended_export(text, '/usr/include/python3.11', '/v/site-packages')
    assert mended == (
        'INCLUDES "/usr/include/python3.11;/v/site-packages/numpy/_core/include"\n'
        '"${_IMPORT_PREFIX}/lib/python3.11/site-packages/x"'
    )


def test_a_path_with_a_space_is_refused(tmp_path):
    workspace.require_plain_path(tmp_path)
    with pytest.raises(workspace.SetupError, match='no spaces'):
        workspace.require_plain_path(tmp_path / 'my robots')


# ── the bash entry ───────────────────────────────────────────────────────────────────────────


def cap(*words, script=workspace.ROOT / 'cap', **variables):
    return subprocess.run(
        [script, *words],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_command_that_does_not_exist():
    answer = cap('dmeo')
    assert answer.returncode == 2
    assert 'dmeo' in answer.stderr


@pytest.mark.parametrize('command', ['stop', 'resume', 'instruct', 'doctor'])
def test_before_setup(tmp_path, command):
    script = shutil.copy(workspace.ROOT / 'cap', tmp_path / 'cap')
    answer = cap(command, script=script)
    assert answer.returncode == 4
    assert './cap setup' in answer.stderr


def test_a_python_that_has_no_wheels(tmp_path):
    for name in ('python3', 'python3.11', 'python3.12', 'python3.13'):
        old = tmp_path / name
        old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.10.12\nexit 1\n')
        old.chmod(0o755)
    script = shutil.copy(workspace.ROOT / 'cap', tmp_path / 'cap')
    answer = cap('demo', script=script, PATH=f'{tmp_path}:/usr/bin:/bin', CAP_PYTHON='')
    assert answer.returncode == 4
    assert '3.11, 3.12 or 3.13' in answer.stderr
    assert '3.10.12' in answer.stderr


def test_no_other_python_than_the_one_asked_for(tmp_path):
    script = shutil.copy(workspace.ROOT / 'cap', tmp_path / 'cap')
    answer = cap('setup', script=script, CAP_PYTHON='/no/such/python')
    assert answer.returncode == 4
    assert '/no/such/python is:' in answer.stderr


@pytest.mark.parametrize('has_one', [False, True])
def test_the_python_that_is_set_up_stays(tmp_path, has_one):
    script = shutil.copy(workspace.ROOT / 'cap', tmp_path / 'cap')
    for name in ['bin/python3', '.venv/bin/python'][: 1 + has_one]:
        python = tmp_path / name
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\n[ "$1" = -c ] || echo {name}\n')
        python.chmod(0o755)
    answer = cap('setup', script=script, PATH=f'{tmp_path}/bin:/usr/bin:/bin', CAP_PYTHON='')
    assert answer.stdout.strip() == ('.venv/bin/python' if has_one else 'bin/python3')


def test_a_link_to_it_works(tmp_path):
    (tmp_path / 'cap').symlink_to(workspace.ROOT / 'cap')
    answer = cap('help', script=tmp_path / 'cap')
    assert answer.returncode == 0
    assert 'instruct' in answer.stdout
