"""The simulated cell as the skills' Robot, in one process and without ROS: for benchmarks.

Physics is stepped by whoever waits for it, so it runs as fast as the machine can.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cap_common.config import read_config
from cap_common.errors import RobotFaultError
from cap_common.frames import quaternion_from_matrix
from cap_description.cell import ARM_JOINTS, cell_urdf, transform
from cap_eval.state import ObjectState, WorldState
from cap_sim.arm import MotionState, Tolerances
from cap_sim.cell import Cell
from cap_sim.layout import Layout
from cap_sim.parameters import Parameters
from cap_sim.shapes import size_of
from cap_sim.trajectory import PreparedTrajectory, Waypoint
from cap_skills.arm import Arm
from cap_skills.model import GripperReading, Item, Joints, SceneView, Trajectory
from cap_skills.parameters import (
    SkillsParameters,
    make_drawing,
    make_hand,
    motion_limits,
    work_area,
)
from cap_skills.planner import EmbeddedPlanner
from cap_skills.robot import Check, Until
from cap_skills.robot_model import robot_model
from cap_skills.skills import Skills

# Physics steps between two looks at the sensors: 125 Hz, as over ROS.
_STEPS = 4
_STEP_S = 0.002


class CellRobot:
    """See cap_skills.robot.Robot."""

    def __init__(self, cell: Cell, parameters: Parameters) -> None:
        self._cell = cell
        self._tolerances = Tolerances(
            np.full(6, parameters.path_tolerance_rad),
            np.full(6, parameters.goal_tolerance_rad),
            parameters.goal_time_tolerance_s,
        )
        self._start_tolerance_rad = parameters.start_tolerance_rad

    def joints(self) -> Joints:
        """See Robot."""
        return self._cell.state().q

    def gripper(self) -> GripperReading:
        """See Robot."""
        state = self._cell.state()
        return GripperReading(-float(state.force[2]), state.tool.pressure_pa, state.tool.opening_m)

    def execute(self, trajectory: Trajectory, check: Check, until: Until | None = None) -> bool:
        """See Robot."""
        points = [
            Waypoint(float(at), tuple(q), tuple(qd))
            for at, q, qd in zip(
                trajectory.times, trajectory.positions, trajectory.velocities, strict=True
            )
        ]
        prepared = PreparedTrajectory(
            ARM_JOINTS, points, self._cell.limits, self._start_tolerance_rad
        )
        motion = self._cell.follow(prepared.join, self._tolerances)
        ended = False
        try:
            while not motion.ended.is_set():
                check()
                self._cell.step(_STEPS)
                if not ended and until is not None and until(self.gripper()):
                    ended = True
                    self._cell.brake(motion)
        except BaseException:
            self._cell.brake(motion)
            while not motion.ended.is_set():
                self._cell.step(_STEPS)
            raise
        if not ended and motion.state is not MotionState.SUCCEEDED:
            raise RobotFaultError(f'the motion ended as {motion.state.name}: {motion.text}')
        return ended or bool(until is not None and until(self.gripper()))

    def grip(self, opening: float, effort: float = 0.0) -> None:
        """See Robot."""
        self._cell.grip(opening, effort)

    def gripped(self, timeout_s: float, check: Check) -> bool:
        """See Robot."""
        return self._wait_until(self._cell.grip_settled, timeout_s, check)

    def wait(self, until: Until, timeout_s: float, check: Check) -> bool:
        """See Robot."""
        return self._wait_until(lambda: until(self.gripper()), timeout_s, check)

    def _wait_until(self, done: Callable[[], bool], timeout_s: float, check: Check) -> bool:
        for _ in range(round(timeout_s / (_STEPS * _STEP_S))):
            if done():
                return True
            check()
            self._cell.step(_STEPS)
        return done()


class BenchCell:
    """A cell, and skills that see it as it is.

    Args:
        config: folder of sim.yaml and skills.yaml.
        tool: suction, jaw or marker.
        robot_type, planner_type: such as note what they do.
        sim: the simulator's parameters; by default those of sim.yaml.
        cell_type: such as does more when it is stepped.
    """

    def __init__(
        self,
        layout: Layout,
        config: Path,
        tool: str = 'suction',
        robot_type: type[CellRobot] = CellRobot,
        planner_type: type[EmbeddedPlanner] = EmbeddedPlanner,
        *,
        sim: Parameters | None = None,
        cell_type: type[Cell] = Cell,
    ) -> None:
        self.urdf = urdf = cell_urdf(tool=tool)
        sim = sim or read_config(config / 'sim.yaml', 'sim', Parameters)
        self._parameters = read_config(
            config / 'skills.yaml', 'skills', SkillsParameters, robot_description=urdf
        )
        self.base_from_workspace = transform(urdf, 'base_link', 'workspace')
        self.cell = cell_type(urdf, sim, layout)
        robot = robot_model(urdf)
        self.limits = motion_limits(self._parameters, robot)
        self.planner = planner_type(robot, self.limits, self._parameters.planning)
        steps = self._parameters.steps
        hand = make_hand(self._parameters, robot)
        self.arm = Arm(robot_type(self.cell, sim), hand, self.planner, steps)
        self.skills = Skills(
            self.arm, self.scene, steps, work_area(self._parameters, self.base_from_workspace)
        )
        self.drawing = make_drawing(self._parameters, robot, self.arm, lambda: self.scene().items)

    def scene(self) -> SceneView:
        """What is there now, without error."""
        return SceneView(tuple(self._items()), 0.0)

    def world(self) -> WorldState:
        """The state to judge, in workspace."""
        return WorldState(
            tuple(
                ObjectState(
                    name=item.spec.name,
                    class_name=item.spec.kind,
                    color=item.spec.color,
                    position=tuple(item.pose[:3, 3]),
                    size=size_of(item.spec.kind),
                    orientation=quaternion_from_matrix(item.pose),
                )
                for item in self.cell.state().objects
            )
        )

    def item(self, name: str) -> Item:
        """One object as it is now."""
        return next(item for item in self._items() if item.name == name)

    def _items(self) -> list[Item]:
        return [
            self._parameters.item(
                state.spec.name,
                state.spec.kind,
                self.base_from_workspace @ state.pose,
                np.array(size_of(state.spec.kind)),
            )
            for state in self.cell.state().objects
        ]
