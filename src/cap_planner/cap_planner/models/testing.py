"""For tests: an endpoint on loopback that speaks the OpenAI chat protocol, or misbehaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = 'served-name'
PROMPT_TOKENS, COMPLETION_TOKENS = 11, 7
DONE = b'data: [DONE]\n\n'


class Endpoint(ThreadingHTTPServer):
    """Answers `text`, streamed if it is asked to.

    Attributes:
        faults: one per request, taken from the front: what to do instead. A number is a status.
        requests: bodies, as they came.
        keys: their Authorization headers.
        clients: their addresses; of a connection that is used again, the same.
        over: set at the end of the test; what hangs waits for it.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), Exchange)
        self.text = ''
        self.faults: list[Callable[[Exchange], None] | int] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.clients: list[tuple[str, int]] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """What OPENAI_BASE_URL has to be."""
        return f'http://127.0.0.1:{self.server_address[1]}/v1'

    def handle_error(self, *_: object) -> None:
        """Clients that go away are part of the tests."""


class Exchange(BaseHTTPRequestHandler):
    """One request and what is answered."""

    protocol_version = 'HTTP/1.1'  # connections are kept
    server: Endpoint

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Carry out the next fault, or answer."""
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers.get('Authorization'))
        self.server.clients.append(self.client_address)
        fault = self.server.faults.pop(0) if self.server.faults else answer_well
        if isinstance(fault, int):
            self.reply(fault, {'error': {'message': f'fault {fault}', 'type': 'x'}})
        else:
            fault(self)

    def reply(
        self,
        status: int,
        body: Any,
        headers: Sequence[tuple[str, str]] = (),
        kind: str = 'application/json',
    ) -> None:
        """A whole response; what is not bytes goes out as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.begin(status, [*headers, ('Content-Length', str(len(data)))], kind)
        self.wfile.write(data)

    def begin(
        self, status: int, headers: Sequence[tuple[str, str]] = (), kind: str = 'text/event-stream'
    ) -> None:
        """The head of a response."""
        self.send_response(status)
        self.send_header('Content-Type', kind)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def stream(self, *pieces: Any, end: bool = True) -> None:
        """A response in chunks; what is not bytes goes out as an event of JSON."""
        self.begin(200, [('Transfer-Encoding', 'chunked')])
        self.more(*pieces)
        if end:
            self.wfile.write(b'0\r\n\r\n')

    def more(self, *pieces: Any) -> None:
        """Further chunks."""
        for piece in pieces:
            data = piece if isinstance(piece, bytes) else f'data: {json.dumps(piece)}\n\n'.encode()
            self.wfile.write(f'{len(data):x}\r\n'.encode() + data + b'\r\n')


def answer_well(exchange: Exchange) -> None:
    """As a good endpoint does."""
    text, asked = exchange.server.text, exchange.server.requests[-1]
    if not asked.get('stream'):
        exchange.reply(200, whole(text))
        return
    half = len(text) // 2
    pieces = [piece(role='assistant', content=''), piece(content=text[:half])]
    pieces += [piece(content=text[half:]), piece('stop')]
    if asked.get('stream_options', {}).get('include_usage'):
        pieces.append({**envelope(), 'choices': [], 'usage': usage()})
    exchange.stream(*pieces, DONE)


def envelope() -> dict[str, Any]:
    """What stands around every answer."""
    return {'id': 'x', 'created': 1, 'model': MODEL}


def usage() -> dict[str, int]:
    """A count of tokens."""
    return {'prompt_tokens': PROMPT_TOKENS, 'completion_tokens': COMPLETION_TOKENS}


def whole(content: Any, finish_reason: str = 'stop', **message: Any) -> dict[str, Any]:
    """An answer in one piece."""
    message = {'role': 'assistant', 'content': content, **message}
    choice = {'index': 0, 'finish_reason': finish_reason, 'message': message}
    return {**envelope(), 'choices': [choice], 'usage': usage()}


def piece(finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    """A piece of a streamed answer."""
    choice = {'index': 0, 'finish_reason': finish_reason, 'delta': delta}
    return {**envelope(), 'choices': [choice]}


@contextmanager
def serving(text: str) -> Iterator[Endpoint]:
    """An endpoint while it runs."""
    server = Endpoint()
    server.text = text
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
