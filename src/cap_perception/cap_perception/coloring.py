"""Colours of what was looked for without one: those that most of its pixels have. No ROS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from cap_common.palette import COLORS
from cap_perception.color_table import NO_COLOR, ColorTable
from cap_perception.types import ByteImage, CameraFrame, Detection, Mask

_MIN_SHARE = 0.3  # of a thing's pixels; lights and shadows have the rest


def with_colors(
    frame: CameraFrame, detections: Iterable[Detection], max_distance: float
) -> list[Detection]:
    """Detections with the colours that their phrases, or else their pixels, have.

    Args:
        detections: with masks.
        max_distance: CIELAB distance beyond which a pixel has no colour name.
    """
    return [
        detection
        if detection.color or detection.mask is None
        else replace(detection, color=color_of(frame.rgb, detection.mask, max_distance))
        for detection in detections
    ]


def color_of(rgb: ByteImage, mask: Mask, max_distance: float) -> str:
    """The colour of the palette that most pixels of a mask have; '' if only a few have it."""
    table = _table(max_distance)
    labels = table.classify(rgb[mask])
    counts = np.bincount(labels, minlength=NO_COLOR + 1)[:NO_COLOR]
    best = int(counts.argmax())
    return table.names[best] if counts[best] > _MIN_SHARE * len(labels) else ''


@lru_cache(maxsize=1)
def _table(max_distance: float) -> ColorTable:
    return ColorTable(COLORS, max_distance)
