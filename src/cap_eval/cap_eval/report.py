"""What a campaign says in the end: a table by family, as markdown and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cap_eval.wilson import wilson_lower_bound

TOTAL = 'all'


@dataclass(frozen=True)
class Run:
    """One instruction in one world.

    Attributes:
        reported: the system said that it succeeded.
        carried_out: what the judge says; None: it could not judge.
        seconds: from the instruction to the system's last word, on the steady clock.
    """

    family: str
    seed: int
    instruction: str
    reported: bool
    carried_out: bool | None
    reason: str
    seconds: float = 0.0

    @property
    def is_false_success(self) -> bool:
        """It said that it succeeded, and it had not."""
        return self.reported and self.carried_out is False


@dataclass(frozen=True)
class Row:
    """The runs of one family, counted.

    Attributes:
        carried_out: as judged; a run that could not be judged is not among them.
        rate: of all runs, the share carried out.
        lower_bound: Wilson's, of that rate, 95%.
        unreported: carried out, although the system said that it failed.
    """

    family: str
    runs: int
    carried_out: int
    rate: float
    lower_bound: float
    false_successes: int
    unreported: int
    not_judged: int
    seeds: tuple[int, ...]
    failed_seeds: tuple[int, ...]
    median_seconds: float


def count(family: str, runs: Sequence[Run]) -> Row:
    """One row of the table."""
    done = sum(run.carried_out is True for run in runs)
    times = sorted(run.seconds for run in runs)
    return Row(
        family=family,
        runs=len(runs),
        carried_out=done,
        rate=done / len(runs) if runs else 0.0,
        lower_bound=wilson_lower_bound(done, len(runs)),
        false_successes=sum(run.is_false_success for run in runs),
        unreported=sum(run.carried_out is True and not run.reported for run in runs),
        not_judged=sum(run.carried_out is None for run in runs),
        seeds=tuple(run.seed for run in runs),
        failed_seeds=tuple(run.seed for run in runs if run.carried_out is not True),
        median_seconds=times[len(times) // 2] if times else 0.0,
    )


def table(runs: Iterable[Run]) -> list[Row]:
    """A row for each family, in the order of their first runs, and one for all of them."""
    families: dict[str, list[Run]] = {}
    for run in runs:
        families.setdefault(run.family, []).append(run)
    rows = [count(family, members) for family, members in families.items()]
    return [*rows, count(TOTAL, [run for members in families.values() for run in members])]


def to_markdown(runs: Sequence[Run]) -> str:
    """The table, then every run that was not carried out or not judged, with the reason."""
    lines = [
        '| family | runs | carried out | rate | Wilson 95% lower bound | false successes '
        '| not judged | median time | seeds |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    for row in table(runs):
        seeds = '' if row.family == TOTAL else ' '.join(str(seed) for seed in row.seeds)
        lines.append(
            f'| {row.family} | {row.runs} | {row.carried_out} | {row.rate:.1%} '
            f'| {row.lower_bound:.1%} | {row.false_successes} | {row.not_judged} '
            f'| {row.median_seconds:.1f} s | {seeds} |'
        )
    failed = [run for run in runs if run.carried_out is not True]
    if failed:
        lines += ['', 'Not carried out:', '']
    for run in failed:
        claim = ' **(reported as success)**' if run.reported else ''
        lines.append(f'- {run.family}, seed {run.seed}, "{run.instruction}": {run.reason}{claim}')
    return '\n'.join(lines) + '\n'


def to_json(runs: Sequence[Run], **about: Any) -> str:
    """Rows and runs.

    Args:
        about: whatever else belongs to the record, e.g. machine, model, date.
    """
    return json.dumps(
        {
            **about,
            'table': [dataclasses.asdict(row) for row in table(runs)],
            'runs': [
                {**dataclasses.asdict(run), 'false_success': run.is_false_success} for run in runs
            ],
        },
        indent=2,
    )
