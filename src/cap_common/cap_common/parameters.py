"""Node parameters as one frozen dataclass; the yaml files in config/ hold the only defaults."""

from __future__ import annotations

from typing import Any, TypeVar

from rclpy.exceptions import ParameterUninitializedException
from rclpy.node import Node
from rclpy.parameter import Parameter

from cap_common.config import MissingParameterError, from_values, parameter_types

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


def load_parameters(node: Node, cls: type[T]) -> T:
    """Declare a parameter for each field of the dataclass, unless it is, and read them all.

    Fields are bool, int, float, str, `tuple[<one of these>, ...]` or a dataclass of such.

    Raises:
        MissingParameterError: fields without a value; config/ must hold them.
    """
    values: dict[str, Any] = {}
    for name, kind in parameter_types(cls).items():
        try:
            if not node.has_parameter(name):
                node.declare_parameter(name, _TYPES[kind])
            values[name] = node.get_parameter(name).value
        except ParameterUninitializedException:
            values[name] = None
    try:
        return from_values(cls, values)
    except MissingParameterError as error:
        raise MissingParameterError(
            f'{node.get_fully_qualified_name()} has {error}. '
            f'Start it with --ros-args --params-file of a yaml file as in config/.'
        ) from None
