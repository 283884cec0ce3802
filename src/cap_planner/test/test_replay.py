"""Which answer of the record a prompt gets, and under what name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cap_planner.engine import Engine, Report, Request
from cap_planner.evidence import EvidenceStore
from cap_planner.labels import Label
from cap_planner.models import (
    Completion,
    LanguageModel,
    Message,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
    RecordingModel,
    open_model,
)
from cap_planner.testing import ScriptedModel

SOON = Options(deadline_s=1.0)


def prompt(request: str, lmp: str = 'tabletop_ui', hints: str = 'hints') -> list[Message]:
    return [
        {'role': 'system', 'content': f'Your part: {lmp}\n\n{hints}'},
        {'role': 'user', 'content': f"objects = ['red block']\n# {request}"},
    ]


def repair(messages: Sequence[Message], answer: str) -> list[Message]:
    return [
        *messages,
        {'role': 'assistant', 'content': answer},
        {'role': 'user', 'content': 'This program cannot run:\n  line 1\nWrite it again.'},
    ]


def text_of(model: LanguageModel, messages: Sequence[Message]) -> str:
    return model.complete(messages, SOON).text


# ── transcripts ──────────────────────────────────────────────────────────────────────────────────


def recorded(path: Path, *pairs: tuple[list[Message], str]) -> LanguageModel:
    model = RecordingModel(ScriptedModel(*(text for _, text in pairs)), path, 'openai:gpt')
    for messages, _ in pairs:
        model.complete(messages, SOON)
    return open_model(f'replay:{path}')


def test_an_exact_prompt(tmp_path: Path) -> None:
    model = recorded(tmp_path / 't.jsonl', (prompt('a.'), 'A'), (prompt('b.'), 'B'))
    completion = model.complete(prompt('b.'), SOON)
    assert completion.text == 'B'
    assert completion.model == 'scripted, recorded from openai:gpt (replayed)'
    assert (completion.prompt_tokens, completion.completion_tokens) == (0, 0)
    assert text_of(model, prompt('a.')) == 'A'


def test_several_answers_to_the_same_come_in_turn(tmp_path: Path) -> None:
    asked = prompt('a.')
    model = recorded(tmp_path / 't.jsonl', (asked, 'first'), (asked, 'second'))
    assert [text_of(model, asked) for _ in range(3)] == ['first', 'second', 'first']


def test_an_answer_that_was_given_is_not_the_next_one_of_its_request(tmp_path: Path) -> None:
    pairs = [(prompt('a.', hints=hints), hints) for hints in ('old', 'older', 'oldest')]
    model = recorded(tmp_path / 't.jsonl', *pairs)
    assert text_of(model, prompt('a.', hints='old')) == 'old'
    texts = [text_of(model, prompt('a.', hints='new')) for _ in range(3)]
    assert texts == ['older', 'oldest', 'old']


def test_a_recording_that_does_not_say_what_was_asked(tmp_path: Path) -> None:
    path = tmp_path / 't.jsonl'
    path.write_text('{"recorded_from": "openai:m", "request": "a", "text": "x"}\n')
    found = open_model(f'replay:{path}').complete(prompt('a.'), SOON)
    assert found.model == 'openai:m (replayed; its prompt is not on record)'


def test_what_a_live_run_repaired_is_repaired_again(tmp_path: Path) -> None:
    class CutOff:
        def complete(self, *_: Any) -> Completion:
            raise ModelMalformedError('the answer was cut off at 9 tokens')

    asked, path = prompt('a.'), tmp_path / 't.jsonl'
    with pytest.raises(ModelMalformedError):
        RecordingModel(CutOff(), path, 'openai:gpt').complete(asked, SOON)
    better = repair(asked, '# (no program)')
    RecordingModel(ScriptedModel('A'), path, 'openai:gpt').complete(better, SOON)
    for now in (asked, prompt('a.', hints='new')):
        model = open_model(f'replay:{path}')
        with pytest.raises(ModelMalformedError, match=r'^the answer was cut off at 9 tokens$'):
            model.complete(now, SOON)
        assert text_of(model, repair(now, '# (no program)')) == 'A'


def test_a_prompt_that_has_changed_is_found_by_its_request(tmp_path: Path) -> None:
    model = recorded(
        tmp_path / 't.jsonl',
        (prompt('a.', hints='old'), 'first'),
        (prompt('a.', hints='older'), 'second'),
        (prompt('a.', lmp='fgen', hints='old'), 'of another program'),
    )
    texts = [text_of(model, prompt('a.', hints='new')) for _ in range(3)]
    assert texts == ['first', 'second', 'first']
    name = model.complete(prompt('a.', hints='new'), SOON).model
    assert name == 'scripted, recorded from openai:gpt (replayed; the prompt has changed since)'
    assert text_of(model, prompt('a.', hints='older')) == 'second'  # exact ones come first


def test_what_was_moved_may_stand_elsewhere(tmp_path: Path) -> None:
    first, again = prompt('undo that.'), prompt('undo that.')
    for messages, x in ((first, '0.100'), (again, '0.102')):
        messages[-1]['content'] = f"# moved 'red block' to [{x}]\n" + messages[-1]['content']
    model = recorded(tmp_path / 't.jsonl', (prompt('a.'), 'A'), (first, 'undone'))
    assert text_of(model, again) == 'undone'


def test_other_objects_are_another_request(tmp_path: Path) -> None:
    model = recorded(tmp_path / 't.jsonl', (prompt('a.'), 'A'))
    other = prompt('a.')
    other[-1]['content'] = "objects = ['blue bowl']\n# a."
    with pytest.raises(ModelUnavailableError):
        model.complete(other, SOON)


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path) -> None:
    pairs = [(prompt(f'request {number}.'), 'x') for number in range(9)]
    model = recorded(tmp_path / 't.jsonl', *pairs)
    with pytest.raises(ModelUnavailableError) as caught:
        model.complete(prompt('something else.'), SOON)
    assert "no answer for tabletop_ui to 'something else'" in str(caught.value)
    assert "tabletop_ui: 'request 0'" in str(caught.value)
    assert len(str(caught.value)) < 600
    with pytest.raises(ModelUnavailableError):
        model.complete([], SOON)


def test_hand_written_answers(tmp_path: Path) -> None:
    lines = [
        {'lmp': 'tabletop_ui', 'request': '把它放进碗里', 'text': 'wrong'},
        {'lmp': 'tabletop_ui', 'request': '把它放进碗里', 'text': 'repaired'},
        {'request': 'say hello 🤖', 'text': "say('hello')"},
    ]
    path = tmp_path / 't.jsonl'
    path.write_text(
        '\n'.join(json.dumps({'recorded_from': 'hand-written', **line}) for line in lines)
    )
    model = open_model(f'replay:{path}')
    asked = prompt('把它放进碗里.')
    completion = model.complete(asked, SOON)
    assert (completion.text, completion.model) == ('wrong', 'hand-written (replayed)')
    assert text_of(model, repair(asked, 'wrong')) == 'repaired'
    assert text_of(model, prompt('say  hello 🤖.', lmp='fgen')) == "say('hello')"
    with pytest.raises(ModelUnavailableError):
        model.complete(prompt('把它放进碗里.', lmp='fgen'), SOON)


def test_stop_texts_cut_a_replayed_answer(tmp_path: Path) -> None:
    path = tmp_path / 't.jsonl'
    path.write_text(
        json.dumps({'recorded_from': 'hand-written', 'request': 'a', 'text': 'x = 1\n# b\n'})
    )
    model = open_model(f'replay:{path}')
    assert model.complete(prompt('a.'), Options(deadline_s=1.0, stop=('#',))).text == 'x = 1\n'


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────


def kept(path: Path, *answers: tuple[list[Message], dict[str, Any]]) -> str:
    with EvidenceStore(path) as store:
        record = store.begin('an instruction', '', 'auto')
        for messages, answer in answers:
            record.completion('x', messages, started=0.0, duration_s=1.0, **answer)
        return record.id


def answer(text: str) -> dict[str, Any]:
    return {'text': text, 'model': 'gpt-4o', 'prompt_tokens': 900, 'completion_tokens': 30}


def test_an_instruction_of_the_evidence(tmp_path: Path) -> None:
    path = tmp_path / 'evidence.db'
    kept(path, (prompt('a.'), answer('of another instruction')))
    key = kept(
        path,
        (prompt('a.'), answer('A')),
        (prompt('b.', lmp='parse_obj_name'), answer('first')),
        (prompt('b.', lmp='parse_obj_name'), answer('second')),
    )
    model = open_model(f'replay:{path}#{key}')
    completion = model.complete(prompt('a.'), Options(deadline_s=1.0, stop=('#',)))
    assert completion.text == 'A'
    assert completion.model == f'gpt-4o, instruction {key} (replayed)'
    assert (completion.prompt_tokens, completion.completion_tokens) == (0, 0)
    asked = prompt('b.', lmp='parse_obj_name')
    assert [text_of(model, asked) for _ in range(2)] == ['first', 'second']
    changed = model.complete(prompt('a.', hints='new'), SOON)
    assert changed.text == 'A'
    assert changed.model.endswith('(replayed; the prompt has changed since)')


def test_a_repair_is_found_by_what_it_repairs(tmp_path: Path) -> None:
    def failed(messages: Sequence[Message], answer: str, where: float) -> list[Message]:
        word = {'role': 'user', 'content': f'This program was run, and failed:\n  at {where}'}
        return [*messages, {'role': 'assistant', 'content': answer}, word]

    chats = [prompt('a.')]
    chats.append(failed(chats[0], 'A', 0.101))
    chats.append(failed(chats[1], 'better', 0.202))
    model = recorded(tmp_path / 't.jsonl', *zip(chats, ('A', 'better', 'best'), strict=True))
    now = prompt('a.', hints='new')
    assert text_of(model, now) == 'A'
    now = failed(now, 'A', 0.1013)
    completion = model.complete(now, SOON)
    assert completion.text == 'better'
    assert 'has changed' in completion.model
    assert text_of(model, failed(now, 'better', 0.2)) == 'best'
    with pytest.raises(ModelUnavailableError):
        model.complete(failed(prompt('b.'), 'A', 0.1), SOON)


def test_a_later_request_is_no_repair(tmp_path: Path) -> None:
    first = prompt('a.')
    answer = {'role': 'assistant', 'content': 'A'}
    both = [*first, answer, *prompt('b.')[1:]]
    model = recorded(tmp_path / 't.jsonl', (first, 'A'), (both, 'B'))
    assert text_of(model, first) == 'A'
    with pytest.raises(ModelUnavailableError):
        model.complete([*first, answer, *prompt('c.')[1:]], SOON)


def test_errors_on_record_come_again(tmp_path: Path) -> None:
    path = tmp_path / 'evidence.db'
    asked = prompt('a.')
    key = kept(
        path,
        (asked, {'error': 'the answer was cut off'}),
        (repair(asked, '# (no program)'), answer('A')),
        (prompt('b.'), {'error': 'the endpoint is down'}),
    )
    model = open_model(f'replay:{path}#{key}')
    with pytest.raises(ModelMalformedError, match=r'^the answer was cut off$'):
        model.complete(asked, SOON)
    assert text_of(model, repair(asked, '# (no program)')) == 'A'
    with pytest.raises(ModelUnavailableError, match=r'^the endpoint is down$'):
        model.complete(prompt('b.'), SOON)


# ── two models, one after the other ──────────────────────────────────────────────────────────────


class Answers:
    """Answers, or is not there, as a test says."""

    def __init__(self, name: str, *texts: str) -> None:
        self._name = name
        self._texts = list(texts)

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        if not self._texts:
            raise ModelUnavailableError(f'{self._name} is gone')
        return Completion(self._texts.pop(0), self._name, 1, 1, 0.0)


BAD, FAILS, GOOD = 'import os', 'x = [][1]\nsay("x")', 'say("x")'


@pytest.mark.parametrize(
    ('weak', 'strong', 'label'),
    [
        ([], [GOOD], None),
        ([], [BAD], Label.VERIFIER_REJECTED),
        ([], [], Label.MODEL_UNAVAILABLE),
        ([BAD], [GOOD], None),
        ([FAILS], [GOOD], None),
        ([BAD, BAD], [GOOD], None),
        ([BAD, f'{BAD}  # again'], [FAILS], Label.PROGRAM_ERROR),
    ],
)
def test_the_ladder_is_gone_up_again(
    make_engine: Callable[..., Engine],
    tmp_path: Path,
    weak: list[str],
    strong: list[str],
    label: Label | None,
) -> None:
    def run(session: str, model: LanguageModel, stronger: LanguageModel) -> Report:
        engine = make_engine(model, stronger=stronger)
        return engine.run(Request('do it', session), lambda _: None, lambda: None)

    was = run('a', Answers('weak', *weak), Answers('strong', *strong))
    assert was.label is label
    spec = f'replay:{tmp_path}/evidence.db#{was.evidence_id}'
    model = open_model(spec)
    again = run('b', model, open_model(spec, {spec: model}))
    assert replace(again, evidence_id='') == replace(was, evidence_id='')


def test_a_repair_by_another_model_is_found_by_what_it_repairs(tmp_path: Path) -> None:
    def failed(where: float) -> list[Message]:
        word: Message = {'role': 'user', 'content': f'This program was run, and failed: {where}'}
        return [*asked, {'role': 'assistant', 'content': 'A'}, word]

    asked, path = prompt('a.'), tmp_path / 't.jsonl'
    recorded(path, (asked, 'A'), (failed(0.101), 'better'))
    model = open_model(f'replay:{path}')
    stronger = open_model(f'replay:{path}', {f'replay:{path}': model})
    assert text_of(model, asked) == 'A'
    assert text_of(stronger, failed(0.1013)) == 'better'


def test_who_was_gone_is_not_taken_for_who_was_repaired(tmp_path: Path) -> None:
    path, asked = tmp_path / 'evidence.db', prompt('a.')
    key = kept(
        path,
        (asked, {'error': 'the endpoint is down'}),
        (asked, answer('A')),
        (repair(asked, 'A'), answer('better')),
    )
    model = open_model(f'replay:{path}#{key}')
    with pytest.raises(ModelUnavailableError, match=r'^the endpoint is down$'):
        model.complete(asked, SOON)
    assert text_of(model, asked) == 'A'


def test_a_database_is_only_read(tmp_path: Path) -> None:
    path = tmp_path / 'evidence.db'
    key = kept(path, (prompt('a.'), answer('A')))
    before = path.read_bytes()
    text_of(open_model(f'replay:{path}#{key}'), prompt('a.'))
    assert path.read_bytes() == before


def test_while_a_planner_writes_to_it(tmp_path: Path) -> None:
    with EvidenceStore(tmp_path / 'evidence.db') as store:
        record = store.begin('an instruction', '', 'auto')
        record.completion('x', prompt('a.'), started=0.0, duration_s=1.0, **answer('A'))
        model = open_model(f'replay:{store.path}#{record.id}')
        assert text_of(model, prompt('a.')) == 'A'


def test_evidence_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / 'evidence.db'
    key = kept(path)
    with pytest.raises(ModelUnavailableError, match=f'{key} of .* asked no language model'):
        open_model(f'replay:{path}#{key}')
    with pytest.raises(ModelUnavailableError, match=rf"no instruction 'x'; .* {key} \(an instr"):
        open_model(f'replay:{path}#x')
    with pytest.raises(ModelUnavailableError, match='no evidence database'):
        open_model(f'replay:{tmp_path}/other.db#{key}')
    assert not (tmp_path / 'other.db').exists()
    with sqlite3.connect(tmp_path / 'empty.db') as db:
        db.execute('CREATE TABLE t (x)')
    with pytest.raises(ModelUnavailableError, match='cannot read the evidence database'):
        open_model(f'replay:{tmp_path}/empty.db#x')
    (tmp_path / 'text.db').write_text('not a database at all, but long enough to be one' * 99)
    with pytest.raises(ModelUnavailableError, match='cannot read the evidence database'):
        open_model(f'replay:{tmp_path}/text.db#x')


def test_a_transcript_may_have_such_a_name(tmp_path: Path) -> None:
    model = recorded(tmp_path / 't#1.jsonl', (prompt('a.'), 'A'))
    assert text_of(model, prompt('a.')) == 'A'
