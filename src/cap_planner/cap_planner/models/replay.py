"""Answers from the record: a transcript, or one instruction of an evidence database. No ROS.

The name of the model says that an answer is replayed, and whose it was. It is looked up by

1. the exact prompt;
2. the request, among the answers that are on record without their prompts: what a person wrote,
   and recordings that were shortened;
3. language-model program and last message, when the prompt has changed since;
4. the answer that is to be repaired, when that is all that is the same: what is wrong with a
   program that has run is told with measured numbers.

The name says that the prompt is another one now, or that nobody knows. Of several answers each has
its turn, and after the last one the first again.
"""

from __future__ import annotations

import copy
import itertools
import json
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from contextlib import closing
from pathlib import Path

from cap_planner.models.base import (
    Completion,
    Message,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
    cut_at_stop,
)
from cap_planner.models.transcript import (
    HAND_WRITTEN,
    Recorded,
    last_message,
    lmp_of,
    prompt_key,
    read_transcript,
    request_of,
)

_SHOWN = 5


class ReplayModel:
    """See LanguageModel: answers as it is on record. Uses up no tokens.

    Args:
        where: the record's name, for errors.
    """

    def __init__(self, records: Sequence[Recorded], where: str) -> None:
        self._where = where
        self._records: defaultdict[Hashable, list[Recorded]] = defaultdict(list)
        for recorded in records:
            for key in _keys_of(recorded):
                self._records[key].append(recorded)
        self._requests = list(dict.fromkeys(_shown(recorded) for recorded in records))
        self._times: Counter[int] = Counter()
        self._given: dict[str, Recorded] = {}
        self._lock = threading.Lock()

    def beside(self) -> ReplayModel:
        """A second model with the same record: an answer that one has given is not the other's."""
        return copy.copy(self)

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """The answer on record, with the time it took to find it.

        Raises:
            ModelUnavailableError: there is none to this prompt; or there was none then.
            ModelMalformedError: the answer had no text then.
        """
        start = time.monotonic()
        recorded, note = self._find(messages, options)
        if recorded.text is None:
            error = ModelMalformedError if recorded.malformed else ModelUnavailableError
            raise error(recorded.error)
        return Completion(
            text=cut_at_stop(recorded.text, options.stop),
            model=f'{recorded.source} (replayed{note and f"; {note}"})',
            prompt_tokens=0,
            completion_tokens=0,
            duration_s=time.monotonic() - start,
        )

    def _find(self, messages: Sequence[Message], options: Options) -> tuple[Recorded, str]:
        """The answer, and what its name has to say of the prompt."""
        lmp, request = lmp_of(messages), _plain(request_of(messages))
        exact = (prompt_key(messages, options.stop), prompt_key(messages, None))
        for key in (
            *exact,
            (lmp, request),
            ('', request),
            (lmp, last_message(messages), 'changed'),
            (lmp, _asked(messages), 'moved'),
            self._repaired(messages),
        ):
            if (found := self._records.get(key)) is not None:
                with self._lock:
                    recorded = min(found, key=lambda one: self._times[id(one)])
                    self._times[id(recorded)] += 1
                    self._given[prompt_key(messages, None)] = recorded
                return recorded, '' if key in exact else _note(recorded)
        raise ModelUnavailableError(
            f'{self._where} has no answer for {lmp or "any program"} to {request[:200]!r}; it has '
            f'answers for {", ".join(self._requests[:_SHOWN])}'
            f'{", ..." if len(self._requests) > _SHOWN else ""}'
        )

    def _repaired(self, messages: Sequence[Message]) -> Hashable:
        """The key of what came after the answer that this chat goes on from, if it does."""
        asks_anew = request_of(messages[-1:]) != last_message(messages[-1:])
        earlier = None if asks_anew else self._given.get(prompt_key(messages[:-2], None))
        known = earlier and earlier.messages
        return known and ('after', prompt_key(known, None))


def open_replay(name: str) -> ReplayModel:
    """From `FILE`, a transcript, or `DATABASE#ID`, an instruction of an evidence database.

    Raises:
        ModelUnavailableError: there is no such record.
    """
    path = Path(name).expanduser()
    database, mark, record_id = name.rpartition('#')
    if mark and not path.exists():
        return ReplayModel(read_evidence(Path(database).expanduser(), record_id), name)
    return ReplayModel(read_transcript(path), str(path))


def read_evidence(path: Path, record_id: str) -> list[Recorded]:
    """What the model answered in one instruction, in order.

    Raises:
        ModelUnavailableError: no such file, no such instruction, or it asked no model.
    """
    if not path.is_file():
        raise ModelUnavailableError(f'there is no evidence database {path}')
    try:
        with closing(sqlite3.connect(f'{path.absolute().as_uri()}?mode=ro', uri=True)) as db:
            rows = db.execute(
                'SELECT messages, text, error, model FROM completions WHERE instruction_id=?'
                ' ORDER BY rowid',
                (record_id,),
            ).fetchall()
            newest = db.execute(
                'SELECT id, instruction FROM instructions ORDER BY started DESC LIMIT ?', (_SHOWN,)
            ).fetchall()
            known = db.execute('SELECT 1 FROM instructions WHERE id=?', (record_id,)).fetchone()
        chats = [tuple(json.loads(row[0])) for row in rows]
    except (sqlite3.Error, ValueError) as error:
        raise ModelUnavailableError(f'cannot read the evidence database {path}: {error}') from error
    if not known:
        there = ', '.join(f'{key} ({text[:60]})' for key, text in newest) or 'none'
        raise ModelUnavailableError(
            f'{path} has no instruction {record_id!r}; the newest are {there}'
        )
    if not rows:
        raise ModelUnavailableError(f'instruction {record_id} of {path} asked no language model')
    return [
        Recorded(
            messages=chat,
            stop=None,
            lmp=lmp_of(chat),
            request=last_message(chat),
            text=text,
            source=f'{model}, instruction {record_id}',
            error=error or '',
            # What was wrong with it was told to the model: then the chat went on at once. Where a
            # model could not be reached, the next one was asked the same.
            malformed=len(then) > len(chat) and then[: len(chat)] == chat,
        )
        for (chat, then), (_, text, error, model) in zip(
            itertools.pairwise([*chats, ()]), rows, strict=True
        )
    ]


def _keys_of(recorded: Recorded) -> tuple[Hashable, ...]:
    if not recorded.messages:
        by_request = (recorded.lmp, _plain(recorded.request))
        return (by_request, recorded.prompt) if recorded.prompt else (by_request,)
    return (
        prompt_key(recorded.messages, recorded.stop),
        (recorded.lmp, recorded.request, 'changed'),
        (recorded.lmp, _asked(recorded.messages), 'moved'),
        ('after', prompt_key(recorded.messages[:-2], None)),
    )


def _note(recorded: Recorded) -> str:
    """What is to be said of an answer that was not found by its exact prompt."""
    if recorded.messages or recorded.prompt:
        return 'the prompt has changed since'
    return '' if recorded.source == HAND_WRITTEN else 'its prompt is not on record'


def _asked(messages: Sequence[Message]) -> str:
    """The last message without what was measured: which objects there are, and what to do.

    In another run what was moved stands millimetres from where it stood then.
    """
    lines = last_message(messages).splitlines()
    comments = [line for line in lines if line.startswith('# ')]
    return '\n'.join([*(line for line in lines if line not in comments), *comments[-1:]])


def _plain(request: str) -> str:
    """Without what differs between a person's words and those in a prompt."""
    return ' '.join(request.removeprefix('# ').split()).removesuffix('.')


def _shown(recorded: Recorded) -> str:
    messages = recorded.messages
    request = request_of(messages) if messages else recorded.request
    return f'{recorded.lmp or "any program"}: {_plain(request)[:80]!r}'
