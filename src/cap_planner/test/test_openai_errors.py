"""When to come back, by the headers of a refusal."""

from __future__ import annotations

import email.utils
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cap_planner.models.openai_errors import retry_after_s


@pytest.mark.parametrize(
    ('headers', 'seconds'),
    [
        ({}, None),
        ({'retry-after': '3'}, 3.0),
        ({'retry-after': '0.5'}, 0.5),
        ({'retry-after': '-3'}, 0.0),
        ({'retry-after-ms': '250', 'retry-after': '3'}, 0.25),
        ({'retry-after-ms': 'x', 'retry-after': '3'}, 3.0),
        ({'retry-after': 'soon'}, None),
        ({'retry-after': 'nan'}, None),
        ({'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT'}, 0.0),
        ({'retry-after': 'Fri, 99 Dec 1999 23:59:59 GMT'}, None),
    ],
)
def test_what_headers_say(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_a_date() -> None:
    date = email.utils.formatdate(time.time() + 100, usegmt=True)
    seconds = retry_after_s({'retry-after': date})
    assert seconds is not None
    assert 90.0 < seconds <= 100.0


@settings(deadline=None)
@given(st.text(), st.text())
def test_whatever_they_say(milliseconds: str, seconds: str) -> None:
    wait = retry_after_s({'retry-after-ms': milliseconds, 'retry-after': seconds})
    assert wait is None or wait >= 0.0
