"""MotionPlanner: legs and surroundings to a timed, collision-free trajectory; and the embedded one.

A route is planned leg by leg into a polyline of joint positions, rounded where legs meet so that
the arm need not stop there, and checked again as a whole, densely, before it gets its timing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cap_common.errors import NoPathError
from cap_common.frames import Matrix
from cap_skills.collision import CollisionWorld, Pair
from cap_skills.kinematics import ArmKinematics
from cap_skills.model import Free, Joints, Straight, Surroundings, Trajectory, Vector
from cap_skills.robot_model import RobotModel
from cap_skills.rrt import find_path
from cap_skills.timing import MotionLimits, spline, time_path

Path = NDArray[np.float64]  # shape (n, 6) [rad]

# How far a point of the arm moves at most per radian of each joint [m]: what reaches beyond it.
REACH = np.array([1.15, 1.15, 0.75, 0.4, 0.3, 0.1])
_LINE_STEP = 0.01
_MAX_JOINT_STEP = 0.5


class MotionPlanner(Protocol):
    """Plans motions of the arm."""

    @property
    def kinematics(self) -> ArmKinematics:
        """Of the arm that it plans for."""
        ...

    @property
    def cup_radius(self) -> float:
        """Of that arm's suction cup [m]."""
        ...

    def plan(
        self,
        start: Joints,
        legs: Sequence[Free | Straight],
        surroundings: Surroundings,
        speed_scale: float = 1.0,
    ) -> Trajectory:
        """One motion through all legs, from rest to rest.

        What touches at the start may go on touching until it comes free.

        Raises:
            UnreachableError: no joint position for a pose.
            NoPathError: no collision-free way was found; the text says what is in it.
            LimitError: no timing keeps to the limits.
        """
        ...

    def touching(self, joints: Joints, surroundings: Surroundings) -> frozenset[Pair]:
        """Names of what would touch at a joint position; empty: it is free."""
        ...


@dataclass(frozen=True)
class PlannerConfig:
    """Of the embedded planner.

    Attributes:
        padding: distance kept from objects and table [m].
        check_step: motion of any point of the arm between two checks [m].
        rounding: length over which corners are rounded, to each side [m].
        rrt_iterations: of each try.
        rrt_tries: each with a seed of its own, and checked finer than the one before.
    """

    padding: float
    check_step: float
    rounding: float
    rrt_iterations: int
    rrt_tries: int


def motion_between(a: Joints, b: Joints) -> float:
    """Upper bound of how far any point of the arm moves [m]."""
    return float(np.abs(b - a) @ REACH)


def sample_edge(a: Joints, b: Joints, step: float) -> Path:
    """Points of the straight joint path, both ends included, at most `step` [m] of motion apart."""
    count = max(1, int(np.ceil(motion_between(a, b) / step)))
    return a + np.linspace(0.0, 1.0, count + 1)[:, None] * (b - a)


class EmbeddedPlanner:
    """Straight joint path first, then OMPL's RRTConnect; lines by dense inverse kinematics."""

    def __init__(self, robot: RobotModel, limits: MotionLimits, config: PlannerConfig) -> None:
        self._robot = robot
        self._limits = limits
        self._config = config
        self._cached: tuple[Surroundings, CollisionWorld] | None = None

    @property
    def kinematics(self) -> ArmKinematics:
        """Of the robot."""
        return self._robot.kinematics

    @property
    def cup_radius(self) -> float:
        """Of the robot [m]."""
        return self._robot.cup_radius

    def warm_up(self, joints: Joints) -> None:
        """Load what the first plan would otherwise wait for."""
        goal = joints + 0.1
        self.plan(joints, [Free(goal)], Surroundings(()))
        find_path(
            joints,
            goal,
            lambda _: True,
            bounds=(self.kinematics.lower, self.kinematics.upper),
            reach=REACH,
            step=0.01,
            iterations=10,
            seed=1,
        )

    def touching(self, joints: Joints, surroundings: Surroundings) -> frozenset[Pair]:
        """See MotionPlanner."""
        return self._world(surroundings).pairs(joints)

    def plan(
        self,
        start: Joints,
        legs: Sequence[Free | Straight],
        surroundings: Surroundings,
        speed_scale: float = 1.0,
    ) -> Trajectory:
        """See MotionPlanner."""
        world = self._world(surroundings)
        leaving = world.pairs(start)
        pieces: list[Path] = [start[None]]
        speeds: list[Vector] = [np.array([np.inf])]
        for leg in legs:
            at = pieces[-1][-1]
            if isinstance(leg, Free):
                piece, speed = self._free(at, leg.goal, world, leaving), self._limits.tool_speed
            else:
                piece, speed = self._line(at, leg.goal), leg.speed
            pieces.append(piece[1:])
            speeds.append(np.full(len(piece) - 1, speed))
        path, rate = _spread(
            np.concatenate(pieces), np.concatenate(speeds), self._config.check_step
        )
        return self._rounded(path, rate, world, leaving, speed_scale)

    def _world(self, surroundings: Surroundings) -> CollisionWorld:
        if self._cached is None or self._cached[0] is not surroundings:
            world = CollisionWorld(self._robot, surroundings, self._config.padding)
            self._cached = surroundings, world
        return self._cached[1]

    def _free(
        self, start: Joints, goal: Joints, world: CollisionWorld, leaving: frozenset[Pair]
    ) -> Path:
        blocked = world.pairs(goal) - leaving
        if blocked:
            raise NoPathError(f'the goal is blocked: {_names(blocked)}')
        if first_contact(world, sample_edge(start, goal, self._config.check_step), leaving) is None:
            return np.stack([start, goal])
        for attempt in range(self._config.rrt_tries):
            step = self._config.check_step * max(1, 4 >> attempt)
            path = find_path(
                start,
                goal,
                lambda joints: not world.collides(joints, leaving),
                bounds=(self.kinematics.lower, self.kinematics.upper),
                reach=REACH,
                step=step,
                iterations=self._config.rrt_iterations,
                seed=attempt + 1,
            )
            if path is None:
                continue
            edges = [
                sample_edge(a, b, self._config.check_step) for a, b in itertools.pairwise(path)
            ]
            if first_contact(world, np.concatenate(edges), leaving) is None:
                return path
        raise NoPathError(
            f'no collision-free way was found in {self._config.rrt_tries} tries of '
            f'{self._config.rrt_iterations} iterations'
        )

    def _line(self, start: Joints, goal: Matrix) -> Path:
        first = self.kinematics.forward(start)
        length = float(np.linalg.norm(goal[:3, 3] - first[:3, 3]))
        count = max(1, int(np.ceil(length / _LINE_STEP)))
        path = [start]
        for fraction in np.linspace(0.0, 1.0, count + 1)[1:]:
            pose = goal.copy()
            pose[:3, 3] = first[:3, 3] + fraction * (goal[:3, 3] - first[:3, 3])
            joints = self.kinematics.closest(pose, path[-1])
            if np.abs(joints - path[-1]).max() > _MAX_JOINT_STEP:
                x, y, z = pose[:3, 3]
                raise NoPathError(
                    f'a straight line to x={x:.3f}, y={y:.3f}, z={z:.3f} m of base_link would '
                    'need the arm to fold over'
                )
            path.append(joints)
        return np.array(path)

    def _rounded(
        self,
        path: Path,
        speeds: Vector,
        world: CollisionWorld,
        leaving: frozenset[Pair],
        speed_scale: float,
    ) -> Trajectory:
        """Timing for the smoothest rounding of the path that is free of collision."""
        window = round(self._config.rounding / self._config.check_step)
        touched: frozenset[Pair] = frozenset()
        for half in (window, window // 3, 0):
            smooth = round_corners(path, half)
            stations = _stations(smooth)
            curve = spline(smooth, stations)
            dense = curve(
                np.linspace(0, stations[-1], _count(stations[-1], self._config.check_step))
            )
            contact = first_contact(world, dense, leaving)
            if contact is None:
                return time_path(
                    self.kinematics, curve, stations, speeds, self._limits, speed_scale
                )
            touched = contact
        raise NoPathError(f'the way is blocked: {_names(touched)}')


def first_contact(
    world: CollisionWorld, path: Path, leaving: frozenset[Pair]
) -> frozenset[Pair] | None:
    """What touches first along a path, or None.

    Args:
        leaving: pairs that touch at its start; each may go on until it first comes free.
    """
    for joints in path:
        if not world.collides(joints):
            leaving = frozenset()
            continue
        pairs = world.pairs(joints)
        if pairs - leaving:
            return pairs - leaving
        leaving &= pairs
    return None


def round_corners(path: Path, half: int) -> Path:
    """Moving average of evenly spaced points over `half` points to each side, less near the ends.

    Straight parts stay, both ends stay, corners become arcs.
    """
    count = len(path)
    sums = np.concatenate([np.zeros((1, path.shape[1])), np.cumsum(path, axis=0)])
    index = np.arange(count)
    reach = np.minimum(half, np.minimum(index, count - 1 - index))
    rounded: Path = (sums[index + reach + 1] - sums[index - reach]) / (2 * reach + 1)[:, None]
    return rounded


def _spread(path: Path, speeds: Vector, step: float) -> tuple[Path, Vector]:
    """Points along the same polyline at even distances of about `step` [m], with their speeds."""
    stations = _stations(path)
    if stations[-1] == 0.0:
        return np.repeat(path[:1], 2, axis=0), np.repeat(speeds[-1:], 2)
    # A cubic needs some points, however short the way is.
    at = np.linspace(0.0, stations[-1], _count(stations[-1], step))
    even = np.stack([np.interp(at, stations, path[:, k]) for k in range(path.shape[1])], axis=1)
    return even, speeds[np.searchsorted(stations, at).clip(1, len(path) - 1)]


def _count(length: float, step: float) -> int:
    return max(5, int(np.ceil(length / step)) + 1)


def _stations(path: Path) -> Vector:
    """How far along each point is, in bounds of motion [m]; strictly rising."""
    steps = np.abs(np.diff(path, axis=0)) @ REACH
    return np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-9))])


def _names(pairs: frozenset[Pair]) -> str:
    return ', '.join(f'{a} and {b}' for a, b in sorted(pairs))
