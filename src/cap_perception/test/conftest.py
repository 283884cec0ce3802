"""A cell that stands still: the simulator's world with things and arm put where a test wants them,
and the pictures that its overhead camera takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from cap_common.config import read_config
from cap_description import ARM_JOINTS, cell_urdf, transform
from cap_perception.detector import make_detector
from cap_perception.parameters import PerceptionParameters
from cap_perception.pipeline import Pipeline
from cap_perception.types import CameraFrame
from cap_sim.camera import HEIGHT, WIDTH, View, intrinsics
from cap_sim.ink import Drawing
from cap_sim.layout import Layout, ObjectSpec
from cap_sim.parameters import Parameters
from cap_sim.world import OVERHEAD_CAMERA, build_model

CONFIG = Path(__file__).parents[3] / 'config' / 'perception.yaml'
SIM = read_config(CONFIG.with_name('sim.yaml'), 'sim', Parameters)
FOVY_DEG = SIM.camera_fovy_deg
OUT_OF_VIEW = (-np.pi / 2, -2.2, 2.0, -1.4, -np.pi / 2, 0.0)
FRAME_NS = 100_000_000


class Clock:
    """Stands still unless a test moves it [s]."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Cell:
    """The world of a layout. Poses are workspace_from_object, metres.

    Args:
        pretty: with shadows.
        drawing: what is on the whiteboard; None: there is none.
    """

    def __init__(
        self, layout: Layout, *, pretty: bool = False, drawing: Drawing | None = None
    ) -> None:
        self.layout = layout
        self.urdf = cell_urdf(tool='suction' if drawing is None else 'marker')
        self._drawing = drawing
        self.model = build_model(self.urdf, layout, SIM)
        self.data = mujoco.MjData(self.model)
        self._base_from_workspace = transform(self.urdf, 'world', 'workspace')
        self.workspace_from_camera = transform(
            self.urdf, 'workspace', 'overhead_camera_optical_frame'
        )
        self._view = View(self.model, OVERHEAD_CAMERA, WIDTH, HEIGHT, pretty=pretty)
        self._rng = np.random.default_rng(0)
        self.stamp_ns = 0
        self.arm(OUT_OF_VIEW)

    def arm(self, joints: tuple[float, ...]) -> None:
        """Put the arm at joint angles [rad]."""
        self._joints = joints
        for name, angle in zip(ARM_JOINTS, joints, strict=True):
            self.data.joint(name).qpos = angle
        mujoco.mj_forward(self.model, self.data)

    def hand_over(self, x: float, y: float, z: float) -> None:
        """Put the arm so that the tool points down above (x, y), its cup's face at z."""
        best = min(
            (
                (self._miss((x, y, z), pan, lift, elbow), (pan, lift, elbow))
                for pan in np.linspace(-1.6, 1.6, 33)
                for lift in np.linspace(-2.4, -0.6, 19)
                for elbow in np.linspace(0.4, 2.6, 23)
            ),
            key=lambda pair: pair[0],
        )
        self._miss((x, y, z), *best[1])

    def _miss(self, xyz: tuple[float, ...], pan: float, lift: float, elbow: float) -> float:
        joints = (pan, lift, elbow, -np.pi / 2 - lift - elbow, -np.pi / 2, 0.0)
        for name, angle in zip(ARM_JOINTS, joints, strict=True):
            self.data.joint(name).qpos = angle
        mujoco.mj_kinematics(self.model, self.data)
        self._joints = joints
        cup = self.data.body('cup_link').xpos
        return float(np.linalg.norm(cup - (self._base_from_workspace @ [*xyz, 1])[:3]))

    def put(self, name: str, x: float, y: float, z: float, yaw: float = 0.0) -> None:
        """Put the centre of an object somewhere."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        pose = np.array([[cos, -sin, 0, x], [sin, cos, 0, y], [0, 0, 1, z], [0, 0, 0, 1.0]])
        base_from_object = self._base_from_workspace @ pose
        quat = np.empty(4)
        mujoco.mju_mat2Quat(quat, base_from_object[:3, :3].ravel())
        self.data.joint(name).qpos = [*base_from_object[:3, 3], *quat]
        self.data.joint(name).qvel = 0
        mujoco.mj_forward(self.model, self.data)

    def settle(self, steps: int = 400) -> None:
        """Let things fall, the arm held still."""
        for _ in range(steps):
            for name, angle in zip(ARM_JOINTS, self._joints, strict=True):
                self.data.joint(name).qpos, self.data.joint(name).qvel = angle, 0
            mujoco.mj_step(self.model, self.data)

    def truth(self) -> dict[str, np.ndarray]:
        """workspace_from_object by name."""
        poses = {}
        for item in self.layout.objects:
            pose = np.eye(4)
            pose[:3, :3] = self.data.body(item.name).xmat.reshape(3, 3)
            pose[:3, 3] = self.data.body(item.name).xpos
            poses[item.name] = np.linalg.inv(self._base_from_workspace) @ pose
        return poses

    def frame(self, color_sigma: float = 3.0, depth_sigma: float = 0.003) -> CameraFrame:
        """The next picture, a tenth of a second after the last, with noise."""
        rgb, depth = self._view.render(self.data.qpos, self._drawing)
        rgb = np.clip(rgb + self._rng.normal(0, color_sigma, rgb.shape), 0, 255).astype(np.uint8)
        depth = (depth + self._rng.normal(0, depth_sigma, depth.shape)).astype(np.float32)
        k = intrinsics(WIDTH, HEIGHT, FOVY_DEG)
        matrix = np.array([[k.focal, 0, k.center_x], [0, k.focal, k.center_y], [0, 0, 1.0]])
        self.stamp_ns += FRAME_NS
        return CameraFrame(rgb, depth, matrix, self.workspace_from_camera, self.stamp_ns)

    def close(self) -> None:
        self._view.close()


@pytest.fixture
def cell() -> Iterator[Callable[..., Cell]]:
    """Makes cells: from a Layout, or from ObjectSpecs."""
    made: list[Cell] = []

    def make(*things: ObjectSpec, layout: Layout | None = None, **how: Any) -> Cell:
        # Freed before the next is made: each holds a buffer of the renderer.
        while made:
            made.pop().close()
        made.append(Cell(layout or Layout(tuple(things)), **how))
        return made[-1]

    yield make
    while made:
        made.pop().close()


@pytest.fixture(scope='session')
def parameters() -> PerceptionParameters:
    """As config/perception.yaml has them."""
    return read_config(CONFIG, 'perception', PerceptionParameters)


@pytest.fixture
def pipeline(parameters: PerceptionParameters) -> Pipeline:
    """As the node makes it."""
    return Pipeline(make_detector(parameters.detector, parameters), parameters)
