"""Any endpoint that speaks the OpenAI chat protocol. No ROS.

OPENAI_BASE_URL and OPENAI_API_KEY say where and as whom. The exchange runs on an event loop of its
own, because only there a deadline ends a call that the server keeps alive byte by byte.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import wait
from typing import Any
from urllib.parse import urlsplit

import openai

from cap_planner.models.base import (
    Completion,
    Message,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
    cut_at_stop,
)

_RETRIES = 3
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
_POLL_S = 0.05
_MOST_STOPS = 4  # of the protocol; further ones are cut here


class OpenAiModel:
    """One model of one endpoint, at temperature 0.

    Args:
        name: the endpoint's name of the model.
        base_url: such as 'http://localhost:11434/v1'; None: OPENAI_BASE_URL, or OpenAI itself.
        api_key: None: OPENAI_API_KEY; an endpoint on this machine needs none.

    Raises:
        ModelUnavailableError: no key.
    """

    def __init__(self, name: str, base_url: str | None = None, api_key: str | None = None) -> None:
        self._name = name
        self._url = base_url or os.environ.get('OPENAI_BASE_URL') or 'https://api.openai.com/v1'
        key = api_key or os.environ.get('OPENAI_API_KEY')
        if not key and not _is_local(self._url):
            raise ModelUnavailableError(
                f'openai:{name} needs a key: set OPENAI_API_KEY (and OPENAI_BASE_URL for another '
                'endpoint than OpenAI), or use the model "offline"'
            )
        self._temperature: dict[str, float] = {'temperature': 0.0}
        self._send_stop = True
        self._length_option = 'max_tokens'
        self._client = openai.AsyncOpenAI(api_key=key or 'none', base_url=self._url, max_retries=0)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name='openai', daemon=True).start()

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """One chat completion; rate limits and broken connections are tried again in time."""
        start = time.monotonic()
        asking = self._ask(
            list(messages), list(options.stop), options.max_tokens, start + options.deadline_s
        )
        answer = self._run(asking, options.deadline_s, options.canceled)
        text = self._text(answer, options.max_tokens)
        usage = getattr(answer, 'usage', None)
        return Completion(
            text=cut_at_stop(text, options.stop),
            model=str(getattr(answer, 'model', None) or self._name),
            prompt_tokens=int(getattr(usage, 'prompt_tokens', 0) or 0),
            completion_tokens=int(getattr(usage, 'completion_tokens', 0) or 0),
            duration_s=time.monotonic() - start,
        )

    def close(self) -> None:
        """End the connections and the thread."""
        asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result(timeout=2.0)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(
        self, work: Coroutine[Any, Any, Any], deadline_s: float, canceled: Callable[[], bool]
    ) -> Any:
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, deadline_s), self._loop)
        # The margin only matters if the loop itself is dead.
        end = time.monotonic() + deadline_s + 2.0
        while not wait([future], timeout=_POLL_S).done and time.monotonic() < end:
            if canceled():
                future.cancel()
                raise ModelUnavailableError(f'{self._where()}: nobody waits for the answer')
        try:
            return future.result(timeout=0)
        except TimeoutError as error:
            future.cancel()
            raise ModelUnavailableError(
                f'{self._where()} gave no answer within {deadline_s:g} s; '
                'look whether the endpoint is up, or allow more time'
            ) from error

    async def _ask(
        self, messages: list[Message], stop: list[str], max_tokens: int, end: float
    ) -> Any:
        pause = _FIRST_PAUSE_S
        for attempt in range(_RETRIES + 1):
            try:
                return await self._request(messages, stop, max_tokens, end)
            except openai.APIError as error:
                wait = _retry_after(error, pause)
                if wait is None or attempt == _RETRIES or time.monotonic() + wait >= end:
                    raise self._unavailable(error, attempt + 1) from error
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ModelMalformedError(f'{self._where()} answered with {error!r}') from error
            await asyncio.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        raise AssertionError('unreachable: the last attempt returns or raises')

    async def _request(
        self, messages: list[Message], stop: list[str], max_tokens: int, end: float
    ) -> Any:
        """One request; again without an option when the endpoint says it does not know it."""
        while True:
            options: dict[str, Any] = {**self._temperature, self._length_option: max_tokens}
            if stop and self._send_stop:
                options['stop'] = stop[:_MOST_STOPS]
            try:
                return await self._client.chat.completions.create(
                    model=self._name,
                    messages=messages,  # type: ignore[arg-type]
                    timeout=max(end - time.monotonic(), 0.01),
                    **options,
                )
            except openai.BadRequestError as error:
                if not self._adapt(error):
                    raise

    def _adapt(self, error: openai.BadRequestError) -> bool:
        """Some models refuse a temperature, stop texts or the old name of the length limit."""
        refused = getattr(error, 'param', None)
        if refused == 'max_tokens' and self._length_option == 'max_tokens':
            self._length_option = 'max_completion_tokens'
        elif refused == 'temperature' and self._temperature:
            self._temperature = {}
        elif refused == 'stop' and self._send_stop:
            self._send_stop = False
        else:
            return False
        return True

    def _text(self, answer: Any, max_tokens: int) -> str:
        choices = getattr(answer, 'choices', None)
        if not choices:
            raise ModelMalformedError(f'{self._where()} answered without a choice: {answer!r:.200}')
        text = getattr(getattr(choices[0], 'message', None), 'content', None)
        if getattr(choices[0], 'finish_reason', None) == 'length':
            raise ModelMalformedError(
                f'the answer was cut off at {max_tokens} tokens, thoughts included: '
                'a shorter one is needed, or a larger limit'
            )
        if not isinstance(text, str) or not text.strip():
            raise ModelMalformedError(f'{self._where()} answered with no text')
        return text

    def _unavailable(self, error: openai.APIError, attempts: int) -> ModelUnavailableError:
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            advice = 'the key is refused: look at OPENAI_API_KEY'
        elif isinstance(error, openai.NotFoundError):
            advice = 'no such model or path: look at the name and OPENAI_BASE_URL'
        elif isinstance(error, openai.RateLimitError):
            advice = 'too many requests, or the quota is used up: wait, or use another key'
        elif isinstance(error, openai.APIConnectionError):
            advice = 'cannot connect: look whether it runs, and at OPENAI_BASE_URL'
        elif isinstance(error, openai.InternalServerError):
            advice = 'the endpoint has a fault of its own: try later'
        else:
            advice = 'it refuses the request'
        text = f'{self._where()}: {advice} (after {attempts} tries: {str(error)[:300]})'
        return ModelUnavailableError(text)

    def _where(self) -> str:
        return f'openai:{self._name} at {self._url}'


def _retry_after(error: openai.APIError, pause: float) -> float | None:
    """Seconds to wait before the next try; None when another try cannot help."""
    if isinstance(error, openai.APIConnectionError):
        return pause
    if isinstance(error, openai.RateLimitError | openai.InternalServerError):
        try:
            return max(float(error.response.headers.get('retry-after', '')), 0.0)
        except ValueError:
            return pause
    return None


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in ('localhost', '127.0.0.1', '::1')
