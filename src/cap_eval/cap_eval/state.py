"""What a judge sees: the true state of the world, as the simulator publishes it. No ROS.

All positions are in the frame `workspace` [m]: +x right and +y "top" as the operator sees it, z up,
z = 0 the table's top. A position is the centre of the object's box.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRAME = 'workspace'

Triple = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


@dataclass(frozen=True)
class ObjectState:
    """One object: a block or a bowl.

    Attributes:
        position: centre of its box [m], in `workspace`.
        size: full extents along the box's own axes [m].
        orientation: quaternion (x, y, z, w) of the box in `workspace`.
    """

    name: str
    class_name: str
    color: str
    position: Triple
    size: Triple
    orientation: Quaternion = (0.0, 0.0, 0.0, 1.0)

    @property
    def bottom(self) -> float:
        """Height of its lower face [m], were it level."""
        return self.position[2] - self.size[2] / 2

    @property
    def top(self) -> float:
        """Height of its upper face [m], were it level."""
        return self.position[2] + self.size[2] / 2

    @property
    def tilt(self) -> float:
        """Angle between its own z axis and up [rad]."""
        x, y, z, w = self.orientation
        norm = x * x + y * y + z * z + w * w
        return math.acos(max(-1.0, min(1.0, 1 - 2 * (x * x + y * y) / norm)))


def distance_xy(a: ObjectState | Iterable[float], b: ObjectState | Iterable[float]) -> float:
    """Horizontal distance between two objects or points [m]."""
    return math.dist(_point(a)[:2], _point(b)[:2])


def displacement(before: ObjectState, after: ObjectState) -> float:
    """How far an object has moved [m], in space."""
    return math.dist(before.position, after.position)


def _point(of: ObjectState | Iterable[float]) -> tuple[float, ...]:
    return of.position if isinstance(of, ObjectState) else tuple(of)


@dataclass(frozen=True)
class WorldState:
    """All objects at one moment, and the ink on the whiteboard, if there is one.

    Attributes:
        ink: what is left of each stroke, by its number in the order of drawing: (n, 2) [m].
    """

    objects: tuple[ObjectState, ...]
    ink: Mapping[int, NDArray[np.float64]] = field(default_factory=dict, compare=False)

    def find(self, name: str) -> ObjectState | None:
        """The object of that name, or None."""
        return next((each for each in self.objects if each.name == name), None)

    def get(self, name: str) -> ObjectState:
        """The object of that name.

        Raises:
            KeyError: there is none; the text lists those that exist.
        """
        found = self.find(name)
        if found is None:
            raise KeyError(f'no {name!r}; there are {sorted(self.names)}')
        return found

    @property
    def names(self) -> frozenset[str]:
        """Of all objects."""
        return frozenset(each.name for each in self.objects)

    @property
    def blocks(self) -> tuple[ObjectState, ...]:
        """All blocks."""
        return tuple(each for each in self.objects if each.class_name == 'block')

    @property
    def bowls(self) -> tuple[ObjectState, ...]:
        """All bowls."""
        return tuple(each for each in self.objects if each.class_name == 'bowl')


def world_from_scene(scene: Any) -> WorldState:
    """The state that a cap_interfaces/Scene of `sim/ground_truth` holds.

    Raises:
        ValueError: the scene is in another frame than `workspace`.
    """
    if scene.header.frame_id != FRAME:
        raise ValueError(f'a state is judged in {FRAME!r}, not in {scene.header.frame_id!r}')
    return WorldState(tuple(_object_from_message(message) for message in scene.objects))


def _object_from_message(message: Any) -> ObjectState:
    p, q, size = message.pose.position, message.pose.orientation, message.size
    return ObjectState(
        name=message.name,
        class_name=message.class_name,
        color=message.color,
        position=(p.x, p.y, p.z),
        size=(size.x, size.y, size.z),
        orientation=(q.x, q.y, q.z, q.w),
    )


def at_rest(earlier: WorldState, later: WorldState, tolerance: float = 0.001) -> bool:
    """Whether nothing has moved by more than `tolerance` [m] between two looks.

    Judge a state when this holds: one look cannot tell a resting block from a falling one.
    """
    return earlier.names == later.names and all(
        displacement(each, later.get(each.name)) <= tolerance for each in earlier.objects
    )
