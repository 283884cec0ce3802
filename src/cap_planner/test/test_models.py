"""Every model behaves the same to its caller, and is found by its name."""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cap_planner.completion import program_from_completion
from cap_planner.evidence import EvidenceStore
from cap_planner.models import (
    SPECS,
    LanguageModel,
    Message,
    ModelUnavailableError,
    Options,
    open_model,
)
from cap_planner.models.testing import Endpoint, serving
from cap_planner.models.unavailable import UnavailableModel

PROGRAM = "put_first_on_second('blue block', 'red bowl')"
MESSAGES: list[Message] = [
    {'role': 'system', 'content': 'Your part: tabletop_ui\n\nWrite programs.'},
    {
        'role': 'user',
        'content': "objects = ['blue block', 'red bowl']\n# drop the blue block into the red bowl.",
    },
]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with serving(PROGRAM) as server:
        monkeypatch.setenv('OPENAI_BASE_URL', server.url)
        monkeypatch.setenv('OPENAI_API_KEY', 'secret')
        yield server


def spec_of(kind: str, folder: Path) -> str:
    """How to name a model of a kind, after whatever it needs was made."""
    transcript, cache = folder / 't.jsonl', folder / 'cache.db'
    recording, caching = f'record:{transcript}=openai:m', f'cache:{cache}=openai:m'
    if kind == 'replay':
        open_model(recording).complete(MESSAGES, Options(deadline_s=5.0))
        return f'replay:{transcript}'
    if kind == 'replay of evidence':
        with EvidenceStore(folder / 'evidence.db') as store:
            record = store.begin('drop it', '', 'auto')
            record.completion(
                'tabletop_ui', MESSAGES, started=0.0, duration_s=0.0, text=PROGRAM, model='m'
            )
        return f'replay:{folder / "evidence.db"}#{record.id}'
    if kind == 'cache hit':
        for stop in ((), ('put_first',)):
            open_model(caching).complete(MESSAGES, Options(stop=stop, deadline_s=5.0))
    return {'offline': 'offline', 'openai': 'openai:m', 'record': recording}.get(kind, caching)


KINDS = ['offline', 'openai', 'record', 'replay', 'replay of evidence', 'cache', 'cache hit']


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, endpoint: Endpoint, tmp_path: Path) -> LanguageModel:
    return open_model(spec_of(request.param, tmp_path))


# ── conformance ──────────────────────────────────────────────────────────────────────────────────


def test_answers_with_a_program(model: LanguageModel) -> None:
    completion = model.complete(MESSAGES, Options(deadline_s=5.0))
    assert 'put_first_on_second' in program_from_completion(completion.text)
    assert completion.model
    assert completion.prompt_tokens >= 0
    assert completion.completion_tokens >= 0
    assert 0 <= completion.duration_s < 5.0


def test_the_same_prompt_gives_the_same_answer(model: LanguageModel) -> None:
    first = model.complete(MESSAGES, Options(deadline_s=5.0))
    assert model.complete(MESSAGES, Options(deadline_s=5.0)).text == first.text


def test_ends_before_a_stop_text(model: LanguageModel) -> None:
    for _ in range(2):
        completion = model.complete(MESSAGES, Options(stop=('put_first',), deadline_s=5.0))
        assert 'put_first' not in completion.text


def test_messages_are_left_alone(model: LanguageModel) -> None:
    before = copy.deepcopy(MESSAGES)
    model.complete(MESSAGES, Options(deadline_s=5.0))
    assert before == MESSAGES


def test_who_needs_not_wait_any_longer_does_not(model: LanguageModel) -> None:
    start = time.monotonic()
    with contextlib.suppress(ModelUnavailableError):
        model.complete(MESSAGES, Options(deadline_s=60.0, canceled=lambda: True))
    assert time.monotonic() - start < 5.0


def test_half_of_a_surrogate_pair_breaks_nothing(model: LanguageModel) -> None:
    odd: list[Message] = [*MESSAGES[:1], {'role': 'user', 'content': '# drop \ud83e.'}]
    with contextlib.suppress(ModelUnavailableError):
        model.complete(odd, Options(deadline_s=5.0))
    assert 'put_first' in model.complete(MESSAGES, Options(deadline_s=5.0)).text


def test_several_threads(model: LanguageModel) -> None:
    texts: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: texts.append(model.complete(MESSAGES, Options(deadline_s=5.0)).text)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10.0)
    assert len(texts) == 4
    assert len(set(texts)) == 1


@pytest.mark.parametrize('kind', KINDS)
def test_a_name_never_passes_for_another(kind: str, endpoint: Endpoint, tmp_path: Path) -> None:
    model = open_model(spec_of(kind, tmp_path))
    asked = len(endpoint.requests)
    completion = model.complete(MESSAGES, Options(deadline_s=5.0))
    if len(endpoint.requests) > asked:
        assert completion.model == 'served-name'
        assert (completion.prompt_tokens, completion.completion_tokens) == (11, 7)
    else:
        assert completion.model == 'offline' or completion.model.endswith(
            ('(replayed)', '(cached)')
        )
        assert (completion.prompt_tokens, completion.completion_tokens) == (0, 0)


@pytest.mark.parametrize('kind', ['openai', 'record', 'cache'])
def test_errors_come_through(kind: str, endpoint: Endpoint, tmp_path: Path) -> None:
    model = open_model(spec_of(kind, tmp_path))
    endpoint.faults = [401]
    with pytest.raises(ModelUnavailableError, match='OPENAI_API_KEY'):
        model.complete(MESSAGES, Options(deadline_s=5.0))
    assert model.complete(MESSAGES, Options(deadline_s=5.0)).text == PROGRAM  # and are not kept


def test_a_planner_without_a_model_says_why() -> None:
    with pytest.raises(ModelUnavailableError, match='no key'):
        UnavailableModel('no key').complete(MESSAGES, Options(deadline_s=1.0))


# ── names ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    'spec', ['', 'gpt', 'openai', 'openai:', 'offline:x', 'replay', 'x:y', 'record', 'record:f=x:y']
)
def test_unknown_models_list_what_exists(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelUnavailableError) as caught:
        open_model(spec)
    assert all(name in str(caught.value) for name in SPECS)
    assert caught.value.name == 'MODEL_UNAVAILABLE'
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('kind', ['record', 'cache'])
@pytest.mark.parametrize('rest', ['f', 'f=', '=offline'])
def test_what_to_keep_and_where_is_said_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, rest: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelUnavailableError, match=f'write {kind}:FILE=MODEL, such as'):
        open_model(f'{kind}:{rest}')
    assert not list(tmp_path.iterdir())
