"""`./cap log`: the evidence, for people and as JSON (docs/evidence.md)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ament_index_python.packages import get_package_share_directory
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cap_bringup.record_view import outcome, record_view, shown, when
from cap_planner.evidence_reader import EvidenceReader, NoEvidenceError, evidence_path
from cap_planner.sandbox.text import for_people

USAGE = 2
# Without a terminal there is no width to fit: lines are as long as what they tell.
_FILE_WIDTH = 200


@dataclass(frozen=True)
class LogOptions:
    """What the command line says.

    Attributes:
        record: beginning of an id, 'last', or empty for the list of the newest.
        evidence: None: the file of config/planner.yaml.
    """

    record: str
    last: int
    session: str | None
    label: str | None
    as_json: bool
    evidence: Path | None


def run_log(options: LogOptions, console: Console) -> int:
    """Returns the exit status."""
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    try:
        with EvidenceReader.open(options.evidence or planner_evidence()) as reader:
            if options.record:
                _show_record(reader.export(reader.find(options.record)), options, console)
            else:
                rows = reader.recent(options.last, session=options.session, label=options.label)
                _show_list(rows, options, console)
    except NoEvidenceError as error:
        console.print(f'{error}. --evidence FILE names another file', style='red')
        return USAGE
    return 0


def planner_evidence() -> Path:
    """Where a planner with the parameters of config/ keeps it."""
    return evidence_path(planner_setting('evidence'))


def planner_setting(name: str) -> str:
    """A parameter of the planner as config/ has it."""
    config = Path(get_package_share_directory('cap_bringup'), 'config', 'planner.yaml')
    content = yaml.safe_load(config.read_text(encoding='utf-8'))
    return str(content['/**/planner']['ros__parameters'][name])


def _show_record(record: dict[str, Any], options: LogOptions, console: Console) -> None:
    if options.as_json:
        print(json.dumps(record))
        return
    for part in record_view(record):
        console.print(part)


def _show_list(rows: Sequence[dict[str, Any]], options: LogOptions, console: Console) -> None:
    if options.as_json:
        for row in rows:
            print(json.dumps(row))
        return
    console.print(list_table(rows) if rows else 'no such record')


def list_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows of `EvidenceReader.recent`, one line each."""
    table = Table(box=None, pad_edge=False)
    for name in ('id', 'when', 'session'):
        table.add_column(name, no_wrap=True)
    table.add_column('instruction')  # the one that gives way where there is little room
    table.add_column('outcome', no_wrap=True)
    for name in ('seconds', 'calls', 'tokens'):
        table.add_column(name, justify='right', no_wrap=True)
    for row in rows:
        tokens = row['prompt_tokens'] + row['completion_tokens']
        words = ' '.join(for_people(row['instruction']).split())
        table.add_row(
            row['id'],
            when(row['started']),
            shown(row['session']),
            Text(words, no_wrap=True, overflow='ellipsis'),
            outcome(row),
            '' if row['seconds'] is None else f'{row["seconds"]:.1f}',
            str(row['calls']),
            str(tokens),
        )
    return table
