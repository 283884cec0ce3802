"""The arm's controller: follows trajectories by torque, brakes on its path, holds. No ROS."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import mujoco
import numpy as np
from numpy.typing import NDArray

from cap_description import ARM_JOINTS, JointLimit
from cap_sim.trajectory import Reference, Trajectory, Vector

JOINTS = len(ARM_JOINTS)
# Of the error's dynamics [1/s^2, 1/s]: 50 rad/s, critically damped; a tenth of the step's rate.
_STIFFNESS = 2500.0
_DAMPING = 100.0
# Points of a trajectory that are made in one go.
_AT_ONCE = 128


class MotionState(Enum):
    """What became of a motion. All but RUNNING are final."""

    RUNNING = 'running'
    SUCCEEDED = 'succeeded'
    CANCELED = 'canceled'
    PREEMPTED = 'preempted'
    PATH_TOLERANCE = 'path tolerance violated'
    GOAL_TOLERANCE = 'goal tolerance violated'
    FAULT = 'fault'


@dataclass(frozen=True)
class Tolerances:
    """Allowed distance from the desired position [rad], (6,), and time past the last point [s]."""

    path_rad: Vector
    goal_rad: Vector
    goal_time_s: float


@dataclass
class Motion:
    """One trajectory on its way; `ended` is set once `state` is final and the arm is to stand."""

    trajectory: Trajectory
    tolerances: Tolerances
    state: MotionState = MotionState.RUNNING
    text: str = ''
    ended: threading.Event = field(default_factory=threading.Event)

    def end(self, state: MotionState, text: str = '') -> None:
        """Make it final; the first word stands."""
        if self.state is MotionState.RUNNING:
            self.state, self.text = state, text
        self.ended.set()


class Arm:
    """Computed torque with torque limits, on the arm of a MuJoCo model.

    Not thread-safe: whoever steps the physics calls it.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        limits: dict[str, JointLimit],
        brake_deceleration: float,
    ) -> None:
        self._brake_deceleration = brake_deceleration
        self._effort = np.array([limits[name].effort for name in ARM_JOINTS])
        self._least = -self._effort
        self._error = np.zeros(JOINTS)  # of the position, before the last step [rad]
        self.attach(model, data)
        self._desired = _resting(self.q)  # position, velocity and acceleration, (3, 6)
        self._coming: Iterator[NDArray[np.float64]] = iter(())
        self._motion: Motion | None = None
        self._path_time = 0.0
        self._path_rate = 1.0  # 1: as planned; falls to 0 when braking
        self._braking: tuple[MotionState, str] | None = None

    def attach(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """Go on in another model, in which the arm is where it was."""
        self._model, self._data = model, data
        # A chain without branches: its numbers are neighbours.
        joint, motor = model.joint(ARM_JOINTS[0]), model.actuator(ARM_JOINTS[0]).id
        positions = slice(joint.qposadr[0], joint.qposadr[0] + JOINTS)
        dofs = slice(joint.dofadr[0], joint.dofadr[0] + JOINTS)
        # Views: they show what the data has at the time.
        self._q, self._qd = data.qpos[positions], data.qvel[dofs]
        self._bias, self._ctrl = data.qfrc_bias[dofs], data.ctrl[motor : motor + JOINTS]
        # Of all joints of the model; the others are not to accelerate.
        self._all_wanted, self._all_torques = np.zeros(model.nv), np.zeros(model.nv)
        self._wanted, self._torque = self._all_wanted[dofs], self._all_torques[dofs]

    @property
    def q(self) -> Vector:
        """Joint positions [rad], (6,)."""
        return np.array(self._q)

    @property
    def qd(self) -> Vector:
        """Joint velocities [rad/s], (6,)."""
        return np.array(self._qd)

    @property
    def torque(self) -> Vector:
        """Torques of the last step [N m], (6,)."""
        return np.array(self._ctrl)

    @property
    def reference(self) -> Reference:
        """Where the arm is to be now."""
        return Reference(*self._desired.copy())

    @property
    def motion(self) -> Motion | None:
        """The motion under way."""
        return self._motion

    def start(self, motion: Motion) -> None:
        """Follow a trajectory that begins at `reference`; a motion under way ends as preempted."""
        if self._motion is not None:
            state, text = self._braking or (MotionState.PREEMPTED, 'a newer trajectory took over')
            self._motion.end(state, text)
        self._motion = motion
        self._coming = _points(motion.trajectory, self._model.opt.timestep)
        self._path_time, self._path_rate, self._braking = 0.0, 1.0, None

    def brake(self, motion: Motion, state: MotionState, text: str) -> None:
        """Come to rest on the path and hold; `motion` then ends in `state`."""
        if self._motion is motion and self._braking is None:
            self._braking = (state, text)

    def step(self, dt: float) -> None:
        """Set the torques for the step to come, then move the reference to its end.

        After mj_step1, before mj_step2.
        """
        # Many times a second: into arrays that are there.
        (q, qd, qdd), wanted, torque = self._desired, self._wanted, self._torque
        np.subtract(q, self._q, out=self._error)
        np.subtract(qd, self._qd, out=wanted)
        wanted *= _DAMPING
        np.multiply(self._error, _STIFFNESS, out=torque)
        wanted += torque
        wanted += qdd
        mujoco.mj_mulM(self._model, self._data, self._all_torques, self._all_wanted)
        torque += self._bias
        np.minimum(torque, self._effort, out=torque)
        np.maximum(torque, self._least, out=self._ctrl)
        if self._motion is not None:
            self._judge(self._motion)
        if self._motion is not None:
            self._advance(self._motion, dt)

    def _advance(self, motion: Motion, dt: float) -> None:
        if self._braking is None:
            self._path_time += dt
            self._desired = next(self._coming)
            return
        trajectory = motion.trajectory
        # At most in one go.
        slowing = min(self._slowing(trajectory.at(self._path_time)), self._path_rate / dt)
        self._path_rate -= slowing * dt
        self._path_time += self._path_rate * dt
        point = trajectory.at(self._path_time)
        speed_up = point.qdd * self._path_rate**2 - point.qd * slowing
        self._desired = np.stack([point.q, point.qd * self._path_rate, speed_up])
        if self._path_rate <= 1e-9 or self._path_time >= trajectory.duration_s:
            self._finish(motion, *self._braking)

    def _slowing(self, point: Reference) -> float:
        """How path time slows down so that the fastest joint decelerates as told [1/s].

        Where the path speeds up by itself that takes more; where it slows down, less.
        """
        fastest = int(np.abs(point.qd).argmax())
        speed = abs(float(point.qd[fastest]))
        gain = float(np.sign(point.qd[fastest]) * point.qdd[fastest])
        wanted = self._brake_deceleration + self._path_rate**2 * gain
        return max(wanted, 0.0) / max(speed, 1e-6)

    def _judge(self, motion: Motion) -> None:
        """End the motion when it is done or too far off; before the reference moves on."""
        if self._braking is not None:
            return
        error = np.abs(self._error)
        late = self._path_time - motion.trajectory.duration_s
        if late < 0:
            if True in (error > motion.tolerances.path_rad).tolist():
                text = f'{_worst(error)} from its path'
                self.brake(motion, MotionState.PATH_TOLERANCE, text)
        elif (error <= motion.tolerances.goal_rad).all() and np.abs(self._qd).max() < 0.02:
            self._finish(motion, MotionState.SUCCEEDED, '')
        elif late > motion.tolerances.goal_time_s:
            text = f'{_worst(error)} from its goal, {late:.2f} s after it was due'
            self._finish(motion, MotionState.GOAL_TOLERANCE, text)

    def _finish(self, motion: Motion, state: MotionState, text: str) -> None:
        # Short of its goal it holds where it stands: it would press for ever at what stopped it.
        self._desired = _resting(self._desired[0] if state is MotionState.SUCCEEDED else self.q)
        self._motion, self._braking = None, None
        motion.end(state, text)


def _resting(q: Vector) -> NDArray[np.float64]:
    return np.stack([q, np.zeros(JOINTS), np.zeros(JOINTS)])


def _points(trajectory: Trajectory, dt: float) -> Iterator[NDArray[np.float64]]:
    """Where a trajectory is after each step, (3, 6); many at a time, which is faster."""
    for first in itertools.count(1, _AT_ONCE):
        times: Vector = dt * np.arange(first, first + _AT_ONCE, dtype=float)
        yield from trajectory.samples(times)


def _worst(error: Vector) -> str:
    joint = int(error.argmax())
    return f'{ARM_JOINTS[joint]} is {error[joint]:.3f} rad'
