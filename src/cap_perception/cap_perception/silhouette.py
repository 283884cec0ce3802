"""Where the camera sees the robot itself: what is there is no object. No ROS."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from cap_common.frames import transform_points
from cap_description import LinkTree, capsules
from cap_perception.deproject import project
from cap_perception.types import CameraFrame, Mask

# The arm moves between a picture and the nearest joint states, and its shapes are not exact [m].
_MARGIN = 0.015
# What is nearer to the camera than this is not drawn [m].
_NEAREST = 0.05


class Silhouette:
    """The outline of the moving links of a robot in a picture.

    Args:
        urdf: of the whole cell.
        workspace_frame: the frame of the camera's pose.

    Raises:
        LookupError: the URDF does not have that frame.
    """

    def __init__(self, urdf: str, workspace_frame: str) -> None:
        self._tree = LinkTree(urdf)
        moving = self._tree.moving()
        self._capsules = [capsule for capsule in capsules(urdf) if capsule.link in moving]
        poses = self._tree.poses({})
        if workspace_frame not in poses:
            raise LookupError(f'no frame {workspace_frame!r} in the URDF; it has {sorted(poses)}')
        self._workspace_from_root = np.linalg.inv(poses[workspace_frame])

    def mask(self, frame: CameraFrame, joints: Mapping[str, float]) -> Mask:
        """Pixels (H, W) in which the robot may be.

        Args:
            joints: positions by name [rad, m], when the picture was taken.
        """
        poses = self._tree.poses(joints)
        camera_from_root = np.linalg.inv(frame.workspace_from_camera) @ self._workspace_from_root
        drawn = np.zeros(frame.depth.shape, np.uint8)
        focal = float(frame.intrinsics[0, 0])
        for capsule in self._capsules:
            ends = transform_points(camera_from_root @ poses[capsule.link], capsule.ends)
            if (ends[:, 2] < _NEAREST).any():
                continue
            pixels = project(ends, frame.intrinsics)
            radii = focal * (capsule.radius + _MARGIN) / ends[:, 2]
            outline = np.concatenate(
                [_circle(pixel, radius) for pixel, radius in zip(pixels, radii, strict=True)]
            )
            hull = cv2.convexHull(outline.astype(np.float32))
            cv2.fillConvexPoly(drawn, np.rint(hull).astype(np.int32), 1)
        return drawn.astype(bool)


_TURNS = np.linspace(0.0, 2 * np.pi, 12, endpoint=False)
_RING = np.column_stack([np.cos(_TURNS), np.sin(_TURNS)]) / np.cos(np.pi / len(_TURNS))


def _circle(center: np.ndarray, radius: float) -> np.ndarray:
    """Corners (12, 2) of a polygon around a circle."""
    corners: np.ndarray = center + radius * _RING
    return corners
