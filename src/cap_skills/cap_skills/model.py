"""What skills, planner and robot pass to each other. No ROS; all poses in base_link, SI units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix

Vector = NDArray[np.float64]
Joints = NDArray[np.float64]  # shape (6,) [rad], shoulder first
Corners = NDArray[np.float64]  # of rectangles, seen from above, shape (n, 4, 2) [m]

# Of a motion that goes nowhere [s].
_PAUSE = 0.02


@dataclass(frozen=True)
class DishShape:
    """What the box of a bowl or a plate does not say: it is round, hollow, and wider above.

    Attributes:
        foot_of_rim: radius of its foot, of its rim's.
        wall: thickness of wall and floor [m].
    """

    foot_of_rim: float
    wall: float


@dataclass(frozen=True)
class Item:
    """One object of the scene: an oriented box, or a dish or something round in one.

    Attributes:
        pose: base_from_object, shape (4, 4), of the box's centre.
        size: full extents along the object's own axes, shape (3,) [m].
        round: whether it is as a cylinder about its own z axis is, rather than as a box.
    """

    name: str
    class_name: str
    pose: Matrix
    size: Vector
    dish: DishShape | None = None
    round: bool = False

    @property
    def hollow(self) -> bool:
        """Whether things can be lowered into it."""
        return self.dish is not None

    @property
    def center(self) -> Vector:
        """Centre in base_link, shape (3,) [m]."""
        center: Vector = self.pose[:3, 3]
        return center

    @property
    def half_height(self) -> float:
        """Half of its extent along the base's z, as it lies [m]."""
        return float(np.abs(self.pose[2, :3]) @ self.size / 2)

    @property
    def top(self) -> float:
        """Height of its highest point in base_link [m]."""
        return float(self.center[2]) + self.half_height

    @property
    def radius(self) -> float:
        """Of a circle around it, seen from above [m]."""
        half = self.size[:2] / 2
        return float(max(half) if self.hollow or self.round else np.hypot(*half))

    @property
    def floor_radius(self) -> float:
        """Of a dish's level floor [m]."""
        assert self.dish is not None
        return float(min(self.size[:2])) / 2 * self.dish.foot_of_rim

    @property
    def yaw(self) -> float:
        """Rotation about the base's z [rad]."""
        return float(np.arctan2(self.pose[1, 0], self.pose[0, 0]))

    def at(self, pose: Matrix) -> Item:
        """The same object elsewhere."""
        return replace(self, pose=pose)


@dataclass(frozen=True)
class SceneView:
    """The scene as it was when it was asked for.

    Attributes:
        age_s: since the image was taken, in ROS time [s].
    """

    items: tuple[Item, ...]
    age_s: float

    def find(self, name: str) -> Item | None:
        """The object of that name."""
        return next((item for item in self.items if item.name == name), None)


@dataclass(frozen=True)
class Place:
    """What a skill acts on: an object by name or, where the name is empty, a point in base_link."""

    name: str = ''
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __str__(self) -> str:
        x, y, _ = self.position
        return repr(self.name) if self.name else f'the point x={x:.3f}, y={y:.3f} of base_link'


@dataclass(frozen=True)
class Held:
    """What the hand holds.

    Attributes:
        item: as it was seen when it was grasped.
        tcp_from_object: shape (4, 4).
        opening: between the fingers that hold it [m]; None: it hangs on a cup.
    """

    item: Item
    tcp_from_object: Matrix
    opening: float | None = None


@dataclass(frozen=True)
class GripperReading:
    """What the gripper's sensors say; NaN: it has no such sensor.

    Attributes:
        force: along the tool's axis, positive when the tool is pushed at [N].
        pressure: absolute, in the cup [Pa].
        opening: between the fingers [m].
    """

    force: float
    pressure: float = math.nan
    opening: float = math.nan


@dataclass(frozen=True)
class Trajectory:
    """A timed joint motion from rest to rest.

    Attributes:
        times: shape (n,) [s], the first is 0.
        positions, velocities: shape (n, 6) [rad], [rad/s].
    """

    times: Vector
    positions: Vector
    velocities: Vector

    @property
    def duration(self) -> float:
        """[s]."""
        return float(self.times[-1])

    @property
    def end(self) -> Joints:
        """Where it ends."""
        end: Joints = self.positions[-1]
        return end

    @staticmethod
    def rest(joints: Joints) -> Trajectory:
        """Stay there."""
        return Trajectory(np.array([0.0, _PAUSE]), np.stack([joints, joints]), np.zeros((2, 6)))

    @staticmethod
    def joined(parts: Sequence[Trajectory]) -> Trajectory:
        """One after the other; one or more."""
        starts = np.cumsum([0.0, *(part.duration for part in parts[:-1])])
        rest = [slice(0 if index == 0 else 1, None) for index in range(len(parts))]
        return Trajectory(
            np.concatenate([p.times[r] + s for p, r, s in zip(parts, rest, starts, strict=True)]),
            np.concatenate([p.positions[r] for p, r in zip(parts, rest, strict=True)]),
            np.concatenate([p.velocities[r] for p, r in zip(parts, rest, strict=True)]),
        )


@dataclass(frozen=True)
class Free:
    """Leg of a motion: to a joint position, by whatever way is free."""

    goal: Joints


@dataclass(frozen=True)
class Straight:
    """Leg of a motion: the tool in a straight line to a pose.

    Attributes:
        goal: base_from_tcp, shape (4, 4).
        speed: of the tool [m/s].
    """

    goal: Matrix
    speed: float


@dataclass(frozen=True)
class Follow:
    """Leg of a motion: the tool along a polyline, with straight pieces between its points.

    Attributes:
        poses: base_from_tcp at each point, shape (n, 4, 4).
        speed: of the tool [m/s].
    """

    poses: NDArray[np.float64]
    speed: float


Leg = Free | Straight | Follow


@dataclass(frozen=True)
class Surroundings:
    """What a motion must not touch.

    Attributes:
        touch: names of objects and fixed links that may be come near to (no padding).
        ignore: names of those that may be touched.
        opening: between the fingers, if the tool has any; None: as far as it goes [m].
    """

    items: Sequence[Item]
    held: Held | None = None
    touch: frozenset[str] = field(default_factory=frozenset)
    ignore: frozenset[str] = field(default_factory=frozenset)
    opening: float | None = None
