"""What the camera sees at the place where an object is believed to be."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np

from cap_common.frames import Matrix, transform_points
from cap_perception.deproject import Points, pixels_of
from cap_perception.types import CameraFrame, FloatImage

_STEP = 0.015  # [m] of depth that is another surface
_EMPTY = 0.35  # share of the samples that must be seen through
_HIDDEN = 0.3  # share of the samples that must be covered


class Place(Enum):
    """Of an object's top surface."""

    OCCUPIED = 'occupied'  # something is there, at the object's own height
    HIDDEN = 'hidden'  # something nearer to the camera is in front
    EMPTY = 'empty'  # the camera sees through it


class PlaceChecker:
    """Checks places in one frame."""

    def __init__(self, frame: CameraFrame) -> None:
        self._frame = frame
        # The nearest in a 5x5 window: a rim is three pixels wide, and poses are a pixel off.
        self._near: FloatImage = np.asarray(
            cv2.erode(
                np.where(np.isnan(frame.depth), np.float32(1e3), frame.depth),
                np.ones((5, 5), np.uint8),
            ),
            np.float32,
        )

    def check(
        self, class_name: str, workspace_from_box: Matrix, size: tuple[float, float, float]
    ) -> Place:
        """What is at an object's place. Out of the picture counts as hidden."""
        samples = transform_points(workspace_from_box, _top_samples(class_name, size))
        pixels, depth = pixels_of(self._frame, samples)
        height, width = self._near.shape
        u, v = np.nan_to_num(np.rint(pixels), nan=-1.0).astype(int).T
        inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
        farther = np.full(len(samples), -np.inf)
        farther[inside] = self._near[v[inside], u[inside]] - depth[inside]
        farther[farther > 100] = -np.inf  # nothing measured: nothing known
        if np.mean(farther > _STEP) > _EMPTY:
            return Place.EMPTY
        return Place.HIDDEN if np.mean(farther < -_STEP) > _HIDDEN else Place.OCCUPIED


def _top_samples(class_name: str, size: tuple[float, float, float]) -> Points:
    """Points (N, 3) in the box's frame that its top surface has: a dish only its rim."""
    if class_name in ('bowl', 'plate'):
        angles = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
        across = 0.48 * np.column_stack([np.cos(angles), np.sin(angles)])
    else:
        steps = np.linspace(-0.35, 0.35, 5)
        across = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    top = np.full(len(across), 0.5 * size[2])
    return np.column_stack([across * size[:2], top])
