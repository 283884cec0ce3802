"""What two records of the evidence have in common: world before, programs, calls. No ROS."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cap_bringup.record_view import call_text, objects_of
from cap_planner.sandbox.text import for_people

# Numbers of calls that are closer are the same: positions seen by a camera, and put by an arm [m].
_CLOSE = 0.02
# A call of the engine's own, when the arm may hide something.
_OF_ENGINE = 'look'


@dataclass(frozen=True)
class Difference:
    """`text` says how they differ; of what is the same, how far numbers are apart."""

    same: bool
    text: str = ''


def compare(record: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Difference]:
    """The differences by the name of what was compared."""
    return {
        'world before': _worlds(record['world_before'], again['world_before']),
        'program': _programs(record['program'] or '', again['program'] or ''),
        'calls': _calls(_of_program(record), _of_program(again)),
    }


def _worlds(first: Any, second: Any) -> Difference:
    was, now = objects_of(first), objects_of(second)
    if was is None or now is None:
        return Difference(was is now, 'not seen')
    if was.keys() != now.keys():
        return Difference(False, f'it had {", ".join(was)}; it has {", ".join(now)}')
    apart = _apart([o['position'] for o in was.values()], [now[k]['position'] for k in was])
    return Difference(apart is not None and apart < _CLOSE, _by(apart, 'objects'))


def _programs(first: str, second: str) -> Difference:
    if first == second:
        return Difference(True)
    lines = difflib.unified_diff(
        first.splitlines(), second.splitlines(), 'then', 'now', lineterm='', n=1
    )
    return Difference(False, for_people('\n' + '\n'.join(lines)))


def _calls(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> Difference:
    most = 0.0
    for number, (was, now) in enumerate(zip(first, second, strict=False), 1):
        apart = _apart(was['arguments'], now['arguments'])
        how = [f'{call_text(call)}{_raised(call)}' for call in (was, now)]
        if was['name'] != now['name'] or apart is None or apart > _CLOSE:
            return Difference(False, f'number {number} was {how[0]}, is {how[1]}')
        if _error(was) != _error(now):
            return Difference(False, f'number {number} was {how[0]}, is {how[1]}')
        most = max(most, apart)
    if len(first) != len(second):
        which, calls = ('now', second) if len(second) > len(first) else ('then', first)
        extra = call_text(calls[min(len(first), len(second))])
        return Difference(
            False, f'there were {len(first)}, there are {len(second)}; only {which}: {extra}'
        )
    return Difference(True, f'{len(first)}' + (f', {_by(most, "numbers")}' if most else ''))


def _of_program(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [call for call in record['calls'] if call['name'] != _OF_ENGINE]


def _error(call: Mapping[str, Any]) -> str:
    """The class of a call's error; its text has positions and names in no fixed order."""
    return str(call['error'] or '').partition(':')[0]


def _raised(call: Mapping[str, Any]) -> str:
    return f', which raised {for_people(call["error"])}' if call['error'] else ''


def _by(apart: float | None, what: str) -> str:
    return '' if apart is None else f'{what} at most {apart * 1000:.1f} mm apart'


def _apart(first: Any, second: Any) -> float | None:
    """How far numbers at the same place of two JSON values are apart; None: else not the same."""
    if _is_number(first) and _is_number(second):
        return abs(float(first) - float(second))
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return _most([_apart(a, b) for a, b in zip(first, second, strict=True)])
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        return _most([_apart(value, second[key]) for key, value in first.items()])
    return 0.0 if type(first) is type(second) and first == second else None


def _most(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known, default=0.0) if len(known) == len(values) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
