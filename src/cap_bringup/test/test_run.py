"""`./cap run`: which files are programs; that they run is in test_system_programs.py."""

import io
import os

import pytest

from cap_bringup import cli, instruct
from cap_bringup.run import ProgramFileError, instruction_for, read_program
from cap_bringup.stage import Stage, StageError
from cap_common.errors import RobotFaultError
from cap_planner.verifier import MAX_CHARS


def read(tmp_path, data):
    path = tmp_path / 'program.py'
    path.write_bytes(data)
    return read_program(str(path), io.BytesIO())


@pytest.mark.parametrize(
    ('data', 'text'),
    [
        (b'say("x")\n', 'say("x")\n'),
        ('say("你好 🤖")'.encode(), 'say("你好 🤖")'),
        (b'\xef\xbb\xbfsay("x")', 'say("x")'),
        (b'x' * MAX_CHARS, 'x' * MAX_CHARS),
        ('🤖'.encode() * MAX_CHARS, '🤖' * MAX_CHARS),
    ],
)
def test_texts(tmp_path, data, text):
    assert read(tmp_path, data) == text
    assert read_program('-', io.BytesIO(data)) == text


@pytest.mark.parametrize(
    ('data', 'why'),
    [
        (b'', r'program\.py is empty'),
        (b' \n\t\n', r'program\.py is empty'),
        (b'say("\xfc")', r'program\.py is no text in UTF-8: byte 6 is 0xfc'),
        (b'x' * 1_000_000, f'at most {MAX_CHARS} characters'),
        (b'x' * (MAX_CHARS + 1), f'at most {MAX_CHARS} characters'),
        (b'x' + '🤖'.encode() * 400_000, f'at most {MAX_CHARS} characters'),
    ],
    ids=['empty', 'blank', 'latin-1', 'one megabyte', 'a little too long', 'cut in a character'],
)
def test_what_is_no_program(tmp_path, data, why):
    with pytest.raises(ProgramFileError, match=why):
        read(tmp_path, data)
    with pytest.raises(ProgramFileError, match=why.replace(r'program\.py', 'standard input')):
        read_program('-', io.BytesIO(data))


def test_files_that_are_none(tmp_path):
    with pytest.raises(ProgramFileError, match=r'none\.py: No such file'):
        read_program(str(tmp_path / 'none.py'), io.BytesIO())
    with pytest.raises(ProgramFileError, match='directory'):
        read_program(str(tmp_path), io.BytesIO())


def test_an_endless_file_is_not_read_to_its_end():
    with pytest.raises(ProgramFileError, match='too long'):
        read_program('/dev/zero', io.BytesIO())


def test_the_record_says_which_file_ran():
    assert instruction_for('policies/stack.py') == 'run stack.py'
    assert instruction_for('-') == 'run standard input'
    assert instruction_for('a\u202eb\n.py') == 'run ab .py'


def test_usage_errors_begin_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv('CAP_ALLOW_UNVERIFIED', raising=False)
    monkeypatch.setenv('ROS_DOMAIN_ID', '101')
    monkeypatch.setattr('cap_bringup.run.system_is_up', lambda: False)
    out = tmp_path / 'out'
    program = tmp_path / 'x.py'
    program.write_text('say("x")')
    assert cli.main(['run', str(tmp_path / 'none.py'), '--out', str(out)]) == 2
    assert cli.main(['run', str(program), '--verifier', 'off', '--out', str(out)]) == 2
    assert 'CAP_ALLOW_UNVERIFIED=1' in capsys.readouterr().out
    monkeypatch.setattr('cap_bringup.run.system_is_up', lambda: True)
    assert cli.main(['run', str(program), '--seed', '3', '--out', str(out)]) == 2
    assert '--seed, --out' in capsys.readouterr().out
    assert os.listdir(tmp_path) == ['x.py']


class PlannerElsewhere:
    """A client of a system whose planner is for the tabletop; an instruction comes no further."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def wait_ready(self, _):
        pass

    def planner_domain(self):
        return 'tabletop'

    def execute(self, *_, **__):
        raise RobotFaultError('it was sent')


@pytest.fixture
def system_of_the_tabletop(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', '101')
    monkeypatch.setattr('cap_bringup.run.system_is_up', lambda: True)
    monkeypatch.setattr(instruct, 'connect', PlannerElsewhere)
    monkeypatch.setattr(instruct.signal, 'signal', lambda *_: None)


def test_a_system_for_something_else(tmp_path, system_of_the_tabletop, capsys):
    program = tmp_path / 'x.py'
    program.write_text('draw(pts_2d=np.zeros((2, 2)))')
    assert cli.main(['run', str(program), '--domain', 'whiteboard']) == 2
    said = ' '.join(capsys.readouterr().out.split())
    assert 'the system in ROS domain 101 has a planner for tabletop, not for whiteboard' in said
    for words in ([], ['--domain', 'tabletop']):
        assert cli.main(['run', str(program), *words]) == 1
        assert 'it was sent' in capsys.readouterr().out


@pytest.mark.parametrize('words', [['up', 'tabletop'], ['instruct', 'x'], ['run', '-'], ['stop']])
def test_a_ros_domain_that_is_none(words, monkeypatch, capsys):
    monkeypatch.setenv('ROS_DOMAIN_ID', 'abc')
    monkeypatch.setattr('sys.stdin', io.TextIOWrapper(io.BytesIO(b'say("x")')))
    assert cli.main(words) == 2
    assert "ROS_DOMAIN_ID is 'abc'" in capsys.readouterr().out


def test_two_runs_do_not_share_a_folder(tmp_path):
    first = Stage(tmp_path, {})
    (tmp_path / 'evidence.db').write_text('of the first')
    with pytest.raises(StageError, match=r'another run writes to .*--out'):
        Stage(tmp_path, {})
    assert (tmp_path / 'evidence.db').read_text() == 'of the first'
    del first
    Stage(tmp_path, {})
    assert not (tmp_path / 'evidence.db').exists()
