"""Does the arm, or what hangs on it, touch something? MuJoCo's collision on the URDF.

One model is compiled, with room for objects; a scene moves and sizes what is in it (0.2 ms for ten
blocks and ten bowls, of which compiling a model of its own would take 5 ms). What stands still is
placed once for a scene, and only the arm for each joint position.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix
from cap_description.cell import ARM_JOINTS, transform
from cap_skills.model import DishShape, Held, Item, Joints, Surroundings, Vector
from cap_skills.robot_model import RobotModel

# Who collides with whom, as MuJoCo's contact bits.
_ROBOT, _WORLD, _HELD = 1, 2, 4
_WALLS = 12
# Room for objects at first, by how many parts they have; it doubles when it does not do.
_SOLID, _DISH = 1, 1 + _WALLS
_ROOM = {_SOLID: 12, _DISH: 12}
# A dish whose measures change by less keeps its shape [m].
_SAME = 1e-4
Pair = tuple[str, str]


@dataclass(frozen=True)
class Solid:
    """A box or an upright cylinder in some frame: pose (4, 4) of its centre, full extents [m]."""

    pose: Matrix
    size: Vector
    round: bool = False


def solids_of(item: Item) -> list[Solid]:
    """The solid parts of an object, in its own frame.

    A dish is a floor and a ring of slanted walls; anything else is its box or cylinder.
    """
    if item.dish is None:
        return [Solid(np.eye(4), item.size, item.round)]
    rim, height = float(min(item.size[:2])) / 2, float(item.size[2])
    return _dish(round(rim / _SAME), round(height / _SAME), item.dish)


@functools.lru_cache(maxsize=64)
def _dish(rim_steps: int, height_steps: int, shape: DishShape) -> list[Solid]:
    """The parts of a dish of that radius and height, in steps of _SAME."""
    rim, height, wall = rim_steps * _SAME, height_steps * _SAME, shape.wall
    foot = rim * shape.foot_of_rim
    floor = np.eye(4)
    floor[2, 3] = (wall - height) / 2
    # The square that fits into the foot's circle, and half of what it leaves out.
    parts = [Solid(floor, np.array([1.6 * foot, 1.6 * foot, wall]))]
    slant = np.arctan2(rim - foot, height)
    leaning = np.eye(4)
    leaning[:3, :3] = _turn(1, slant)
    leaning[0, 3] = (rim + foot) / 2 - wall / 2
    size = np.array([wall, 2 * rim * np.tan(np.pi / _WALLS), height / np.cos(slant)])
    for k in range(_WALLS):
        about = np.eye(4)
        about[:3, :3] = _turn(2, 2 * np.pi * k / _WALLS)
        parts.append(Solid(about @ leaning, size))
    return parts


def _turn(axis: int, angle: float) -> Matrix:
    """Rotation (3, 3) about the y or the z axis."""
    c, s = np.cos(angle), np.sin(angle)
    if axis == 1:
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


@dataclass
class _Slots:
    """Room for objects of so many parts: bodies and their geoms, each in a row.

    Attributes:
        body, geom: the first ones.
        shapes: the parts that each has now.
        items: the objects that they are now.
    """

    size: int
    body: int
    geom: int
    shapes: list[list[Solid]]
    items: list[Item | None]


class CollisionWorld:
    """A robot and a scene, ready to be asked about joint positions.

    Args:
        padding: how far robot and held object stay from objects and fixed links [m].
        walls: boxes that nothing may enter: x_min, y_min, z_min, x_max, y_max, z_max of each, in
            `workspace` [m].
    """

    def __init__(self, robot: RobotModel, padding: float, walls: Sequence[float] = ()) -> None:
        self._robot = robot
        self._padding = padding
        if len(walls) % 6:
            raise ValueError(f'walls have six numbers each; these are {len(walls)}: {walls}')
        self._walls = np.reshape(np.asarray(walls, float), (-1, 2, 3))
        self._world_from_base = np.linalg.inv(robot.base_from_world)
        self._room = Counter(_ROOM)
        self._build()
        self.load(Surroundings(()))

    def load(self, surroundings: Surroundings) -> None:
        """Take a scene in the place of the one before."""
        by_size = {
            size: [item for item in surroundings.items if _parts(item) == size]
            for size in self._room
        }
        if any(len(items) > self._room[size] for size, items in by_size.items()):
            self._room |= Counter({size: 2 * len(items) for size, items in by_size.items()})
            self._build()
        for size, items in by_size.items():
            self._load_items(self._slots[size], items, surroundings)
        self._load_held(surroundings.held)
        self._load_fixed(surroundings)
        self._load_fingers(surroundings.opening)
        mujoco.mj_kinematics(self._model, self._data)

    def collides(self, joints: Joints, except_for: frozenset[Pair] = frozenset()) -> bool:
        """Whether the arm or the held object touches anything but the pairs excepted."""
        self._arm_qpos[:] = joints
        mujoco.mj_kinematics(self._arm, self._arm_data)
        for there, here in self._moving:
            there[:] = here
        mujoco.mj_collision(self._model, self._data)
        if self._data.ncon == 0:
            return False
        return not except_for or any(pair not in except_for for pair in self._pairs())

    def pairs(self, joints: Joints) -> frozenset[Pair]:
        """Names of what touches, links by their name and objects by theirs."""
        self.collides(joints)
        return frozenset(self._pairs())

    def _pairs(self) -> Iterator[Pair]:
        for first, second in self._data.contact.geom[: self._data.ncon].tolist():
            a, b = sorted((self._names[first], self._names[second]))
            yield a, b

    # Building ------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Compile the arm with what it holds, and the same with room for objects behind it."""
        self._arm = self._spec().compile()
        self._arm_data = mujoco.MjData(self._arm)
        spec = self._spec()
        for size, count in self._room.items():
            for number in range(count):
                _add_body(spec.worldbody, f'{size} parts, {number}', size)
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        self._names = [
            str(self._model.body(body).name) for body in self._model.geom_bodyid.tolist()
        ]
        self._slots = {
            size: self._slots_from(f'{size} parts, 0', size, count)
            for size, count in self._room.items()
        }
        self._held = self._slots_from('held', _DISH, 1)
        self._is_held: Held | None = None
        self._switch(self._held, np.zeros(1, bool), (0, 0), np.zeros(1))
        self._fixed_for: tuple[frozenset[str], frozenset[str]] | None = None
        first = self._arm.joint(ARM_JOINTS[0]).qposadr[0]
        self._arm_qpos = self._arm_data.qpos[first : first + len(ARM_JOINTS)]
        # The arm's bodies and geoms come first in both models. Collision looks at where geoms are,
        # and at bounding volumes, which are in the frames of inertia.
        self._moving = [
            (getattr(self._data, field)[: len(values)], values)
            for field in ('geom_xpos', 'geom_xmat', 'xipos', 'ximat')
            for values in (getattr(self._arm_data, field),)
        ]
        model = self._model
        fixed = model.body_weldid[model.geom_bodyid] == 0
        self._fixed = [int(geom) for geom in np.flatnonzero(fixed) if geom < self._arm.ngeom]

    def _spec(self) -> mujoco.MjSpec:
        """The cell without what is only seen, with room for what is held, and with walls."""
        spec = self._robot.spec()
        for geom in list(spec.geoms):
            if not geom.contype:
                spec.delete(geom)
        for body in spec.bodies:
            for geom in body.geoms:
                bits = (_WORLD, _ROBOT | _HELD) if _fixed(body) else (_ROBOT, _ROBOT)
                geom.contype, geom.conaffinity = bits
            # MuJoCo lets parent and child overlap, but not where the parent stands still.
            if body.joints and _fixed(body.parent):
                spec.add_exclude(bodyname1=body.parent.name, bodyname2=body.name)
        sides = {
            name: [body.name for body in spec.bodies if _moves_with(body, name)]
            for name in self._robot.fingers
        }
        for left, right in itertools.product(*sides.values()) if len(sides) == 2 else ():
            spec.add_exclude(bodyname1=left, bodyname2=right)
        _add_body(spec.body('tcp'), 'held', _DISH)
        world_from_workspace = transform(self._robot.urdf, 'world', 'workspace')
        for number, corners in enumerate(self._walls):
            pose = world_from_workspace.copy()
            pose[:3, 3] = (world_from_workspace @ [*corners.mean(axis=0), 1.0])[:3]
            body = spec.worldbody.add_body(
                name=f'wall {number + 1}', pos=pose[:3, 3], quat=_quat(pose)
            )
            body.add_geom(
                type=mujoco.mjtGeom.mjGEOM_BOX,
                size=(corners[1] - corners[0]) / 2,
                contype=_WORLD,
                conaffinity=_ROBOT | _HELD,
            )
        return spec

    def _slots_from(self, first: str, size: int, count: int) -> _Slots:
        body = self._model.body(first)
        shapes: list[list[Solid]] = [[] for _ in range(count)]
        return _Slots(size, int(body.id), int(body.geomadr[0]), shapes, [None] * count)

    # Loading -------------------------------------------------------------------------------------

    def _load_items(self, slots: _Slots, items: Sequence[Item], around: Surroundings) -> None:
        """Switch objects on, each in the slot where it is, or in one of those that are free."""
        known = {id(item): number for number, item in enumerate(slots.items)}
        here = {known[id(item)] for item in items if id(item) in known}
        free = iter(set(range(len(slots.items))) - here)
        numbers = [known[id(item)] if id(item) in known else next(free) for item in items]
        self._put(slots, [each for each in zip(numbers, items, strict=True) if each[0] not in here])
        on, margins = np.zeros(len(slots.items), bool), np.zeros(len(slots.items))
        on[numbers] = [item.name not in around.ignore for item in items]
        margins[numbers] = [0.0 if item.name in around.touch else self._padding for item in items]
        self._switch(slots, on, (_WORLD, _ROBOT | _HELD), margins)

    def _put(self, slots: _Slots, new: Sequence[tuple[int, Item]]) -> None:
        """Give slots the places, the shapes and the names of objects."""
        if not new:
            return
        model, size = self._model, slots.size
        bodies = [slots.body + number for number, _ in new]
        poses = self._world_from_base @ np.stack([item.pose for _, item in new])
        model.body_pos[bodies] = poses[:, :3, 3]
        model.body_quat[bodies] = [_quat(pose) for pose in poses]
        for number, item in new:
            parts, geom = solids_of(item), slots.geom + number * size
            if not _same(slots.shapes[number], parts):
                self._shape(model, slots.body + number, geom, parts)
                slots.shapes[number] = parts
            self._names[geom : geom + size] = [item.name] * size
            slots.items[number] = item

    def _load_held(self, held: Held | None) -> None:
        if held is self._is_held:
            return
        self._is_held = held
        slots = self._held
        self._switch(slots, np.zeros(1, bool), (0, 0), np.zeros(1))
        if held is None:
            return
        parts = solids_of(held.item)
        for model in (self._model, self._arm):
            model.body_pos[slots.body] = held.tcp_from_object[:3, 3]
            model.body_quat[slots.body] = _quat(held.tcp_from_object)
            self._shape(model, slots.body, slots.geom, parts)
        self._names[slots.geom : slots.geom + _DISH] = [held.item.name] * _DISH
        # One that has fewer parts leaves the other geoms switched off.
        used = replace(slots, size=len(parts))
        self._switch(used, np.ones(1, bool), (_HELD, _ROBOT), np.zeros(1))

    def _load_fixed(self, surroundings: Surroundings) -> None:
        if self._fixed_for == (surroundings.ignore, surroundings.touch):
            return
        self._fixed_for = surroundings.ignore, surroundings.touch
        model = self._model
        for geom in self._fixed:
            name = self._names[geom]
            ignored = name in surroundings.ignore
            model.geom_contype[geom] = 0 if ignored else _WORLD
            model.geom_conaffinity[geom] = 0 if ignored else _ROBOT | _HELD
            model.geom_margin[geom] = 0.0 if name in surroundings.touch else self._padding
            model.body_margin[model.geom_bodyid[geom]] = self._padding

    def _load_fingers(self, opening: float | None) -> None:
        travels = self._robot.fingers
        widest = sum(travels.values())
        for name, travel in travels.items():
            closed = 0.0 if opening is None else 1.0 - min(max(opening / widest, 0.0), 1.0)
            self._arm_data.joint(name).qpos = travel * closed

    def _shape(self, model: mujoco.MjModel, body: int, first: int, parts: Sequence[Solid]) -> None:
        """Give a body's geoms, from the first on, the shapes of parts."""
        bound = np.zeros(3)
        for geom, part in enumerate(parts, first):
            half = part.size / 2
            kind, size = mujoco.mjtGeom.mjGEOM_BOX, half
            if part.round:
                half = np.array([half[:2].max(), half[:2].max(), half[2]])
                kind, size = mujoco.mjtGeom.mjGEOM_CYLINDER, np.array([half[0], half[2], 0.0])
            model.geom_type[geom], model.geom_size[geom] = kind, size
            model.geom_pos[geom], model.geom_quat[geom] = part.pose[:3, 3], _quat(part.pose)
            model.geom_sameframe[geom] = 0
            model.geom_aabb[geom, 3:] = half
            model.geom_rbound[geom] = np.linalg.norm(half)
            bound = np.maximum(bound, np.abs(part.pose[:3, 3]) + np.abs(part.pose[:3, :3]) @ half)
        # All its bounding volumes bound all of it: their tree was made for other shapes.
        volume, count = model.body_bvhadr[body], model.body_bvhnum[body]
        model.bvh_aabb[volume : volume + count] = [0.0, 0.0, 0.0, *bound]

    def _switch(
        self, slots: _Slots, on: NDArray[np.bool_], bits: tuple[int, int], margins: Vector
    ) -> None:
        """Let those that are on collide as their bits say, and the others with nobody."""
        model, size, count = self._model, slots.size, len(on)
        bodies = slice(slots.body, slots.body + count)
        geoms = slice(slots.geom, slots.geom + count * size)
        for body_bits, geom_bits, value in (
            (model.body_contype, model.geom_contype, bits[0]),
            (model.body_conaffinity, model.geom_conaffinity, bits[1]),
        ):
            body_bits[bodies] = on * value
            geom_bits[geoms] = np.repeat(on * value, size)
        model.body_margin[bodies] = margins
        model.geom_margin[geoms] = np.repeat(margins, size)


def _parts(item: Item) -> int:
    """How many parts it has."""
    return _SOLID if item.dish is None else _DISH


def _fixed(body: mujoco.MjsBody) -> bool:
    """Whether no joint lies between the body and the world."""
    while body.name != 'world':
        if body.joints:
            return False
        body = body.parent
    return True


def _moves_with(body: mujoco.MjsBody, joint: str) -> bool:
    """Whether a joint moves the body, or one that it hangs on."""
    while body.name != 'world':
        if any(each.name == joint for each in body.joints):
            return True
        body = body.parent
    return False


def _add_body(parent: mujoco.MjsBody, name: str, parts: int) -> None:
    """A body of so many boxes, to be shaped later."""
    body = parent.add_body(
        name=name, mass=1.0, ipos=[0, 0, 0], inertia=[1, 1, 1], explicitinertial=True
    )
    for _ in range(parts):
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.01, 0.01, 0.01])


def _same(old: list[Solid], new: list[Solid]) -> bool:
    """Whether parts have the same shapes; those of a dish are made once for its measures."""
    return old is new or (
        len(old) == len(new) == 1
        and old[0].round == new[0].round
        and np.array_equal(old[0].size, new[0].size)
    )


def _quat(pose: Matrix) -> Vector:
    """MuJoCo's quaternion of a pose (4, 4)."""
    quat = np.empty(4)
    mujoco.mju_mat2Quat(quat, pose[:3, :3].ravel())
    return quat
