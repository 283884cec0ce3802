"""Parameters as frozen dataclasses, which may nest; config/*.yaml holds the only values. No ROS."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

T = TypeVar('T')


class MissingParameterError(Exception):
    """A parameter was given no value; the text names all that are missing."""


def parameter_types(cls: type[Any], prefix: str = '') -> dict[str, Any]:
    """The type of each parameter by its name; one of a nested dataclass is `<field>.<name>`."""
    types: dict[str, Any] = {}
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        name, kind = prefix + field.name, hints[field.name]
        if dataclasses.is_dataclass(kind):
            types |= parameter_types(typing.cast(type[Any], kind), f'{name}.')
        else:
            types[name] = kind
    return types


def from_values(cls: type[T], values: Mapping[str, Any]) -> T:
    """A dataclass from the values of its parameters, by the names of `parameter_types`.

    Raises:
        MissingParameterError: parameters that have neither a value nor a default.
    """
    missing: list[str] = []
    result = _build(cls, values, '', missing)
    if missing:
        raise MissingParameterError(f'no value for: {", ".join(missing)}')
    return typing.cast(T, result)


def _build(cls: type[Any], values: Mapping[str, Any], prefix: str, missing: list[str]) -> Any:
    hints = typing.get_type_hints(cls)
    given: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        name, kind = prefix + field.name, hints[field.name]
        if dataclasses.is_dataclass(kind):
            given[field.name] = _build(typing.cast(type[Any], kind), values, f'{name}.', missing)
        elif (value := values.get(name)) is not None:
            is_array = not isinstance(value, str) and hasattr(value, '__iter__')
            given[field.name] = tuple(value) if is_array else value
        elif field.default is dataclasses.MISSING:
            missing.append(name)
    return None if missing else cls(**given)


def read_config(path: Path | Sequence[Path], node: str, cls: type[T], **values: Any) -> T:
    """The parameters of a node as ROS parameter files have them.

    Args:
        path: of several files, what a later one says counts.
        values: of parameters that the files leave to the node list.

    Raises:
        MissingParameterError: parameters that have neither a value nor a default.
    """
    found: dict[str, Any] = {}
    for each in [path] if isinstance(path, Path) else path:
        content = yaml.safe_load(each.read_text(encoding='utf-8'))
        found |= _flat(content[f'/**/{node}']['ros__parameters'])
    return from_values(cls, {**found, **values})


def _flat(values: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f'{prefix}{name}.')
        else:
            flat[prefix + name] = value
    return flat
