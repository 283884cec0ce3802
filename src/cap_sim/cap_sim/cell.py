"""The simulated cell: steps the physics, takes commands, tells its state. No ROS."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from cap_description import ARM_JOINTS, JointLimit, joint_limits, transform
from cap_sim.arm import Arm, Motion, MotionState, Tolerances
from cap_sim.board import find_board
from cap_sim.ink import Drawing
from cap_sim.layout import Layout, LayoutError, NoRoomError, ObjectSpec, radius_of
from cap_sim.parameters import Parameters
from cap_sim.tool import LOOK_EVERY, Tool, ToolState
from cap_sim.tools import tool_kind
from cap_sim.trajectory import Reference, Trajectory, Vector
from cap_sim.world import FORCE_SENSOR, TCP, TIMESTEP_S, TIP_MIDDLE, build_model

Matrix = NDArray[np.float64]

# The wrench is low-passed at about 25 Hz, as force sensors of wrists are.
_WRENCH_FILTER_S = 0.006
# Joints of a cell at rest in a sane state stay far below [rad/s, m/s].
_RUNAWAY = 200.0


class PhysicsError(RuntimeError):
    """The simulation diverged; only a reset helps."""


@dataclass(frozen=True)
class ObjectState:
    """One object: what it is, and workspace_from_object (4, 4) about the middle of its box."""

    spec: ObjectSpec
    pose: Matrix


@dataclass(frozen=True)
class CellState:
    """The cell at one time.

    Arrays are (6,), rad, rad/s and N m. `force` and `moment` (3,) are what acts on the tool from
    outside, in tcp, whose z points out of the tool: a push is negative [N, N m]. `poses`
    (n, 4, 4) are workspace_from_object of `specs`.
    """

    time_s: float
    q: Vector
    qd: Vector
    torque: Vector
    force: Vector
    moment: Vector
    tool: ToolState
    specs: tuple[ObjectSpec, ...]
    poses: Matrix

    @property
    def objects(self) -> tuple[ObjectState, ...]:
        """Each object with its pose."""
        return tuple(map(ObjectState, self.specs, self.poses))


class Cell:
    """A world with its arm and tool. Every method may be called from any thread.

    Attributes:
        board: the whiteboard; None: there is none.
    """

    def __init__(self, urdf: str, parameters: Parameters, layout: Layout) -> None:
        self._urdf, self._parameters = urdf, parameters
        self._kind = tool_kind(urdf)
        self.board = find_board(urdf)
        self._limits = {name: joint_limits(urdf)[name] for name in ARM_JOINTS}
        self._workspace_from_world = transform(urdf, 'workspace', 'world')
        self._lock = threading.RLock()
        self._time = 0.0
        self._epoch = 0
        self._to_brake: deque[Motion] = deque()
        self._load(layout)

    def _load(self, layout: Layout) -> None:
        parameters = self._parameters
        self._diverged = False
        model = build_model(self._urdf, layout, self._parameters)
        data = mujoco.MjData(model)
        data.time = self._time
        for name, angle in zip(ARM_JOINTS, parameters.home_joints, strict=True):
            data.joint(name).qpos = angle
        mujoco.mj_forward(model, data)
        self._take(layout, model, data)
        self._arm = Arm(model, data, self._limits, parameters.brake_deceleration)
        self._tool: Tool = self._kind.make(model, data, parameters)
        self._wrench = np.zeros(6)
        self._steps = 0

    def _take(self, layout: Layout, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """Make a model the one that is stepped."""
        self.layout, self.model, self._data = layout, model, data
        # From force, moment and acceleration, as sensed, to force and moment from outside.
        self._felt = data.sensordata[model.sensor(FORCE_SENSOR).adr[0] :][:9]
        self._felt_from = _wrench_matrix(model, self._kind.tip)
        self._bodies = np.array([model.body(spec.name).id for spec in layout.objects], dtype=int)

    def reset(self, layout: Layout) -> None:
        """Another world: objects as in the layout, arm at home, its tool open; time goes on.

        This, `add`, `move` and `remove` are the only ways in which anything is ever placed rather
        than pushed or carried.
        """
        with self._lock:
            if self._arm.motion is not None:
                self._arm.motion.end(MotionState.FAULT, 'the world was reset')
            self._epoch += 1
            self._load(layout)

    def add(self, item: ObjectSpec) -> None:
        """One more object, where its spec has it; all else goes on as it was.

        Raises:
            LayoutError: there is one of that name.
            NoRoomError: something is in the way.
        """
        with self._lock:
            self._change((*self.layout.objects, item), item)

    def move(self, name: str, xy: tuple[float, float], yaw: float) -> ObjectSpec:
        """An object, held or not, stands somewhere else; returns where. All else goes on as it was.

        Args:
            xy, yaw: in workspace [m], [rad].

        Raises:
            LayoutError: there is none of that name.
            NoRoomError: something is in the way, or it would slide off a board that leans.
        """
        with self._lock:
            old = self._named(name)
            new = replace(old, xy=xy, yaw=yaw, z=self.height_under(old.kind, xy))
            objects = (new if spec is old else spec for spec in self.layout.objects)
            self._change(tuple(objects), new)
            return new

    def remove(self, name: str) -> None:
        """An object, held or not, is gone; all else goes on as it was.

        Raises:
            LayoutError: there is none of that name.
        """
        with self._lock:
            old = self._named(name)
            self._change(tuple(spec for spec in self.layout.objects if spec is not old))

    def height_under(self, kind: str, xy: tuple[float, float]) -> float:
        """Of what an object of a kind stands on there: the board, or the table [m].

        Raises:
            NoRoomError: the board is there, and leans.
        """
        if self.board is None or not self.board.is_at(xy, radius_of(kind)):
            return 0.0
        if not self.board.is_level:
            raise NoRoomError(
                f'no room for a {kind} at x={xy[0]:.3f}, y={xy[1]:.3f} m of workspace: there is '
                'the whiteboard, and things would slide off, for it is not level'
            )
        return self.board.height

    def _named(self, name: str) -> ObjectSpec:
        for spec in self.layout.objects:
            if spec.name == name:
                return spec
        names = ', '.join(spec.name for spec in self.layout.objects)
        raise LayoutError(f'no object {name!r}; there are {names or "none"}')

    def _change(self, objects: tuple[ObjectSpec, ...], placed: ObjectSpec | None = None) -> None:
        """Go on with other objects, all but `placed` where they are and as fast as they are."""
        layout = replace(self.layout, objects=objects)
        model = build_model(self._urdf, layout, self._parameters)
        data = mujoco.MjData(model)
        _copy_state(self.model, self._data, model, data, '' if placed is None else placed.name)
        mujoco.mj_forward(model, data)
        if placed is not None and (touched := _touched_by(placed.name, model, data)):
            raise NoRoomError(
                f'no room for the {placed.name} at x={placed.xy[0]:.3f}, y={placed.xy[1]:.3f} m '
                f'of workspace: {", ".join(touched)}'
            )
        self._take(layout, model, data)
        self._arm.attach(model, data)
        self._tool.attach(model, data)
        self._epoch += 1

    def step(self, count: int) -> None:
        """Advance the physics by `count` steps of 2 ms.

        Raises:
            PhysicsError: the state has diverged, now or earlier; time stands still until a reset.
        """
        with self._lock:
            if self._diverged:
                raise PhysicsError(f'the physics diverged at {self._time:.3f} s')
            data, model, arm, tool = self._data, self.model, self._arm, self._tool
            for _ in range(count):
                mujoco.mj_step1(model, data)
                self._brake_canceled()
                arm.step(TIMESTEP_S)
                tool.step(TIMESTEP_S)
                mujoco.mj_step2(model, data)
                self._steps += 1
                if self._steps % LOOK_EVERY == 0:
                    tool.look()
                self._measure()
            self._time = float(data.time)
            if not np.isfinite(data.qpos).all() or np.abs(data.qvel).max() > _RUNAWAY:
                self._diverged = True
                if self._arm.motion is not None:
                    self._arm.motion.end(MotionState.FAULT, 'the physics diverged')
                raise PhysicsError(f'the physics diverged at {self._time:.3f} s')

    def _brake_canceled(self) -> None:
        while self._to_brake:
            self._arm.brake(self._to_brake.popleft(), MotionState.CANCELED, 'canceled')

    def _measure(self) -> None:
        """Low-pass what the tool feels, less what moving and carrying its own mass takes."""
        change = self._felt_from.dot(self._felt)
        # Sensors know the contacts' push, and not the vacuum's pull through the same contacts.
        change[2] += self._tool.pull_n
        change -= self._wrench
        change *= TIMESTEP_S / (_WRENCH_FILTER_S + TIMESTEP_S)
        self._wrench += change

    @property
    def limits(self) -> dict[str, JointLimit]:
        """Limits of the arm's joints, in its order."""
        return dict(self._limits)

    @property
    def time_s(self) -> float:
        """Simulated time; it never goes back."""
        return self._time

    def reference(self) -> Reference:
        """Where the arm's controller holds or moves it now."""
        with self._lock:
            return self._arm.reference

    def follow(self, join: Callable[[Reference], Trajectory], tolerances: Tolerances) -> Motion:
        """Start a motion; one under way ends as preempted.

        Args:
            join: makes the trajectory from where the arm is held or moves at that instant, while
                the physics waits.

        Raises:
            TrajectoryError: from `join`; the arm goes on as before.
        """
        with self._lock:
            motion = Motion(join(self._arm.reference), tolerances)
            self._brake_canceled()
            self._arm.start(motion)
            return motion

    def brake(self, motion: Motion) -> None:
        """Cancel a motion: from the next step on the arm brakes on its path, then holds."""
        # Not under the lock: the physics, when it is late, hardly ever lets go of it.
        self._to_brake.append(motion)

    def grip(self, position: float, max_effort: float = 0.0) -> None:
        """Command the tool; see Tool.command."""
        with self._lock:
            self._tool.command(position, max_effort)

    def grip_settled(self) -> bool:
        """Whether the tool's last command has come to its end."""
        with self._lock:
            return self._tool.settled()

    def state(self) -> CellState:
        """The cell as it is now."""
        with self._lock:
            return CellState(
                time_s=self._time,
                q=self._arm.q,
                qd=self._arm.qd,
                torque=self._arm.torque,
                force=self._wrench[:3].copy(),
                moment=self._wrench[3:].copy(),
                tool=self._tool.state,
                specs=self.layout.objects,
                poses=self._poses(),
            )

    def _poses(self) -> Matrix:
        """workspace_from_object of all objects, (n, 4, 4)."""
        poses = np.zeros((len(self._bodies), 4, 4))
        poses[:, :3, :3] = self._data.xmat[self._bodies].reshape(-1, 3, 3)
        poses[:, :3, 3] = self._data.xpos[self._bodies]
        poses[:, 3, 3] = 1.0
        return np.asarray(self._workspace_from_world @ poses)

    def drawing(self) -> Drawing | None:
        """What is on the whiteboard, the same object until that changes; None: there is none."""
        with self._lock:
            return None if self._tool.ink is None else self._tool.ink.drawing()

    def ink(self) -> Matrix:
        """Where the whiteboard has ink, (N, 3): x, y in its frame [m], index of the stroke."""
        drawing = self.drawing()
        return np.zeros((0, 3)) if drawing is None else drawing.points

    def picture_state(self) -> tuple[int, mujoco.MjModel, float, Vector, Drawing | None]:
        """For a renderer: epoch (changes with the model), model, time [s], positions, ink."""
        with self._lock:
            qpos = self._data.qpos.copy()
            return self._epoch, self.model, self._time, qpos, self.drawing()


def _wrench_matrix(model: mujoco.MjModel, tip: str) -> Matrix:
    """(6, 9): takes weight and inertia of the tip off what acts between it and the arm.

    The sensors tell what the arm does to the tip; an accelerometer's reading has gravity in it.
    """
    mass = float(model.body_subtreemass[model.body(tip).id])
    tcp, middle = model.site(TCP), model.site(TIP_MIDDLE)
    axes = np.empty(9)
    mujoco.mju_quat2Mat(axes, tcp.quat)
    x, y, z = (middle.pos - tcp.pos) @ axes.reshape(3, 3)
    matrix = np.zeros((6, 9))
    matrix[:, :6] = -np.eye(6)
    matrix[:3, 6:] = mass * np.eye(3)
    matrix[3:, 6:] = mass * np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return matrix


def _copy_state(
    old_model: mujoco.MjModel,
    old: mujoco.MjData,
    new_model: mujoco.MjModel,
    new: mujoco.MjData,
    but: str,
) -> None:
    """The state of a model into that of one with other objects, joint by joint but for one."""
    new.time = old.time
    new.ctrl[:] = old.ctrl
    there = {old_model.joint(index).name for index in range(old_model.njnt)}
    for name in (new_model.joint(index).name for index in range(new_model.njnt)):
        if name != but and name in there:
            for field in ('qpos', 'qvel', 'qacc_warmstart'):
                getattr(new.joint(name), field)[:] = getattr(old.joint(name), field)


def _touched_by(name: str, model: mujoco.MjModel, data: mujoco.MjData) -> list[str]:
    """Names of the bodies that move and touch the one named."""
    pairs = model.geom_bodyid[data.contact.geom].reshape(-1, 2)
    ours = model.body(name).id
    others = pairs[(pairs == ours).any(axis=1)].sum(axis=1) - ours
    # Fixed to the world: the table, on which it stands.
    moving = others[model.body_weldid[others] != 0]
    return sorted({str(model.body(body).name) for body in moving})
