"""Did an executed trajectory touch what it should not have? Asked of the physics' own shapes.

The planner's collision world is built from what the scene says; this is built from the model that
was simulated, with every object where it was. No ROS.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import mujoco
import numpy as np
from scipy.interpolate import CubicHermiteSpline

from cap_bringup.recorded import Executed
from cap_description import ARM_JOINTS
from cap_skills.model import Joints, Trajectory, Vector
from cap_skills.paths import motion_between

# Motion of any point of the arm between two looks [m].
STEP = 0.005
# What touches where a motion begins may do so until the tool has moved this far [m].
LEAVING = 0.010
# So near counts as touching there [m].
_NEAR = 0.001
_ROBOT, _OTHER, _HELD = 1, 2, 4

Pair = tuple[str, str]


@dataclass(frozen=True)
class Collision:
    """A pair that touched, and how deep at most [m]; `time_s` is when that was."""

    pair: Pair
    depth: float
    time_s: float

    def __str__(self) -> str:
        return (
            f'{self.pair[0]} in {self.pair[1]} by {self.depth * 1000:.1f} mm at {self.time_s:.2f} s'
        )


def samples(
    trajectory: Trajectory, seconds: float, step: float = STEP
) -> tuple[Vector, list[Joints]]:
    """Times and joint positions, as the controller interpolates, at most `step` [m] apart."""
    curve = CubicHermiteSpline(trajectory.times, trajectory.positions, trajectory.velocities)
    times = [0.0]
    for index in range(len(trajectory.times) - 1):
        a, b = trajectory.positions[index : index + 2]
        start, end = trajectory.times[index : index + 2]
        # The curve between two points is longer than its chord, but never by half.
        count = max(1, int(np.ceil(1.5 * motion_between(a, b) / step)))
        times += list(np.linspace(start, end, count + 1)[1:])
        if end >= seconds:
            break
    chosen = np.array([time for time in times if time < seconds] + [seconds])
    return chosen, list(curve(chosen))


class CollisionReplay:
    """Checks trajectories of one cell.

    Args:
        model: of the cell that they were executed in.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = copy.copy(model)
        self._data = mujoco.MjData(self._model)
        self._arm = [model.joint(name).qposadr[0] for name in ARM_JOINTS]
        # Slides that give way when pushed are sprung out in free motion.
        sprung = np.reshape(model.jnt_stiffness, (model.njnt, -1)).any(axis=1)
        self._sprung = model.jnt_qposadr[sprung]
        self._tcp = model.site('tcp').id
        arm_root = model.body_rootid[model.joint(ARM_JOINTS[0]).bodyid[0]]
        self._robot = (model.body_rootid == arm_root) & (model.body_weldid != 0)
        self._tool = _subtree(model, model.body('tool0').id)
        self._colliding = (model.geom_contype | model.geom_conaffinity) != 0
        self._model.geom_margin[:] = self._model.body_margin[:] = _NEAR

    def collisions(self, executed: Executed, expected: Iterable[str] = ()) -> list[Collision]:
        """What touched and should not have, each pair once.

        Intended are: the tool on what it holds; the tool, or what it holds, on what the motion is
        to feel for; and what touches where a motion begins, until it has moved by LEAVING.

        Args:
            expected: names of objects and links that the motion is to feel for.
        """
        model, data = self._model, self._data
        self._sort(executed.held)
        data.qpos[:] = executed.qpos
        mujoco.mj_kinematics(model, data)
        start = self._tcp_pose()
        tcp_from_held = np.linalg.inv(start) @ self._pose(executed.held)
        leaving = {pair for pair, _ in self._touching()}
        allowed = frozenset(expected)
        worst: dict[Pair, Collision] = {}
        for time_s, joints in zip(*samples(executed.trajectory, executed.seconds), strict=True):
            data.qpos[self._arm] = joints
            data.qpos[self._sprung] = 0.0
            mujoco.mj_kinematics(model, data)
            tcp = self._tcp_pose()
            if executed.held:
                self._put(executed.held, tcp @ tcp_from_held)
                mujoco.mj_kinematics(model, data)
            near_start = np.linalg.norm(tcp[:3, 3] - start[:3, 3]) < LEAVING
            for pair, depth in self._touching():
                if depth <= 0 or (near_start and pair in leaving):
                    continue
                if self._intended(pair, executed.held, allowed):
                    continue
                if pair not in worst or worst[pair].depth < depth:
                    worst[pair] = Collision(pair, depth, float(time_s))
        return list(worst.values())

    def _intended(self, pair: Pair, held: str, expected: frozenset[str]) -> bool:
        """Whether one of them is the tool or what it holds, and the other is to be felt."""
        hands = [name for name in pair if name == held or self._tool[self._model.body(name).id]]
        return len(hands) == 2 or (len(hands) == 1 and bool(expected & set(pair)))

    def _sort(self, held: str) -> None:
        """Let the robot and what it holds collide with all; nothing else with anything."""
        model = self._model
        robot = self._robot[model.geom_bodyid]
        model.geom_contype[:] = np.where(robot, _ROBOT, _OTHER) * self._colliding
        model.geom_conaffinity[:] = np.where(robot, _ROBOT | _OTHER, 0) * self._colliding
        if held:
            mine = (model.geom_bodyid == model.body(held).id) & self._colliding
            model.geom_contype[mine] = _HELD
            model.geom_conaffinity[mine] = _ROBOT | _OTHER

    def _touching(self) -> Iterator[tuple[Pair, float]]:
        """Pairs of bodies within _NEAR of each other, and how deep [m]."""
        mujoco.mj_collision(self._model, self._data)
        contact = self._data.contact
        for geoms, distance in zip(contact.geom, contact.dist, strict=True):
            a, b = sorted(
                str(self._model.body(body).name) for body in self._model.geom_bodyid[geoms]
            )
            yield (a, b), -float(distance)

    def _tcp_pose(self) -> Vector:
        pose = np.eye(4)
        pose[:3, :3] = self._data.site_xmat[self._tcp].reshape(3, 3)
        pose[:3, 3] = self._data.site_xpos[self._tcp]
        return pose

    def _pose(self, name: str) -> Vector:
        pose = np.eye(4)
        if name:
            body = self._data.body(name)
            pose[:3, :3] = body.xmat.reshape(3, 3)
            pose[:3, 3] = body.xpos
        return pose

    def _put(self, name: str, pose: Vector) -> None:
        quat = np.empty(4)
        mujoco.mju_mat2Quat(quat, pose[:3, :3].ravel())
        address = int(self._model.joint(name).qposadr[0])
        self._data.qpos[address : address + 3] = pose[:3, 3]
        self._data.qpos[address + 3 : address + 7] = quat


def _subtree(model: mujoco.MjModel, root: int) -> np.ndarray:
    """Which bodies hang on one, itself included, shape (nbody,)."""
    inside = np.zeros(model.nbody, bool)
    inside[root] = True
    # Parents come before their children.
    for body in range(root + 1, model.nbody):
        inside[body] = inside[model.body_parentid[body]]
    return inside
