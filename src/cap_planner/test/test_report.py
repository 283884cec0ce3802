"""What a report tells of a program, however much is wrong with it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cap_planner.api import TABLETOP
from cap_planner.verifier import Report, Violation, verify
from cap_planner.verifier.report import excerpt, shortened


def test_many_violations_on_one_long_line_are_told_shortly() -> None:
    """All of them are found; the model is told the first ones, each with its part of the line."""
    names = [f'unknown_{number}' for number in range(1300)]
    report = verify('x = [' + ', '.join(names) + ']', TABLETOP)
    assert len(report.violations) == 1300
    lines = str(report).splitlines()
    assert lines[-1] == 'and 1280 more'
    assert len(str(report)) < 8000
    for name, source in zip(names, lines[1::2], strict=False):
        assert name in source


def test_a_report_that_is_short_is_told_whole() -> None:
    violations = tuple(Violation(n, 0, 'rule', f'fault {n}') for n in range(1, 21))
    assert Report(violations).told == [f'line {n}, column 1: fault {n}' for n in range(1, 21)]


def test_a_name_that_is_as_long_as_a_program_is_cut() -> None:
    assert len(str(verify(f'x = {"y" * 15_000}', TABLETOP))) < 1500


@given(st.text(st.characters(exclude_categories=['Z', 'C']), max_size=300), st.data())
def test_an_excerpt_has_what_stands_at_the_column(line: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(0, max(len(line) - 1, 0)))
    text = excerpt(line, column)
    assert len(text) <= 86
    assert line[column : column + 40] in text
    assert len(line) > 80 or text == line


def test_an_excerpt_has_no_indentation() -> None:
    assert excerpt('        say(x)', 8) == 'say(x)'
    assert excerpt(' ' * 200 + 'say(x)  ', 200) == 'say(x)'


@given(st.text(max_size=20), st.integers(3, 30))
def test_what_is_shortened_has_at_most_so_many_characters(text: str, most: int) -> None:
    short = shortened(text, most)
    assert len(short) <= most
    assert short == text or short.endswith('...')
