"""OMPL's RRTConnect over joint positions: ended by iterations, seeded per call, so repeatable."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from ompl import base, geometric, util

from cap_skills.model import Joints, Vector

util.setLogLevel(util.LogLevel.LOG_NONE)

# Room around start and goal that is searched, per joint [rad].
_ROOM = np.array([0.6, 1.0, 1.0, 1.0, 0.6, 0.6])
_RANGE_M = 0.4


def find_path(
    start: Joints,
    goal: Joints,
    valid: Callable[[Joints], bool],
    *,
    bounds: tuple[Vector, Vector],
    reach: Vector,
    step: float,
    iterations: int,
    seed: int,
) -> NDArray[np.float64] | None:
    """A polyline (n, 6) from start to goal, shortened; None if none was found.

    Args:
        bounds: joint ranges.
        reach: metres of motion per radian of each joint; the search measures distance in it.
        step: motion between two checks of an edge [m].
        seed: the same seed gives the same path.
    """
    low = np.maximum(bounds[0], np.minimum(start, goal) - _ROOM) * reach
    high = np.minimum(bounds[1], np.maximum(start, goal) + _ROOM) * reach
    util.RNG.setSeed(seed)
    space = base.RealVectorStateSpace(6)
    limits = base.RealVectorBounds(6)
    for joint in range(6):
        limits.setLow(joint, float(low[joint]))
        limits.setHigh(joint, float(high[joint]))
    space.setBounds(limits)
    setup = geometric.SimpleSetup(space)
    setup.setStateValidityChecker(
        lambda state: valid(np.array([state[joint] for joint in range(6)]) / reach)
    )
    information = setup.getSpaceInformation()
    information.setStateValidityCheckingResolution(step / space.getMaximumExtent())
    ends = []
    for joints in (start, goal):
        state = space.allocState()
        for joint in range(6):
            state[joint] = float(joints[joint] * reach[joint])
        ends.append(state)
    setup.setStartAndGoalStates(*ends)
    planner = geometric.RRTConnect(information)
    planner.setRange(_RANGE_M)
    setup.setPlanner(planner)
    setup.solve(base.PlannerTerminationCondition(_after(iterations)))
    if not setup.haveExactSolutionPath():
        return None
    path = setup.getSolutionPath()
    simplifier = geometric.PathSimplifier(information)
    simplifier.reduceVertices(path)
    simplifier.partialShortcutPath(path)
    simplifier.reduceVertices(path)
    states = (path.getState(index) for index in range(path.getStateCount()))
    found = np.array([[state[joint] for joint in range(6)] for state in states]) / reach
    found[0], found[-1] = start, goal
    return found


def _after(iterations: int) -> Callable[[], bool]:
    count = 0

    def done() -> bool:
        nonlocal count
        count += 1
        return count > iterations

    return done
