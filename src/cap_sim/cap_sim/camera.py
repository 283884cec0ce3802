"""Pictures of the cell: colour and metric depth by EGL, without a display or a GPU. No ROS.

MuJoCo renders with OpenGL, whose contexts belong to threads: make, use and close a View in one.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from mujoco.egl import GLContext
from numpy.typing import NDArray

from cap_sim.board import TEXTURE
from cap_sim.ink import Drawing

Rgb = NDArray[np.uint8]
Depth = NDArray[np.float32]

WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera in pixels, the centre of the first pixel being (0, 0) as in ROS."""

    width: int
    height: int
    focal: float
    center_x: float
    center_y: float


def intrinsics(width: int, height: int, fovy_deg: float) -> Intrinsics:
    """Of a MuJoCo camera: square pixels, the axis through the middle of the picture."""
    focal = height / 2 / np.tan(np.radians(fovy_deg) / 2)
    return Intrinsics(width, height, float(focal), (width - 1) / 2, (height - 1) / 2)


class View:
    """One camera of a model. One pass gives colour and depth; MuJoCo's own Renderer takes two."""

    def __init__(
        self, model: mujoco.MjModel, camera: str, width: int, height: int, *, pretty: bool
    ) -> None:
        """Open an offscreen buffer.

        Args:
            pretty: shadows and smooth edges, for people; several times the work.
        """
        self._model = model
        self._data = mujoco.MjData(model)
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        model.vis.quality.offsamples = 4 if pretty else 0
        self._context = GLContext(width, height)
        self._context.make_current()
        self._mjr = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._mjr)
        # Zero for far: float numbers are finest there, where depth needs it.
        self._mjr.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=500)
        for flag, on in (
            (mujoco.mjtRndFlag.mjRND_SHADOW, pretty),
            (mujoco.mjtRndFlag.mjRND_REFLECTION, False),
            (mujoco.mjtRndFlag.mjRND_HAZE, False),
            (mujoco.mjtRndFlag.mjRND_SKYBOX, pretty),
        ):
            self._scene.flags[flag] = on
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = model.camera(camera).id
        self._option = mujoco.MjvOption()
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._rgb = np.empty((height, width, 3), np.uint8)
        self._z = np.empty((height, width), np.float32)
        self._drawing: Drawing | None = None

    def render(
        self, qpos: NDArray[np.float64], drawing: Drawing | None = None
    ) -> tuple[Rgb, Depth]:
        """The cell at `qpos`, with `drawing` on its whiteboard.

        Returns:
            Colour (h, w, 3), and depth along the camera's axis (h, w) [m].
        """
        self._context.make_current()
        if drawing is not None and drawing is not self._drawing:
            self._show(drawing)
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(
            self._model, self._data, self._option, None, self._camera, everything, self._scene
        )
        mujoco.mjr_render(self._rect, self._scene, self._mjr)
        mujoco.mjr_readPixels(self._rgb, self._z, self._rect, self._mjr)
        return self._rgb[::-1].copy(), self._metric(self._z[::-1])

    def _show(self, drawing: Drawing) -> None:
        """Bring the ink into the board's texture."""
        texture = self._model.texture(TEXTURE)
        start = int(texture.adr[0])
        pixels = drawing.picture().ravel()
        self._model.tex_data[start : start + len(pixels)] = pixels
        mujoco.mjr_uploadTexture(self._model, self._mjr, texture.id)
        self._drawing = drawing

    def _metric(self, z: Depth) -> Depth:
        """Window depth, 1 at the near and 0 at the far plane, in metres."""
        extent = self._model.stat.extent
        near = np.float32(self._model.vis.map.znear * extent)
        far = np.float32(self._model.vis.map.zfar * extent)
        return np.asarray(near * far / (near + z * (far - near)), dtype=np.float32)

    def close(self) -> None:
        """Free the buffer."""
        self._context.make_current()
        self._mjr.free()
        self._context.free()
