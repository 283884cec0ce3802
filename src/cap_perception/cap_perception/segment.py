"""From boxes to masks and back: which pixels of a detection are its own.

A detector that has boxes only leaves the rest to depth: in a box there are the thing, what lies
below it, and parts of its neighbours. What stands above the table is cut where depth jumps, and the
piece that fills the box best is the thing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from cap_perception.deproject import workspace_heights
from cap_perception.types import Box, CameraFrame, Detection, FloatImage, Mask

_JUMP = 0.012  # [m] of depth between neighbours that are not one surface
_MIN_PIXELS = 12
_CROSS = np.ones((3, 3), np.uint8)


def box_around(mask: Mask) -> Box:
    """The smallest box around a mask, (u0, v0, u1, v1) half open; of an empty one (0, 0, 0, 0)."""
    u, v, width, height = cv2.boundingRect(mask.view(np.uint8))
    return u, v, u + width, v + height


def box_iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def apart(detections: Iterable[Detection]) -> list[Detection]:
    """Detections whose masks do not overlap: a thing in a bowl is smaller, and its pixels are not
    the bowl's. What has no pixel of its own is left out.
    """
    found, taken = [], None
    for detection in sorted(detections, key=_size):
        mask = detection.mask
        if mask is not None:
            taken = np.zeros(mask.shape, bool) if taken is None else taken
            mask = mask & ~taken
            taken |= mask
            if not mask.any():
                continue
        found.append(replace(detection, mask=mask))
    return found


def with_masks(
    frame: CameraFrame, detections: Iterable[Detection], min_height: float
) -> list[Detection]:
    """Detections that all have masks; those whose box holds nothing that stands out are left out.

    Args:
        frame: denoised (`deproject.denoise`).
        min_height: z in workspace [m]; lower is the table.
    """
    detections = list(detections)
    if all(detection.mask is not None for detection in detections):
        return detections
    stands = workspace_heights(frame) > min_height
    taken = np.zeros(stands.shape, bool)
    for detection in detections:
        if detection.mask is not None:
            taken |= detection.mask
    found = [d for d in detections if d.mask is not None]
    # The smaller first, as in `apart`.
    for detection in sorted((d for d in detections if d.mask is None), key=_size):
        mask = mask_in_box(frame.depth, stands & ~taken, detection.box)
        if mask is not None:
            taken |= mask
            found.append(replace(detection, mask=mask))
    return found


def mask_in_box(depth: FloatImage, stands: Mask, box: Box) -> Mask | None:
    """The piece of what stands in a box that fills it best, (H, W); None: there is none.

    Args:
        depth: (H, W) [m].
        stands: (H, W), pixels above the table.
    """
    height, width = depth.shape
    u0, v0 = max(box[0], 0), max(box[1], 0)
    window = np.s_[v0 : min(box[3], height), u0 : min(box[2], width)]
    inside = stands[window]
    if inside.sum() < _MIN_PIXELS:
        return None
    near = cv2.erode(np.where(np.isnan(depth[window]), np.float32(1e3), depth[window]), _CROSS)
    pieces = inside & (depth[window] - near < _JUMP)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(pieces.view(np.uint8), connectivity=4)
    best, most = 0, 0.0
    for i in range(1, len(stats)):
        u, v, w, h, area = (int(n) for n in stats[i])
        iou = box_iou((u0 + u, v0 + v, u0 + u + w, v0 + v + h), box)
        if area >= _MIN_PIXELS and iou > most:
            best, most = i, iou
    if not best:
        return None
    mask = np.zeros(depth.shape, bool)
    mask[window] = labels == best
    return mask


def _size(detection: Detection) -> int:
    """Of its mask or, without one, of its box [px^2]."""
    if detection.mask is not None:
        return int(detection.mask.sum())
    u0, v0, u1, v1 = detection.box
    return (u1 - u0) * (v1 - v0)
