"""What a hand from outside does to a cell that runs: it brings, moves and takes. No ROS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cap_sim.cell import Cell
from cap_sim.layout import LayoutError, NoRoomError, ObjectSpec, free_place
from cap_sim.shapes import KINDS

# Places free of objects may be where the arm is: so many are tried.
_DRAWS = 20


def spawn(
    cell: Cell, kind: str, color: str, position: Sequence[float], yaw: float, seed: int
) -> ObjectSpec:
    """One more object on the table, or on the board on it; returns where it was put.

    Args:
        color: empty: the kind's own.
        position: x, y in workspace [m]; empty: a free place, drawn by the seed.

    Raises:
        LayoutError: no such kind or colour, there is one of that name, there is no room, or it
            would slide off a board that leans.
    """
    if kind not in KINDS:
        raise LayoutError(f'no kind {kind!r}; there are {", ".join(KINDS)}')
    color = color or KINDS[kind].color
    if not color:
        raise LayoutError(f'a {kind} has no colour of its own: name one')
    _require_place(position, yaw)
    if position:
        spec = _standing(cell, kind, color, (position[0], position[1]), yaw)
        cell.add(spec)
        return spec
    rng = np.random.default_rng(seed)
    taken = [
        replace(item.spec, xy=(float(item.pose[0, 3]), float(item.pose[1, 3])))
        for item in cell.state().objects
    ]
    for _ in range(_DRAWS):
        place = free_place(rng, kind, taken)
        try:
            spec = _standing(cell, kind, color, place, yaw)
            cell.add(spec)
        except NoRoomError as error:
            why = error
            continue
        return spec
    raise NoRoomError(f'no place in {_DRAWS} draws; the last: {why}')


def move(cell: Cell, name: str, position: Sequence[float], yaw: float) -> str:
    """An object, held or not, is somewhere else, or gone; returns what has become of it.

    Args:
        position: x, y in workspace [m]; empty: gone.

    Raises:
        LayoutError: no such object, or there is no room.
    """
    _require_place(position, yaw)
    if not position:
        cell.remove(name)
        return f'{name} is gone'
    spec = cell.move(name, (position[0], position[1]), yaw)
    return f'{name} is at x={spec.xy[0]:.3f}, y={spec.xy[1]:.3f} m of workspace'


def _require_place(position: Sequence[float], yaw: float) -> None:
    if len(position) not in (0, 2) or not all(map(math.isfinite, (*position, yaw))):
        raise LayoutError(f'a position is x and y, or nothing: not {list(position)}, yaw {yaw}')


def _standing(cell: Cell, kind: str, color: str, xy: tuple[float, float], yaw: float) -> ObjectSpec:
    return ObjectSpec(kind, color, xy, yaw, cell.height_under(kind, xy))
