"""`./cap test --neural`: when its environment is made; that it works, every run of it shows."""

import io

import pytest
from rich.console import Console

from cap_bringup import cli, neural
from cap_bringup.workspace import SetupError


@pytest.fixture
def commands(monkeypatch):
    """What would be run; the first makes the folder."""
    ran = []

    def run(command, env=None, show=None):
        ran.append((command, env))
        if 'venv' in command:
            neural.Path(command[-1]).mkdir(exist_ok=True)

    monkeypatch.setattr(neural, 'run', run)
    monkeypatch.setattr(neural, 'pip_settings', dict)  # asks pip, which takes its time
    monkeypatch.setenv('PIP_FIND_LINKS', '')
    return ran


def test_it_is_made_once_for_the_same_versions(tmp_path, commands, monkeypatch):
    folder = tmp_path / '.venv-neural'
    assert neural.make_environment(folder) == folder / 'bin/python'
    (_, made), (install, _) = commands
    assert install[install.index('-r') + 1].endswith('neural.in')
    assert install[install.index('-c') + 1].endswith('.lock')
    assert str(folder) in commands[0][0]
    neural.make_environment(folder)
    assert len(commands) == 2
    monkeypatch.setattr(neural, '_BESIDE', ('numpy',))
    neural.make_environment(folder)
    assert len(commands) == 4
    assert 'PATH' in made


def test_what_failed_is_tried_again(tmp_path, commands, monkeypatch):
    def fail(*_, **__):
        raise SetupError('no network')

    with monkeypatch.context() as patch:
        patch.setattr(neural, 'run', fail)
        console = Console(file=io.StringIO())
        assert neural.run_neural(tmp_path, [], console) == 1
        assert 'no network' in console.file.getvalue()
    neural.make_environment(tmp_path / '.venv-neural')
    assert len(commands) == 2


def test_where_pip_finds_files_uv_does_too(tmp_path, commands, monkeypatch):
    monkeypatch.setenv('PIP_FIND_LINKS', '/one /two')
    neural.make_environment(tmp_path / '.venv-neural')
    assert commands[1][1]['UV_FIND_LINKS'] == '/one,/two'


def test_the_option_goes_first_and_the_rest_to_pytest(monkeypatch):
    asked = []
    monkeypatch.setattr(neural, 'run_neural', lambda _, words, __: asked.append(words) or 0)
    assert cli.main(['test', '--neural', '-k', 'vild']) == 0
    assert asked == [['-k', 'vild']]
