"""What the outputs of detection models mean, in numpy: boxes, phrases of tokens, masks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cap_perception.types import ByteImage, FloatImage, Mask

Floats = NDArray[np.floating]
Span = tuple[int, int]


def corners(boxes: Floats, width: float, height: float) -> Floats:
    """Boxes (N, 4) as u0, v0, u1, v1 [px] of boxes as centre and size, relative to the picture."""
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.hstack([centre - half, centre + half]) * (width, height, width, height)


def caption(phrases: Sequence[str]) -> tuple[str, list[Span]]:
    """One text with all phrases, 'red block. bowl.', and the characters of each in it."""
    text, spans = '', []
    for phrase in phrases:
        begin = len(text) + (1 if text else 0)
        text += f'{" " if text else ""}{phrase}.'
        spans.append((begin, begin + len(phrase)))
    return text, spans


def tokens_of(offsets: Sequence[Sequence[int]], spans: Sequence[Span], length: int) -> Mask:
    """Which tokens belong to which phrase, (P, length).

    Args:
        offsets: the characters of each token; none, as (0, 0), of special ones.
        spans: the characters of each phrase.
        length: number of tokens that the model has scores for.
    """
    belongs = np.zeros((len(spans), length), bool)
    for i, (begin, end) in enumerate(offsets[:length]):
        for j, (first, last) in enumerate(spans):
            belongs[j, i] = begin < end and begin < last and end > first
    return belongs


def best_of_overlapping(boxes: Floats, scores: Floats, max_overlap: float) -> NDArray[np.int_]:
    """Non-maximum suppression: which of the boxes (N, 4) to keep, the best first.

    Args:
        scores: (N,), not below 0; what has 0 goes, too.
        max_overlap: intersection over union beyond which the lower score goes.
    """
    if not len(boxes):
        return np.zeros(0, int)
    corner_and_size = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(float)
    kept = cv2.dnn.NMSBoxes(
        corner_and_size.tolist(), np.asarray(scores, float).tolist(), 0.0, max_overlap
    )
    return np.asarray(kept, int).reshape(-1)


def pasted(mask: Floats, box: Floats, shape: tuple[int, int], threshold: float = 0.5) -> Mask:
    """A mask (H, W) of the picture from a small one (h, w) that fills a box.

    Between the small mask's samples, at the middles of its cells, it is linear; outside it is 0.

    Args:
        box: u0, v0, u1, v1 [px].
        shape: (H, W).
    """
    rows, columns = mask.shape
    u0, v0, u1, v1 = (float(edge) for edge in box)
    full = np.zeros(shape, bool)
    # Half a cell outside the box the linear part still goes on.
    left, right = u0 - (u1 - u0) / columns, u1 + (u1 - u0) / columns
    top, bottom = v0 - (v1 - v0) / rows, v1 + (v1 - v0) / rows
    u = np.arange(max(int(np.floor(left)), 0), min(int(np.ceil(right)), shape[1]))
    v = np.arange(max(int(np.floor(top)), 0), min(int(np.ceil(bottom)), shape[0]))
    if not (len(u) and len(v) and u1 > u0 and v1 > v0):
        return full
    x = ((u + 0.5 - u0) / (u1 - u0) * columns - 0.5).astype(np.float32)
    y = ((v + 0.5 - v0) / (v1 - v0) * rows - 0.5).astype(np.float32)
    columns_at, rows_at = np.meshgrid(x, y)
    values = cv2.remap(
        mask.astype(np.float32), columns_at, rows_at, cv2.INTER_LINEAR, borderValue=0.0
    )
    full[v[0] : v[-1] + 1, u[0] : u[-1] + 1] = values > threshold
    return full


def normalized(rgb: ByteImage) -> FloatImage:
    """Colours (3, H, W) as networks trained on ImageNet expect them."""
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    deviation = np.array([0.229, 0.224, 0.225], np.float32)
    return np.ascontiguousarray(((rgb / np.float32(255) - mean) / deviation).transpose(2, 0, 1))
