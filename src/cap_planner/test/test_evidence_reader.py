import sqlite3
import time

import pytest

from cap_planner.evidence import Ending, EvidenceStore
from cap_planner.evidence_reader import EvidenceReader, NoEvidenceError, evidence_path


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'evidence.db'


@pytest.fixture
def store(path):
    with EvidenceStore(path) as store:
        yield store


def test_reads_while_it_is_written(path, store):
    store.begin('x', 'default', 'auto')
    with EvidenceReader.open(path) as reader:
        assert len(reader.recent(9)) == 1
        record = store.begin('y', 'default', 'auto')
        assert [row['instruction'] for row in reader.recent(9)] == ['y', 'x']
        call = record.call_started('say', {}, 1)
        assert reader.export(record.id)['calls'][0]['duration_s'] is None
        record.call_ended(call, 0.5)
        assert reader.export(record.id)['calls'][0]['duration_s'] == 0.5


def test_reads_what_a_dead_writer_left(path, store):
    record = store.begin('x', 'default', 'auto')
    store.close()
    with EvidenceReader.open(path) as reader:
        assert reader.export(record.id)['outcome'] is None


def test_writes_nothing(path, store):
    with (
        EvidenceReader.open(path) as reader,
        pytest.raises(sqlite3.OperationalError, match='readonly'),
    ):
        reader._db.execute('DELETE FROM instructions')


def test_heads_of_the_newest(path, store):
    for number in range(3):
        record = store.begin(f'instruction {number}', f's{number % 2}', 'auto')
        for tokens in range(number):
            record.completion(
                *('ui', []), started=time.time(), duration_s=0.1, prompt_tokens=100, text='x'
            )
            record.completion(
                *('ui', []), started=time.time(), duration_s=0.1, completion_tokens=tokens, text=''
            )
            record.call_started('say', {}, 1)
        record.end(Ending('failed', 'limit') if number else Ending('succeeded'))
    newest, middle, oldest = store.recent(9)
    assert (newest['instruction'], newest['outcome'], newest['label']) == (
        *('instruction 2', 'failed', 'limit'),
    )
    assert (newest['calls'], newest['prompt_tokens'], newest['completion_tokens']) == (2, 200, 1)
    assert (oldest['calls'], oldest['prompt_tokens'], oldest['label']) == (0, 0, '')
    assert newest['seconds'] == pytest.approx(newest['ended'] - newest['started'])
    assert store.recent(1) == [newest]
    assert store.recent(9, session='s0') == [newest, oldest]
    assert store.recent(9, label='limit') == [newest, middle]
    assert store.recent(9, label='') == [oldest]
    assert store.recent(9, session='s1', label='') == []


def test_a_record_that_is_under_way_has_no_seconds(store):
    store.begin('x', 'default', 'auto')
    assert store.recent(1)[0]['seconds'] is None


def test_records_by_the_beginning_of_their_id(store):
    for record_id in ('abc1', 'abc2', 'd%45'):
        store._insert('instructions', id=record_id, started=1, session='', mode='', instruction='')
    store._update('instructions', 'id', 'abc1', started=2)
    assert store.find('abc1') == store.find('ABC1') == store.find('last') == 'abc1'
    assert store.find('d') == 'd%45'
    with pytest.raises(NoEvidenceError, match='abc1, abc2'):
        store.find('abc')
    for nothing in ('x', '', '%', 'abc12', "' OR 1=1 --"):
        with pytest.raises(NoEvidenceError, match=r'evidence\.db'):
            store.find(nothing)
    with pytest.raises(NoEvidenceError, match=r"'abc'.*evidence.db"):
        store.export('abc')


def test_there_is_no_last_of_none(store):
    with pytest.raises(NoEvidenceError):
        store.find('last')


def test_files_that_are_none(path, tmp_path):
    with pytest.raises(NoEvidenceError, match=r'no evidence file .*evidence\.db'):
        EvidenceReader.open(path)
    assert not path.exists()
    with pytest.raises(NoEvidenceError):
        EvidenceReader.open(tmp_path)
    for content in (b'', b'no database at all, but long enough to be one ' * 9):
        path.write_bytes(content)
        with pytest.raises(NoEvidenceError, match='cannot be read'):
            EvidenceReader.open(path)


def test_odd_paths(tmp_path):
    path = tmp_path / 'a%20b?c#d' / 'e e.db'
    with EvidenceStore(path) as store:
        store.begin('x', 'default', 'auto')
        with EvidenceReader.open(path) as reader:
            assert len(reader.recent(9)) == 1


def test_the_file_is_in_the_data_folder_unless_one_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path))
    assert evidence_path('') == tmp_path / 'cap' / 'evidence.db'
    assert str(evidence_path('x/y.db')) == 'x/y.db'
