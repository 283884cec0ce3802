"""Any endpoint that speaks the OpenAI chat protocol. No ROS.

OPENAI_BASE_URL and OPENAI_API_KEY say where and as whom. Answers are streamed, so that a stalled
one is noticed and a canceled one costs no more. The exchange runs on an event loop of its own,
because only there a deadline ends a call that the server keeps alive byte by byte.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Coroutine, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import openai

from cap_planner.models.base import (
    Completion,
    Message,
    ModelError,
    ModelUnavailableError,
    Options,
    PromptTooLongError,
    cut_at_stop,
    estimated_prompt_tokens,
)
from cap_planner.models.openai_answer import (
    MAX_ERROR_BYTES,
    Answer,
    limit_bytes,
    read_answer,
)
from cap_planner.models.openai_dialect import Dialect
from cap_planner.models.openai_errors import (
    BrokenAnswerError,
    advice,
    is_prompt_too_long,
    pause_s,
)

_RETRIES = 3
_FIRST_PAUSE_S = 0.5
_CONNECT_S = 10.0
_STALL_S = 15.0
_POLL_S = 0.05
_SHORTEST_SECRET = 8  # a shorter key is a word that somebody had to write
_END_S = 0.2  # what was canceled may take so long to end


class OpenAiModel:
    """One model of one endpoint.

    Args:
        name: the endpoint's name of the model.
        base_url: such as 'http://localhost:11434/v1'; None: OPENAI_BASE_URL, or OpenAI itself.
        api_key: None: OPENAI_API_KEY; an endpoint on this machine needs none.
        stall_s: longest silence in the middle of an answer [s].

    Raises:
        ModelUnavailableError: no key, or none that can be sent.
    """

    def __init__(
        self,
        name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        stall_s: float = _STALL_S,
    ) -> None:
        self._name = name
        self._url = base_url or endpoint()
        self._stall_s = stall_s
        key = (api_key or os.environ.get('OPENAI_API_KEY') or '').strip()
        if not (key.isascii() and key.isprintable()):
            raise ModelUnavailableError(f'openai:{name}: what OPENAI_API_KEY is set to is no key')
        if not key and not _is_local(self._url):
            raise ModelUnavailableError(
                f'openai:{name} needs a key: set OPENAI_API_KEY (and OPENAI_BASE_URL for another '
                'endpoint than OpenAI), or use the model "offline"'
            )
        self._key = key
        self._dialect = Dialect()
        self._client = openai.AsyncOpenAI(
            api_key=key or 'none', base_url=self._url, max_retries=0, http_client=_HttpClient()
        )
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name='openai', daemon=True).start()

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """One chat completion; what may pass is tried again in time."""
        start = time.monotonic()
        call = _Call(messages, options, start + options.deadline_s)
        try:
            answer = self._run(self._ask(call), call)
            text = answer.text(options.max_tokens)
        except ModelError as error:
            error.prompt_tokens = call.prompt_tokens
            error.completion_tokens = call.completion_tokens
            error.tokens_estimated = call.tokens_estimated
            raise
        return Completion(
            text=cut_at_stop(text, options.stop),
            model=answer.model or self._name,
            prompt_tokens=call.prompt_tokens,
            completion_tokens=call.completion_tokens,
            duration_s=time.monotonic() - start,
            tokens_estimated=call.tokens_estimated,
        )

    def close(self) -> None:
        """End the connections and the thread."""
        asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result(timeout=2.0)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self, work: Coroutine[Any, Any, Answer], call: _Call) -> Answer:
        """Do it on the loop; the caller's thread waits, and looks whether it still has to."""
        ended = threading.Event()

        async def bounded() -> Answer:
            try:
                async with asyncio.timeout(call.left_s):
                    return await work
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(bounded(), self._loop)
        # The margin only matters if the loop itself is dead.
        while not ended.wait(_POLL_S) and call.left_s > -2.0:
            if call.options.canceled():
                future.cancel()
                ended.wait(_END_S)  # for the count of tokens
                raise ModelUnavailableError(f'{self._where()}: nobody waits for the answer')
        try:
            return future.result(timeout=_END_S)
        except TimeoutError as error:
            future.cancel()
            raise ModelUnavailableError(
                f'{self._where()} gave no answer within {call.options.deadline_s:g} s; '
                'look whether the endpoint is up, or allow more time'
            ) from error

    async def _ask(self, call: _Call) -> Answer:
        usual_s = _FIRST_PAUSE_S
        for tries in range(1, _RETRIES + 2):
            try:
                return await self._request(call)
            except (openai.APIError, BrokenAnswerError) as error:
                if is_prompt_too_long(error):
                    raise self._too_long(call, error) from error
                wait_s = pause_s(error, usual_s)
                if wait_s is None or tries > _RETRIES or wait_s >= call.left_s:
                    raise self._unavailable(error, tries, wait_s) from error
            await asyncio.sleep(wait_s)
            usual_s *= 2
        raise AssertionError('unreachable: the last try returns or raises')

    async def _request(self, call: _Call) -> Answer:
        """One request; again without an option when the endpoint says that it does not take it."""
        dialect = self._dialect
        while True:
            try:
                http = await self._send(call, dialect)
            except openai.APIStatusError as error:
                rest = None if is_prompt_too_long(error) else dialect.without(error)
                if rest is None:
                    raise
                dialect = rest
            else:
                self._dialect = dialect  # it was that
                break
        answer = Answer()
        try:
            await read_answer(self._client, http, answer, call.options.max_tokens, self._stall_s)
        finally:
            call.count(answer)
        return answer

    async def _send(self, call: _Call, dialect: Dialect) -> httpx2.Response:
        """The response, with its body yet to be read."""
        try:
            raw = await self._client.chat.completions.with_raw_response.create(
                model=self._name,
                messages=call.messages,  # type: ignore[arg-type]
                # The deadline is kept by the loop: while a model thinks, nothing may come.
                timeout=openai.Timeout(None, connect=_CONNECT_S),
                **dialect.body(call.options),
            )
        except httpx2.RequestError as error:  # while the body of an error was read
            raise openai.APIConnectionError(request=error.request) from error
        return raw.http_response

    def _too_long(self, call: _Call, error: Exception) -> PromptTooLongError:
        characters = sum(len(message['content']) for message in call.messages)
        words = ' '.join(str(error).split())[:300]
        return PromptTooLongError(
            f"{self._where()}: the prompt does not fit into the model's window: "
            f'{len(call.messages)} messages with {characters} characters, about '
            f'{call.estimated_prompt} tokens, and room for an answer of '
            f'{call.options.max_tokens} were asked for. Begin a new session, by giving it another '
            'name, allow fewer text_tokens, or serve a model with a larger window '
            f'({words})'
        )

    def _unavailable(
        self, error: Exception, tries: int, wait_s: float | None
    ) -> ModelUnavailableError:
        text = f'{self._where()}: {advice(error)}'
        if len(self._key) >= _SHORTEST_SECRET:
            text = text.replace(self._key, '(the key)')  # which some endpoints repeat
        if tries > 1:
            text += f', after {tries} tries'
        if wait_s is not None and tries <= _RETRIES:
            text += f'; the next one, in {wait_s:.3g} s, would be too late'
        return ModelUnavailableError(text)

    def _where(self) -> str:
        return f'openai:{self._name} at {without_password(self._url)}'


class _Call:
    """One call of complete.

    Attributes:
        prompt_tokens, completion_tokens: used up so far, in all tries.
        tokens_estimated: some of them.
    """

    def __init__(self, messages: Sequence[Message], options: Options, end: float) -> None:
        # Half of a surrogate pair, which a person may have pasted, is no text to send.
        self.messages: list[Message] = [
            {**message, 'content': message['content'].encode(errors='replace').decode()}
            for message in messages
        ]
        self.options = options
        self._end = end
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.tokens_estimated = False

    @property
    def left_s(self) -> float:
        """Until the deadline."""
        return self._end - time.monotonic()

    @property
    def estimated_prompt(self) -> int:
        """Tokens of the messages."""
        return estimated_prompt_tokens(self.messages)

    def count(self, answer: Answer) -> None:
        """Add what one answer, or a piece of one, has used up; nothing before it has begun."""
        if not answer.begun:
            return
        self.prompt_tokens += answer.usage[0] if answer.usage else self.estimated_prompt
        self.completion_tokens += answer.tokens
        self.tokens_estimated |= answer.usage is None


class _HttpClient(openai.DefaultAsyncHttpxClient):
    """Leaves every body to be read by who knows how long it may be."""

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **kwargs: Any
    ) -> httpx2.Response:
        response = await super().send(request, stream=True, **kwargs)
        if response.is_error:
            limit_bytes(response, MAX_ERROR_BYTES, cut=True)
        return response


def endpoint() -> str:
    """Where to ask, by the environment."""
    return os.environ.get('OPENAI_BASE_URL') or 'https://api.openai.com/v1'


def without_password(url: str) -> str:
    """For people and records."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition('@')[2]))


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in ('localhost', '127.0.0.1', '::1')
