import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing

import numpy as np
import pytest

from cap_planner.evidence import Ending, EvidenceStore, sha256
from cap_planner.evidence_reader import EvidenceReader


def test_a_record_holds_everything(tmp_path):
    store = EvidenceStore(tmp_path / 'evidence.db')
    record = store.begin('stack the blocks', 'default', 'auto')
    record.world('before', {'objects': ['blue block']})
    record.completion(
        'tabletop_ui', [{'role': 'user', 'content': 'x'}], started=1.0, duration_s=0.5, text='y = 1'
    )
    record.verification('tabletop_ui', 'y = 1', [])
    record.program('y = f()', {'f': 'def f(): ...'})
    call = record.call_started('get_obj_pos', {'name': 'blue block'}, 3)
    record.call_ended(call, 0.01, result=[0.1, 0.2])
    failed = record.call_started('say', {'message': 'hi'}, 4)
    record.call_ended(failed, 0.01, error='StoppedError: no')
    record.world('after', {'objects': []})
    record.end(Ending('failed', 'stopped', 'no', 'hi'))

    data = store.export(record.id)
    assert data['instruction'] == 'stack the blocks'
    assert (data['outcome'], data['label'], data['answer']) == ('failed', 'stopped', 'hi')
    assert data['world_before'] == {'objects': ['blue block']}
    assert data['program_sha256'] == sha256('y = f()')
    assert data['functions'][0]['source'] == 'def f(): ...'
    assert data['completions'][0]['messages'] == [{'role': 'user', 'content': 'x'}]
    first, second = data['calls']
    assert (first['result'], first['error'], first['line']) == ([0.1, 0.2], None, 3)
    assert (second['result'], second['error']) == (None, 'StoppedError: no')
    assert [row['id'] for row in store.recent(5)] == [record.id]


def test_a_record_holds_what_a_replay_needs(tmp_path):
    with EvidenceStore(tmp_path / 'evidence.db') as store:
        plain = store.begin('stack the blocks', 'default', 'auto')
        record = store.begin(
            *('run x.py', 's', 'auto'),
            **{'domain': 'whiteboard', 'program': 'say("x")', 'skip_verifier': True},
        )
        record.session_before({'name': 's', 'turns': []})
        data = store.export(record.id)
        assert (data['given_program'], data['skip_verifier']) == ('say("x")', True)
        assert data['session_before'] == {'name': 's', 'turns': []}
        assert data['domain'] == 'whiteboard'
        data = store.export(plain.id)
        assert (data['given_program'], data['skip_verifier']) == ('', False)
        assert data['session_before'] is None


def test_a_file_of_an_older_release_is_written_on(tmp_path):
    path = tmp_path / 'evidence.db'
    with EvidenceStore(path) as store:
        old = store.begin('x', 'default', 'auto').id
    with closing(sqlite3.connect(path)) as database:
        for column in ('domain', 'given_program', 'skip_verifier', 'session_before'):
            database.execute(f'ALTER TABLE instructions DROP COLUMN {column}')
    with EvidenceReader.open(path) as reader:
        assert not {'given_program', 'domain'} & set(reader.export(old))
        assert reader.recent(1)[0]['id'] == old
    with EvidenceStore(path) as store, EvidenceStore(path) as other:
        assert store.export(old)['given_program'] is None
        assert store.export(old)['domain'] is None
        assert other.export(store.begin('y', 's', 'auto', program='p').id)['given_program'] == 'p'


def test_a_killed_process_loses_only_the_call_in_flight(tmp_path):
    path = tmp_path / 'evidence.db'
    program = f"""
        import os, signal, pathlib
        from cap_planner.evidence import EvidenceStore
        record = EvidenceStore(pathlib.Path({str(path)!r})).begin('x', 'default', 'auto')
        done = record.call_started('put_first_on_second', {{}}, 1)
        record.call_ended(done, 1.0)
        record.call_started('put_first_on_second', {{}}, 2)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    run = subprocess.run([sys.executable, '-c', textwrap.dedent(program)], timeout=30, check=False)
    assert run.returncode == -9
    store = EvidenceStore(path)
    (record_id,) = store.close_orphans()
    data = store.export(record_id)
    assert (data['outcome'], data['label']) == ('failed', 'process_lost')
    assert [call['duration_s'] for call in data['calls']] == [1.0, None]
    assert store.close_orphans() == []


def test_records_of_a_living_process_stay_open(tmp_path):
    path = tmp_path / 'evidence.db'
    program = f"""
        import pathlib, sys
        from cap_planner.evidence import EvidenceStore
        store = EvidenceStore(pathlib.Path({str(path)!r}))
        print(store.close_orphans(), flush=True)
        store.begin('x', 'default', 'auto')
        print('begun', flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, '-c', textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == '[]\n'
        assert other.stdout.readline() == 'begun\n'
        with EvidenceStore(path) as store:
            assert store.close_orphans() is None
            assert store.recent(1)[0]['outcome'] is None
        other.kill()
    with EvidenceStore(path) as store:
        (closed,) = store.close_orphans()
        assert store.recent(1)[0]['id'] == closed


def test_two_writers_may_end_in_any_order(tmp_path):
    path = tmp_path / 'evidence.db'
    first, second = EvidenceStore(path), EvidenceStore(path)
    assert first.close_orphans() == []
    assert second.close_orphans() is None
    record = second.begin('x', 'default', 'auto')
    first.close()
    with EvidenceStore(path) as again:
        assert again.close_orphans() is None, 'the second one still lives'
    second.close()
    with EvidenceStore(path) as last:
        assert last.close_orphans() == [record.id]


def test_a_store_is_closed(tmp_path):
    with EvidenceStore(tmp_path / 'evidence.db') as store:
        store.begin('x', 'default', 'auto')
    with pytest.raises(sqlite3.ProgrammingError, match='closed'):
        store.recent(1)


def test_any_text_is_kept(tmp_path):
    odd = 'half a pair: \ud83e, a null: \0'
    with EvidenceStore(tmp_path / 'evidence.db') as store:
        record = store.begin(odd, odd, 'auto')
        record.completion('ui', [{'content': odd}], started=1.0, duration_s=0.5, text=odd)
        record.verification('ui', odd, [odd])
        record.program(odd, {odd: odd})
        call = record.call_started(odd, [odd], 1)
        record.call_ended(call, 0.1, error=odd)
        record.end(Ending('failed', 'stopped', odd, odd))
        store.save_session(odd, {'x': odd})
        data = store.export(record.id)
        assert data['instruction'] == 'half a pair: \\ud83e, a null: \0'
        assert data['program_sha256'] == sha256(data['program'])
        assert data['completions'][0]['messages'] == [{'content': odd}]
        assert store.load_session(odd) == {'x': odd}


def test_sessions_are_kept(tmp_path):
    EvidenceStore(tmp_path / 'evidence.db').save_session('a', {'turns': [1]})
    store = EvidenceStore(tmp_path / 'evidence.db')
    assert store.load_session('a') == {'turns': [1]}
    assert store.load_session('b') is None


@pytest.mark.parametrize(
    ('value', 'kept'),
    [
        (np.array([1j, 2]), ['1j', '(2+0j)']),
        (np.complex128(1j), '1j'),
        ({1: (2, np.float64(3)), (4, 5): np.bool_(True)}, {'1': [2, 3.0], '(4, 5)': True}),
        ({1j}, '{1j}'),
        (object, "<class 'object'>"),
        (np.eye(2), [[1.0, 0.0], [0.0, 1.0]]),
        ('x' * 200_000, '200002 characters, too many to keep'),
    ],
)
def test_everything_that_a_call_comes_to_is_kept_in_some_form(tmp_path, value, kept):
    with EvidenceStore(tmp_path / 'evidence.db') as store:
        record = store.begin('try it', 'default', 'auto')
        record.call_ended(record.call_started('say', {'args': [value]}, 1), 0.1, result=value)
        record.call_made('say', {'args': [value]}, 2, 0.1, result=value)
        calls = store.export(record.id)['calls']
    assert [call['result'] for call in calls] == [kept, kept]
