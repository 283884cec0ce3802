"""One record per instruction in SQLite: what was asked, thought, checked, run and found. No ROS.

Every write is committed as it happens (WAL, synchronous NORMAL), so a crash of the process loses at
most the call in flight. Records that a dead process left open are closed by the next writer that
is the only one: `<file>.lock` says who lives.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cap_planner.evidence_reader import EvidenceReader, storable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS instructions (
    id TEXT PRIMARY KEY, started REAL NOT NULL, ended REAL,
    session TEXT NOT NULL, mode TEXT NOT NULL, instruction TEXT NOT NULL,
    outcome TEXT, label TEXT, error TEXT, answer TEXT, program TEXT, program_sha256 TEXT,
    world_before TEXT, world_after TEXT);
CREATE INDEX IF NOT EXISTS instructions_by_time ON instructions(started);
CREATE TABLE IF NOT EXISTS completions (
    instruction_id TEXT NOT NULL REFERENCES instructions(id), started REAL NOT NULL,
    lmp TEXT NOT NULL, messages TEXT NOT NULL, text TEXT, error TEXT, model TEXT,
    prompt_tokens INTEGER, completion_tokens INTEGER, duration_s REAL);
CREATE INDEX IF NOT EXISTS completions_of ON completions(instruction_id);
CREATE TABLE IF NOT EXISTS verifications (
    instruction_id TEXT NOT NULL REFERENCES instructions(id), checked REAL NOT NULL,
    lmp TEXT NOT NULL, program TEXT NOT NULL, violations TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS functions (
    instruction_id TEXT NOT NULL REFERENCES instructions(id), name TEXT NOT NULL,
    source TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, instruction_id TEXT NOT NULL REFERENCES instructions(id),
    started REAL NOT NULL, duration_s REAL, line INTEGER, name TEXT NOT NULL,
    arguments TEXT NOT NULL, result TEXT, error TEXT);
CREATE INDEX IF NOT EXISTS calls_of ON calls(instruction_id);
CREATE TABLE IF NOT EXISTS runs (
    instruction_id TEXT NOT NULL REFERENCES instructions(id), status TEXT NOT NULL,
    text TEXT NOT NULL, printed TEXT NOT NULL, dropped TEXT NOT NULL,
    child_seconds REAL NOT NULL, cpu_seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    name TEXT PRIMARY KEY, saved REAL NOT NULL, data TEXT NOT NULL);
"""
# A file of an older release has tables without these: they are added to it.
_ADDED = {
    'instructions': {
        'domain': 'TEXT',
        'given_program': 'TEXT',
        'skip_verifier': 'INTEGER',
        'session_before': 'TEXT',
    },
    'calls': {'phases': 'TEXT'},
    'runs': {'ended': 'REAL'},
}

_MOST_KEPT = 100_000
"""Characters of the arguments, and of the result, of one call."""

# Written for every call, while the program waits.
_CALL_STARTED = (
    'INSERT INTO calls (instruction_id, started, line, name, arguments) VALUES (?, ?, ?, ?, ?)'
)
_CALL_MADE = (
    'INSERT INTO calls (instruction_id, started, line, name, arguments, duration_s, result, error)'
    ' VALUES (?, ?, ?, ?, ?, ?, ?, ?)'
)
_CALL_ENDED = 'UPDATE calls SET duration_s=?, result=?, error=?, phases=? WHERE id=?'


def sha256(text: str) -> str:
    """Hex digest of a text."""
    return hashlib.sha256(storable(text).encode()).hexdigest()


@dataclass(frozen=True)
class Ending:
    """How an instruction ended. `label` is the failure label, empty on success."""

    outcome: str
    label: str = ''
    error: str = ''
    answer: str = ''


_PLAIN = (str, bool, int, float, type(None))


def plain(value: Any) -> Any:
    """JSON-ready form of a value; what has none becomes its text."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, 'tolist'):
        return plain(value.tolist())
    return str(value)


_ENCODE = json.JSONEncoder(default=plain).encode


def _kept(value: Any) -> str:
    """What a call was given, or came to, as JSON; of what would fill the disk only its size."""
    try:
        text = _ENCODE(value)
    except TypeError:  # a key that JSON has not
        text = _ENCODE(plain(value))
    return text if len(text) <= _MOST_KEPT else _ENCODE(f'{len(text)} characters, too many to keep')


class EvidenceStore(EvidenceReader):
    """The database file, and what is written to it. Thread-safe."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path, sqlite3.connect(path, check_same_thread=False, isolation_level=None))
        self._alive: IO[str] | None = None
        self._db.execute('PRAGMA journal_mode=WAL')
        self._db.execute('PRAGMA synchronous=NORMAL')
        self._db.executescript(_SCHEMA)
        self._add_columns()

    def _add_columns(self) -> None:
        self._db.execute('BEGIN IMMEDIATE')  # of two new processes, one adds them
        for table, columns in _ADDED.items():
            present = {row['name'] for row in self._db.execute(f'PRAGMA table_info({table})')}
            for name in columns.keys() - present:
                self._db.execute(f'ALTER TABLE {table} ADD COLUMN {name} {columns[name]}')
        self._db.execute('COMMIT')

    def close(self) -> None:
        """Let go of the file."""
        super().close()
        if self._alive:
            self._alive.close()

    def close_orphans(self) -> list[str] | None:
        """Close the records that dead processes left open; returns their ids.

        From then on, and for as long as it lives, this process counts as a writer. While there is
        another one nothing is closed, and the result is None: an open record may be its own.
        """
        with self._lock:
            if not self._is_only_writer():
                return None
            rows = self._db.execute('SELECT id FROM instructions WHERE outcome IS NULL').fetchall()
            self._db.execute(
                "UPDATE instructions SET outcome='failed', label='process_lost', ended=?,"
                " error='the planner process ended while this ran' WHERE outcome IS NULL",
                (time.time(),),
            )
            self._share()
        return [row['id'] for row in rows]

    def _is_only_writer(self) -> bool:
        """A lock on the file says it, because the kernel takes it from a process that dies."""
        self._alive = self._alive or self.path.with_name(f'{self.path.name}.lock').open('w')
        try:
            fcntl.flock(self._alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._share()
            return False
        return True

    def _share(self) -> None:
        assert self._alive
        fcntl.flock(self._alive, fcntl.LOCK_SH)

    def begin(
        self,
        instruction: str,
        session: str,
        mode: str,
        *,
        domain: str = '',
        program: str = '',
        skip_verifier: bool = False,
    ) -> Record:
        """Open the record of one instruction.

        Args:
            domain: name of the planner's.
            program: given in place of one that the model would write.
            skip_verifier: asked for that program.
        """
        record_id = uuid.uuid4().hex[:12]
        self._insert(
            'instructions',
            id=record_id,
            started=time.time(),
            session=session,
            mode=mode,
            instruction=instruction,
            domain=domain,
            given_program=program,
            skip_verifier=skip_verifier,
        )
        return Record(self, record_id)

    def save_session(self, name: str, data: Mapping[str, Any]) -> None:
        """Keep a session's data for after a restart."""
        with self._lock:
            self._db.execute(
                'INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)',
                (storable(name), time.time(), json.dumps(data)),
            )

    def load_session(self, name: str) -> dict[str, Any] | None:
        """The data kept for a session, if any."""
        with self._lock:
            row = self._db.execute(
                'SELECT data FROM sessions WHERE name=?', (storable(name),)
            ).fetchone()
        return json.loads(row['data']) if row else None

    def _execute(self, statement: str, values: Sequence[Any]) -> sqlite3.Cursor:
        """Write at once; each text in `values` is one that `storable` or JSON made."""
        with self._lock:
            return self._db.execute(statement, values)

    def _insert(self, table: str, **values: Any) -> int:
        names = ', '.join(values)
        marks = ', '.join('?' * len(values))
        statement = f'INSERT INTO {table} ({names}) VALUES ({marks})'
        return self._execute(statement, tuple(map(storable, values.values()))).lastrowid or 0

    def _update(self, table: str, key: str, key_value: Any, **values: Any) -> None:
        sets = ', '.join(f'{name}=?' for name in values)
        statement = f'UPDATE {table} SET {sets} WHERE {key}=?'
        self._execute(statement, (*map(storable, values.values()), key_value))


class Record:
    """The evidence of one instruction, while it runs."""

    def __init__(self, store: EvidenceStore, record_id: str) -> None:
        self._store = store
        self.id = record_id

    def world(self, when: str, scene: Any) -> None:
        """The scene `before` or `after`."""
        column = {'before': 'world_before', 'after': 'world_after'}[when]
        self._store._update('instructions', 'id', self.id, **{column: json.dumps(scene)})

    def session_before(self, data: Mapping[str, Any]) -> None:
        """What the session held before this instruction; a replay begins with it."""
        self._store._update('instructions', 'id', self.id, session_before=json.dumps(data))

    def completion(
        self,
        lmp: str,
        messages: Iterable[Mapping[str, Any]],
        *,
        started: float,
        duration_s: float,
        text: str | None = None,
        error: str | None = None,
        model: str = '',
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
    ) -> None:
        """One question to the language model and its answer, or why there was none."""
        self._store._insert(
            'completions',
            instruction_id=self.id,
            started=started,
            lmp=lmp,
            messages=json.dumps(list(messages)),
            text=text,
            error=error,
            model=model,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            duration_s=duration_s,
        )

    def verification(self, lmp: str, program: str, violations: Iterable[str]) -> None:
        """What the verifier said of a program; nothing: it passed."""
        self._store._insert(
            'verifications',
            instruction_id=self.id,
            checked=time.time(),
            lmp=lmp,
            program=program,
            violations=json.dumps(list(violations)),
        )

    def program(self, program: str, functions: Mapping[str, str]) -> None:
        """The program as it will run, and the functions generated for it."""
        self._store._update(
            'instructions', 'id', self.id, program=program, program_sha256=sha256(program)
        )
        self.functions(functions)

    def functions(self, functions: Mapping[str, str]) -> None:
        """Functions that were generated, by name."""
        for name, source in functions.items():
            self._store._insert(
                'functions', instruction_id=self.id, name=name, source=source, sha256=sha256(source)
            )

    def call_started(self, name: str, arguments: Any, line: int) -> int:
        """An API call is about to be carried out."""
        values = (self.id, time.time(), line, storable(name), _kept(arguments))
        return self._store._execute(_CALL_STARTED, values).lastrowid or 0

    def call_ended(
        self,
        call_id: int,
        duration_s: float,
        *,
        result: Any = None,
        error: str | None = None,
        phases: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """It has ended.

        Args:
            phases: what a skill spent its time on.
        """
        text = None if error else _kept(result)
        spent = _kept(phases) if phases else None
        self._store._execute(_CALL_ENDED, (duration_s, text, storable(error), spent, call_id))

    def call_made(
        self,
        name: str,
        arguments: Any,
        line: int,
        duration_s: float,
        *,
        result: Any = None,
        error: str | None = None,
    ) -> None:
        """A call has ended that does nothing to the world: both of the above in one commit."""
        text = None if error else _kept(result)
        head = (self.id, time.time() - duration_s, line, storable(name), _kept(arguments))
        self._store._execute(_CALL_MADE, (*head, duration_s, text, storable(error)))

    def run(
        self,
        *,
        status: str,
        text: str,
        printed: str,
        dropped: Mapping[str, str],
        child_seconds: float,
        cpu_seconds: float,
    ) -> None:
        """How the sandbox ran the program; see Outcome."""
        self._store._insert(
            'runs',
            instruction_id=self.id,
            ended=time.time(),
            status=status,
            text=text,
            printed=printed,
            dropped=json.dumps(dict(dropped)),
            child_seconds=child_seconds,
            cpu_seconds=cpu_seconds,
        )

    def end(self, ending: Ending) -> None:
        """Close the record."""
        self._store._update(
            'instructions',
            'id',
            self.id,
            ended=time.time(),
            outcome=ending.outcome,
            label=ending.label,
            error=ending.error,
            answer=ending.answer,
        )
