"""Random pick_places and stacks on the simulated cell, judged and timed: what `bench hands` runs.

Poses are exact: this measures skills, motion and physics, not the camera. No ROS.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cap_bringup.cell_robot import BenchCell
from cap_bringup.collision_replay import CollisionReplay, samples
from cap_bringup.recorded import Plan, RecordedPlanner, RecordedRobot
from cap_common.errors import CapError
from cap_common.frames import transform_points
from cap_eval.relations import HEIGHT_TOLERANCE, UNMOVED, disturbed, in_bowl, on_table
from cap_eval.state import ObjectState, WorldState, distance_xy
from cap_sim.cell import PhysicsError
from cap_sim.layout import Layout, random_layout
from cap_skills.call import Call
from cap_skills.collision import CollisionWorld
from cap_skills.model import Free, Joints, Place, Straight, Vector
from cap_skills.planner import EmbeddedPlanner
from cap_skills.timing import MotionLimits

# How far off its spot a block may come to rest [m], and off the axis of its stack.
AT_SPOT = 0.02
OFF_AXIS = 0.01
STACK = 4
# Where free spots are drawn, in workspace [m]: within the arm's reach, tool down.
SPOTS_LOW, SPOTS_HIGH = np.array([-0.25, -0.70]), np.array([0.25, -0.28])
# Free between a block that is put down and the things around it [m]: room for the gripper.
_GAP = 0.03
_DRAWS = 1000
_SETTLE_STEPS = 500
# Free motions shorter than this say nothing of the speed of free motion [rad].
_LEAST_TURN = 0.1


@dataclass(frozen=True)
class FreeMotion:
    """A leg through free space, of a motion that was executed.

    Both ratios are to the time from rest to rest, straight in joint space, if the joints' limits of
    speed and acceleration were all that there is.

    Attributes:
        ratio: of its time within the motion, which may pass its ends without a stop.
        alone: of its time when it is planned from rest to rest.
        carrying: whether something was held.
    """

    ratio: float
    alone: float
    carrying: bool


@dataclass
class Trial:
    """One pick_place.

    Attributes:
        what: was to be put where.
        why: it failed; empty: it is as it should be.
        error_m: distance from the spot that was asked for [m]; None: it was a bowl, or never there.
        wall_s, cpu_s: of planning, all segments.
        searches: legs whose straight joint path was not free.
        motions: that were executed.
        collisions: that the replay found in them, a text each.
    """

    what: str
    why: str = ''
    error_m: float | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    searches: int = 0
    motions: int = 0
    free_motions: list[FreeMotion] = field(default_factory=list)
    collisions: list[str] = field(default_factory=list)


class HandsBench:
    """One world, and what is done in it.

    Args:
        config: folder of sim.yaml and skills.yaml.
    """

    def __init__(self, layout: Layout, config: Path, tool: str) -> None:
        self._bench = BenchCell(layout, config, tool, RecordedRobot, RecordedPlanner)
        planner, robot = self._bench.planner, self._bench.arm.robot
        assert isinstance(planner, RecordedPlanner)
        assert isinstance(robot, RecordedRobot)
        self._planner, self._robot = planner, robot
        self._replay = CollisionReplay(self._bench.cell.model)
        self._settle()

    def world(self) -> WorldState:
        """The state to judge, in workspace."""
        return self._bench.world()

    def random_trials(self, seed: int, count: int) -> Iterator[Trial]:
        """So many random pick_places; fewer after a failure, or where there is no room."""
        rng = np.random.default_rng(seed)
        for _ in range(count):
            trial = self._random_trial(rng)
            if trial is None:
                return
            yield trial
            if trial.why:
                return

    def _random_trial(self, rng: np.random.Generator) -> Trial | None:
        """A block into an empty bowl, or onto a free spot of the table; None: there is neither."""
        world = self.world()
        block = world.blocks[rng.integers(len(world.blocks))]
        bowls = [
            bowl for bowl in world.bowls if not any(in_bowl(each, bowl) for each in world.blocks)
        ]
        xy = free_spot(rng, block, world)
        if bowls and (xy is None or rng.random() < 0.5):
            bowl = bowls[rng.integers(len(bowls))]
            trial = self._pick_place(block.name, bowl.name, Place(bowl.name))
            if not trial.why and not in_bowl(*self._now(block.name, bowl.name)):
                trial.why = f'it does not lie in the bowl: {self._where(block.name)}'
        elif xy is not None:
            trial = self._pick_place(block.name, f'x={xy[0]:.3f}, y={xy[1]:.3f}', self._point(xy))
            if not trial.why:
                (now,) = self._now(block.name)
                trial.error_m = distance_xy(now, xy)
                if trial.error_m > AT_SPOT or not on_table(now):
                    trial.why = f'it does not lie there: {self._where(block.name)}'
        else:
            return None
        trial.why = trial.why or '; '.join(
            disturbed(world, self.world(), frozenset({block.name}), UNMOVED)
        )
        return trial

    def stack(self, seed: int) -> tuple[list[Trial], str]:
        """STACK blocks on each other; returns what was done, and why it does not stand."""
        blocks, rng = self.world().blocks, np.random.default_rng(seed)
        names = [blocks[index].name for index in rng.permutation(len(blocks))[:STACK]]
        trials = []
        for lower, upper in itertools.pairwise(names):
            trials.append(self._pick_place(upper, lower, Place(lower)))
            if trials[-1].why:
                return trials, trials[-1].why
        return trials, stack_fault(self._now(*names))

    def check_us(self, count: int = 2000) -> float:
        """Median CPU time of one state validity check [us].

        Asked of the joint positions of the last motions, one block held, all other objects there.
        """
        states = [
            joints for each in self._robot.executed
            for joints in samples(each.trajectory, each.seconds)[1]
        ]  # fmt: skip
        around = next(
            plan.surroundings for plan in self._planner.plans if plan.surroundings.held is not None
        )
        return time_checks(self._planner.world(around), states[:count])

    def _pick_place(self, block: str, where: str, target: Place) -> Trial:
        trial = Trial(f'{block} to {where}')
        searches = self._planner.searches
        self._planner.clear()
        self._robot.executed.clear()
        try:
            self._bench.skills.pick_place(Place(block), target, Call(_quiet, _quiet))
            self._settle()
        except (CapError, PhysicsError) as error:
            trial.why = f'{type(error).__name__}: {error}'
        trial.wall_s, trial.cpu_s = self._planner.wall_s, self._planner.cpu_s
        trial.searches = self._planner.searches - searches
        trial.free_motions = [
            motion
            for plan in self._planner.plans.copy()
            for motion in free_motions(plan, self._planner, self._bench.limits)
        ]
        trial.motions = len(self._robot.executed)
        plans = {id(plan.trajectory): plan for plan in self._planner.plans}
        trial.collisions = [
            str(collision)
            for executed in self._robot.executed
            for collision in self._replay.collisions(
                executed, plans[id(executed.trajectory)].surroundings.ignore
            )
        ]
        return trial

    def _point(self, xy: Vector) -> Place:
        x, y, z = transform_points(self._bench.base_from_workspace, np.array([*xy, 0.0]))
        return Place(position=(float(x), float(y), float(z)))

    def _now(self, *names: str) -> list[ObjectState]:
        world = self.world()
        return [world.get(name) for name in names]

    def _where(self, name: str) -> str:
        (now,) = self._now(name)
        return 'x={:.3f}, y={:.3f}, z={:.3f} m'.format(*now.position)

    def _settle(self) -> None:
        self._bench.cell.step(_SETTLE_STEPS)


def world_of(seed: int, blocks: int, bowls: int, config: Path, tool: str) -> HandsBench:
    """The world that a seed draws."""
    return HandsBench(random_layout(seed, blocks, bowls), config, tool)


def free_spot(rng: np.random.Generator, block: ObjectState, world: WorldState) -> Vector | None:
    """A point of the table, (2,) in workspace, with room for a block and the gripper around it."""
    others = [each for each in world.objects if each.name != block.name]
    radius = _radius(block)
    for _ in range(_DRAWS):
        xy: Vector = rng.uniform(SPOTS_LOW, SPOTS_HIGH)
        if all(distance_xy(each, xy) > radius + _radius(each) + _GAP for each in others):
            return xy
    return None


def _radius(each: ObjectState) -> float:
    width, depth, _ = each.size
    return float(np.hypot(width, depth)) / 2 if each.class_name == 'block' else width / 2


def stack_fault(blocks: list[ObjectState]) -> str:
    """Why blocks, from the lowest up, do not stand as a stack; empty: they do."""
    lowest = blocks[0]
    for number, block in enumerate(blocks):
        away = distance_xy(block, lowest)
        due = block.size[2] * number
        if away > OFF_AXIS or abs(block.bottom - due) > HEIGHT_TOLERANCE:
            return (
                f'the {block.name}, number {number + 1}, is {away * 1000:.0f} mm off the axis, '
                f'{(block.bottom - due) * 1000:.0f} mm off its height'
            )
    return ''


def free_motions(
    plan: Plan, planner: EmbeddedPlanner, limits: MotionLimits
) -> Iterator[FreeMotion]:
    """The free legs of a plan, from where the motion is nearest to their start to their end."""
    trajectory = plan.trajectory
    tools = planner.kinematics.positions(trajectory.positions)
    first = 0
    for leg in plan.legs:
        if isinstance(leg, Free):
            away = np.abs(trajectory.positions - leg.goal).max(axis=1)
        else:
            goal = leg.goal if isinstance(leg, Straight) else leg.poses[-1]
            away = np.linalg.norm(tools - goal[:3, 3], axis=1)
        last = first + int(away[first:].argmin())
        start, end = trajectory.positions[first], trajectory.positions[last]
        if isinstance(leg, Free) and np.abs(end - start).max() > _LEAST_TURN:
            alone = planner.plan(start, [Free(end)], plan.surroundings, plan.speed_scale)
            limit_s = joint_limit_s(start, end, limits)
            yield FreeMotion(
                ratio=float(trajectory.times[last] - trajectory.times[first]) / limit_s,
                alone=alone.duration / limit_s,
                carrying=plan.surroundings.held is not None,
            )
        first = last


def joint_limit_s(start: Joints, goal: Joints, limits: MotionLimits) -> float:
    """Time from rest to rest if joints' speeds and accelerations alone limit it: the slowest's."""
    way = np.abs(goal - start)
    to_speed = limits.velocity**2 / limits.acceleration
    slow = 2 * np.sqrt(way / limits.acceleration)
    fast = way / limits.velocity + limits.velocity / limits.acceleration
    return float(np.where(way < to_speed, slow, fast).max())


def time_checks(world: CollisionWorld, states: list[Joints]) -> float:
    """CPU time of one check [us]: the median of ten rounds."""
    rounds = []
    for _ in range(10):
        start = time.thread_time()
        for joints in states:
            world.collides(joints)
        rounds.append(time.thread_time() - start)
    return float(np.median(rounds)) / len(states) * 1e6


def _quiet(*_: object) -> None:
    """Nothing ends a call, and nobody hears of its steps."""
