"""`./cap log` on a real evidence file."""

import io
import json
import time

import pytest
from rich.console import Console

from cap_bringup import cli
from cap_bringup.log import LogOptions, planner_evidence, run_log
from cap_bringup.workspace import ROOT
from cap_planner.evidence import Ending, EvidenceStore

ODD = '\u202eevil\u202c \x1b[31m[bold]x[/bold] :smile:'


def scene(**objects):
    def item(name, position):
        color, kind = name.split('_')
        size = [0.04, 0.04, 0.04]
        return {
            **{'name': f'{color} {kind}', 'class_name': kind, 'color': color, 'size': size},
            **{'position': list(position), 'yaw': 0.0, 'visible': True},
        }

    return {'stamp_ns': 1, 'objects': [item(*each) for each in objects.items()]}


@pytest.fixture
def store(tmp_path):
    with EvidenceStore(tmp_path / 'evidence.db') as store:
        yield store


@pytest.fixture
def record(store):
    """A record that has something of everything."""
    record = store.begin(
        *(f'do {ODD}', 'default', 'auto'), domain='whiteboard', program='say("given")'
    )
    record.session_before(
        {
            **{'name': 'default', 'turns': [{'instruction': 'before'}]},
            **{'variables': {'x': 1}, 'functions': {'f': 'def f(): ...'}, 'imports': []},
        }
    )
    record.world('before', scene(red_block=(0.1, -0.4, 0.02), blue_block=(0.0, -0.5, 0.02)))
    prompt = [{'role': 'user', 'content': 'do'}]
    for messages, text, violations in (
        (prompt, 'import os', ['line 1, column 1: no import of os (leave it out)\n    import os']),
        ([*prompt, {'role': 'assistant', 'content': 'import os'}], f'say("{ODD}")', []),
    ):
        record.completion(
            *('tabletop_ui', messages),
            **{'started': time.time(), 'duration_s': 0.25, 'text': text, 'model': 'a-model'},
            **{'prompt_tokens': 812, 'completion_tokens': 40},
        )
        record.verification('tabletop_ui', text, violations)
    record.program('def f(): ...\n\nsay("x")', {'f': 'def f(): ...'})
    call = record.call_started('get_obj_pos', {'args': ['red block'], 'axis': 1}, 7)
    record.call_ended(call, 0.0125, result=[0.125, -0.5])
    call = record.call_started('say', {'args': [ODD]}, 8)
    record.call_ended(call, 2.5, error=f'StoppedError: {ODD}')
    record.run(
        **{'status': 'program_error', 'text': 'why', 'printed': ODD},
        **{'dropped': {'g': 'a lambda'}, 'child_seconds': 0.1, 'cpu_seconds': 0.05},
    )
    record.call_started('say', {'args': ['last words']}, 9)
    record.world('after', scene(red_block=(0.1, -0.1, 0.02), green_block=(0.2, -0.5, 0.02)))
    record.end(Ending('failed', 'stopped', f'because {ODD}', 'it said'))
    return record


def log(store, record='', last=20, session=None, label=None, as_json=False):
    console = Console(file=io.StringIO(), highlight=False, markup=False, emoji=False)
    status = run_log(LogOptions(record, last, session, label, as_json, store.path), console)
    return status, console.file.getvalue()


def test_one_record_for_people(store, record):
    status, text = log(store, record.id[:6])
    assert status == 0
    for told in (
        *(
            'failed: stopped',
            'because evil',
            'it said',
            '1 earlier instruction; x, f()',
            'say("given")',
            'whiteboard',
        ),
        *('red block  (0.100, -0.400, 0.020)  moved 0.300 m to (0.100, -0.100, 0.020)',),
        *('blue block  (0.000, -0.500, 0.020)  gone', 'green block  new at (0.200'),
        *('a-model, 812 + 40 tokens, 0.25 s', 'tabletop_ui, repair', 'a lambda', 'why'),
        *('line 1, column 1: no import of os (leave it out)', 'def f(): ...', 'sha256'),
        *("get_obj_pos('red block', axis=1)", '[0.125, -0.5]', '0.013', 'StoppedError', '2.500'),
        *("say('last words')", 'not ended', '[bold]x[/bold] :smile:'),
    ):
        assert told in text, told
    assert text.index('import os') < text.index('rejects') < text.index('repair')
    assert text.index('repair') < text.index('lets it pass') < text.index('program_error')
    assert text.index('StoppedError') < text.index('did not come to its end')
    assert text.index('did not come to its end') < text.index('last words')
    assert not {'\u202e', '\u202c', '\x1b'} & set(text)


def test_the_list_for_people(store, record):
    store.begin('wait\nfor it ' + 'x' * 300, 's', 'auto')
    status, text = log(store)
    header, newest, oldest = text.splitlines()
    assert status == 0
    names = 'id when session instruction outcome seconds calls tokens'
    assert ' '.join(header.split()) == names
    assert 'wait for it' in newest
    assert 'running' in newest
    assert oldest.startswith(record.id)
    assert 'do evil' in oldest
    assert oldest.split()[-2:] == ['3', str(2 * 852)]
    assert log(store, last=1)[1].splitlines()[1].startswith(newest[:40])
    assert log(store, session='default', label='stopped')[1].count('\n') == 2
    assert 'no such record' in log(store, label='limit')[1]


def test_json_is_one_object_per_line(store, record, capsys):
    store.begin('y', 's', 'auto')
    log(store, as_json=True)
    newest, oldest = map(json.loads, capsys.readouterr().out.splitlines())
    assert (newest['instruction'], newest['outcome'], newest['seconds']) == ('y', None, None)
    assert oldest == store.recent(2)[1]
    assert '\u202e' in oldest['instruction'], 'other tools get the text as it is kept'
    log(store, record.id, as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == store.export(record.id)
    assert line.isascii()


def test_every_field_is_documented(store, record):
    page = (ROOT / 'docs/evidence.md').read_text()
    listed, whole = page.split('## One record')
    names = set(store.recent(1)[0])
    assert {name for name in names if f'| `{name}` |' not in listed} == set()
    data = store.export(record.id)
    parts = {name: value for name, value in data.items() if isinstance(value, list)}
    names = set(data) | {key for part in parts.values() for row in part for key in row}
    names.remove('instruction_id')
    assert {name for name in names if f'| `{name}` |' not in whole} == set()


def test_what_is_not_there(store, record, tmp_path, capsys):
    status, text = log(store, 'zzz')
    assert status == 2
    assert 'zzz' in text
    assert cli.main(['log', '--evidence', str(tmp_path / 'none.db')]) == 2
    assert 'none.db' in capsys.readouterr().out.replace('\n', '')
    assert not (tmp_path / 'none.db').exists()


def test_the_planners_file_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path))
    assert planner_evidence() == tmp_path / 'cap' / 'evidence.db'


@pytest.mark.parametrize('words', [['--label', 'bad_luck'], ['--last', '0'], ['--last', 'many']])
def test_usage_errors(words):
    with pytest.raises(SystemExit) as ended:
        cli.main(['log', *words])
    assert ended.value.code == 2
