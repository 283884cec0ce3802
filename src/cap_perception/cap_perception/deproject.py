"""Pixels and depth to points and back, for a pinhole camera without distortion."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix
from cap_perception.images import UnsupportedImageError
from cap_perception.types import CameraFrame, FloatImage, Mask

Points = NDArray[np.float64]


def deproject(pixels: Points, depth: NDArray[np.floating], intrinsics: Matrix) -> Points:
    """Points (N, 3) in the camera's optical frame [m] of pixels (N, 2), as (u, v), at a depth."""
    depth = np.asarray(depth, float)
    fx, fy, cx, cy = intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2], intrinsics[1, 2]
    x = (pixels[:, 0] - cx) / fx * depth
    y = (pixels[:, 1] - cy) / fy * depth
    return np.column_stack([x, y, depth])


def project(points_camera: Points, intrinsics: Matrix) -> Points:
    """Pixels (N, 2), as (u, v), of points (N, 3) in the camera's optical frame; z must be > 0."""
    return points_camera @ intrinsics[:2].T / points_camera[:, 2:3]


def workspace_rays(frame: CameraFrame) -> FloatImage:
    """Rays (H, W, 3): a pixel's point in workspace is depth * ray + the camera's position."""
    return _rays(
        frame.depth.shape,
        np.asarray(frame.intrinsics, float).tobytes(),
        np.asarray(frame.workspace_from_camera, float).tobytes(),
    )


@lru_cache(maxsize=4)
def _rays(shape: tuple[int, int], intrinsics: bytes, workspace_from_camera: bytes) -> FloatImage:
    """Kept, because the camera stands still and every frame needs them."""
    v, u = np.mgrid[: shape[0], : shape[1]].reshape(2, -1).astype(float)
    rays_camera = deproject(
        np.column_stack([u, v]), np.ones(u.size), np.frombuffer(intrinsics).reshape(3, 3)
    )
    rotation = np.frombuffer(workspace_from_camera).reshape(4, 4)[:3, :3]
    # In memory x, y and z lie apart: the heights, which every frame needs whole, are one block.
    rays = (rotation @ rays_camera.T).reshape(3, *shape).astype(np.float32)
    return rays.transpose(1, 2, 0)


def workspace_heights(frame: CameraFrame) -> FloatImage:
    """z in workspace (H, W) [m] of all pixels; NaN where nothing was measured."""
    heights: FloatImage = frame.depth * workspace_rays(frame)[..., 2]
    heights += np.float32(frame.workspace_from_camera[2, 3])
    return heights


def workspace_image(frame: CameraFrame, window: tuple[slice, slice] = np.s_[:, :]) -> FloatImage:
    """Points (h, w, 3) in workspace [m] of a window's pixels; NaN where nothing was measured."""
    points = np.empty((*frame.depth[window].shape, 3), np.float32)
    np.multiply(frame.depth[window][..., None], workspace_rays(frame)[window], out=points)
    points += frame.workspace_from_camera[:3, 3].astype(np.float32)
    return points


def workspace_points(frame: CameraFrame, mask: Mask) -> Points:
    """Points (N, 3) in workspace [m] of the pixels in a mask, in the order of np.nonzero."""
    at = np.flatnonzero(mask)
    rays = workspace_rays(frame).transpose(2, 0, 1).reshape(3, -1).take(at, axis=1).T
    return rays.astype(float) * frame.depth.ravel()[at, None] + frame.workspace_from_camera[:3, 3]


def window_points(frame: CameraFrame, window: tuple[slice, slice], mask: Mask) -> Points:
    """As `workspace_points`, of a mask (h, w) of a window of the frame."""
    rays = workspace_rays(frame)[window][mask].astype(float)
    depth = frame.depth[window][mask]
    return np.asarray(rays * depth[:, None] + frame.workspace_from_camera[:3, 3])


def pixels_of(frame: CameraFrame, points_workspace: Points) -> tuple[Points, Points]:
    """Pixels (N, 2) and depths (N,) that points (N, 3) in workspace have in the frame.

    Points behind the camera get NaN pixels.
    """
    camera, rotation = frame.workspace_from_camera[:3, 3], frame.workspace_from_camera[:3, :3]
    points_camera = (points_workspace - camera) @ rotation  # the inverse of a rigid transform
    depth = points_camera[:, 2].copy()
    points_camera[depth <= 1e-6] = np.nan
    return project(points_camera, frame.intrinsics), depth


def crop_to_box(frame: CameraFrame, low: Points, high: Points) -> CameraFrame:
    """The part of a frame that can show a box of workspace, from corner `low` to `high` [m].

    Only the principal point changes: all maths goes on as before, on fewer pixels.

    Raises:
        UnsupportedImageError: the box is out of the camera's sight.
    """
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1])
                        for z in (low[2], high[2])])  # fmt: skip
    pixels, depth = pixels_of(frame, corners)
    height, width = frame.depth.shape
    if (depth > 0).any() and not np.isfinite(pixels).all():
        return frame  # the camera stands in the box or beside it
    pixels = np.nan_to_num(pixels, nan=-1.0)
    u0, v0 = np.clip(np.floor(pixels.min(axis=0)), 0, (width, height)).astype(int)
    u1, v1 = np.clip(np.ceil(pixels.max(axis=0)) + 1, 0, (width, height)).astype(int)
    if u0 >= u1 or v0 >= v1:
        raise UnsupportedImageError(
            f'the camera does not see the region from {low.tolist()} to {high.tolist()}: '
            'look at its transform, and at region_low and region_high'
        )
    intrinsics = np.array(frame.intrinsics, float)
    intrinsics[:2, 2] -= (u0, v0)
    return replace(
        frame,
        rgb=frame.rgb[v0:v1, u0:u1],
        depth=frame.depth[v0:v1, u0:u1],
        intrinsics=intrinsics,
        origin=(frame.origin[0] + int(u0), frame.origin[1] + int(v0)),
    )


def denoise(frame: CameraFrame) -> CameraFrame:
    """Median of 3x3 colours and depths: it takes noise away and leaves edges where they are.

    Depths that were not measured become NaN.
    """
    depth = np.where(np.isfinite(frame.depth) & (frame.depth > 0), frame.depth, np.float32(1e3))
    depth = cv2.medianBlur(np.ascontiguousarray(depth, np.float32), 3)
    depth[depth > 100] = np.nan
    rgb = cv2.medianBlur(np.ascontiguousarray(frame.rgb), 3)
    return replace(frame, rgb=np.asarray(rgb, np.uint8), depth=np.asarray(depth, np.float32))
