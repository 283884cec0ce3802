import pytest

from cap_bringup.reference import PAGES
from cap_bringup.workspace import ROOT


@pytest.mark.parametrize('name', PAGES)
def test_reference_pages_are_up_to_date(name):
    assert (ROOT / name).read_text(encoding='utf-8') == PAGES[name](), (
        'declarations changed: python -m cap_bringup.reference'
    )
