"""The reference pages in docs/, made from the declarations: `./cap reference`."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from cap_bringup.workspace import ROOT
from cap_planner.api import TABLETOP, WHITEBOARD, tabletop, whiteboard
from cap_planner.api.spec import Api, ApiFunction, Kind, WrongArgumentsError, type_name
from cap_planner.places import Table

_CONSTANT = re.compile(r'^uint16 (?P<name>\w+)=(?P<code>\d+)\s*(?:# (?P<text>.*))?$', re.MULTILINE)
# Declared for skills that are to come.
UNSERVED = ('Goto', 'FollowPath')
_INTERFACES = ROOT / 'src/cap_interfaces'
_MADE = '<!-- Made by `./cap reference`; do not edit. -->\n'

_KINDS = {
    Kind.QUERY: ('Queries', 'Answered from the newest scene; after a motion, from a newer one.'),
    Kind.ACTION: (
        'Actions',
        'Carried out by a skill server; the call returns when it is done. Programs that are asked '
        'for a value (below) may not act.',
    ),
    Kind.LMP: (
        'Language-model programs',
        'Answered by another program, which the language model writes for the description. What '
        'stands in `context` (lines such as `objects = [...]`) and in `**variables` is there as '
        'variables; the value is what it leaves in `ret_val`.',
    ),
}
_TYPES = {
    'Point': 'numpy array of shape (2,): [x, y] in metres; given, any finite [x, y] will do',
    'Points': 'numpy array of shape (N, 2), N at least 2: [[x, y], ...] in metres, finite',
    'str | Point': 'the name of an object or of a named place, or a Point',
    'Mask': "boolean numpy array of shape (height, width): the camera's picture",
    'float': 'a finite number',
    'float | None': 'a finite number, or None for what the robot is set up for',
    'list[float]': 'finite numbers: lengths in metres, shares of a colour',
    'Any': 'depends on the description',
}


def error_codes() -> str:
    """docs/error_codes.md."""
    lines = [
        '# Error codes',
        '',
        _MADE,
        'Every Result, and the answers of these services, have `error_code` and `error_msg`. 0 is',
        'success; the ranges are disjoint: a number alone says what it is of.',
        '',
        f'{" and ".join(UNSERVED)} are declared for a mobile base: nothing serves them yet.',
        '',
        '| code | action or service | name | meaning |',
        '|---|---|---|---|',
    ]
    rows = []
    for path in (*_INTERFACES.glob('action/*.action'), *_INTERFACES.glob('srv/*.srv')):
        for match in _CONSTANT.finditer(path.read_text(encoding='utf-8')):
            if match['code'] != '0':
                row = f'| {match["code"]} | {path.stem} | {match["name"]} | {match["text"] or ""} |'
                rows.append((int(match['code']), row))
    return '\n'.join([*lines, *(row for _, row in sorted(rows))]) + '\n'


def api_page(api: Api, module: ModuleType) -> str:
    """docs/api/<domain>.md: what programs of a domain may call."""
    _, _, coordinates = (inspect.getdoc(module) or '').partition('\n\n')
    lines = [f'# The {api.domain} API', '', _MADE, coordinates, '']
    lines += ['| function | kind | |', '|---|---|---|']
    for function in api.values():
        first = function.doc.partition('\n')[0]
        link = f'[`{function.name}`](#{function.name})'
        lines.append(f'| {link} | {function.kind.value} | {first} |')
    for kind, (title, text) in _KINDS.items():
        lines += ['', f'## {title}', '', text]
        for function in api.values():
            if function.kind is kind:
                lines += _function(function)
    lines += ['', '## Types', '', '| | |', '|---|---|', *_types(api)]
    places = ', '.join(f"'{name}'" for name in Table(0.0, 0.0, 1.0, 1.0).places)
    lines += ['', f'The named places are {places}.']
    lines += ['', '## Errors', '', *_errors(api)]
    return '\n'.join(lines) + '\n'


def _function(function: ApiFunction) -> Iterator[str]:
    yield from ('', f'### {function.name}', '', '```python', function.header(), '```', '')
    yield ' '.join(function.doc.split())
    if function.raises:
        names = sorted(error.__name__ for error in function.raises)
        yield from ('', f'Raises {", ".join(names)}.')


def _types(api: Api) -> Iterator[str]:
    used = {
        type_name(annotation)
        for function in api.values()
        for annotation in (
            function.signature.return_annotation,
            *(parameter.annotation for parameter in function.signature.parameters.values()),
        )
    }
    for name, text in _TYPES.items():
        if name in used or f'list[{name}]' in used:
            yield f'| `{name.replace("|", chr(92) + "|")}` | {text} |'


def _errors(api: Api) -> Iterator[str]:
    yield (
        'A program may catch these, or raise one as its answer; `CapError` catches all. The text '
        'says what was asked and what there is.'
    )
    yield from ('', '| error | meaning | raised by |', '|---|---|---|')
    by_error = {
        error: [f'`{function.name}`' for function in api.values() if error in function.raises]
        for error in sorted(
            {error for function in api.values() for error in function.raises},
            key=lambda error: error.__name__,
        )
    }
    for error, raisers in {**by_error, WrongArgumentsError: ['every call']}.items():
        meaning = (inspect.getdoc(error) or '').partition('\n')[0]
        yield f'| {error.__name__} | {meaning} | {", ".join(raisers)} |'


PAGES: dict[str, Callable[[], str]] = {
    'docs/error_codes.md': error_codes,
    'docs/api/tabletop.md': functools.partial(api_page, TABLETOP, tabletop),
    'docs/api/whiteboard.md': functools.partial(api_page, WHITEBOARD, whiteboard),
}


def write_pages() -> None:
    """Write them anew."""
    for name, page in PAGES.items():
        path = Path(ROOT, name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(page(), encoding='utf-8')
