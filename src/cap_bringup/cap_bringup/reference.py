"""The reference pages in docs/, made from the declarations: `python -m cap_bringup.reference`."""

from __future__ import annotations

import re
from pathlib import Path

from cap_bringup.workspace import ROOT
from cap_planner.api import TABLETOP

_CONSTANT = re.compile(r'^uint16 (?P<name>\w+)=(?P<code>\d+)\s*(?:# (?P<text>.*))?$', re.MULTILINE)
_MADE = '<!-- Made by `python -m cap_bringup.reference`; do not edit. -->\n'


def error_codes() -> str:
    """docs/error_codes.md."""
    lines = [
        '# Error codes',
        '',
        _MADE,
        'Every Result has `error_code` and `error_msg`. 0 is success; the ranges are disjoint:',
        'a number alone says which action it is of.',
        '',
        '| code | action | name | meaning |',
        '|---|---|---|---|',
    ]
    rows = []
    for path in (ROOT / 'src/cap_interfaces/action').glob('*.action'):
        for match in _CONSTANT.finditer(path.read_text(encoding='utf-8')):
            if match['code'] != '0':
                row = f'| {match["code"]} | {path.stem} | {match["name"]} | {match["text"] or ""} |'
                rows.append((int(match['code']), row))
    return '\n'.join([*lines, *(row for _, row in sorted(rows))]) + '\n'


def tabletop_api() -> str:
    """docs/tabletop_api.md."""
    lines = [
        '# The tabletop API',
        '',
        _MADE,
        'What programs may call. Positions are metres in the frame `workspace`: origin at the arm,',
        '+x right and +y top as the operator sees the table; a `Point` is a numpy array.',
        'A query is answered from the scene, an action moves the robot, an lmp is written by the',
        'language model.',
    ]
    for function in TABLETOP.values():
        raises = ', '.join(sorted(error.__name__ for error in function.raises))
        lines += ['', f'## `{function.header()}`', '', f'*{function.kind.value}.* {function.doc}']
        if raises:
            lines += ['', f'Raises: {raises}.']
    return '\n'.join(lines) + '\n'


PAGES = {'docs/error_codes.md': error_codes, 'docs/tabletop_api.md': tabletop_api}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        Path(ROOT, name).write_text(page(), encoding='utf-8')


if __name__ == '__main__':
    main()
