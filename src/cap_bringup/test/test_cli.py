"""The command line, without and with a running system."""

import io
import json
import subprocess
import sys
import threading
import time

import pytest
from rich.console import Console

from cap_bringup import cli, supervisor, up
from cap_bringup.progress import ProgressView
from cap_bringup.testing import running_system
from cap_bringup.up import example
from cap_common.domain import free_domain_id
from cap_interfaces.action import ExecuteInstruction


def test_without_a_command_it_helps(capsys):
    assert cli.main([]) == 0
    assert 'instruct' in capsys.readouterr().out


def test_arguments_of_pytest_pass_through(monkeypatch):
    seen = []
    monkeypatch.setattr(
        'cap_bringup.checks.run_checks', lambda _, arguments, __: seen.append(arguments) or 0
    )
    for words in (['-k', 'plan', 'src/cap_skills', '--lf'], ['src/cap_skills', '-k', 'plan'], []):
        assert cli.main(['test', *words]) == 0
        assert seen.pop() == words


def test_what_a_model_is_asked(capsys):
    assert cli.main(['prompt', '--messages', 'stack all the blocks']) == 0
    shown = capsys.readouterr().out
    assert shown.startswith('── system')
    assert shown.endswith('stack_objects_in_order(object_names=block_names)\n')


def test_a_recording_is_shortened(tmp_path, capsys):
    path = tmp_path / 't.jsonl'
    messages = [{'role': 'system', 'content': 'long'}, {'role': 'user', 'content': '# say 你好.'}]
    line = {
        'recorded_from': 'openai:m',
        'messages': messages,
        'stop': [],
        'text': 'x',
        'model': 'm',
    }
    path.write_text(json.dumps(line))
    assert cli.main(['shorten', str(path)]) == 0
    short = json.loads(capsys.readouterr().out)
    assert 'messages' not in short
    assert (short['request'], short['text'], len(short['prompt'])) == ('say 你好.', 'x', 64)
    assert cli.main(['shorten', str(tmp_path / 'none')]) == 2
    assert 'cannot read the transcript' in capsys.readouterr().err


def test_an_unknown_option_is_a_usage_error():
    with pytest.raises(SystemExit) as ended:
        cli.main(['stop', '--now'])
    assert ended.value.code == 2


def test_an_id_without_an_account_has_a_name(monkeypatch):
    def nobody():
        raise KeyError('uid not found')

    monkeypatch.setattr(cli.getpass, 'getuser', nobody)
    assert cli._user().startswith('user ')


def test_the_example_is_of_things_that_are_there():
    assert example(['pink block', 'red bowl']) == 'put the pink block in the red bowl'
    assert example([])


def test_brackets_are_no_markup():
    console = Console(file=io.StringIO(), markup=False, emoji=False)
    with console.status('') as status:
        view = ProgressView(console, status)
        view.show(ExecuteInstruction.Feedback(state='running', call='say("[/x]")'))
        view.show(ExecuteInstruction.Feedback(spoken_text='the [blue block] [/x] :smile:'))
    assert 'the [blue block] [/x] :smile:' in console.file.getvalue()


@pytest.mark.parametrize('lost', [(), (1,), (0, 1), (2,)])
def test_everything_that_is_said_is_shown(lost):
    console = Console(file=io.StringIO(), markup=False, emoji=False)
    said = ['I see:\n- red block\n- blue bowl', 'again', 'again']
    with console.status('') as status:
        view = ProgressView(console, status)
        for number, text in enumerate(said):
            spoken = '' if number in lost else text
            view.show(ExecuteInstruction.Feedback(state='running', spoken_text=spoken))
            view.show(ExecuteInstruction.Feedback(state='running'))
        view.show_answer('\n'.join(said))
    shown = [line.strip('🔈 ') for line in console.file.getvalue().splitlines() if line.strip()]
    wanted = '\n'.join(said).splitlines()
    if lost in ((), (2,)):
        assert shown == wanted, 'each once'
    assert ' '.join(wanted) in ' '.join(shown)


class Waiting:
    """A client of a system that never gets ready."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def wait_ready(self, timeout_s, meanwhile):
        end, pause = time.monotonic() + 20.0, threading.Event()
        while time.monotonic() < end:
            meanwhile()
            pause.wait(0.02)


def test_a_node_that_does_not_start_is_said_at_once(tmp_path, monkeypatch, capsys):
    code = "print('LayoutError: more blocks than colours'); raise SystemExit(3)"
    monkeypatch.setattr(supervisor, 'node_command', lambda *_: [sys.executable, '-c', code])
    monkeypatch.setattr(up, 'Client', Waiting)
    monkeypatch.setattr(up, 'system_is_up', lambda: False)
    assert cli.main(['up', 'tabletop', '--log', str(tmp_path)]) == 4
    said = capsys.readouterr().out
    assert 'ended with status 3' in said
    assert 'LayoutError: more blocks than colours' in said


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / 'file').touch()
    assert cli.main(['demo', '--out', str(tmp_path / 'file')]) == 4
    assert 'cannot write' in capsys.readouterr().out


def command(*words, timeout_s=90):
    return subprocess.run(
        [sys.executable, '-m', 'cap_bringup.cli', *words],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.mark.system
def test_stop_without_a_system(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', str(free_domain_id()))
    answer = command('stop')
    assert answer.returncode == 1
    assert 'UNCERTAIN' in answer.stdout
    assert 'is the system up?' in answer.stdout


@pytest.mark.system
def test_talking_to_a_running_system(tmp_path):
    with running_system(tmp_path, seed='3') as system:
        block, *_ = system.client.object_names()
        answer = command('instruct', 'what is the leftmost block?')
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert 'block' in answer.stdout
        answer = command('instruct', f'{block} [/x]')
        assert answer.returncode == 1, answer.stdout + answer.stderr
        assert 'Traceback' not in answer.stderr
        program = tmp_path / 'policy.py'
        program.write_text(f'say(str(get_obj_pos({block!r})))')
        answer = command('run', str(program))
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert system.evidence.recent(1)[0]['instruction'] == 'run policy.py'
        program.write_text('say("a")\nimport os; x = sya("b")')
        answer = command('run', str(program))
        assert answer.returncode == 1, answer.stdout + answer.stderr
        assert 'line 2, column 1: ' in answer.stdout
        program.write_text(f'def twice(x):\n    return x[2] * 2\nsay(twice({block!r}[:1]))')
        answer = command('run', str(program), '--session', 'other')
        assert answer.returncode == 1, answer.stdout + answer.stderr
        assert 'line 2, in twice: return x[2] * 2' in answer.stdout
        assert 'IndexError' in answer.stdout
        answer = command('run', str(program), '--verifier', 'off')
        assert answer.returncode == 1, answer.stdout + answer.stderr
        assert 'CAP_ALLOW_UNVERIFIED' in answer.stdout
        assert command('stop', 'a test').returncode == 0
        answer = command('instruct', 'stack all the blocks')
        assert answer.returncode == 1
        assert 'a test' in answer.stdout, 'who stopped, and why'
        assert command('resume').returncode == 0
        answer = command('up', 'tabletop', '--log', str(tmp_path / 'second'))
        assert answer.returncode == 4, 'one system in a domain'
        assert 'ROS_DOMAIN_ID' in answer.stdout
        assert not (tmp_path / 'second').exists()
