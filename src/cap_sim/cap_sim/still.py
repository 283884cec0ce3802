"""A cell in which nothing moves by itself: things and arm are put where they are wanted. No ROS.

For pictures and their tests: whoever holds the OpenGL context (see `camera`) makes, uses and closes
it in one thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from cap_common.palette import COLORS
from cap_description import ARM_JOINTS, cell_urdf, transform
from cap_sim.camera import HEIGHT, WIDTH, Depth, Rgb, View, intrinsics
from cap_sim.ink import Drawing
from cap_sim.layout import Layout
from cap_sim.parameters import Parameters
from cap_sim.world import OVERHEAD_CAMERA, TCP, build_model

Matrix = NDArray[np.float64]

# Arm joints with which the overhead camera sees nothing of it [rad].
OUT_OF_VIEW = (-np.pi / 2, -2.2, 2.0, -1.4, -np.pi / 2, 0.0)


class StillCell:
    """The world of a layout. Poses are workspace_from_object about the middle of a box, metres.

    Args:
        pretty: with shadows.
        drawing: what is on the whiteboard, which only a cell with a marker has; None: no board.
        paint: colours of some bodies, by name, instead of the layout's own, in which each colour
            comes once per kind.
    """

    def __init__(
        self,
        layout: Layout,
        parameters: Parameters,
        *,
        pretty: bool = False,
        drawing: Drawing | None = None,
        paint: Mapping[str, str] | None = None,
    ) -> None:
        self.layout = layout
        self.urdf = cell_urdf(tool='suction' if drawing is None else 'marker')
        self._drawing = drawing
        self.model = build_model(self.urdf, layout, parameters)
        for name, color in (paint or {}).items():
            of_body = self.model.geom_bodyid == self.model.body(name).id
            self.model.geom_rgba[of_body, :3] = np.array(COLORS[color]) / 255
        self.data = mujoco.MjData(self.model)
        self._world_from_workspace = transform(self.urdf, 'world', 'workspace')
        self._workspace_from_world = np.linalg.inv(self._world_from_workspace)
        self.workspace_from_camera = transform(
            self.urdf, 'workspace', 'overhead_camera_optical_frame'
        )
        k = intrinsics(WIDTH, HEIGHT, parameters.camera_fovy_deg)
        self.intrinsics = np.array([[k.focal, 0, k.center_x], [0, k.focal, k.center_y], [0, 0, 1]])
        self._view = View(self.model, OVERHEAD_CAMERA, WIDTH, HEIGHT, pretty=pretty)
        self.arm(OUT_OF_VIEW)

    def arm(self, joints: Sequence[float]) -> None:
        """Put the arm at joint angles [rad]."""
        self.joints = tuple(map(float, joints))
        self._hold_arm()
        mujoco.mj_forward(self.model, self.data)

    def _hold_arm(self) -> None:
        for name, angle in zip(ARM_JOINTS, self.joints, strict=True):
            self.data.joint(name).qpos, self.data.joint(name).qvel = angle, 0.0

    def tool(self) -> Matrix:
        """workspace_from_tcp."""
        pose = np.eye(4)
        site = self.data.site(TCP)
        pose[:3, :3], pose[:3, 3] = site.xmat.reshape(3, 3), site.xpos
        return np.asarray(self._workspace_from_world @ pose)

    def put(self, name: str, x: float, y: float, z: float, yaw: float = 0.0) -> None:
        """Put the centre of an object somewhere, upright."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        self.place(
            name, np.array([[cos, -sin, 0, x], [sin, cos, 0, y], [0, 0, 1, z], [0, 0, 0, 1.0]])
        )

    def place(self, name: str, workspace_from_object: Matrix) -> None:
        """Put an object somewhere."""
        pose = self._world_from_workspace @ workspace_from_object
        quat = np.empty(4)
        mujoco.mju_mat2Quat(quat, pose[:3, :3].ravel())
        self.data.joint(name).qpos = [*pose[:3, 3], *quat]
        self.data.joint(name).qvel = 0
        mujoco.mj_forward(self.model, self.data)

    def settle(self, steps: int = 400) -> None:
        """Let things fall, the arm held still."""
        for _ in range(steps):
            self._hold_arm()
            mujoco.mj_step(self.model, self.data)
        self._hold_arm()
        mujoco.mj_forward(self.model, self.data)

    def truth(self) -> dict[str, Matrix]:
        """workspace_from_object by name."""
        poses = {}
        for item in self.layout.objects:
            pose, body = np.eye(4), self.data.body(item.name)
            pose[:3, :3], pose[:3, 3] = body.xmat.reshape(3, 3), body.xpos
            poses[item.name] = np.asarray(self._workspace_from_world @ pose)
        return poses

    def picture(self) -> tuple[Rgb, Depth]:
        """Colour (H, W, 3) and depth along the optical axis (H, W) [m], without noise."""
        return self._view.render(self.data.qpos, self._drawing)

    def close(self) -> None:
        """Free the renderer's buffer."""
        self._view.close()
