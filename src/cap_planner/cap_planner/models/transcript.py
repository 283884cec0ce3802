"""Transcripts: what models answered, one JSON object per line. No ROS.

A line that `record` wrote has {recorded_from, messages, stop, text, model, prompt_tokens,
completion_tokens, tokens_estimated, duration_s}: `recorded_from` is what the operator called the
model, `model` what it calls itself. An answer that was no program has {recorded_from, messages,
stop, error}: what the planner was told in its place.

A line for whatever prompt asks for `request` has {recorded_from, request, text} and, if it is for
one language-model program only, its name as `lmp`. It was written by a person (recorded_from:
"hand-written"), or is a recorded answer without its long prompt (`shortened`): that has `model`,
or `error` in place of `text`, and the prompt's hash as `prompt`, by which a change of it is seen.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cap_planner.models.base import (
    Completion,
    LanguageModel,
    Message,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
)

HAND_WRITTEN = 'hand-written'
_REQUEST_FIELDS = ('recorded_from', 'model', 'lmp', 'request', 'prompt', 'text', 'error')
_PART = re.compile(r'Your part: (\w+)')
_REQUEST = re.compile(r'^# (.+)$', re.MULTILINE)


@dataclass(frozen=True)
class Recorded:
    """One answer on record.

    Attributes:
        messages: what was asked; empty: whatever asks for `request`.
        stop: the stop texts; None: not on record.
        lmp: which language-model program was asked for; '': any.
        request: the last message of the user, or the words of the request alone.
        text: the answer; None: there was none, but `error`.
        source: who answered.
        malformed: the error was one of the answer, not of the endpoint.
        prompt: `prompt_key` of messages that are not on record themselves; '': it is not, either.
    """

    messages: tuple[Message, ...]
    stop: tuple[str, ...] | None
    lmp: str
    request: str
    text: str | None
    source: str
    error: str = ''
    malformed: bool = False
    prompt: str = ''


def prompt_key(messages: Sequence[Message], stop: Sequence[str] | None) -> str:
    """Hash of a prompt: 64 hexadecimal digits. A stop of None stands for any."""
    data = [list(messages), None if stop is None else list(stop)]
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def lmp_of(messages: Sequence[Message]) -> str:
    """The language-model program that is asked for; '' if no message says so."""
    first = messages[0]['content'] if messages else ''
    found = _PART.match(first)
    return found[1] if found else ''


def last_message(messages: Sequence[Message]) -> str:
    """What the user wrote last."""
    texts = [message['content'] for message in messages if message['role'] == 'user']
    return texts[-1] if texts else ''


def request_of(messages: Sequence[Message]) -> str:
    """What is asked for, in the words of a person: the last line that begins with '# '.

    A repair asks for the same as the request that it repairs.
    """
    for message in reversed(messages):
        if message['role'] == 'user' and (lines := _REQUEST.findall(message['content'])):
            return str(lines[-1])
    return last_message(messages)


def read_transcript(path: Path) -> list[Recorded]:
    """The answers in a file, in its order.

    Raises:
        ModelUnavailableError: the file is missing or not a transcript.
    """
    recorded = [recorded for _, recorded in _lines(path)]
    if not recorded:
        raise ModelUnavailableError(f'the transcript {path} has no answers')
    return recorded


def shortened(path: Path) -> Iterator[str]:
    """The lines of a transcript without their prompts, of which the hashes stay.

    Raises:
        ModelUnavailableError: as read_transcript.
    """
    for line, recorded in _lines(path):
        if recorded.messages:
            line |= {
                'lmp': recorded.lmp,
                'request': request_of(recorded.messages),
                'prompt': prompt_key(recorded.messages, recorded.stop),
            }
        short = {field: line[field] for field in _REQUEST_FIELDS if field in line}
        yield json.dumps(short, ensure_ascii=False) + '\n'


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], Recorded]]:
    """Each line as it stands there, and what it says."""
    try:
        with path.open(encoding='utf-8-sig') as file:
            lines = list(file)  # str.splitlines would also cut at U+2028 in an answer
    except (OSError, UnicodeDecodeError) as error:
        raise ModelUnavailableError(f'cannot read the transcript {path}: {error}') from error
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            recorded = _recorded(line)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelUnavailableError(
                f'{path}:{number} is not a line of a transcript: {error!r:.200}'
            ) from error
        yield line, recorded


def _recorded(line: dict[str, Any]) -> Recorded:
    origin = _text(line, 'recorded_from')
    model = _text(line, 'model') if 'model' in line else origin
    is_error = 'error' in line
    messages: tuple[Message, ...] = ()
    stop: tuple[str, ...] | None = None
    if is_error == ('text' in line):
        raise ValueError('either a text or an error')
    if origin == HAND_WRITTEN or 'request' in line:
        if unknown := line.keys() - set(_REQUEST_FIELDS):
            raise ValueError(f'no field {sorted(unknown)}; there are {_REQUEST_FIELDS}')
        lmp = _text(line, 'lmp') if 'lmp' in line else ''
        request = _text(line, 'request')
    else:
        messages, stop = _messages(line['messages']), tuple(line['stop'])
        lmp, request = lmp_of(messages), last_message(messages)
    return Recorded(
        messages=messages,
        stop=stop,
        lmp=lmp,
        request=request,
        text=None if is_error else _text(line, 'text'),
        source=model if model == origin else f'{model}, recorded from {origin}',
        error=_text(line, 'error') if is_error else '',
        malformed=is_error,
        prompt=_text(line, 'prompt') if 'prompt' in line else '',
    )


def _messages(values: list[dict[str, Any]]) -> tuple[Message, ...]:
    if not values:
        raise ValueError('no messages')
    return tuple(Message(role=value['role'], content=_text(value, 'content')) for value in values)


def _text(line: dict[str, Any], field: str) -> str:
    if not isinstance(line[field], str):
        raise TypeError(f'{field} is no text')
    return str(line[field])


class RecordingModel:
    """Passes on to another model, and appends every answer to a file, also one without a program.

    Args:
        spec: the other model, as the registry names it.

    Raises:
        ModelUnavailableError: the file cannot be written.
    """

    def __init__(self, model: LanguageModel, path: Path, spec: str) -> None:
        self._model = model
        self._path = path
        self._spec = spec
        self._lock = threading.Lock()
        # Now rather than after the first answer, which may have cost money.
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        self._append('')

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """As the other model.

        Raises:
            ModelUnavailableError: as the other model; or the answer cannot be kept.
            ModelMalformedError: as the other model.
        """
        try:
            completion = self._model.complete(messages, options)
        except ModelMalformedError as error:
            self._keep(messages, options, {'error': str(error)})
            raise
        self._keep(messages, options, asdict(completion))
        return completion

    def _keep(self, messages: Sequence[Message], options: Options, what: dict[str, Any]) -> None:
        line = {
            'recorded_from': self._spec,
            'messages': list(messages),
            'stop': list(options.stop),
            **what,
        }
        self._append(json.dumps(line, ensure_ascii=False) + '\n')

    def _append(self, text: str) -> None:
        # A backslash and four digits are also how JSON writes half of a surrogate pair.
        data = text.encode(errors='backslashreplace')
        try:
            # Unbuffered: lines of two processes do not mix.
            with self._lock, self._path.open('ab', buffering=0) as file:
                file.write(data)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> ModelUnavailableError:
        return ModelUnavailableError(f'cannot write the transcript {self._path}: {error}')
