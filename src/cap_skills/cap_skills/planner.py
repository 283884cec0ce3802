"""The embedded MotionPlanner: legs and surroundings to a timed, collision-free trajectory.

Legs through free space and straight lines become one polyline of joint positions, rounded where
they meet so that the arm need not stop there. It is checked as a whole, densely, before it gets its
timing; only what is not free then is looked at leg by leg. Where the tool follows a polyline the
way is bent by a fraction of a millimetre, and the timing slows down for its corners.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline

from cap_common.errors import NoPathError
from cap_common.frames import Matrix
from cap_skills.blends import blended
from cap_skills.collision import CollisionWorld, Pair
from cap_skills.kinematics import ArmKinematics
from cap_skills.model import (
    Follow,
    Free,
    Joints,
    Leg,
    Straight,
    Surroundings,
    Trajectory,
    Vector,
)
from cap_skills.paths import (
    REACH,
    Path,
    divided,
    motion_between,
    motions,
    round_corners,
    sample_edge,
    spread,
    stations_along,
)
from cap_skills.robot_model import RobotModel
from cap_skills.rrt import find_path
from cap_skills.timing import Curve, MotionLimits, even_grids, spline, time_path

_LINE_STEP = 0.02
# Motion between the joint positions that a curve is laid through [m].
_KNOT_STEP = 0.01
_MAX_JOINT_STEP = 0.5
# Where the tool follows a polyline: how far it cuts corners, and between two joint positions [m].
_CUT = 1.5e-4
_FOLLOW_STEP = 0.005
_FOLLOW_GRID = 0.002
# A motion less than this goes nowhere [m].
_NOTHING = 1e-6


@dataclass(frozen=True)
class PlannerConfig:
    """Of the embedded planner.

    Attributes:
        padding: distance kept from objects and table [m].
        check_step: motion of the tool between two checks [m]. Any other point moves at most twice
            as far, so it is within the padding of a place where it was checked.
        rounding: length over which corners are rounded, to each side [m].
        rrt_iterations: of each try.
        rrt_tries: each with a seed of its own, and checked finer than the one before.
        walls: see CollisionWorld.
    """

    padding: float
    check_step: float
    rounding: float
    rrt_iterations: int
    rrt_tries: int
    walls: tuple[float, ...]


class EmbeddedPlanner:
    """Straight joint path first, then OMPL's RRTConnect; lines by dense inverse kinematics.

    Attributes:
        searches: for how many legs the straight joint path was not free.
    """

    def __init__(self, robot: RobotModel, limits: MotionLimits, config: PlannerConfig) -> None:
        self._robot = robot
        self._limits = limits
        self._config = config
        self._collisions = CollisionWorld(robot, config.padding, config.walls)
        self._loaded: Surroundings | None = None
        self.searches = 0

    @property
    def kinematics(self) -> ArmKinematics:
        """Of the robot."""
        return self._robot.kinematics

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

    def world(self, surroundings: Surroundings) -> CollisionWorld:
        """What the plans are checked against; good until another is asked for."""
        if self._loaded is not surroundings:
            self._collisions.load(surroundings)
            self._loaded = surroundings
        return self._collisions

    def touching(self, joints: Joints, surroundings: Surroundings) -> frozenset[Pair]:
        """See MotionPlanner."""
        return self.world(surroundings).pairs(joints)

    def plan(
        self,
        start: Joints,
        legs: Sequence[Leg],
        surroundings: Surroundings,
        speed_scale: float = 1.0,
    ) -> Trajectory:
        """See MotionPlanner."""
        world = self.world(surroundings)
        leaving = world.pairs(start)
        parts: list[Trajectory] = []
        for run in _runs(legs):
            at = parts[-1].end if parts else start
            if isinstance(run[0], Follow):
                parts.append(self._follow(at, run[0], world, leaving, speed_scale))
            else:
                parts.append(self._pass(at, run, world, leaving, speed_scale))
            leaving &= world.pairs(parts[-1].end)
        return Trajectory.joined(parts) if parts else Trajectory.rest(start)

    # Free legs and straight lines ----------------------------------------------------------------

    def _pass(
        self,
        start: Joints,
        legs: Sequence[Leg],
        world: CollisionWorld,
        leaving: frozenset[Pair],
        speed_scale: float,
    ) -> Trajectory:
        """One motion through legs that need not be stopped at."""
        pieces: list[Path] = []
        speeds: list[float] = []
        for leg in legs:
            at = pieces[-1][-1] if pieces else start
            if isinstance(leg, Free):
                blocked = world.pairs(leg.goal) - leaving
                if blocked:
                    raise NoPathError(f'the goal is blocked: {_names(blocked)}')
                pieces.append(np.stack([at, leg.goal]))
                speeds.append(self._limits.tool_speed)
            else:
                assert isinstance(leg, Straight)
                pieces.append(self._line(at, leg.goal))
                speeds.append(leg.speed)
        if max(motion_between(start, joints) for piece in pieces for joints in piece) < _NOTHING:
            return Trajectory.rest(start)
        window = round(self._config.rounding / _KNOT_STEP)
        found = self._rounded(pieces, speeds, window, world, leaving)
        if isinstance(found, frozenset):
            pieces = [
                self._detour(piece, world, leaving) if isinstance(leg, Free) else piece
                for leg, piece in zip(legs, pieces, strict=True)
            ]
            for half in (window, window // 3, 0):
                found = self._rounded(pieces, speeds, half, world, leaving)
                if not isinstance(found, frozenset):
                    break
            else:
                raise NoPathError(f'the way is blocked: {_names(found)}')
        curve, stations, limits = found
        return time_path(
            self.kinematics,
            curve,
            even_grids(stations[-1]),
            stations,
            limits,
            self._limits,
            speed_scale,
        )

    def _rounded(
        self,
        pieces: Sequence[Path],
        speeds: Sequence[float],
        half: int,
        world: CollisionWorld,
        leaving: frozenset[Pair],
    ) -> tuple[Curve, Vector, Vector] | frozenset[Pair]:
        """A curve along the pieces, with stations and the tool's speeds there; or what it touches.

        Args:
            half: so many points to each side of a corner it is rounded.
        """
        corners = np.concatenate([pieces[0][:1], *(piece[1:] for piece in pieces)])
        allowed = np.repeat(speeds, [len(piece) - 1 for piece in pieces])
        path, rate = spread(corners, np.concatenate([[np.inf], allowed]), _KNOT_STEP)
        smooth = round_corners(path, half)
        stations = stations_along(smooth)
        curve = spline(smooth, stations)
        contact = first_contact(world, self._dense(curve, stations, smooth), leaving)
        return (curve, stations, rate) if contact is None else contact

    def _dense(self, curve: Curve, stations: Vector, path: Path) -> Path:
        """Joint positions along a curve, as near to each other as they are to be checked.

        Args:
            path: of the curve at the stations.
        """
        tool = np.linalg.norm(np.diff(self.kinematics.positions(path), axis=0), axis=1)
        steps = np.maximum(tool, motions(path) / 2) / self._config.check_step
        passed = np.concatenate([[0.0], np.cumsum(steps)])
        even = np.linspace(0.0, passed[-1], int(np.ceil(passed[-1])) + 1)
        return curve(np.interp(even, passed, stations))

    def _detour(self, edge: Path, world: CollisionWorld, leaving: frozenset[Pair]) -> Path:
        """A free way from the one end of an edge (2, 6) to the other: straight, if that is free."""
        start, goal = edge
        step = self._config.check_step
        if first_contact(world, sample_edge(start, goal, step), leaving) is None:
            return edge
        self.searches += 1
        for attempt in range(self._config.rrt_tries):
            path = find_path(
                start,
                goal,
                lambda joints: not world.collides(joints, leaving),
                bounds=(self.kinematics.lower, self.kinematics.upper),
                reach=REACH,
                step=step * max(1, 4 >> attempt),
                iterations=self._config.rrt_iterations,
                seed=attempt + 1,
            )
            if path is None:
                continue
            edges = [sample_edge(a, b, step) for a, b in itertools.pairwise(path)]
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
        poses = np.tile(goal, (count, 1, 1))
        shares = np.linspace(0.0, 1.0, count + 1)[1:, None]
        poses[:, :3, 3] = first[:3, 3] + shares * (goal[:3, 3] - first[:3, 3])
        return self._reached(start, poses)

    def _reached(self, start: Joints, poses: NDArray[np.float64]) -> Path:
        """Joint positions (n + 1, 6) from the start through poses (n, 4, 4), without a jump."""
        path = [start]
        for pose in poses:
            joints = self.kinematics.closest(pose, path[-1])
            if np.abs(joints - path[-1]).max() > _MAX_JOINT_STEP:
                x, y, z = pose[:3, 3]
                raise NoPathError(
                    f'a straight line to x={x:.3f}, y={y:.3f}, z={z:.3f} m of base_link would '
                    'need the arm to fold over'
                )
            path.append(joints)
        return np.array(path)

    # Polylines -----------------------------------------------------------------------------------

    def _follow(
        self,
        start: Joints,
        leg: Follow,
        world: CollisionWorld,
        leaving: frozenset[Pair],
        speed_scale: float,
    ) -> Trajectory:
        """From where the tool is to the first pose of a polyline, and along it."""
        poses = np.concatenate([self.kinematics.forward(start)[None], leg.poses])
        way = blended(poses, _CUT, _FOLLOW_STEP)
        if way is None:
            return Trajectory.rest(start)
        path = self._reached(start, way.poses[1:])
        try:
            slopes = np.linalg.solve(self.kinematics.jacobians(path), way.slopes[:, :, None])
        except np.linalg.LinAlgError as error:
            raise NoPathError('the line goes through a position the arm cannot pass') from error
        curve = Curve(CubicHermiteSpline(way.stations, path, slopes[:, :, 0]), way.stations)
        contact = first_contact(world, self._dense(curve, way.stations, path), leaving)
        if contact is not None:
            raise NoPathError(f'the way is blocked: {_names(contact)}')
        ends = way.stations[[0, -1]]
        return time_path(
            self.kinematics,
            curve,
            (divided(way.stations, _FOLLOW_GRID / finer) for finer in (1, 2, 4)),
            ends,
            np.full(2, leg.speed),
            self._limits,
            speed_scale,
        )


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


def _runs(legs: Sequence[Leg]) -> list[list[Leg]]:
    """Legs that are passed without a stop; the arm rests at both ends of what it follows."""
    runs: list[list[Leg]] = []
    for leg in legs:
        if runs and not isinstance(leg, Follow) and not isinstance(runs[-1][0], Follow):
            runs[-1].append(leg)
        else:
            runs.append([leg])
    return runs


def _names(pairs: frozenset[Pair]) -> str:
    return ', '.join(f'{a} and {b}' for a, b in sorted(pairs))
