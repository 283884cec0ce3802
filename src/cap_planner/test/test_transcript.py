"""What models answered is kept, with who answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from cap_planner.models import (
    Completion,
    Message,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
    RecordingModel,
    open_model,
)
from cap_planner.models.transcript import (
    lmp_of,
    prompt_key,
    read_transcript,
    request_of,
    shortened,
)
from cap_planner.testing import ScriptedModel

MESSAGES: list[Message] = [
    {'role': 'system', 'content': 'Your part: tabletop_ui\n\nWrite programs.'},
    {'role': 'user', 'content': "objects = ['red block']\n# point at it."},
]
SOON = Options(deadline_s=1.0)


def test_a_line_says_who_answered_what(tmp_path: Path) -> None:
    path = tmp_path / 'new folder' / 't.jsonl'
    RecordingModel(ScriptedModel('say(1)'), path, 'openai:gpt').complete(MESSAGES, SOON)
    line = json.loads(path.read_text())
    assert line['recorded_from'] == 'openai:gpt'
    assert line['model'] == 'scripted'
    assert line['messages'] == MESSAGES
    (recorded,) = read_transcript(path)
    assert recorded.source == 'scripted, recorded from openai:gpt'
    assert (recorded.lmp, recorded.text) == ('tabletop_ui', 'say(1)')


class Refusing:
    """Has no usable answer."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        raise self._error


def test_an_answer_without_a_program_is_kept_too(tmp_path: Path) -> None:
    path = tmp_path / 't.jsonl'
    model = RecordingModel(Refusing(ModelMalformedError('it refuses: no')), path, 'openai:gpt')
    with pytest.raises(ModelMalformedError, match=r'^it refuses: no$'):
        model.complete(MESSAGES, SOON)
    (recorded,) = read_transcript(path)
    assert (recorded.text, recorded.error) == (None, 'it refuses: no')
    assert recorded.malformed
    with pytest.raises(ModelMalformedError, match=r'^it refuses: no$'):
        open_model(f'replay:{path}').complete(MESSAGES, SOON)


def test_no_answer_is_nothing_to_keep(tmp_path: Path) -> None:
    path = tmp_path / 't.jsonl'
    model = RecordingModel(Refusing(ModelUnavailableError('down')), path, 'openai:gpt')
    with pytest.raises(ModelUnavailableError, match=r'^down$'):
        model.complete(MESSAGES, SOON)
    assert not path.read_bytes()


def test_a_recording_without_its_prompts_still_knows_them(tmp_path: Path) -> None:
    path, short = tmp_path / 't.jsonl', tmp_path / 'short.jsonl'
    RecordingModel(ScriptedModel('say(1)'), path, 'openai:gpt').complete(MESSAGES, SOON)
    error = ModelMalformedError('cut off')
    with pytest.raises(ModelMalformedError):
        RecordingModel(Refusing(error), path, 'openai:gpt').complete(MESSAGES, SOON)
    short.write_text(''.join(shortened(path)))
    first, second = map(json.loads, short.read_text().splitlines())
    assert first == {
        'recorded_from': 'openai:gpt',
        'model': 'scripted',
        'lmp': 'tabletop_ui',
        'request': 'point at it.',
        'prompt': prompt_key(MESSAGES, ()),
        'text': 'say(1)',
    }
    assert second['error'] == 'cut off'
    assert 'text' not in second
    model = open_model(f'replay:{short}')
    found = model.complete(MESSAGES, SOON)
    assert (found.text, found.model) == ('say(1)', 'scripted, recorded from openai:gpt (replayed)')
    with pytest.raises(ModelMalformedError, match=r'^cut off$'):
        model.complete(MESSAGES, SOON)
    changed: list[Message] = [{'role': 'system', 'content': 'Your part: tabletop_ui\n\nNew.'}]
    found = model.complete([*changed, MESSAGES[1]], SOON)
    assert found.model.endswith('(replayed; the prompt has changed since)')
    assert ''.join(shortened(short)) == short.read_text(), 'what is short stays as it is'


def test_two_writers_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / 't.jsonl'
    threads = [
        threading.Thread(
            target=RecordingModel(ScriptedModel(letter * 100_000), path, letter).complete,
            args=([{'role': 'user', 'content': letter}], SOON),
        )
        for letter in 'abcdefgh'
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10.0)
    recorded = read_transcript(path)
    assert {(one.request, str(one.text)[:1]) for one in recorded} == {(x, x) for x in 'abcdefgh'}


@pytest.mark.parametrize(
    'text', ['say("a\u2028b\x85c\rd")', 'say("\ud83e")', 'say("方块 🤖")', '\ufeffx']
)
def test_any_text_comes_back(tmp_path: Path, text: str) -> None:
    path = tmp_path / 't.jsonl'
    odd: list[Message] = [{'role': 'user', 'content': f'half: \ud83e, whole: {text}'}]
    RecordingModel(ScriptedModel(text), path, 'm').complete(odd, SOON)
    (recorded,) = read_transcript(path)
    assert recorded.text == text
    assert recorded.messages == tuple(odd)


def test_a_person_may_write_one(tmp_path: Path) -> None:
    path = tmp_path / 't.jsonl'
    path.write_text(
        '{"recorded_from": "hand-written", "request": "di hola", "text": "say(\'hola\')"}\r\n'
        '\n'
        '{"recorded_from": "hand-written", "lmp": "fgen", "request": "f(x)", "text": "def f..."}\n',
        encoding='utf-8-sig',
    )
    first, second = read_transcript(path)
    assert (first.source, first.lmp, first.request) == ('hand-written', '', 'di hola')
    assert second.lmp == 'fgen'


def test_a_recorded_answer_may_stand_without_its_prompt(tmp_path: Path) -> None:
    path = tmp_path / 't.jsonl'
    path.write_text('{"recorded_from": "openai:m", "request": "say hello", "text": "say(1)"}\n')
    (recorded,) = read_transcript(path)
    assert (recorded.source, recorded.messages, recorded.request) == ('openai:m', (), 'say hello')


WRITTEN = {'recorded_from': 'hand-written', 'request': 'r', 'text': 't'}
RECORDED = {
    'recorded_from': 'openai:m',
    'messages': MESSAGES,
    'stop': [],
    'text': 't',
    'model': 'm',
}


@pytest.mark.parametrize(
    'line',
    [
        b'not json',
        b'{}',
        b'[1]',
        b'\xff\xfe',
        b'[' * 100_000,
        json.dumps({**WRITTEN, 'reqest': 'x'}).encode(),
        json.dumps({**WRITTEN, 'text': None}).encode(),
        json.dumps({**WRITTEN, 'error': 'neither or both'}).encode(),
        json.dumps({**WRITTEN, 'prompt': 7}).encode(),
        json.dumps({**RECORDED, 'messages': []}).encode(),
        json.dumps({**RECORDED, 'messages': ['hi']}).encode(),
        json.dumps({**RECORDED, 'stop': None}).encode(),
        json.dumps({**RECORDED, 'text': None}).encode(),
        json.dumps({key: RECORDED[key] for key in RECORDED if key != 'recorded_from'}).encode(),
    ],
)
def test_what_is_no_transcript(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / 't.jsonl'
    path.write_bytes(json.dumps(WRITTEN).encode() + b'\n' + line + b'\n')
    with pytest.raises(ModelUnavailableError, match=r't\.jsonl(:2|: )'):
        open_model(f'replay:{path}')


@pytest.mark.parametrize('content', [None, b'', b'\n\n'])
def test_what_has_no_answers(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / 't.jsonl'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelUnavailableError, match=r't\.jsonl'):
        open_model(f'replay:{path}')


def test_one_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    for path in (tmp_path, tmp_path / 'file' / 't.jsonl'):
        with pytest.raises(ModelUnavailableError, match=f'cannot write the transcript {path}'):
            open_model(f'record:{path}=offline')


def test_what_a_prompt_asks_for() -> None:
    repair: list[Message] = [
        *MESSAGES,
        {'role': 'assistant', 'content': 'say('},
        {'role': 'user', 'content': 'This program cannot run:\n  # line 1\nWrite it again.'},
    ]
    assert lmp_of(repair) == 'tabletop_ui'
    assert request_of(MESSAGES) == request_of(repair) == 'point at it.'
    assert (lmp_of([]), request_of([])) == ('', '')
    assert prompt_key(MESSAGES, ()) != prompt_key(repair, ())
    assert prompt_key(MESSAGES, ()) != prompt_key(MESSAGES, None)
