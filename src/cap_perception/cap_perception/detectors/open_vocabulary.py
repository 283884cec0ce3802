"""What all detectors that take any words have in common; each brings its own `Finder`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cap_perception.detectors.decode import Floats, best_of_overlapping
from cap_perception.phrases import parse_phrases
from cap_perception.segment import apart
from cap_perception.types import Box, ByteImage, CameraFrame, Detection, Mask
from cap_perception.words import Words


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a model found, one thing perhaps more than once.

    Attributes:
        boxes: (N, 4), u0, v0, u1, v1 [px] of the picture, not rounded.
        scores: (N,), 0 to 1.
        phrases: (N,), which of the phrases each answers.
        masks: of each (H, W); None: the model makes none.
    """

    boxes: Floats
    scores: Floats
    phrases: NDArray[np.int_]
    masks: Sequence[Mask] | None = None


class Finder(Protocol):
    """A model that finds phrases in a picture."""

    def find(self, rgb: ByteImage, phrases: Sequence[str]) -> Candidates:
        """Everything above the model's threshold.

        Args:
            rgb: (H, W, 3).
            phrases: in the model's words, at least one.
        """
        ...


class OpenVocabularyDetector:
    """A Finder as a Detector.

    Args:
        words: in which the finder is asked.
        max_overlap: intersection over union from which two boxes are one thing.
        threshold: least score of the finder.
    """

    def __init__(self, finder: Finder, words: Words, max_overlap: float, threshold: float) -> None:
        self._finder = finder
        self._words = words
        self._max_overlap = max_overlap
        self._threshold = threshold

    def detect(self, frame: CameraFrame, phrases: Sequence[str]) -> list[Detection]:
        """See Detector. Any phrase is known."""
        asked = parse_phrases(phrases)
        found = self._finder.find(frame.rgb, [self._words.said(phrase) for phrase in asked])
        detections = []
        for i in best_of_overlapping(found.boxes, found.scores, self._max_overlap):
            if (box := whole_pixels(found.boxes[i], frame.depth.shape)) is None:
                continue
            phrase = asked[found.phrases[i]]
            mask = found.masks[i] if found.masks is not None else None
            score = confidence(float(found.scores[i]), self._threshold)
            detections.append(Detection(phrase.text, phrase.noun, phrase.color, box, mask, score))
        return apart(detections)


def confidence(score: float, threshold: float) -> float:
    """A score as the scene has it: from 0.5, just good enough for the threshold, to 1.

    One model is sure of a thing at 0.3, another one at 0.9; their thresholds say so.
    """
    return float(np.clip(0.5 + 0.5 * (score - threshold) / max(1.0 - threshold, 1e-6), 0.5, 1.0))


def whole_pixels(box: Floats, shape: tuple[int, int]) -> Box | None:
    """The pixels that a box touches, half open; None: none of a picture (H, W)."""
    height, width = shape
    u0, v0 = np.maximum(np.floor(box[:2]), 0).astype(int)
    u1, v1 = np.minimum(np.ceil(box[2:]), (width, height)).astype(int)
    return (int(u0), int(v0), int(u1), int(v1)) if u0 < u1 and v0 < v1 else None
