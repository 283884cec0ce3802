"""Reads one answer of the OpenAI chat protocol, streamed or whole. No ROS."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import openai

from cap_planner.models.base import ModelMalformedError, estimated_tokens
from cap_planner.models.openai_errors import BrokenAnswerError

MAX_ERROR_BYTES = 2**20
_BASE_BYTES, _BYTES_PER_TOKEN = 2**20, 2**10
"""Of an answer; each token of a stream comes in an envelope of about 300 bytes."""


class Answer:
    """What has come of one answer so far. Nothing of it is trusted to have the right type.

    Attributes:
        begun: some of it has come.
        model: as the endpoint calls it.
        finish_reason: why it ended; None: it has not.
        usage: (prompt, completion) tokens, if the endpoint counts them.
    """

    def __init__(self) -> None:
        self.begun = False
        self.model = ''
        self.finish_reason: str | None = None
        self.usage: tuple[int, int] | None = None
        self._has_choice = False
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._refusals: list[str] = []
        self._tools: list[str] = []

    @property
    def has_text(self) -> bool:
        """Words of the answer itself have come."""
        return bool(self._texts)

    @property
    def tokens(self) -> int:
        """Of what has come, by the endpoint's count or else an estimate."""
        if self.usage:
            return self.usage[1]
        return estimated_tokens(''.join([*self._texts, *self._thoughts, *self._refusals]))

    def take(self, data: object) -> None:
        """One piece of a stream, or a whole answer."""
        if not isinstance(data, dict):
            raise BrokenAnswerError(f'it answers {data!r:.200}', passing=False)
        self.begun = True
        self.model = data['model'] if isinstance(data.get('model'), str) else self.model
        self.usage = _usage(data.get('usage')) or self.usage
        choices = data.get('choices')
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return  # the last piece of a stream has only the usage
        self._has_choice = True
        choice = choices[0]
        if isinstance(choice.get('finish_reason'), str):
            self.finish_reason = choice['finish_reason']
        message = choice.get('delta') or choice.get('message')
        if isinstance(message, dict):
            self._take_message(message)

    def _take_message(self, message: dict[str, Any]) -> None:
        content = message.get('content')
        if isinstance(content, list):
            parts = [part.get('text') for part in _dicts(content)]
            content = ''.join(part for part in parts if isinstance(part, str))
        for value, into in (
            (content, self._texts),
            (message.get('reasoning_content') or message.get('reasoning'), self._thoughts),
            (message.get('refusal'), self._refusals),
        ):
            if isinstance(value, str) and value:
                into.append(value)
        calls = message.get('tool_calls')
        functions = [call.get('function') for call in _dicts(calls)]
        for function in _dicts([*functions, message.get('function_call')]):
            if isinstance(function.get('name'), str):
                self._tools.append(function['name'])

    def text(self, max_tokens: int) -> str:
        """The whole text.

        Raises:
            ModelMalformedError: the answer has none, or not all of it; says why.
        """
        if self.finish_reason in ('length', 'max_tokens'):
            raise ModelMalformedError(
                f'the answer was cut off at {max_tokens} tokens, thoughts included: '
                'a shorter one is needed, or a larger limit'
            )
        if self.finish_reason == 'content_filter':
            raise ModelMalformedError("the endpoint's content filter cut off the answer")
        text = ''.join(self._texts)
        if text.strip():
            return text
        if self._refusals:
            raise ModelMalformedError(f'the model refuses: {"".join(self._refusals)[:300]}')
        if self._tools:
            raise ModelMalformedError(
                f'the model calls the tool {self._tools[0][:80]!r} where a program in text was '
                'asked for'
            )
        if not self._has_choice:
            raise ModelMalformedError('the model answered without a choice')
        thoughts = ', only thoughts' if self._thoughts else ''
        raise ModelMalformedError(f'the model answered with no text{thoughts}')


async def read_answer(
    client: openai.AsyncOpenAI,
    http: httpx2.Response,
    answer: Answer,
    max_tokens: int,
    stall_s: float,
) -> None:
    """Read an answer to its end.

    Args:
        http: the response, with an unread body.
        answer: takes what comes, as it comes.
        stall_s: longest silence once the model has begun to write; before that it may think.

    Raises:
        BrokenAnswerError: it is not of the protocol, too large, or ends too early.
        openai.APIError: the connection broke, or the endpoint says so in the answer.
    """
    limit_bytes(http, _BASE_BYTES + _BYTES_PER_TOKEN * max_tokens, cut=False)
    stream = openai.AsyncStream(cast_to=object, response=http, client=client)
    kind = http.headers.get('content-type', '')
    try:
        if 'text/event-stream' in kind:
            await _read_stream(stream, answer, stall_s)
            return
        body = await http.aread()
        if body.lstrip().startswith((b'data:', b'event:', b':')):
            await _read_stream(stream, answer, stall_s)  # whatever it is called
        else:
            _read_whole(http.request, body, answer)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        # What calls itself JSON and is not may be a piece of it; a web page stays one.
        raise BrokenAnswerError(
            f'what it answers, of type {kind!r:.60}, is no JSON: {error!s:.100}',
            passing='html' not in kind,
        ) from error
    except httpx2.RequestError as error:
        raise openai.APIConnectionError(request=http.request) from error
    finally:
        await http.aclose()


async def _read_stream(stream: openai.AsyncStream[object], answer: Answer, stall_s: float) -> None:
    pieces = aiter(stream)
    while True:
        try:
            async with asyncio.timeout(stall_s if answer.has_text else None):
                answer.take(await anext(pieces))
        except StopAsyncIteration:
            break
        except TimeoutError as error:
            raise BrokenAnswerError(
                f'the stream stalled: nothing for {stall_s:g} s in the middle of the answer'
            ) from error
    if answer.finish_reason in (None, 'error'):
        raise BrokenAnswerError('the stream ended in the middle of the answer')


def _read_whole(request: httpx2.Request, body: bytes, answer: Answer) -> None:
    data = json.loads(body)
    if isinstance(data, dict) and data.get('error'):
        # Proxies wrap an error of the endpoint behind them so.
        raise openai.APIError(f'{data["error"]!s:.300}', request, body=data['error'])
    answer.take(data)


def limit_bytes(http: httpx2.Response, most: int, *, cut: bool) -> None:
    """Bound a body, after it is decompressed, that has not been read yet.

    Args:
        cut: leave away what is beyond the bound, rather than raise BrokenAnswerError.
    """
    unbounded = http.aiter_bytes

    async def aiter_bytes(chunk_size: int | None = None) -> AsyncGenerator[bytes]:
        left = most
        async with contextlib.aclosing(unbounded(chunk_size)) as parts:
            async for part in parts:
                left -= len(part)
                if left < 0 and cut:
                    await http.aclose()
                    return
                if left < 0:
                    raise BrokenAnswerError(f'it answers more than {most} bytes', passing=False)
                yield part

    http.aiter_bytes = aiter_bytes  # type: ignore[method-assign]


def _usage(value: object) -> tuple[int, int] | None:
    """(prompt, completion) tokens, if somebody counted them."""
    if not isinstance(value, dict):
        return None
    prompt, completion = value.get('prompt_tokens'), value.get('completion_tokens')
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    # Zeros are what endpoints send that have such a field and do not count.
    return (prompt, completion) if prompt > 0 and completion >= 0 else None


def _dicts(values: object) -> list[dict[str, Any]]:
    return (
        [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
    )
