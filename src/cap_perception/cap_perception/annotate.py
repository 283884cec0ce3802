"""A picture with what was made of it, for people. No ROS."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cap_perception.types import ByteImage, SceneObject

_OUTLINE, _BOX, _TEXT, _BEHIND = (0, 255, 0), (255, 255, 255), (255, 255, 255), (0, 0, 0)
_FONT, _SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.4


def annotated(rgb: ByteImage, things: Sequence[SceneObject]) -> ByteImage:
    """A copy of (H, W, 3) with box, outline, name and confidence of what is seen in it."""
    picture = np.ascontiguousarray(rgb).copy()
    for thing in things:
        if thing.pixels is None:
            continue
        u0, v0, u1, v1 = thing.pixels
        cv2.rectangle(picture, (u0, v0), (u1 - 1, v1 - 1), _BOX)
        if thing.mask is not None:
            outlines, _ = cv2.findContours(
                thing.mask.astype(np.uint8),
                cv2.RETR_EXTERNAL,
                cv2.CHAIN_APPROX_NONE,
                offset=(u0, v0),
            )
            cv2.drawContours(picture, outlines, -1, _OUTLINE)
        _label(picture, f'{thing.name} {thing.confidence:.2f}', u0, v0)
    return picture


def _label(picture: ByteImage, text: str, u: int, v: int) -> None:
    """White on black above a corner, or below it at the picture's edge."""
    (width, height), base = cv2.getTextSize(text, _FONT, _SCALE, 1)
    bottom = v - 2 if v > height + base + 2 else v + height + base + 2
    left = min(u, max(0, picture.shape[1] - width))
    cv2.rectangle(
        picture, (left, bottom - height - base), (left + width, bottom), _BEHIND, cv2.FILLED
    )
    cv2.putText(picture, text, (left, bottom - base), _FONT, _SCALE, _TEXT, 1, cv2.LINE_AA)
