"""Parameters from yaml, nested."""

from dataclasses import dataclass

import pytest

from cap_common.config import MissingParameterError, from_values, parameter_types, read_config


@dataclass(frozen=True)
class Inner:
    gain: float
    names: tuple[str, ...]
    limit: int = 7


@dataclass(frozen=True)
class Outer:
    count: int
    inner: Inner


def test_nested_names_are_dotted():
    assert parameter_types(Outer) == {
        'count': int,
        'inner.gain': float,
        'inner.names': tuple[str, ...],
        'inner.limit': int,
    }


def test_reads_a_parameter_file(tmp_path):
    file = tmp_path / 'node.yaml'
    file.write_text(
        '/**/node:\n  ros__parameters:\n    inner: {gain: 0.5, names: [a, b]}\n', encoding='utf-8'
    )
    assert read_config(file, 'node', Outer, count=3) == Outer(3, Inner(0.5, ('a', 'b')))
    more = tmp_path / 'more.yaml'
    more.write_text('/**/node:\n  ros__parameters: {inner: {gain: 2.0}}\n', encoding='utf-8')
    both = read_config([file, more], 'node', Outer, count=3)
    assert both == Outer(3, Inner(2.0, ('a', 'b')))


def test_says_all_that_is_missing():
    with pytest.raises(MissingParameterError, match=r'count, inner\.names'):
        from_values(Outer, {'inner.gain': 1.0})
