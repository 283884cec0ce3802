"""How much of a session there is room for, as the first frame of the next program carries it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cap_planner.sandbox import frames


def size_of(name: str, value: Any) -> int:
    """Bytes that a variable takes, deeper than the first frame has it.

    Raises:
        FrameError: no frame carries it.
    """
    return len(frames.dumps({'session': {'variables': {name: value}}}))


def fitting(values: Mapping[str, Any], room: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Those of the values that go into so many bytes, the first ones first, and why others do not.

    Args:
        values: variables, or texts, by name.
    """
    kept: dict[str, Any] = {}
    dropped: dict[str, str] = {}
    for name, value in values.items():
        try:
            size = size_of(name, value)
        except (frames.FrameError, ValueError) as error:
            dropped[name] = str(error)[:200]
            continue
        if size > room:
            dropped[name] = f'no room: it takes {size} bytes'
        else:
            kept[name] = value
            room -= size
    return kept, dropped
