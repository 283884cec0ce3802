"""Parameters of a real node as a dataclass."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter

from cap_common.config import MissingParameterError
from cap_common.parameters import load_parameters

pytestmark = pytest.mark.system


@dataclass(frozen=True)
class Cup:
    radius: float
    colors: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    name: str
    count: int
    cup: Cup


def _node(context: Context, **values: object) -> Node:
    overrides = [Parameter(name.replace('__', '.'), value=value) for name, value in values.items()]
    return Node('cell', context=context, parameter_overrides=overrides)


def test_nested_parameters_are_declared_and_read(context: Context) -> None:
    node = _node(context, name='a', count=3, cup__radius=0.5, cup__colors=['red', 'blue'])
    assert load_parameters(node, Settings) == Settings('a', 3, Cup(0.5, ('red', 'blue')))
    assert node.get_parameter('cup.radius').value == 0.5
    node.destroy_node()


def test_all_that_is_missing_is_named_and_who_misses_it(context: Context) -> None:
    node = _node(context, name='a', cup__radius=0.5)
    with pytest.raises(MissingParameterError, match=r'/cell has no value for: count, cup\.colors'):
        load_parameters(node, Settings)
    node.destroy_node()
