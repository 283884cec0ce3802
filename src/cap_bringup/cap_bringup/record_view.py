"""One record of the evidence as a person reads it. What models and people wrote is stripped of
control and bidirectional characters.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cap_bringup.progress import program_panel
from cap_planner.sandbox.text import for_people

# A smaller shift between two looks is the camera's noise [m].
_MOVED_M = 0.01
_STYLES = {'succeeded': 'green', 'failed': 'red', 'stopped': 'yellow'}


def record_view(record: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What `EvidenceReader.export` returned, part by part."""
    yield _head(record)
    yield _heading('world')
    yield from _world(record.get('world_before'), record.get('world_after'))
    if record.get('given_program'):
        off = ', the verifier being off' if record.get('skip_verifier') else ''
        yield _heading(f'given program{off}')
        yield program_panel(for_people(record['given_program']), 'given')
    yield from _story(record)
    if record['functions']:
        yield _heading('generated functions')
        for function in record['functions']:
            title = f'{for_people(function["name"])}  sha256 {function["sha256"]}'
            yield program_panel(for_people(function['source']), title)


def shown(text: str | None) -> Text:
    """A text of a model or a person."""
    return Text(for_people(text or ''))


def when(seconds: float) -> str:
    """Local time."""
    return time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(seconds))


def outcome(record: Mapping[str, Any]) -> Text:
    """How it ended, such as `failed: unreachable`."""
    ended = record['outcome'] or 'running'
    text = f'{ended}: {record["label"]}' if record['label'] else ended
    return Text(text, _STYLES.get(ended, ''))


def _heading(text: str) -> Text:
    return Text(f'\n{text}', 'bold')


def _head(record: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row('evidence', record['id'])
    table.add_row('instruction', shown(record['instruction']))
    if record.get('domain'):
        table.add_row('domain', shown(record['domain']))
    mode = '' if record['mode'] == 'auto' else f', mode {for_people(record["mode"])}'
    table.add_row('session', Text.assemble(shown(record['session']), mode))
    if held := _session(record.get('session_before')):
        table.add_row('', shown(held))
    ended = record['ended']
    lasted = f', {ended - record["started"]:.2f} s' if ended else ''
    table.add_row('when', when(record['started']) + lasted)
    table.add_row('outcome', outcome(record))
    if record['error']:
        table.add_row('error', shown(record['error']))
    if record['answer']:
        table.add_row('said', shown(record['answer']))
    if record['program_sha256']:
        table.add_row('program', f'sha256 {record["program_sha256"]}')
    return table


def _session(data: Mapping[str, Any] | None) -> str:
    """What the session held."""
    if not data:
        return ''
    turns = len(data['turns'])
    counted = f'{turns} earlier instruction{"s" * (turns != 1)}' if turns else ''
    names = ', '.join([*data['variables'], *(f'{name}()' for name in data['functions'])])
    return '; '.join(filter(None, (counted, names)))


# ── the world ────────────────────────────────────────────────────────────────────────────────────


def _world(before: Any, after: Any) -> Iterator[RenderableType]:
    first, last = objects_of(before), objects_of(after)
    if first is None:
        yield 'not seen before'
        return
    for name, item in first.items():
        moved = _moved(item, last.get(name)) if last is not None else ''
        yield Text.assemble(shown(f'{name}  '), _place(item), (moved, 'bold'))
    for name, item in (last or {}).items():
        if name not in first:
            yield Text.assemble(shown(f'{name}  '), ('new at ', 'bold'), _place(item))
    if last is None:
        why = (after or {}).get('unknown', '')
        yield Text.assemble('not seen afterwards', shown(f': {why}' if why else ''))


def objects_of(world: Any) -> dict[str, Any] | None:
    """The objects of a recorded scene by name; None if it was not seen."""
    if not world or 'objects' not in world:
        return None
    return {item['name']: item for item in world['objects']}


def _place(item: Mapping[str, Any]) -> str:
    x, y, z = (round(value, 3) + 0.0 for value in item['position'])  # no negative zero
    return f'({x:.3f}, {y:.3f}, {z:.3f})'


def _moved(item: Mapping[str, Any], then: Mapping[str, Any] | None) -> str:
    if then is None:
        return '  gone'
    distance = math.dist(item['position'], then['position'])
    return f'  moved {distance:.3f} m to {_place(then)}' if distance > _MOVED_M else ''


# ── what was written and run ─────────────────────────────────────────────────────────────────────


def _story(record: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What the model wrote, what the verifier said and what ran, in the order in which it happened.

    Calls stand where their program ended.
    """
    completions, runs = record['completions'], record['runs']
    asked = (
        (c['started'], _completion(c, again=_continues(c, completions[:number])))
        for number, c in enumerate(completions)
    )
    checked = ((v['checked'], _verification(v)) for v in record['verifications'])
    ends = [math.inf if run.get('ended') is None else run['ended'] for run in runs]
    parts = _split(record['calls'], ends)
    ran = (
        (end, [*_run(run), *_calls(calls)])
        for end, run, calls in zip(ends, runs, parts, strict=False)
    )
    for _, shown_parts in sorted(chain(asked, checked, ran), key=lambda event: event[0]):
        yield from shown_parts
    if parts[-1]:
        yield _heading('calls of a program that did not come to its end')
        yield from _calls(parts[-1])


def _split(
    calls: Sequence[Mapping[str, Any]], ends: Sequence[float]
) -> list[list[Mapping[str, Any]]]:
    """Calls by the end of the program that made them; the last list is of none."""
    parts: list[list[Mapping[str, Any]]] = [[] for _ in (*ends, None)]
    for call in calls:
        parts[bisect_left(ends, call['started'])].append(call)
    return parts


def _continues(completion: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it goes on with the chat of an earlier one: that answer was to be repaired."""
    messages = completion['messages']
    return any(
        len(other['messages']) < len(messages)
        and other['messages'] == messages[: len(other['messages'])]
        for other in earlier
    )


def _completion(completion: Mapping[str, Any], *, again: bool) -> list[RenderableType]:
    tokens = f'{completion["prompt_tokens"]} + {completion["completion_tokens"]} tokens'
    took = f'{completion["duration_s"]:.2f} s'
    model = for_people(completion['model'] or 'no model')
    what = for_people(completion['lmp']) + (', repair' if again else '')
    parts: list[RenderableType] = [_heading(f'{what}  ({model}, {tokens}, {took})')]
    if completion['error']:
        parts.append(Text.assemble(('no answer: ', 'red'), shown(completion['error'])))
    else:
        parts.append(program_panel(for_people(completion['text'] or ''), 'answer'))
    return parts


def _verification(verification: Mapping[str, Any]) -> list[RenderableType]:
    if not verification['violations']:
        return [Text('the verifier lets it pass', 'green')]
    return [
        Text(f'the verifier rejects {for_people(verification["lmp"])}:', 'red'),
        *(shown(violation) for violation in verification['violations']),
    ]


def _calls(calls: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    if not calls:
        return
    table = Table(box=None, pad_edge=False)
    table.add_column('line', justify='right')
    table.add_column('call', overflow='fold')
    table.add_column('result', overflow='fold')
    table.add_column('seconds', justify='right', no_wrap=True)
    for call in calls:
        duration = call['duration_s']
        table.add_row(
            str(call['line'] or ''),
            shown(call_text(call) + _spent(call)),
            _result(call),
            'not ended' if duration is None else f'{duration:.3f}',
        )
    yield table


def call_text(call: Mapping[str, Any]) -> str:
    """A recorded call as a program has it."""
    named = dict(call['arguments'])
    values = [repr(value) for value in named.pop('args', [])]
    return f'{call["name"]}({", ".join(values + [f"{k}={v!r}" for k, v in named.items()])})'


def _spent(call: Mapping[str, Any]) -> str:
    """What the time of an action went into, on a line of its own."""
    phases = call.get('phases') or ()
    if not phases:
        return ''
    sums = (
        f'{what} {sum(phase[f"{what}_s"] for phase in phases):.2f} s'
        for what in ('planning', 'moving', 'waiting')
    )
    return f'\n  {", ".join(sums)}'


def _result(call: Mapping[str, Any]) -> Text:
    if call['error']:
        return Text(for_people(call['error']), 'red')
    return shown('' if call['result'] is None else repr(call['result']))


def _run(run: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield _heading('run')
    yield Text(f'{run["status"]}, {run["child_seconds"]:.3f} s, CPU {run["cpu_seconds"]:.3f} s')
    if run['text'] not in ('', run['status']):
        yield shown(run['text'])
    if run['printed']:
        yield Text.assemble('printed: ', shown(run['printed'].rstrip()))
    for name, why in run['dropped'].items():
        yield shown(f'{name} does not live on: {why}')
