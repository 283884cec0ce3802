"""A world that is written out rather than drawn: "red block 0.1 -0.4; apple 0 -0.5". No ROS."""

from __future__ import annotations

import math

from cap_sim.layout import Layout, LayoutError, ObjectSpec
from cap_sim.shapes import KINDS

_FORM = (
    'write each object as [COLOUR] KIND X Y [Z [YAW]], Z being the height of what it stands on, '
    'in metres and radians, and ";" between two: "red block 0.1 -0.4; blue bowl -0.1 -0.5"'
)


def parse_layout(text: str) -> Layout:
    """The layout that a text describes.

    Raises:
        LayoutError: it is no such text, or there can be no such world.
    """
    return Layout(tuple(_parse_object(part) for part in text.split(';') if part.strip()))


def layout_text(layout: Layout) -> str:
    """The opposite of `parse_layout`, to 0.01 mm and 0.0001 rad."""
    return '; '.join(
        f'{spec.name} {spec.xy[0]:.5f} {spec.xy[1]:.5f} {spec.z:.5f} {spec.yaw:.4f}'
        for spec in layout.objects
    )


def _parse_object(text: str) -> ObjectSpec:
    words = text.split()
    numbers: list[float] = []
    while words and (number := _number(words[-1])) is not None:
        numbers.insert(0, number)
        words.pop()
    if not 1 <= len(words) <= 2 or not 2 <= len(numbers) <= 4:
        raise LayoutError(f'{text.strip()!r} is no object with its place: {_FORM}')
    kind = words[-1]
    if kind not in KINDS:
        raise LayoutError(f'no kind {kind!r} in {text.strip()!r}; there are {", ".join(KINDS)}')
    color = words[0] if len(words) == 2 else KINDS[kind].color
    if not color:
        raise LayoutError(f'{text.strip()!r} has no colour, which a {kind} needs')
    x, y, z, yaw = (*numbers, *(0.0, 0.0)[len(numbers) - 2 :])
    if z < 0:
        raise LayoutError(f'{text.strip()!r} stands below the table: {z:g} m')
    return ObjectSpec(kind, color, (x, y), yaw, z)


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
