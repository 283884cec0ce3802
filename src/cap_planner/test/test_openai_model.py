"""A real HTTP server on loopback answers well, and misbehaves in every way that was ever seen."""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cap_planner.models import (
    Completion,
    Message,
    ModelError,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
    PromptTooLongError,
    open_model,
)
from cap_planner.models.openai_model import OpenAiModel
from cap_planner.models.testing import (
    COMPLETION_TOKENS,
    DONE,
    PROMPT_TOKENS,
    Endpoint,
    Exchange,
    envelope,
    piece,
    serving,
    usage,
    whole,
)

FIXTURES = [HealthCheck.function_scoped_fixture]
PROGRAM = "put_first_on_second('blue block', 'red bowl')"
MESSAGES: list[Message] = [
    {'role': 'system', 'content': 'Write programs.'},
    {'role': 'user', 'content': '# drop the blue block into the red bowl.'},
]
Fault = Callable[[Exchange], None] | int


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving(PROGRAM) as server:
        yield server


@pytest.fixture
def model(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAiModel]:
    monkeypatch.setattr('cap_planner.models.openai_model._FIRST_PAUSE_S', 0.01)
    opened = OpenAiModel('some-model', endpoint.url, 'secret')
    yield opened
    opened.close()


@pytest.fixture
def impatient(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAiModel]:
    """A model whose streams may hardly stall."""
    monkeypatch.setattr('cap_planner.models.openai_model._FIRST_PAUSE_S', 0.01)
    opened = OpenAiModel('some-model', endpoint.url, 'secret', stall_s=0.3)
    yield opened
    opened.close()


def ask(model: OpenAiModel, deadline_s: float = 30.0, **options: Any) -> Completion:
    return model.complete(MESSAGES, Options(deadline_s=deadline_s, **options))


def reply(
    status: int, body: Any, *headers: tuple[str, str], kind: str = 'application/json'
) -> Fault:
    return lambda exchange: exchange.reply(status, body, headers, kind)


def refusal(status: int, *headers: tuple[str, str], **error: Any) -> Fault:
    return reply(status, {'error': {'message': 'no', 'type': 'x', **error}}, *headers)


def stream(*pieces: Any) -> Fault:
    return lambda exchange: exchange.stream(*pieces)


def usage_piece() -> dict[str, Any]:
    return {**envelope(), 'choices': [], 'usage': usage()}


def then(first: Callable[[Exchange], None], second: Callable[[Exchange], None]) -> Fault:
    def both(exchange: Exchange) -> None:
        first(exchange)
        second(exchange)

    return both


def hang(exchange: Exchange) -> None:
    """No answer until the test is over."""
    exchange.server.over.wait(20.0)


def hang_up(exchange: Exchange) -> None:
    """The connection is closed before its time."""
    exchange.wfile.flush()
    exchange.connection.shutdown(socket.SHUT_RDWR)


def reset(exchange: Exchange) -> None:
    """The connection is reset."""
    exchange.wfile.flush()
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    os.close(exchange.connection.detach())


def half_a_body(exchange: Exchange) -> None:
    exchange.begin(200, [('Content-Length', '9999')], 'application/json')
    exchange.wfile.write(b'{"choices": [')


def half_a_stream(exchange: Exchange) -> None:
    exchange.begin(200, [('Transfer-Encoding', 'chunked')])
    exchange.more(piece(content=PROGRAM[:9]))


def silent_head(exchange: Exchange) -> None:
    exchange.begin(200, [('Transfer-Encoding', 'chunked')])
    hang(exchange)


def drip(kind: str, drop: bytes) -> Fault:
    """A little now and then: every single read is in time, the answer never ends."""

    def fault(exchange: Exchange) -> None:
        exchange.begin(200, [('Transfer-Encoding', 'chunked')], kind)
        while not exchange.server.over.wait(0.05):
            exchange.more(drop)

    return fault


# ── what is sent and what is kept ────────────────────────────────────────────────────────────────


def test_a_stream(endpoint: Endpoint, model: OpenAiModel) -> None:
    completion = ask(model, stop=('#',), max_tokens=99, temperature=0.5)
    (request,) = endpoint.requests
    assert request == {
        'model': 'some-model',
        'messages': MESSAGES,
        'temperature': 0.5,
        'max_tokens': 99,
        'stop': ['#'],
        'stream': True,
        'stream_options': {'include_usage': True},
    }
    assert endpoint.keys == ['Bearer secret']
    assert completion.text == PROGRAM
    assert completion.model == 'served-name'
    assert (completion.prompt_tokens, completion.completion_tokens) == (11, 7)
    assert not completion.tokens_estimated


def test_stops_beyond_those_of_the_protocol_are_cut_here(
    endpoint: Endpoint, model: OpenAiModel
) -> None:
    completion = ask(model, stop=('a', 'b', 'c', 'd', '_first'), max_tokens=5)
    assert endpoint.requests[0]['stop'] == ['a', 'b', 'c', 'd']
    assert completion.text == 'put'


@pytest.mark.parametrize(
    'good',
    [
        reply(200, whole(PROGRAM)),
        reply(200, whole(PROGRAM), kind='text/plain'),
        reply(
            200, whole([{'type': 'thinking', 'thinking': 'x'}, {'type': 'text', 'text': PROGRAM}])
        ),
        reply(
            200, gzip.compress(json.dumps(whole(PROGRAM)).encode()), ('Content-Encoding', 'gzip')
        ),
        stream(piece(content=PROGRAM), piece('stop'), usage_piece()),  # no [DONE]
        stream(piece('stop', content=PROGRAM), usage_piece(), DONE),
        stream(b': wait\n\n', piece(content=PROGRAM), b': wait\n\n', piece('stop'), usage_piece()),
        stream({**envelope(), 'choices': []}, piece('stop', content=PROGRAM), usage_piece()),
        stream(piece(reasoning_content='hm'), piece('stop', content=PROGRAM), usage_piece(), DONE),
        reply(
            200,
            b''.join(
                f'data: {json.dumps(data)}\n\n'.encode()
                for data in (piece('stop', content=PROGRAM), usage_piece())
            ),
            kind='application/octet-stream',
        ),
        then(
            lambda exchange: exchange.stream(
                piece('stop', content=PROGRAM), usage_piece(), DONE, end=False
            ),
            hang,
        ),
    ],
)
def test_every_form_of_a_good_answer(endpoint: Endpoint, model: OpenAiModel, good: Fault) -> None:
    endpoint.faults = [good]
    completion = ask(model)
    assert completion.text == PROGRAM
    assert (completion.prompt_tokens, completion.completion_tokens) == (11, 7)
    assert not completion.tokens_estimated
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    'text', ['把蓝色方块放进红色的碗里 🤖', 'a\r\nb\x85c\u2028d', ' \tsay(1) \n']
)
def test_any_text_arrives_as_it_was_written(
    endpoint: Endpoint, model: OpenAiModel, text: str
) -> None:
    endpoint.text = text
    assert ask(model).text == text


def test_a_redirect_that_keeps_the_method_is_followed(
    endpoint: Endpoint, model: OpenAiModel
) -> None:
    endpoint.faults = [reply(307, {}, ('Location', f'{endpoint.url}/elsewhere'))]
    assert ask(model).text == PROGRAM


def test_one_that_does_not_says_where_it_leads(endpoint: Endpoint, model: OpenAiModel) -> None:
    endpoint.faults = [reply(301, {}, ('Location', '/v2/chat'))]
    with pytest.raises(ModelUnavailableError, match='redirects to /v2/chat: set OPENAI_BASE_URL'):
        ask(model)


def test_a_password_in_the_address_is_not_told(endpoint: Endpoint) -> None:
    model = OpenAiModel('m', endpoint.url.replace('//', '//user:hush@'), 'secret')
    endpoint.faults = [400]
    with pytest.raises(ModelUnavailableError) as caught:
        ask(model)
    assert 'hush' not in str(caught.value)
    model.close()


def test_a_key_that_is_repeated_is_not_told(endpoint: Endpoint) -> None:
    model = OpenAiModel('m', endpoint.url, 'sk-hush-hush')
    endpoint.faults = [refusal(401, message='Incorrect key: sk-hush-hush')]
    with pytest.raises(ModelUnavailableError, match=r'Incorrect key: \(the key\)'):
        ask(model)
    model.close()


def test_half_of_a_surrogate_pair_is_not_sent(endpoint: Endpoint, model: OpenAiModel) -> None:
    model.complete([{'role': 'user', 'content': 'a\ud83eb'}], Options(deadline_s=10.0))
    assert endpoint.requests[0]['messages'] == [{'role': 'user', 'content': 'a?b'}]


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    'uncounted',
    [
        stream(piece('stop', content=PROGRAM), DONE),
        reply(200, {**whole(PROGRAM), 'usage': None}),
        reply(200, {**whole(PROGRAM), 'usage': {'prompt_tokens': 0, 'completion_tokens': 0}}),
        reply(200, {**whole(PROGRAM), 'usage': {'prompt_tokens': 'many'}}),
        reply(200, {**whole(PROGRAM), 'usage': [1]}),
    ],
)
def test_tokens_that_nobody_counts_are_estimated(
    endpoint: Endpoint, model: OpenAiModel, uncounted: Fault
) -> None:
    endpoint.faults = [uncounted]
    completion = ask(model)
    assert completion.tokens_estimated
    assert completion.prompt_tokens == 35  # 55 characters in two messages
    assert completion.completion_tokens == 15  # 45 characters


def test_thoughts_are_counted(endpoint: Endpoint, model: OpenAiModel) -> None:
    endpoint.faults = [stream(piece(reasoning_content='x' * 300), piece('stop', content='y' * 30))]
    assert ask(model).completion_tokens == 110


def test_tokens_of_a_broken_try_are_added(endpoint: Endpoint, model: OpenAiModel) -> None:
    endpoint.faults = [stream(piece(content='x' * 300))]
    completion = ask(model)
    assert completion.text == PROGRAM
    assert completion.tokens_estimated
    assert completion.completion_tokens == 100 + COMPLETION_TOKENS
    assert completion.prompt_tokens > 2 * PROMPT_TOKENS


@pytest.mark.parametrize(
    ('fault', 'tokens', 'estimated'),
    [
        (reply(200, whole('say(', 'length')), COMPLETION_TOKENS, False),
        (stream(piece('length', content='x' * 30), DONE), 10, True),
        (
            then(lambda exchange: exchange.stream(piece(content='x' * 30), end=False), hang),
            10,
            True,
        ),
        (401, 0, False),
    ],
)
def test_an_error_tells_what_it_cost(
    endpoint: Endpoint, fault: Fault, tokens: int, estimated: bool
) -> None:
    model = OpenAiModel('some-model', endpoint.url, 'secret')
    endpoint.faults = [fault]
    with pytest.raises(ModelError) as caught:
        ask(model, 5.0)
    assert caught.value.completion_tokens == tokens
    assert caught.value.tokens_estimated == estimated
    assert bool(caught.value.prompt_tokens) == bool(tokens)
    model.close()


# ── what is tried again ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    'fault',
    [
        408,
        409,
        500,
        502,
        503,
        529,
        refusal(429, ('retry-after', '0')),
        refusal(429, ('retry-after', 'soon')),
        refusal(400, ('x-should-retry', 'true')),
        reply(502, b'<html>Bad gateway</html>', kind='text/html'),
        reply(500, b'x' * 10_000_000),
        hang_up,
        reset,
        then(half_a_body, hang_up),
        then(half_a_body, reset),
        then(half_a_stream, hang_up),
        then(half_a_stream, reset),
        stream(piece(content=PROGRAM[:9])),
        stream(piece(content=PROGRAM[:9]), b'data: {"choices": [{"del\n\n'),
        stream(piece(content=PROGRAM[:9]), {'error': {'message': 'upstream', 'code': 502}}),
        stream(piece('error', content=PROGRAM[:9])),
        stream(),
        reply(200, {'error': {'message': 'busy', 'code': 429}}),
        reply(200, b'{"choices": [{"message"'),
        reply(200, b'[' * 100_000),
        stream(piece(content=PROGRAM[:9]), b'data: ' + b'[' * 100_000 + b'\n\n'),
        reply(200, b''),
        reply(200, b'no gzip', ('Content-Encoding', 'gzip')),
    ],
)
def test_what_may_pass_is_tried_again(endpoint: Endpoint, model: OpenAiModel, fault: Fault) -> None:
    endpoint.faults = [fault]
    assert ask(model).text == PROGRAM
    assert len(endpoint.requests) == 2


def test_a_stream_that_stalls_is_tried_again(endpoint: Endpoint, impatient: OpenAiModel) -> None:
    endpoint.faults = [then(half_a_stream, hang)]
    assert ask(impatient).text == PROGRAM
    assert len(endpoint.requests) >= 2


@pytest.mark.parametrize(
    ('fault', 'says'),
    [
        (401, 'OPENAI_API_KEY'),
        (403, 'OPENAI_API_KEY'),
        (404, 'look at the name and OPENAI_BASE_URL'),
        (400, 'refuses the request'),
        (refusal(429, code='insufficient_quota'), 'quota'),
        (refusal(503, ('x-should-retry', 'false')), 'fault of its own'),
        (refusal(400, code='content_filter', message='filtered'), 'filtered'),
        (reply(200, b'<html>Login</html>', kind='text/html'), 'look at OPENAI_BASE_URL'),
        (reply(200, b'[]'), r'it answers \[\]'),
        (reply(200, b'"text"'), 'OpenAI protocol'),
        (reply(200, b'null'), 'OpenAI protocol'),
        (reply(200, {'error': 'model is loading'}), 'model is loading'),
        (stream(piece(content='x'), {'error': {'message': 'bad key', 'code': 401}}), 'bad key'),
    ],
)
def test_what_stays_is_said_at_once(
    endpoint: Endpoint, model: OpenAiModel, fault: Fault, says: str
) -> None:
    endpoint.faults = [fault]
    with pytest.raises(ModelUnavailableError, match=says) as caught:
        ask(model)
    assert caught.value.name == 'MODEL_UNAVAILABLE'
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    'huge',
    [
        reply(200, b' ' * 10_000_000),
        reply(200, whole('x' * 10_000_000)),
        reply(200, gzip.compress(b' ' * 10_000_000), ('Content-Encoding', 'gzip')),
        stream(*[piece(content='x' * 100_000)] * 100),
        stream(b'data: ' + b'x' * 10_000_000),
    ],
)
def test_a_huge_answer_is_not_read_to_its_end(
    endpoint: Endpoint, model: OpenAiModel, huge: Fault
) -> None:
    endpoint.faults = [huge]
    with pytest.raises(ModelUnavailableError, match='more than 1150976 bytes'):
        ask(model, max_tokens=100)
    assert ask(model).text == PROGRAM


@pytest.mark.parametrize('fault', [500, then(half_a_body, hang_up)])
def test_tries_are_bounded(endpoint: Endpoint, model: OpenAiModel, fault: Fault) -> None:
    endpoint.faults = [fault] * 50
    with pytest.raises(ModelUnavailableError, match='after 4 tries'):
        ask(model)
    assert len(endpoint.requests) == 4


def test_the_wait_that_is_asked_for_is_kept(endpoint: Endpoint, model: OpenAiModel) -> None:
    endpoint.faults = [refusal(429, ('retry-after-ms', '700'), ('retry-after', '60'))]
    completion = ask(model)
    assert completion.text == PROGRAM
    assert completion.duration_s >= 0.7


@pytest.mark.parametrize('in_s', ['60', 'date'])
def test_no_try_beyond_the_deadline(endpoint: Endpoint, model: OpenAiModel, in_s: str) -> None:
    asked = email.utils.formatdate(time.time() + 60, usegmt=True) if in_s == 'date' else in_s
    endpoint.faults = [refusal(429, ('retry-after', asked))]
    start = time.monotonic()
    with pytest.raises(
        ModelUnavailableError, match=r'the next one, in (60|5\d(\.\d)?) s, would be'
    ):
        ask(model, 30.0)
    assert time.monotonic() - start < 10.0


def test_a_refused_connection() -> None:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
        model = OpenAiModel('m', f'http://127.0.0.1:{port}/v1')
        with pytest.raises(ModelUnavailableError, match=r'cannot connect.*OPENAI_BASE_URL'):
            ask(model, 1.0)
    model.close()


def test_a_connection_is_used_again_after_an_error(endpoint: Endpoint, model: OpenAiModel) -> None:
    endpoint.faults = [500, refusal(400)]
    with pytest.raises(ModelUnavailableError):
        ask(model)
    ask(model)
    ask(model)
    assert len(endpoint.clients) == 4
    assert len(set(endpoint.clients)) == 1


# ── the deadline and the end of patience ─────────────────────────────────────────────────────────

WAITS = [
    hang,
    silent_head,
    then(half_a_body, hang),
    then(half_a_stream, hang),
    drip('application/json', b' '),
    drip('text/event-stream', b': still there\n\n'),
    drip('text/event-stream', f'data: {json.dumps(piece(content="x"))}\n\n'.encode()),
    refusal(429, ('retry-after', '5')),
]


@pytest.mark.parametrize('fault', WAITS)
def test_every_wait_can_be_canceled(endpoint: Endpoint, fault: Fault) -> None:
    model = OpenAiModel('some-model', endpoint.url, 'secret')
    endpoint.faults = [fault]
    asked_to_end: list[float] = []

    def canceled() -> bool:
        if not endpoint.requests:
            return False
        asked_to_end.append(time.monotonic())
        return len(asked_to_end) > 4

    with pytest.raises(ModelUnavailableError, match='nobody waits'):
        ask(model, 60.0, canceled=canceled)
    assert time.monotonic() - asked_to_end[-1] < 10.0
    assert ask(model).text == PROGRAM
    model.close()


@pytest.mark.parametrize('fault', WAITS)
def test_the_deadline_ends_every_wait(endpoint: Endpoint, fault: Fault) -> None:
    model = OpenAiModel('some-model', endpoint.url, 'secret')
    endpoint.faults = [fault] * 5
    start = time.monotonic()
    with pytest.raises(ModelUnavailableError):
        ask(model, 0.5)
    assert time.monotonic() - start < 10.0
    endpoint.faults = []
    assert ask(model).text == PROGRAM
    model.close()


def test_a_model_may_think_longer_than_a_stream_may_stall(
    endpoint: Endpoint, impatient: OpenAiModel
) -> None:
    def think(exchange: Exchange) -> None:
        exchange.stream(piece(role='assistant', content=''), end=False)
        exchange.server.over.wait(0.6)
        exchange.more(piece('stop', content=PROGRAM), DONE)
        exchange.wfile.write(b'0\r\n\r\n')

    endpoint.faults = [think]
    assert ask(impatient).text == PROGRAM
    assert len(endpoint.requests) == 1


# ── answers without a program ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ('fault', 'says'),
    [
        (reply(200, {}), 'without a choice'),
        (reply(200, {**envelope(), 'choices': []}), 'without a choice'),
        (reply(200, {**envelope(), 'choices': 'none'}), 'without a choice'),
        (reply(200, {**envelope(), 'choices': [{'index': 0}]}), 'no text'),
        (reply(200, {**envelope(), 'choices': [{'message': 'hi'}]}), 'no text'),
        (reply(200, whole(None)), 'no text'),
        (reply(200, whole(' \n')), 'no text'),
        (reply(200, whole(7)), 'no text'),
        (stream(piece('stop'), DONE), 'no text'),
        (stream(piece(reasoning_content='hm'), piece('stop'), DONE), 'only thoughts'),
        (reply(200, whole('say(', 'length')), 'cut off at 4096 tokens'),
        (stream(piece(content='say('), piece('length'), DONE), 'cut off at 4096 tokens'),
        (stream(piece(content='say('), piece('content_filter'), DONE), 'content filter'),
        (reply(200, whole(None, refusal='I will not.')), 'refuses: I will not'),
        (stream(piece(refusal='I will '), piece('stop', refusal='not.'), DONE), 'I will not'),
        (
            reply(200, whole(None, 'tool_calls', tool_calls=[{'function': {'name': 'pick'}}])),
            "calls the tool 'pick'",
        ),
        (
            stream(piece(tool_calls=[{'index': 0, 'function': {'name': 'pick'}}]), piece('stop')),
            "calls the tool 'pick'",
        ),
        (reply(200, whole(None, function_call={'name': 'pick'})), "calls the tool 'pick'"),
        (reply(200, whole(None, tool_calls=[None, {'function': 7}])), 'no text'),
    ],
)
def test_what_a_model_writes_instead_of_text(
    endpoint: Endpoint, model: OpenAiModel, fault: Fault, says: str
) -> None:
    endpoint.faults = [fault]
    with pytest.raises(ModelMalformedError, match=says) as caught:
        ask(model)
    assert caught.value.name == 'MODEL_MALFORMED'
    assert len(endpoint.requests) == 1


PARTS = [
    *(
        b'data: ',
        b'event: error\n',
        b': ping\n',
        b'\n',
        b'\n\n',
        b'[DONE]',
        b'\r\n',
        b'\xff',
        b'null',
    ),
    *(
        b'{',
        b'}',
        b'[',
        b']',
        b'"choices"',
        b':',
        b',',
        b'"error"',
        b'"delta"',
        b'0',
        b'"x"',
        b'1e999',
    ),
    *(
        json.dumps(body).encode()
        for body in (whole('a'), piece('stop', content='a'), usage_piece())
    ),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda value: st.lists(value, max_size=3) | st.dictionaries(st.text(max_size=3), value),
    max_leaves=5,
)
FIELDS = ['model', 'usage', 'choices', 'error', 'delta', 'message', 'content', 'finish_reason']
FIELDS += ['tool_calls', 'refusal', 'prompt_tokens', 'completion_tokens', 'reasoning', 'code']


@st.composite
def odd_answers(draw: st.DrawFn) -> object:
    """Good answers in which some fields hold anything."""
    odd = draw(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3))

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(item) for item in value]
        if isinstance(value, dict):
            return {key: odd.get(key, change(item)) for key, item in value.items()}
        return value

    return change(draw(st.sampled_from([whole('a'), piece('stop', content='a'), usage_piece()])))


@settings(max_examples=60, deadline=None, suppress_health_check=FIXTURES)
@given(
    st.lists(st.sampled_from(PARTS), max_size=12).map(b''.join)
    | odd_answers().map(lambda answer: json.dumps(answer).encode())
    | odd_answers().map(lambda answer: b'data: ' + json.dumps(answer).encode() + b'\n\n'),
    st.sampled_from(['application/json', 'text/event-stream', 'text/html', '']),
    st.sampled_from([200, 200, 400, 429, 500]),
)
def test_whatever_an_endpoint_answers(
    endpoint: Endpoint, model: OpenAiModel, body: bytes, kind: str, status: int
) -> None:
    endpoint.faults = [reply(status, body, kind=kind)]
    with contextlib.suppress(ModelError):
        completion = ask(model)
        assert completion.text
        assert completion.prompt_tokens > 0


# ── prompts that are too long ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    'fault',
    [
        refusal(400, code='context_length_exceeded'),
        refusal(
            400,
            param='max_tokens',
            message="This model's maximum context length is 4096 tokens. You requested 5000",
        ),
        refusal(
            400,
            type='exceed_context_size_error',
            message='the request exceeds the available context size, try increasing it',
        ),
        refusal(400, message='prompt is too long: 213462 tokens > 200000 maximum'),
        refusal(400, message='The input token count (1196265) exceeds the maximum number'),
        refusal(422, message='Please reduce the length of the messages or completion.'),
        refusal(413),
        refusal(429, message='Request too large for gpt on tokens per min: Limit 30000'),
        reply(200, {'error': {'message': 'exceeds the context window', 'code': 400}}),
        stream({'error': {'code': 'context_length_exceeded', 'message': 'no'}}),
    ],
)
def test_a_prompt_that_is_too_long(endpoint: Endpoint, model: OpenAiModel, fault: Fault) -> None:
    endpoint.faults = [fault]
    with pytest.raises(PromptTooLongError) as caught:
        ask(model)
    assert caught.value.name == 'MODEL_UNAVAILABLE'
    assert '2 messages with 55 characters, about 35 tokens' in str(caught.value)
    assert 'Begin a new session' in str(caught.value)
    assert len(endpoint.requests) == 1


# ── options that an endpoint does not take ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ('fault', 'gone', 'instead'),
    [
        (refusal(400, param='max_tokens'), 'max_tokens', {'max_completion_tokens': 4096}),
        (refusal(400, param='temperature'), 'temperature', {}),
        (refusal(400, message="'temperature' does not support 0"), 'temperature', {}),
        (refusal(400, param='stop'), 'stop', {}),
        (refusal(400, message='Unsupported parameter: `stop`'), 'stop', {}),
        (refusal(400, param='stream'), 'stream', {}),
        (refusal(400, param='stream_options'), 'stream_options', {'stream': True}),
        (refusal(400, param='stream_options.include_usage'), 'stream_options', {'stream': True}),
        (
            refusal(422, message='extra_forbidden: body, stream_options, include_usage'),
            'stream_options',
            {'stream': True},
        ),
    ],
)
def test_an_option_that_is_refused_is_left_out(
    endpoint: Endpoint, model: OpenAiModel, fault: Fault, gone: str, instead: dict[str, Any]
) -> None:
    endpoint.faults = [fault]
    assert ask(model, stop=("'red",)).text == "put_first_on_second('blue block', "
    assert gone in endpoint.requests[0]
    assert gone not in endpoint.requests[1]
    assert instead.items() <= endpoint.requests[1].items()
    ask(model, stop=("'red",))
    assert len(endpoint.requests) == 3  # it remembers
    assert endpoint.requests[2] == endpoint.requests[1]


def test_several_options_are_refused(endpoint: Endpoint, model: OpenAiModel) -> None:
    names = ('stream_options', 'stream', 'temperature', 'max_tokens')
    endpoint.faults = [refusal(400, param=name) for name in names]
    assert ask(model).text == PROGRAM
    assert set(endpoint.requests[-1]) == {'model', 'messages', 'max_completion_tokens'}


def test_an_endpoint_that_refuses_everything_has_its_say(
    endpoint: Endpoint, model: OpenAiModel
) -> None:
    endpoint.faults = [refusal(400, message='temperature, max_tokens, stream_options: no')] * 9
    with pytest.raises(ModelUnavailableError, match='it refuses the request'):
        ask(model)
    assert len(endpoint.requests) < 6
    endpoint.faults = []
    ask(model)
    assert endpoint.requests[-1]['stream_options']  # nothing was learned from it


# ── opening ──────────────────────────────────────────────────────────────────────────────────────


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('OPENAI_API_KEY', raising=False)
    monkeypatch.delenv('OPENAI_BASE_URL', raising=False)
    with pytest.raises(ModelUnavailableError, match='OPENAI_API_KEY'):
        open_model('openai:gpt')


@pytest.mark.parametrize('key', ['ключ', 'a\nb'])
def test_what_is_no_key(endpoint: Endpoint, key: str) -> None:
    with pytest.raises(ModelUnavailableError, match='OPENAI_API_KEY'):
        OpenAiModel('m', endpoint.url, key)


def test_white_space_around_a_key(endpoint: Endpoint) -> None:
    model = OpenAiModel('m', endpoint.url, ' secret\n')
    ask(model)
    model.close()
    assert endpoint.keys == ['Bearer secret']


@pytest.mark.parametrize('url', ['http://localhost:abc/v1', 'http://[::1'])
def test_an_endpoint_that_is_no_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv('OPENAI_BASE_URL', url)
    monkeypatch.setenv('OPENAI_API_KEY', 'secret')
    with pytest.raises(ModelUnavailableError, match='OPENAI_BASE_URL'):
        open_model('openai:gpt')


def test_closing_ends_the_thread(endpoint: Endpoint) -> None:
    before = set(threading.enumerate())
    model = OpenAiModel('some-model', endpoint.url, 'secret')
    (thread,) = (one for one in threading.enumerate() if one not in before)
    ask(model)
    model.close()
    thread.join(20.0)
    assert not thread.is_alive()
