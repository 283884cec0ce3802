"""A cell on the bench: stepped by the test, its arm driven by tool poses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ur_analytic_ik import ur5e

from cap_common.config import read_config
from cap_description import ARM_JOINTS, cell_urdf, transform
from cap_sim.arm import Motion, Tolerances
from cap_sim.cell import Cell, CellState
from cap_sim.layout import Layout, ObjectSpec
from cap_sim.parameters import Parameters
from cap_sim.trajectory import PreparedTrajectory, Waypoint

CONFIG = Path(__file__).parents[3] / 'config' / 'sim.yaml'
_BASE_FROM_BASE_LINK = np.diag([-1.0, -1.0, 1.0, 1.0])


def load_parameters() -> Parameters:
    return read_config(CONFIG, 'sim', Parameters)


class Bench:
    """Cell with a driver. Positions are base_link, metres.

    Args:
        xacro_args: of the cell's description, such as `tool`.
    """

    def __init__(self, *objects: ObjectSpec, **xacro_args: str | float) -> None:
        self.urdf = cell_urdf(**xacro_args)
        self.cell = Cell(self.urdf, load_parameters(), Layout(objects))
        self.worst_error = 0.0

    @property
    def state(self) -> CellState:
        return self.cell.state()

    def move_joints(self, goal: np.ndarray, seconds: float, path_rad: float = 0.1) -> Motion:
        """Start a rest-to-rest cubic."""
        return self.cell.follow(
            PreparedTrajectory(
                ARM_JOINTS, [Waypoint(seconds, tuple(goal), (0.0,) * 6)], self.cell.limits, 0.05
            ).join,
            Tolerances(np.full(6, path_rad), np.full(6, 0.005), 1.0),
        )

    def finish(self, motion: Motion, steps: int = 10_000) -> Motion:
        """Step until it has ended; remember the worst tracking error [rad]."""
        self.worst_error = 0.0
        for _ in range(steps):
            if motion.ended.is_set():
                return motion
            self.cell.step(1)
            error = np.abs(self.cell.reference().q - self.state.q).max()
            self.worst_error = max(self.worst_error, float(error))
        raise AssertionError(f'the motion has not ended after {steps} steps')

    def tool_down(
        self, x: float, y: float, z: float, seconds: float = 0.6, yaw: float = 0.0
    ) -> Motion:
        """Drive the tool's tip to a point, pointing down, its x axis at `yaw`; in joint space."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        pose = np.array([[cos, sin, 0, x], [sin, -cos, 0, y], [0, 0, -1, z], [0, 0, 0, 1.0]])
        return self.finish(self.move_joints(self.joints_at(pose), seconds))

    def joints_at(
        self, base_from_tool: np.ndarray, near: np.ndarray | None = None, frame: str = 'tcp'
    ) -> np.ndarray:
        """Joint positions with a frame of the tool there, those nearest to where the arm is."""
        near = self.cell.reference().q if near is None else near
        base_from_tool0 = base_from_tool @ np.linalg.inv(transform(self.urdf, 'tool0', frame))
        solutions = [
            near + (np.ravel(q) - near + np.pi) % (2 * np.pi) - np.pi
            for q in ur5e.inverse_kinematics(_BASE_FROM_BASE_LINK @ base_from_tool0)
        ]
        return min(solutions, key=lambda q: np.abs(q - near).max())

    def grip(self, gap: float, effort: float = 0.0, steps: int = 1000) -> None:
        """Command the fingers and wait until they are still."""
        self.cell.grip(gap, effort)
        for _ in range(steps):
            self.cell.step(1)
            if self.cell.grip_settled():
                return
        raise AssertionError(f'the fingers still move after {steps} steps')

    def body(self, name: str) -> np.ndarray:
        """Position and quaternion (w, x, y, z) of an object, (7,)."""
        return self.cell._data.joint(name).qpos.copy()

    def put(self, name: str, *position: float) -> None:
        """Put an object where a test begins."""
        self.cell._data.joint(name).qpos[:3] = position


@pytest.fixture
def bench() -> Callable[..., Bench]:
    return Bench


@pytest.fixture
def parameters() -> Parameters:
    return load_parameters()


@pytest.fixture
def config_folder() -> Path:
    return CONFIG.parent
