"""The thread that takes the pictures, so that physics never waits for one. No ROS."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from cap_sim.camera import HEIGHT, WIDTH, Depth, Rgb, View, intrinsics
from cap_sim.camera_noise import NoiseSource
from cap_sim.ink import Drawing
from cap_sim.parameters import Parameters
from cap_sim.world import OPERATOR_CAMERA, RGBD_FRAMES, WRIST_CAMERA

# The most urgent first.
_CAMERAS = (*RGBD_FRAMES, OPERATOR_CAMERA)
# Pictures give way to the physics, and to what brakes the arm.
_NICENESS = 10

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shot:
    """What to take a picture of: the cell as it was at one time."""

    epoch: int
    model: mujoco.MjModel
    time_s: float
    qpos: NDArray[np.float64]
    drawing: Drawing | None = None


class Photographer(threading.Thread):
    """Renders the newest shot asked for, of each camera; older ones that it had no time for go.

    Args:
        on_rgbd: called in this thread with camera, time [s], colour and depth, noise added.
        on_operator: called in this thread with time [s] and colour.
        on_error: called once with a text when no picture can be taken; the thread ends.
    """

    def __init__(
        self,
        parameters: Parameters,
        on_rgbd: Callable[[str, float, Rgb, Depth], None],
        on_operator: Callable[[float, Rgb], None],
        on_error: Callable[[str], None],
    ) -> None:
        super().__init__(name='photographer', daemon=True)
        self._parameters = parameters
        self._on_rgbd, self._on_operator, self._on_error = on_rgbd, on_operator, on_error
        self._noise: dict[str, NoiseSource] = {}
        self._wanted: dict[str, Shot] = {}
        self._condition = threading.Condition()
        self._closing = False
        self._views: dict[str, tuple[int, View]] = {}

    def take(self, camera: str, shot: Shot) -> None:
        """Ask for a picture; returns at once."""
        with self._condition:
            self._wanted[camera] = shot
            self._condition.notify()

    def close(self, timeout_s: float = 5.0) -> None:
        """End the thread."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self.join(timeout_s)

    def run(self) -> None:
        """Render until closed."""
        # A software renderer has threads of its own, which inherit this.
        me = os.PRIO_PROCESS, threading.get_native_id()
        os.setpriority(*me, max(_NICENESS, os.getpriority(*me)))  # less is for root alone
        try:
            while (wanted := self._next()) is not None:
                self._render(*wanted)
            for _, view in self._views.values():
                view.close()
        except Exception as error:
            _LOG.exception('no pictures any more')
            self._on_error(f'the camera cannot render: {error}')

    def _next(self) -> tuple[str, Shot] | None:
        with self._condition:
            # The pause only bounds the wait; take() and close() end it.
            while not self._wanted and not self._closing:
                self._condition.wait(1.0)
            if self._closing:
                return None
            camera = next(camera for camera in _CAMERAS if camera in self._wanted)
            return camera, self._wanted.pop(camera)

    def _render(self, camera: str, shot: Shot) -> None:
        rgb, depth = self._view(camera, shot).render(shot.qpos, shot.drawing)
        if camera == OPERATOR_CAMERA:
            self._on_operator(shot.time_s, rgb)
        else:
            self._on_rgbd(camera, shot.time_s, *self._noise_of(camera).apply(rgb, depth))

    def _noise_of(self, camera: str) -> NoiseSource:
        """Made when it is first needed: few have a use for all cameras."""
        if camera not in self._noise:
            p = self._parameters
            focal = intrinsics(WIDTH, HEIGHT, p.camera_fovy_deg).focal
            seed = p.seed + _CAMERAS.index(camera)
            noise = p.wrist_camera_noise if camera == WRIST_CAMERA else p.camera_noise
            self._noise[camera] = NoiseSource(noise, focal, seed)
        return self._noise[camera]

    def _view(self, camera: str, shot: Shot) -> View:
        """The camera's view of the shot's model; another one after a reset."""
        epoch, view = self._views.get(camera, (-1, None))
        if view is None or epoch != shot.epoch:
            if view is not None:
                view.close()
            p = self._parameters
            pretty = camera == OPERATOR_CAMERA
            size = (p.operator_width, p.operator_height) if pretty else (WIDTH, HEIGHT)
            view = View(shot.model, camera, *size, pretty=pretty)
            self._views[camera] = (shot.epoch, view)
        return view
