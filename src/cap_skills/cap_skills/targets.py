"""What a goal means in this scene: which object, point and height, or why not. In base_link."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transforms3d.axangles import axangle2mat

from cap_common.errors import (
    InvalidGoalError,
    LimitError,
    NoPathError,
    ObjectNotFoundError,
)
from cap_common.frames import Matrix
from cap_skills.dishes import free_in, is_wide
from cap_skills.kinematics import wrap
from cap_skills.model import Corners, Item, Place, SceneView, Vector
from cap_skills.surfaces import grasp_height, overlapping, surface_below

_SPOT_STEP = 0.02
# Sides of a square differ by less [m], as measured.
_SQUARE = 0.004
# Kept free around what is set down: more than the planner's padding.
_GAP = 0.010
# Beside what a cup holds it needs no room.
_NOTHING: Corners = np.zeros((0, 4, 2))
# How far below the table a point may be, as a camera measures it [m].
_BELOW_TABLE = 0.010


@dataclass(frozen=True)
class Area:
    """Where objects may be picked and placed, in base_link.

    Attributes:
        low, high: corners, shape (2,) [m].
        keep_out_radius: nothing closer to the base's axis than this [m].
    """

    low: Vector
    high: Vector
    keep_out_radius: float

    def require(self, xy: Vector, what: str) -> None:
        """Raise LimitError where a point (2,) is not allowed."""
        if np.any(xy < self.low) or np.any(xy > self.high):
            raise LimitError(
                f'{what} at x={xy[0]:.3f}, y={xy[1]:.3f} m of base_link is outside the work area, '
                f'x {self.low[0]:.2f} to {self.high[0]:.2f}, '
                f'y {self.low[1]:.2f} to {self.high[1]:.2f}'
            )
        if np.hypot(*xy) < self.keep_out_radius:
            raise LimitError(
                f'{what} at x={xy[0]:.3f}, y={xy[1]:.3f} m of base_link is in the keep-out of '
                f'{self.keep_out_radius:.2f} m around the base'
            )


@dataclass(frozen=True)
class Spot:
    """Where an object is to be set down.

    Attributes:
        xy: of its centre, shape (2,) [m].
        height: of the surface that it will stand on [m], as far as the scene knows.
        yaw: that it shall have, up to quarter turns, and half turns of what is longer than wide
            [rad].
        supports: names of what it will stand on or in; empty: the table.
    """

    xy: Vector
    height: float
    yaw: float
    supports: frozenset[str]


def require_point(place: Place, what: str) -> None:
    """Refuse a point that cannot be meant; a name is looked for elsewhere.

    Of its height nothing counts but that it is not under the table: what is there is known of the
    scene, and found by contact.

    Raises:
        InvalidGoalError: it is not finite.
        LimitError: it is below the table.
    """
    if place.name:
        return
    if not all(math.isfinite(v) for v in place.position):
        raise InvalidGoalError(f'{what} has neither a name nor a finite position: {place.position}')
    if place.position[2] < -_BELOW_TABLE:
        raise LimitError(f'{what}, {place}, is {-place.position[2]:.3f} m below the table')


def find_object(place: Place, scene: SceneView) -> Item:
    """The object that is meant, by name or by the point it stands on.

    Raises:
        InvalidGoalError, LimitError: no such point; see `require_point`.
        ObjectNotFoundError: none; the text lists those that exist.
    """
    require_point(place, 'the object')
    exist = ', '.join(repr(item.name) for item in scene.items) or 'none'
    if place.name:
        item = scene.find(place.name)
        if item is None:
            raise ObjectNotFoundError(f'no object {place.name!r} in the scene; it has {exist}')
        return item
    xy = np.array(place.position[:2])
    there = overlapping(xy, 0.0, scene.items)
    if not there:
        raise ObjectNotFoundError(f'nothing stands at {place}; the scene has {exist}')
    return max(there, key=lambda item: item.top)


def find_spot(
    place: Place, carried: Item, scene: SceneView, nudge: float, beside: Corners = _NOTHING
) -> Spot:
    """Where to set `carried` down.

    On or in an object: at its middle, or the middle of what is already there; in a dish in which
    things lie side by side, on a free spot of its floor. At a point: there; on top of what covers
    the point; and up to `nudge` [m] aside of what would be half under it.

    Args:
        beside: what has to be free around it among what lies in a dish, in its frame.

    Raises:
        InvalidGoalError, LimitError, ObjectNotFoundError: no such target.
        NoPathError: the point is half taken, or the dish is full.
    """
    others = [item for item in scene.items if item.name != carried.name]
    if place.name:
        if place.name == carried.name:
            raise InvalidGoalError(f'{place.name!r} cannot be put onto itself')
        return _on(find_object(place, scene), carried, others, beside)
    require_point(place, 'the target')
    xy = np.array(place.position[:2])
    under = overlapping(xy, 0.0, others)
    if under:
        return _on(max(under, key=lambda item: item.top), carried, others, beside, near=xy)
    return Spot(_clear_of(xy, carried, others, nudge), 0.0, carried.yaw, frozenset())


def _on(
    base: Item,
    carried: Item,
    others: Sequence[Item],
    beside: Corners,
    near: Vector | None = None,
) -> Spot:
    """Beside what is in a wide dish; else on top of whatever is highest over the middle."""
    if base.hollow and is_wide(base, carried):
        around = [item for item in others if item.name != base.name]
        return _in_dish(base, carried, around, beside, near)
    names = {base.name}
    for _ in others:
        above = [item for item in overlapping(base.center[:2], 0.0, others) if item.top > base.top]
        within = [
            item
            for item in others
            if base.hollow
            and not item.hollow
            and item.name not in names
            and np.hypot(*(item.center - base.center)[:2]) < base.radius
        ]
        higher = above or within
        if not higher:
            break
        base = max(higher, key=lambda item: item.top)
        names.add(base.name)
    xy = base.center[:2]
    radius = min(carried.size[:2]) / 2
    height = surface_below(xy, radius, [item for item in others if item.name in names]).height
    # A block is square to what it stands on; in a bowl it may lie as it comes.
    return Spot(xy, height, carried.yaw if base.hollow else base.yaw, frozenset(names))


def _in_dish(
    dish: Item,
    carried: Item,
    others: Sequence[Item],
    beside: Corners,
    near: Vector | None,
) -> Spot:
    free = free_in(dish, carried, others, beside, near)
    if free is None:
        there = overlapping(dish.center[:2], dish.floor_radius, others)
        raise NoPathError(
            f'there is no room for {carried.name!r} on {dish.name!r} beside '
            f'{", ".join(sorted(repr(item.name) for item in there)) or "its rim"}'
        )
    xy, yaw = free
    return Spot(xy, grasp_height(dish), yaw, frozenset({dish.name}))


def _clear_of(xy: Vector, carried: Item, others: Sequence[Item], nudge: float) -> Vector:
    """The point, or one beside it where nothing is half under the object."""
    moved = xy
    for _ in range(8):
        taken = overlapping(moved, carried.radius + _GAP, others)
        if not taken:
            return moved
        away = moved - taken[0].center[:2]
        need = carried.radius + taken[0].radius + _GAP - float(np.hypot(*away))
        moved = moved + away / max(float(np.hypot(*away)), 1e-6) * max(need, 1e-3)
        if np.hypot(*(moved - xy)) > nudge:
            break
    raise NoPathError(
        f'the point x={xy[0]:.3f}, y={xy[1]:.3f} of base_link is half taken by '
        f'{", ".join(repr(i.name) for i in overlapping(xy, carried.radius + _GAP, others))}: '
        f'{carried.name!r} needs {2 * carried.radius:.3f} m of room'
    )


def free_spot(near: Vector, carried: Item, scene: SceneView, area: Area) -> Spot:
    """The free point of the table nearest to `near` (2,).

    Raises:
        NoPathError: the table is full.
    """
    others = [item for item in scene.items if item.name != carried.name]
    axes = [
        np.arange(low + carried.radius, high - carried.radius, _SPOT_STEP)
        for low, high in zip(area.low, area.high, strict=True)
    ]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 2)
    grid = grid[np.hypot(*grid.T) > area.keep_out_radius + carried.radius]
    for xy in grid[np.argsort(np.hypot(*(grid - near).T), kind='stable')]:
        if not overlapping(xy, carried.radius + _SPOT_STEP, others):
            return Spot(xy, 0.0, carried.yaw, frozenset())
    raise NoPathError(f'no free place of {2 * carried.radius:.2f} m on the table')


def tool_poses(carried: Item, tcp: Matrix, spot: Spot) -> list[Matrix]:
    """base_from_tcp for the object on the spot, in all turns that look the same.

    Args:
        carried: the object as it is with the tool at `tcp` (base_from_tcp).
    """
    poses = []
    is_square = carried.round or abs(carried.size[0] - carried.size[1]) < _SQUARE
    for quarter in range(0, 4, 1 if is_square else 2):
        turn = wrap(spot.yaw - carried.yaw + quarter * np.pi / 2)
        rotation = axangle2mat((0, 0, 1), turn)
        pose = np.eye(4)
        pose[:3, :3] = rotation @ tcp[:3, :3]
        center = np.array([*spot.xy, spot.height + carried.half_height])
        pose[:3, 3] = center + rotation @ (tcp[:3, 3] - carried.center)
        poses.append(pose)
    return poses
