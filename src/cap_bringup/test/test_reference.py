import re

import pytest

from cap_bringup.reference import PAGES, UNSERVED, error_codes
from cap_bringup.workspace import ROOT
from cap_planner.api import TABLETOP, WHITEBOARD


@pytest.mark.parametrize('name', PAGES)
def test_reference_pages_are_up_to_date(name):
    assert (ROOT / name).read_text(encoding='utf-8') == PAGES[name](), (
        'declarations changed: ./cap reference'
    )


def test_every_function_and_error_is_there():
    for api in (TABLETOP, WHITEBOARD):
        page = PAGES[f'docs/api/{api.domain}.md']()
        for function in api.values():
            assert f'```python\n{function.header()}\n```' in page
            assert ' '.join(function.doc.split()) in page
            for error in function.raises:
                assert f'| {error.__name__} | ' in page
    assert 'frame `workspace`' in PAGES['docs/api/tabletop.md']()
    assert 'frame `whiteboard`' in PAGES['docs/api/whiteboard.md']()


def test_what_nothing_serves_is_said():
    declared = {path.stem for path in (ROOT / 'src/cap_interfaces/action').glob('*.action')}
    node = (ROOT / 'src/cap_skills/cap_skills/node.py').read_text(encoding='utf-8')
    served = {name for name in declared if re.search(rf'\({name}, \'', node)}
    assert declared - served - {'ExecuteInstruction'} == set(UNSERVED)
    assert 'Goto and FollowPath are declared for a mobile base' in error_codes()


def test_links_between_documents_lead_somewhere():
    for document in (ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md')):
        for target in re.findall(r'\]\(([^)#:]+)[^):]*\)', document.read_text(encoding='utf-8')):
            assert (document.parent / target).exists(), f'{document}: {target}'
