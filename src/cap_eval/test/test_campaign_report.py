from __future__ import annotations

import json

import pytest

from cap_eval.report import Run, table, to_json, to_markdown
from cap_eval.wilson import wilson_lower_bound

RUNS = [
    Run('stack_all', 1, 'stack all the blocks', True, True, 'as asked', 10.0),
    Run('stack_all', 2, 'stack all the blocks', True, False, 'not one tower', 20.0),
    Run('stack_all', 3, 'stack all the blocks', False, False, 'not one tower', 30.0),
    Run('block_in_bowl', 4, 'put it there', True, None, 'no known family', 5.0),
    Run('block_in_bowl', 5, 'put the red block in the blue bowl', False, True, 'as asked', 7.0),
]


def test_rows_count_each_family_and_all() -> None:
    stack, bowls, everything = table(RUNS)
    assert (stack.family, stack.runs, stack.carried_out) == ('stack_all', 3, 1)
    assert stack.rate == pytest.approx(1 / 3)
    assert stack.lower_bound == wilson_lower_bound(1, 3)
    assert (stack.false_successes, stack.unreported, stack.not_judged) == (1, 0, 0)
    assert (stack.seeds, stack.failed_seeds) == ((1, 2, 3), (2, 3))
    assert stack.median_seconds == 20.0
    assert (bowls.carried_out, bowls.false_successes) == (1, 0)
    assert (bowls.not_judged, bowls.unreported) == (1, 1)
    assert (everything.family, everything.runs, everything.carried_out) == ('all', 5, 2)
    assert everything.false_successes == 1


def test_no_runs_are_a_row_of_nothing() -> None:
    (row,) = table([])
    assert (row.runs, row.rate, row.lower_bound) == (0, 0.0, 0.0)


def test_markdown_has_a_line_per_family_and_the_failures() -> None:
    text = to_markdown(RUNS)
    assert '| stack_all | 3 | 1 | 33.3% |' in text
    assert '| 20.0 s | 1 2 3 |' in text
    assert (
        '- stack_all, seed 2, "stack all the blocks": not one tower **(reported as success)**'
        in (text)
    )
    assert 'seed 4' in text
    assert 'seed 1,' not in text
    widths = {line.count('|') for line in text.splitlines() if line.startswith('|')}
    assert widths == {10}


def test_markdown_without_failures_lists_none() -> None:
    assert 'Not carried out' not in to_markdown(RUNS[:1])


def test_json_keeps_rows_runs_and_what_is_said_about_them() -> None:
    record = json.loads(to_json(RUNS, model='offline'))
    assert record['model'] == 'offline'
    assert record['table'][-1]['family'] == 'all'
    assert [run['false_success'] for run in record['runs']] == [False, True, False, False, False]
    assert record['runs'][3]['carried_out'] is None
