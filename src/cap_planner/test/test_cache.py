"""Answers are paid for once, and never given for another question."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cap_planner.models import Message, ModelMalformedError, ModelUnavailableError, Options
from cap_planner.models.base import Completion
from cap_planner.models.cache import CachedModel
from cap_planner.testing import ScriptedModel

FIXTURES = [HealthCheck.function_scoped_fixture]
MESSAGES: list[Message] = [{'role': 'user', 'content': 'hi'}]
SOON = Options(deadline_s=1.0)


def cached(path: Path, *answers: str, name: str = 'openai:m') -> CachedModel:
    return CachedModel(ScriptedModel(*answers), path, name)


def test_a_hit_costs_nothing_and_says_so(tmp_path: Path) -> None:
    model = cached(tmp_path / 'new folder' / 'c.db', 'A')
    first = model.complete(MESSAGES, SOON)
    assert (first.text, first.model, first.prompt_tokens) == ('A', 'scripted', 1)
    hit = model.complete(MESSAGES, SOON)
    assert (hit.text, hit.model) == ('A', 'scripted (cached)')
    assert (hit.prompt_tokens, hit.completion_tokens) == (0, 0)


def test_it_stays_when_the_process_does_not(tmp_path: Path) -> None:
    first = cached(tmp_path / 'c.db', 'A')
    first.complete(MESSAGES, SOON)
    first.close()
    assert cached(tmp_path / 'c.db').complete(MESSAGES, SOON).text == 'A'


@pytest.mark.parametrize(
    ('messages', 'options', 'name'),
    [
        ([{'role': 'user', 'content': 'hi.'}], {}, 'openai:m'),
        ([{'role': 'system', 'content': 'hi'}], {}, 'openai:m'),
        ([*MESSAGES, *MESSAGES], {}, 'openai:m'),
        (MESSAGES, {'stop': ('#',)}, 'openai:m'),
        (MESSAGES, {'max_tokens': 7}, 'openai:m'),
        (MESSAGES, {'temperature': 0.5}, 'openai:m'),
        (MESSAGES, {}, 'openai:other'),
    ],
)
def test_whatever_changes_an_answer_is_part_of_the_question(
    tmp_path: Path, messages: list[Message], options: dict[str, Any], name: str
) -> None:
    cached(tmp_path / 'c.db', 'A').complete(MESSAGES, SOON)
    model = cached(tmp_path / 'c.db', 'B', name=name)
    assert model.complete(messages, Options(deadline_s=1.0, **options)).text == 'B'


def test_how_long_one_waits_is_not(tmp_path: Path) -> None:
    model = cached(tmp_path / 'c.db', 'A')
    model.complete(MESSAGES, SOON)
    model.complete(MESSAGES, Options(deadline_s=9.0, canceled=lambda: False))


class Failing:
    """Has no answer the first time."""

    def __init__(self) -> None:
        self.errors = [ModelMalformedError('cut off'), ModelUnavailableError('down')]

    def complete(self, *_: object) -> Completion:
        if self.errors:
            raise self.errors.pop()
        return Completion('A', 'm', 1, 1, 0.0)


def test_errors_are_not_kept(tmp_path: Path) -> None:
    model = CachedModel(Failing(), tmp_path / 'c.db', 'm')
    for error in (ModelUnavailableError, ModelMalformedError):
        with pytest.raises(error):
            model.complete(MESSAGES, SOON)
    assert model.complete(MESSAGES, SOON).text == 'A'


@settings(max_examples=40, deadline=None, suppress_health_check=FIXTURES)
@given(question=st.text(), answer=st.text())
def test_any_text(tmp_path: Path, question: str, answer: str) -> None:
    messages: list[Message] = [{'role': 'user', 'content': question}]
    name = repr((question, answer))
    for _ in range(2):
        with_one_answer = CachedModel(ScriptedModel(answer), tmp_path / 'c.db', name)
        assert with_one_answer.complete(messages, SOON).text == answer
        with_one_answer.close()
    assert cached(tmp_path / 'c.db', name=name).complete(messages, SOON).text == answer


def test_halves_of_surrogate_pairs(tmp_path: Path) -> None:
    messages: list[Message] = [{'role': 'user', 'content': '\ud83e'}]
    model = cached(tmp_path / 'c.db', '\udd16')
    assert [model.complete(messages, SOON).text for _ in range(2)] == ['\udd16', '\udd16']


_WRITER = """
import sys
from pathlib import Path
from cap_planner.models.base import Options
from cap_planner.models.cache import CachedModel
from cap_planner.testing import ScriptedModel
who = sys.argv[2]
model = CachedModel(ScriptedModel(*[who] * 200), Path(sys.argv[1]), 'm')
sys.stdin.readline()
for number in range(200):
    print(model.complete([{'role': 'user', 'content': str(number)}], Options(deadline_s=9)).text)
"""


def test_processes_share_it(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, '-c', _WRITER, tmp_path / 'c.db', who],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in 'ab'
    ]
    outputs = [writer.communicate('go\n', timeout=60.0)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    model = cached(tmp_path / 'c.db', name='m')
    for number, answers in enumerate(zip(*outputs, strict=True)):
        kept = model.complete([{'role': 'user', 'content': str(number)}], SOON)
        assert kept.model == 'scripted (cached)'
        assert kept.text in answers


def test_a_hit_is_fast(tmp_path: Path) -> None:
    model = cached(tmp_path / 'c.db', 'x' * 2000)
    messages: list[Message] = [{'role': 'user', 'content': 'word ' * 5000}]
    model.complete(messages, SOON)
    start = time.process_time()
    for _ in range(200):
        model.complete(messages, SOON)
    assert time.process_time() - start < 2.0  # 0.02 s where it is quiet


# ── files that are none ──────────────────────────────────────────────────────────────────────────


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / 'evidence.db'
    with sqlite3.connect(path) as db:
        db.execute('CREATE TABLE t (x)')
    before = path.read_bytes()
    with pytest.raises(ModelUnavailableError, match='another kind'):
        cached(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    'content', [b'no database at all' * 99, b'SQLite format 3\0' + b'\xff' * 99]
)
def test_another_file_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / 'c.db'
    path.write_bytes(content)
    with pytest.raises(ModelUnavailableError, match=r'c\.db cannot be used as a response cache'):
        cached(path)
    assert path.read_bytes() == content


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    for path in (tmp_path, tmp_path / 'file' / 'c.db'):
        with pytest.raises(ModelUnavailableError, match='cannot be used'):
            cached(path)


@settings(max_examples=60, deadline=None, suppress_health_check=FIXTURES)
@given(st.data())
def test_damage_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever byte flips: the right answer, the model asked again, or an error; nothing else."""
    path = tmp_path / 'c.db'
    for old in tmp_path.iterdir():
        old.unlink()
    model = cached(path, *(f'answer {number}' for number in range(8)))
    questions: list[list[Message]] = [
        [{'role': 'user', 'content': f'question {number}'}] for number in range(8)
    ]
    for question in questions:
        model.complete(question, SOON)
    model.close()
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with contextlib.suppress(ModelUnavailableError):
        model = cached(path, *['asked again'] * 8)
        for number, question in enumerate(questions):
            text = model.complete(question, SOON).text
            assert text in (f'answer {number}', 'asked again')
        model.close()


def test_damage_that_its_own_error_quotes(tmp_path: Path) -> None:
    path = tmp_path / 'c.db'
    cached(path, 'answer').close()
    path.write_bytes(path.read_bytes().replace(b'CREATE TABLE', b'CREATE T\xc5BLE'))
    with pytest.raises(ModelUnavailableError, match='cannot be used'):
        cached(path, 'answer')


def test_a_changed_answer_is_not_given(tmp_path: Path) -> None:
    path = tmp_path / 'c.db'
    model = cached(path, "put('red block')")
    model.complete(MESSAGES, SOON)
    model.close()
    content = path.read_bytes()
    assert content.count(b'red block') == 1
    path.write_bytes(content.replace(b'red block', b'red bowls'))
    with pytest.raises(ModelUnavailableError, match='not what was written'):
        cached(path).complete(MESSAGES, SOON)


def test_an_answer_that_cannot_be_kept_is_given(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = cached(tmp_path / 'c.db', 'A')
    with sqlite3.connect(tmp_path / 'c.db') as db:
        db.execute('DROP TABLE answers')
        db.execute('CREATE TABLE answers (key, answer, sha256, further NOT NULL)')
    assert model.complete(MESSAGES, SOON).text == 'A'
    assert 'cannot write to' in caplog.text
