"""Record what a model answers, and answer from the record later. No ROS.

One JSON object per line: {key, recorded_from, messages, stop, text, model, prompt_tokens,
completion_tokens, duration_s}. The key is a hash of messages and stop texts, so an answer belongs
to one exact prompt. `recorded_from` is what the operator called the model, `model` what it calls
itself.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cap_planner.models.base import (
    Completion,
    LanguageModel,
    Message,
    ModelUnavailableError,
    Options,
)


def prompt_key(messages: Sequence[Message], stop: Sequence[str] = ()) -> str:
    """Hash of a prompt: 64 hexadecimal digits."""
    text = json.dumps([list(messages), list(stop)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()


class RecordingModel:
    """Passes on to another model, and appends every answer to a file.

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
        """
        completion = self._model.complete(messages, options)
        line = {
            'key': prompt_key(messages, options.stop),
            'recorded_from': self._spec,
            'messages': list(messages),
            'stop': list(options.stop),
            **asdict(completion),
        }
        self._append(json.dumps(line, ensure_ascii=False) + '\n')
        return completion

    def _append(self, text: str) -> None:
        # A backslash and four digits are also how JSON writes half of a surrogate pair.
        try:
            with (
                self._lock,
                self._path.open('a', encoding='utf-8', errors='backslashreplace') as file,
            ):
                file.write(text)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> ModelUnavailableError:
        return ModelUnavailableError(f'cannot write the transcript {self._path}: {error}')


class ReplayModel:
    """Answers as recorded; of several records of one prompt, the last one counts.

    Raises:
        ModelUnavailableError: the file is missing or not a transcript.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers: dict[str, Completion] = {}
        try:
            with path.open(encoding='utf-8') as file:
                lines = list(file)  # str.splitlines would also cut at U+2028 in an answer
        except (OSError, UnicodeDecodeError) as error:
            raise ModelUnavailableError(f'cannot read the transcript {path}: {error}') from error
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)
                self._answers[str(record['key'])] = Completion(
                    text=str(record['text']),
                    model=str(record['model']),
                    prompt_tokens=int(record['prompt_tokens']),
                    completion_tokens=int(record['completion_tokens']),
                    duration_s=float(record['duration_s']),
                )
            except (ValueError, KeyError, TypeError) as error:
                raise ModelUnavailableError(
                    f'{path}:{number} is not a line of a transcript: {error!r}'
                ) from error

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """The recorded answer, with the time it took to find it.

        Raises:
            ModelUnavailableError: this prompt was never recorded.
        """
        start = time.monotonic()
        key = prompt_key(messages, options.stop)
        recorded = self._answers.get(key)
        if recorded is None:
            last = messages[-1]['content'].strip().splitlines()[-1:] if messages else []
            raise ModelUnavailableError(
                f'{self._path} has no answer to this prompt (ends with {last}, key {key[:12]}); '
                f'it has {len(self._answers)} others. Record it again with the present prompts'
            )
        return Completion(
            recorded.text,
            recorded.model,
            recorded.prompt_tokens,
            recorded.completion_tokens,
            time.monotonic() - start,
        )
