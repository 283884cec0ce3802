"""Every model behaves the same to its caller; the endpoint is a real HTTP server on loopback."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cap_planner.api import TABLETOP
from cap_planner.lmp import LMPS, build_messages, program_from_completion
from cap_planner.models import (
    SPECS,
    LanguageModel,
    Message,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
    RecordingModel,
    ReplayModel,
    open_model,
)
from cap_planner.models.openai_model import OpenAiModel
from cap_planner.testing import ScriptedModel

PROGRAM = "put_first_on_second('blue block', 'red bowl')"
MESSAGES: list[Message] = build_messages(
    LMPS['tabletop_ui'],
    TABLETOP,
    'drop the blue block into the red bowl',
    "objects = ['blue block', 'red bowl']",
)


class Endpoint(ThreadingHTTPServer):
    """Speaks the OpenAI chat protocol, or what a test wants it to.

    Attributes:
        faults: one per request, taken from the front; then it answers well.
        requests: bodies, as they came.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), Handler)
        self.faults: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.text = PROGRAM
        self.done = threading.Event()

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_address[1]}/v1'


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Endpoint

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers.get('Authorization'))
        fault = self.server.faults.pop(0) if self.server.faults else None
        if callable(fault):
            fault(self)
        elif isinstance(fault, int):
            self.reply(fault, {'error': {'message': f'fault {fault}', 'type': 'x'}})
        elif fault is not None:
            self.reply(*fault)
        else:
            choice = {'index': 0, 'finish_reason': 'stop'}
            choice['message'] = {'role': 'assistant', 'content': self.server.text}
            usage = {'prompt_tokens': 11, 'completion_tokens': 7, 'total_tokens': 18}
            self.reply(200, {**ENVELOPE, 'choices': [choice], 'usage': usage})

    def reply(self, status: int, body: Any, headers: tuple[tuple[str, str], ...] = ()) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


ENVELOPE = {'id': 'x', 'object': 'chat.completion', 'created': 1, 'model': 'served-name'}


def hang(handler: Handler) -> None:
    """No answer until the test is over."""
    handler.server.done.wait(10.0)


def drip(handler: Handler) -> None:
    """A byte now and then: every single read is in time, the answer never ends."""
    handler.send_response(200)
    handler.send_header('Content-Type', 'application/json')
    handler.send_header('Content-Length', '100000')
    handler.end_headers()
    while not handler.server.done.wait(0.05):
        try:
            handler.wfile.write(b' ')
            handler.wfile.flush()
        except OSError:
            return


def hang_up(handler: Handler) -> None:
    """The connection breaks."""
    handler.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving() -> Iterator[Endpoint]:
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.done.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with serving() as server:
        monkeypatch.setenv('OPENAI_BASE_URL', server.url)
        monkeypatch.setenv('OPENAI_API_KEY', 'secret')
        yield server


@pytest.fixture
def openai_model(endpoint: Endpoint) -> Iterator[OpenAiModel]:
    model = OpenAiModel('some-model')
    yield model
    model.close()


# ── conformance ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=['offline', 'openai', 'recording', 'replay'])
def model(
    request: pytest.FixtureRequest, endpoint: Endpoint, tmp_path: Path
) -> Iterator[LanguageModel]:
    path = tmp_path / 'transcript.jsonl'
    if request.param == 'offline':
        yield open_model('offline')
    elif request.param == 'openai':
        opened = open_model('openai:some-model')
        yield opened
        assert isinstance(opened, OpenAiModel)
        opened.close()
    else:
        recording = open_model(f'record:{path}=offline')
        if request.param == 'recording':
            yield recording
            return
        recording.complete(MESSAGES, Options(deadline_s=1.0))
        recording.complete(MESSAGES, Options(stop=('put_first',), deadline_s=1.0))
        yield open_model(f'replay:{path}')


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
    completion = model.complete(MESSAGES, Options(stop=('put_first',), deadline_s=5.0))
    assert 'put_first' not in completion.text


def test_messages_are_left_alone(model: LanguageModel) -> None:
    before = json.dumps(MESSAGES)
    model.complete(MESSAGES, Options(deadline_s=5.0))
    assert json.dumps(MESSAGES) == before


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


# ── names ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    'spec', ['', 'gpt', 'openai', 'openai:', 'offline:x', 'replay', 'x:y', 'record', 'record:f=x:y']
)
def test_unknown_models_list_what_exists(spec: str) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        open_model(spec)
    assert all(name in str(caught.value) for name in SPECS)
    assert caught.value.name == 'MODEL_UNAVAILABLE'


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('OPENAI_API_KEY', raising=False)
    monkeypatch.delenv('OPENAI_BASE_URL', raising=False)
    with pytest.raises(ModelUnavailableError, match='OPENAI_API_KEY'):
        open_model('openai:gpt')


@pytest.mark.parametrize('url', ['http://localhost:abc/v1', 'http://[::1'])
def test_an_endpoint_that_is_no_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv('OPENAI_BASE_URL', url)
    monkeypatch.setenv('OPENAI_API_KEY', 'secret')
    with pytest.raises(ModelUnavailableError, match='OPENAI_BASE_URL'):
        open_model('openai:gpt')


# ── the endpoint ─────────────────────────────────────────────────────────────────────────────────


def test_what_is_sent_and_what_is_kept(endpoint: Endpoint, openai_model: OpenAiModel) -> None:
    completion = openai_model.complete(
        MESSAGES, Options(stop=('#',), max_tokens=99, deadline_s=5.0)
    )
    (request,) = endpoint.requests
    assert request['model'] == 'some-model'
    assert request['messages'] == MESSAGES
    assert request['temperature'] == 0
    assert request['max_tokens'] == 99
    assert request['stop'] == ['#']
    assert endpoint.keys == ['Bearer secret']
    assert (completion.model, completion.prompt_tokens) == ('served-name', 11)
    assert completion.completion_tokens == 7


@pytest.mark.parametrize(
    ('fault', 'says'),
    [(401, 'OPENAI_API_KEY'), (403, 'OPENAI_API_KEY'), (404, 'OPENAI_BASE_URL'), (400, 'refuses')],
)
def test_refusals_are_final(
    endpoint: Endpoint, openai_model: OpenAiModel, fault: int, says: str
) -> None:
    endpoint.faults = [fault]
    with pytest.raises(ModelUnavailableError, match=says):
        openai_model.complete(MESSAGES, Options(deadline_s=5.0))
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    'fault', [500, 503, hang_up, (429, {'error': {'message': 'slow'}}, (('retry-after', '0'),))]
)
def test_passing_faults_are_tried_again(
    endpoint: Endpoint, openai_model: OpenAiModel, fault: Any
) -> None:
    endpoint.faults = [fault]
    assert openai_model.complete(MESSAGES, Options(deadline_s=8.0)).text == PROGRAM
    assert len(endpoint.requests) == 2


def test_retries_are_bounded(endpoint: Endpoint, openai_model: OpenAiModel) -> None:
    endpoint.faults = [(429, {'error': {'message': 'slow'}}, (('retry-after', '0'),))] * 50
    with pytest.raises(ModelUnavailableError, match='too many requests'):
        openai_model.complete(MESSAGES, Options(deadline_s=8.0))
    assert len(endpoint.requests) == 4


def test_no_retry_beyond_the_deadline(endpoint: Endpoint, openai_model: OpenAiModel) -> None:
    endpoint.faults = [(429, {'error': {'message': 'slow'}}, (('retry-after', '60'),))]
    start = time.monotonic()
    with pytest.raises(ModelUnavailableError, match='too many requests'):
        openai_model.complete(MESSAGES, Options(deadline_s=5.0))
    assert time.monotonic() - start < 4.0


def test_a_wait_can_be_canceled(endpoint: Endpoint, openai_model: OpenAiModel) -> None:
    endpoint.faults = [hang]
    start = time.monotonic()
    with pytest.raises(ModelUnavailableError, match='nobody waits'):
        openai_model.complete(
            MESSAGES, Options(deadline_s=8.0, canceled=lambda: time.monotonic() - start > 0.2)
        )
    assert time.monotonic() - start < 1.0
    assert openai_model.complete(MESSAGES, Options(deadline_s=5.0)).text == PROGRAM


@pytest.mark.parametrize('fault', [hang, drip])
def test_the_deadline_ends_it(endpoint: Endpoint, openai_model: OpenAiModel, fault: Any) -> None:
    endpoint.faults = [fault] * 5
    start = time.monotonic()
    with pytest.raises(ModelUnavailableError):
        openai_model.complete(MESSAGES, Options(deadline_s=0.5))
    assert time.monotonic() - start < 2.0
    endpoint.faults = []
    assert openai_model.complete(MESSAGES, Options(deadline_s=5.0)).text == PROGRAM


@pytest.mark.parametrize(
    'body',
    [
        b'<html>502</html>',
        b'{}',
        b'[]',
        b'"text"',
        b'null',
        b'{"choices": []}',
        {**ENVELOPE, 'choices': [{'index': 0, 'message': {'role': 'assistant', 'content': None}}]},
        {**ENVELOPE, 'choices': [{'index': 0, 'message': {'role': 'assistant', 'content': ' '}}]},
        {**ENVELOPE, 'choices': [{'index': 0}]},
        {**ENVELOPE, 'choices': 'none'},
        {**ENVELOPE, 'choices': [{'message': {'content': 'say('}, 'finish_reason': 'length'}]},
    ],
)
def test_garbage_is_malformed(endpoint: Endpoint, openai_model: OpenAiModel, body: Any) -> None:
    endpoint.faults = [(200, body)]
    with pytest.raises(ModelMalformedError):
        openai_model.complete(MESSAGES, Options(deadline_s=5.0))


def test_closed_port() -> None:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    model = OpenAiModel('m', base_url=f'http://127.0.0.1:{port}/v1')
    start = time.monotonic()
    with pytest.raises(ModelUnavailableError, match='OPENAI_BASE_URL'):
        model.complete(MESSAGES, Options(deadline_s=2.0))
    assert time.monotonic() - start < 3.0
    model.close()


@pytest.mark.parametrize(
    ('refused', 'gone', 'instead'),
    [
        ('max_tokens', 'max_tokens', 'max_completion_tokens'),
        ('temperature', 'temperature', None),
        ('stop', 'stop', None),
    ],
)
def test_options_that_a_model_refuses(
    endpoint: Endpoint, openai_model: OpenAiModel, refused: str, gone: str, instead: str | None
) -> None:
    error = {'error': {'message': f'unsupported {refused}', 'param': refused, 'type': 'x'}}
    endpoint.faults = [(400, error)]
    completion = openai_model.complete(MESSAGES, Options(stop=("'red",), deadline_s=5.0))
    assert completion.text == "put_first_on_second('blue block', "
    assert gone in endpoint.requests[0]
    assert gone not in endpoint.requests[1]
    assert instead is None or instead in endpoint.requests[1]
    openai_model.complete(MESSAGES, Options(stop=("'red",), deadline_s=5.0))
    assert len(endpoint.requests) == 3  # it remembers


# ── transcripts ──────────────────────────────────────────────────────────────────────────────────


def test_replay_knows_only_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / 'new folder' / 'transcript.jsonl'
    open_model(f'record:{path}=offline').complete(MESSAGES, Options(deadline_s=1.0))
    assert json.loads(path.read_text())['recorded_from'] == 'offline'
    replay = ReplayModel(path)
    assert replay.complete(MESSAGES, Options(deadline_s=1.0)).model == 'offline'
    other = build_messages(LMPS['tabletop_ui'], TABLETOP, 'something else')
    with pytest.raises(ModelUnavailableError, match='something else'):
        replay.complete(other, Options(deadline_s=1.0))


def test_an_answer_may_have_any_line_separator(tmp_path: Path) -> None:
    text = 'say("a\u2028b\x85c")'
    path = tmp_path / 'transcript.jsonl'
    RecordingModel(ScriptedModel(text), path, 'scripted').complete(
        MESSAGES, Options(deadline_s=1.0)
    )
    assert ReplayModel(path).complete(MESSAGES, Options(deadline_s=1.0)).text == text


@pytest.mark.parametrize('content', [b'not json\n', b'{}\n', b'[1]\n', b'\xff\xfe\n', None])
def test_what_is_no_transcript(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / 'transcript.jsonl'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelUnavailableError, match=r'transcript\.jsonl'):
        open_model(f'replay:{path}')


@pytest.mark.parametrize('rest', ['t.jsonl', 't.jsonl=', '=offline'])
def test_what_to_record_is_said_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelUnavailableError, match='write record:FILE=MODEL, such as'):
        open_model(f'record:{rest}')
    assert not list(tmp_path.iterdir())


def test_a_transcript_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    for path in (tmp_path, tmp_path / 'file' / 't.jsonl'):
        with pytest.raises(ModelUnavailableError, match=f'cannot write the transcript {path}'):
            open_model(f'record:{path}=offline')


def test_half_of_a_surrogate_pair_is_replayed(tmp_path: Path) -> None:
    odd: list[Message] = [{'role': 'user', 'content': 'half: \ud83e'}]
    path = tmp_path / 'transcript.jsonl'
    RecordingModel(ScriptedModel('say("\ud83e")'), path, 'scripted').complete(
        odd, Options(deadline_s=1.0)
    )
    assert ReplayModel(path).complete(odd, Options(deadline_s=1.0)).text == 'say("\ud83e")'
