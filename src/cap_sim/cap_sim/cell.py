"""The simulated cell: steps the physics, takes commands, tells its state. No ROS."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from cap_description import ARM_JOINTS, JointLimit, joint_limits, transform
from cap_sim.arm import Arm, Motion, MotionState, Tolerances
from cap_sim.layout import Layout, NoRoomError, ObjectSpec
from cap_sim.parameters import Parameters
from cap_sim.suction import Suction
from cap_sim.trajectory import Reference, Trajectory, Vector
from cap_sim.world import FORCE_SENSOR, TIMESTEP_S, TORQUE_SENSOR, build_model

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

    Arrays are (6,), rad, rad/s and N m. `force` and `moment` (3,) are what acts on the cup from
    outside, in tcp, whose z points out of the tool: a push is negative [N, N m].
    """

    time_s: float
    q: Vector
    qd: Vector
    torque: Vector
    force: Vector
    moment: Vector
    pressure_pa: float
    suction_force_n: float
    holding: bool
    held: str
    objects: tuple[ObjectState, ...]


class Cell:
    """A world with its arm and cup. Every method may be called from any thread."""

    def __init__(self, urdf: str, parameters: Parameters, layout: Layout) -> None:
        self._urdf, self._parameters = urdf, parameters
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
        model = self._build(layout)
        data = mujoco.MjData(model)
        data.time = self._time
        for name, angle in zip(ARM_JOINTS, parameters.home_joints, strict=True):
            data.joint(name).qpos = angle
        mujoco.mj_forward(model, data)
        self._take(layout, model, data)
        self._arm = Arm(model, data, self._limits, parameters.brake_deceleration)
        self._suction = Suction(model, data, parameters.leak_fraction)
        self._wrench = np.zeros(6)

    def _build(self, layout: Layout) -> mujoco.MjModel:
        parameters = self._parameters
        return build_model(
            self._urdf, layout, parameters.suction_force_n, parameters.camera_fovy_deg
        )

    def _take(self, layout: Layout, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """Make a model the one that is stepped."""
        self.layout, self.model, self._data = layout, model, data
        tip = self.model.body('cup_link').id
        self._tip_mass = float(self.model.body_subtreemass[tip])
        self._tip_site = self.model.site('tcp').id
        self._sensors = [
            slice(self.model.sensor(name).adr[0], self.model.sensor(name).adr[0] + 3)
            for name in (FORCE_SENSOR, TORQUE_SENSOR)
        ]

    def reset(self, layout: Layout) -> None:
        """Another world: objects as in the layout, arm at home, suction off; time goes on.

        This and `add` are the only ways in which anything is ever placed rather than moved.
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
            layout = Layout((*self.layout.objects, item))
            model = self._build(layout)
            data = mujoco.MjData(model)
            _copy_state(self._data, data)
            mujoco.mj_forward(model, data)
            touched = _touched_by(item.name, model, data)
            if touched:
                raise NoRoomError(
                    f'no room for the {item.name} at x={item.xy[0]:.3f}, y={item.xy[1]:.3f} m of '
                    f'workspace: {", ".join(touched)}'
                )
            self._take(layout, model, data)
            self._arm.attach(model, data)
            self._suction.attach(model, data)
            self._epoch += 1

    def step(self, count: int) -> None:
        """Advance the physics by `count` steps of 2 ms.

        Raises:
            PhysicsError: the state has diverged, now or earlier; time stands still until a reset.
        """
        with self._lock:
            if self._diverged:
                raise PhysicsError(f'the physics diverged at {self._time:.3f} s')
            data, model = self._data, self.model
            for _ in range(count):
                mujoco.mj_step1(model, data)
                self._brake_canceled()
                self._arm.step(TIMESTEP_S)
                self._suction.step(TIMESTEP_S)
                mujoco.mj_step2(model, data)
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
        """Low-pass what the tool feels, less the weight of the cup itself."""
        data = self._data
        force, moment = (data.sensordata[part] for part in self._sensors)
        tcp = data.site_xmat[self._tip_site].reshape(3, 3)
        weight = tcp.T @ (self._tip_mass * self.model.opt.gravity)
        # The sensor knows the contacts' push, and not the vacuum's pull through the same contacts.
        pull = np.array([0.0, 0.0, self._suction.pull_n])
        # It tells what the tool does to the cup to hold it against the rest of the world.
        wrench = np.concatenate([pull - force - weight, -moment])
        self._wrench += (wrench - self._wrench) * (TIMESTEP_S / (_WRENCH_FILTER_S + TIMESTEP_S))

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

    def suck(self, on: bool) -> None:
        """Switch the vacuum pump."""
        with self._lock:
            self._suction.on = on

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
                pressure_pa=self._suction.pressure_pa,
                suction_force_n=self._suction.force_n,
                holding=self._suction.holding,
                held=self._suction.held_body,
                objects=tuple(self._object_state(spec) for spec in self.layout.objects),
            )

    def _object_state(self, spec: ObjectSpec) -> ObjectState:
        body = self._data.body(spec.name)
        world_from_object = np.eye(4)
        world_from_object[:3, :3] = body.xmat.reshape(3, 3)
        world_from_object[:3, 3] = body.xpos
        return ObjectState(spec, self._workspace_from_world @ world_from_object)

    def picture_state(self) -> tuple[int, mujoco.MjModel, float, Vector]:
        """What a renderer needs: epoch (changes with the model), model, time [s], positions."""
        with self._lock:
            return self._epoch, self.model, self._time, self._data.qpos.copy()


def _copy_state(old: mujoco.MjData, new: mujoco.MjData) -> None:
    """The state of a model into that of one with more objects, which are the last in every list."""
    new.time = old.time
    for field in ('qpos', 'qvel', 'ctrl', 'qacc_warmstart'):
        values = getattr(old, field)
        getattr(new, field)[: len(values)] = values


def _touched_by(name: str, model: mujoco.MjModel, data: mujoco.MjData) -> list[str]:
    """Names of the bodies that move and touch the one named."""
    pairs = model.geom_bodyid[data.contact.geom].reshape(-1, 2)
    ours = model.body(name).id
    others = pairs[(pairs == ours).any(axis=1)].sum(axis=1) - ours
    # Fixed to the world: the table, on which it stands.
    moving = others[model.body_weldid[others] != 0]
    return sorted({str(model.body(body).name) for body in moving})
