"""Node parameters as one frozen dataclass; the yaml files in config/ hold the only defaults."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, TypeVar

from rclpy.exceptions import ParameterUninitializedException
from rclpy.node import Node
from rclpy.parameter import Parameter

T = TypeVar('T')

_TYPES: dict[Any, Parameter.Type] = {
    bool: Parameter.Type.BOOL,
    int: Parameter.Type.INTEGER,
    float: Parameter.Type.DOUBLE,
    str: Parameter.Type.STRING,
    tuple[float, ...]: Parameter.Type.DOUBLE_ARRAY,
    tuple[int, ...]: Parameter.Type.INTEGER_ARRAY,
    tuple[str, ...]: Parameter.Type.STRING_ARRAY,
}


class MissingParameterError(Exception):
    """A parameter was given no value; the text names the node and all that are missing."""


def load_parameters(node: Node, cls: type[T]) -> T:
    """Declare a parameter for each field of the dataclass, and read them all.

    Fields are bool, int, float, str or `tuple[<one of these>, ...]`.

    Raises:
        MissingParameterError: fields without a value; config/ must hold them.
    """
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    missing: list[str] = []
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        try:
            value = node.declare_parameter(field.name, _TYPES[hints[field.name]]).value
        except ParameterUninitializedException:
            value = None
        if value is None:
            missing.append(field.name)
        else:
            values[field.name] = (
                tuple(value) if isinstance(value, list) or hasattr(value, 'typecode') else value
            )
    if missing:
        raise MissingParameterError(
            f'{node.get_fully_qualified_name()} has no value for: {", ".join(missing)}. '
            f'Start it with --ros-args --params-file of a yaml file as in config/.'
        )
    return cls(**values)
