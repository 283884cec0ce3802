"""Reads the evidence, also while a planner writes it. No ROS."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

LAST = 'last'

_JSON_COLUMNS = frozenset(
    {
        *('messages', 'violations', 'dropped', 'arguments', 'result', 'phases'),
        *('world_before', 'world_after', 'session_before'),
    }
)
_TRUTHS = frozenset({'skip_verifier'})
_PARTS = ('completions', 'verifications', 'functions', 'calls', 'runs')
_HEADS = """
SELECT id, started, ended, ended - started AS seconds, session, mode, instruction, outcome, label,
    error, answer,
    (SELECT count(*) FROM calls WHERE instruction_id = i.id) AS calls,
    (SELECT total(prompt_tokens) FROM completions WHERE instruction_id = i.id) AS prompt_tokens,
    (SELECT total(completion_tokens) FROM completions WHERE instruction_id = i.id)
        AS completion_tokens
FROM instructions AS i
WHERE (:session IS NULL OR session = :session) AND (:label IS NULL OR label = :label)
ORDER BY started DESC LIMIT :count
"""


class NoEvidenceError(LookupError):
    """There is no such file or record; the text says what was looked for and what there is."""


class EvidenceReader:
    """What an evidence file holds. Thread-safe. Use as a context manager."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._db = database
        self._db.row_factory = sqlite3.Row

    @classmethod
    def open(cls, path: Path) -> EvidenceReader:
        """For reading only.

        Raises:
            NoEvidenceError: there is no such file, or it holds no evidence.
        """
        if not path.is_file():
            raise NoEvidenceError(f'there is no evidence file {path}')
        uri = f'{path.absolute().as_uri()}?mode=ro'
        try:
            database = sqlite3.connect(uri, uri=True, check_same_thread=False)
            database.execute('SELECT id FROM instructions LIMIT 1').fetchone()
        except (sqlite3.Error, UnicodeDecodeError) as error:  # of a text in the damaged file
            raise NoEvidenceError(f'{path} cannot be read as evidence: {error}') from error
        return EvidenceReader(path, database)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def recent(
        self, count: int, *, session: str | None = None, label: str | None = None
    ) -> list[dict[str, Any]]:
        """The newest records, newest first, without their details; see docs/evidence.md.

        Args:
            label: a failure label; '' for what succeeded.
        """
        wanted = {'count': count, 'session': storable(session), 'label': label}
        with self._lock:
            rows = self._db.execute(_HEADS, wanted).fetchall()
        return [
            {
                **dict(row),
                'prompt_tokens': int(row['prompt_tokens']),
                'completion_tokens': int(row['completion_tokens']),
            }
            for row in rows
        ]

    def find(self, text: str) -> str:
        """The id that a person means: its beginning, or 'last'.

        Raises:
            NoEvidenceError: no record begins so, or several do.
        """
        with self._lock:
            if text == LAST:
                query = 'SELECT id FROM instructions ORDER BY started DESC LIMIT 1'
                ids = [row['id'] for row in self._db.execute(query)]
            else:
                query = 'SELECT id FROM instructions WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT 5'
                ids = [row['id'] for row in self._db.execute(query, (len(text), text.lower()))]
        if text and len(ids) == 1:
            return str(ids[0])
        if not ids or not text:
            raise NoEvidenceError(f'no evidence {text!r} in {self.path}')
        raise NoEvidenceError(f'{text!r} is the beginning of {", ".join(ids)}')

    def export(self, record_id: str) -> dict[str, Any]:
        """Everything about one instruction, as JSON-ready data; see docs/evidence.md.

        Raises:
            NoEvidenceError: no such record.
        """
        with self._lock:
            head = self._db.execute(
                'SELECT * FROM instructions WHERE id=?', (record_id,)
            ).fetchone()
            if head is None:
                raise NoEvidenceError(f'no evidence {record_id!r} in {self.path}')
            result = _decode(head)
            for table in _PARTS:
                rows = self._db.execute(
                    f'SELECT * FROM {table} WHERE instruction_id=? ORDER BY rowid', (record_id,)
                )
                result[table] = [_decode(row) for row in rows]
        return result


def storable(value: Any) -> Any:
    """Half of a surrogate pair, which a model may write, has no place in UTF-8: it is escaped."""
    if isinstance(value, str) and not value.isascii():
        return value.encode(errors='backslashreplace').decode()
    return value


def evidence_path(parameter: str) -> Path:
    """Where the evidence is kept; by default in the user's data folder (XDG)."""
    if parameter:
        return Path(parameter)
    data = os.environ.get('XDG_DATA_HOME') or Path.home() / '.local/share'
    return Path(data, 'cap', 'evidence.db')


def _decode(row: sqlite3.Row) -> dict[str, Any]:
    return {
        key: _value(key, row[key])
        for key in row.keys()  # noqa: SIM118 - a Row iterates over its values
    }


def _value(key: str, value: Any) -> Any:
    if key in _TRUTHS:
        return bool(value)
    return json.loads(value) if key in _JSON_COLUMNS and value is not None else value
