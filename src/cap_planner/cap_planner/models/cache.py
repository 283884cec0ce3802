"""Answers that were paid for once. No ROS.

A SQLite file, which several processes may share. It has no write-ahead log: little is written, and
so it is one file, which can be copied. An answer belongs to the model's name, the endpoint, the
messages and every option that can change it. Only complete answers are kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from cap_planner.models.base import (
    Completion,
    LanguageModel,
    Message,
    ModelUnavailableError,
    Options,
)

_APPLICATION_ID = 0x43615043  # 'CaPC', in the head of the file
_FORMAT = 1
_BUSY_S = 2.0
# Of a damaged file even the text of the error may be none.
_DAMAGED = (sqlite3.Error, UnicodeDecodeError)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, answer TEXT NOT NULL, sha256 BLOB NOT NULL) WITHOUT ROWID
"""


class CachedModel:
    """Answers from the file; asks another model for what is not in it, and keeps that.

    A hit uses up no tokens, and its model's name says that it is one.

    Args:
        name: of the other model, with its endpoint: what makes its answers differ from those of
            another one.

    Raises:
        ModelUnavailableError: the file is none of these, damaged, or cannot be written.
    """

    def __init__(self, model: LanguageModel, path: Path, name: str) -> None:
        self._model = model
        self._path = path
        self._name = name
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _open(path)
        except (OSError, *_DAMAGED) as error:
            raise self._unusable(error) from error

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """As the other model answered once, or now.

        Raises:
            ModelUnavailableError: as the other model; or the file is damaged.
        """
        start = time.monotonic()
        key = self._key(messages, options)
        kept = self._read(key)
        if kept is not None:
            text, model = kept
            return Completion(text, f'{model} (cached)', 0, 0, time.monotonic() - start)
        completion = self._model.complete(messages, options)
        self._keep(key, completion)
        return completion

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _key(self, messages: Sequence[Message], options: Options) -> bytes:
        asked = [self._name, list(messages), options.stop, options.max_tokens, options.temperature]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()

    def _read(self, key: bytes) -> tuple[str, str] | None:
        try:
            with self._lock:
                row = self._db.execute(
                    'SELECT answer, sha256 FROM answers WHERE key=?', (key,)
                ).fetchone()
        except _DAMAGED as error:
            raise self._unusable(error) from error
        if row is None:
            return None
        answer, digest = row
        # The file format does not notice a bit that has flipped in a text.
        if _digest(key, answer) != digest:
            raise self._unusable('an answer is not what was written')
        text, model = json.loads(answer)
        return text, model

    def _keep(self, key: bytes, completion: Completion) -> None:
        answer = json.dumps([completion.text, completion.model])
        try:
            with self._lock:
                # The answer that another process has kept meanwhile stays.
                self._db.execute(
                    'INSERT OR IGNORE INTO answers VALUES (?, ?, ?)',
                    (key, answer, _digest(key, answer)),
                )
        except _DAMAGED as error:
            # The answer is there, and has been paid for.
            logging.getLogger(__name__).warning('cannot write to %s: %s', self._path, error)

    def _unusable(self, why: object) -> ModelUnavailableError:
        return ModelUnavailableError(
            f'{self._path} cannot be used as a response cache: {why}; '
            'delete it, or name another file'
        )


def _open(path: Path) -> sqlite3.Connection:
    """Raises one of _DAMAGED."""
    db = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False, isolation_level=None)
    try:
        tables = db.execute('SELECT count(*) FROM sqlite_schema').fetchone()[0]
        application = db.execute('PRAGMA application_id').fetchone()[0]
        version = db.execute('PRAGMA user_version').fetchone()[0]
        if tables and (application, version) != (_APPLICATION_ID, _FORMAT):
            raise sqlite3.DatabaseError('it is a database of another kind or version')
        problem = db.execute('PRAGMA quick_check(1)').fetchone()[0]
        if problem != 'ok':
            raise sqlite3.DatabaseError(problem)
        if not tables:
            with db:
                db.execute('BEGIN IMMEDIATE')
                db.execute(_SCHEMA)
                db.execute(f'PRAGMA application_id={_APPLICATION_ID}')
                db.execute(f'PRAGMA user_version={_FORMAT}')
    except BaseException:
        db.close()
        raise
    return db


def _digest(key: bytes, answer: str) -> bytes:
    return hashlib.sha256(key + str(answer).encode()).digest()
