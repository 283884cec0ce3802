"""A detector is anybody's code: what it raises or returns must not get any farther. No ROS."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from cap_perception.detector import Detector
from cap_perception.phrases import NoPhrasesError, UnknownPhraseError
from cap_perception.types import CameraFrame, Detection


class DetectorFaultError(RuntimeError):
    """A detector raised, or returned what it may not; the text says which and what."""


class CheckedDetector:
    """A detector whose faults are one error, and which takes its time.

    Attributes:
        seconds: that the last call took.
    """

    def __init__(self, detector: Detector, name: str) -> None:
        self._detector = detector
        self._name = name
        self.seconds = 0.0

    def detect(self, frame: CameraFrame, phrases: Sequence[str]) -> list[Detection]:
        """See Detector.

        Raises:
            DetectorFaultError: it raised something else, or returned what it may not.
        """
        started = time.monotonic()
        try:
            found = self._detector.detect(frame, phrases)
        except (NoPhrasesError, UnknownPhraseError):
            raise
        except Exception as error:
            raise DetectorFaultError(
                f'detector {self._name!r} raised {type(error).__name__}: {error}'
            ) from error
        finally:
            self.seconds = time.monotonic() - started
        if not isinstance(found, (list, tuple)):
            raise self._fault(f'{type(found).__name__}, not a list or tuple of detections')
        for index, detection in enumerate(found):
            for fault in _faults(detection, frame.depth.shape):
                raise self._fault(f'detection {index} of {len(found)} with {fault}')
        return list(found)

    def _fault(self, what: str) -> DetectorFaultError:
        return DetectorFaultError(f'detector {self._name!r} returned {what}')


def _faults(detection: object, shape: tuple[int, int]) -> Iterator[str]:
    """What is wrong with a detection in a frame (H, W); each makes sense if those before do."""
    if not isinstance(detection, Detection):
        yield f'type {type(detection).__name__}, not Detection'
        return
    texts = (detection.phrase, detection.class_name, detection.color)
    if not all(isinstance(text, str) for text in texts) or not detection.class_name:
        yield f'phrase, class and colour {texts}, which are no texts'
    if not _is_number(detection.score) or not 0 <= detection.score <= 1:
        yield f'score {detection.score!r}, not 0 to 1'
    height, width = shape
    box, mask = detection.box, detection.mask
    if not isinstance(box, tuple) or len(box) != 4 or not all(map(_is_number, box)):
        yield f'box {box!r}, which is not four finite numbers'
    elif not (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height):
        yield f'box {box!r}, which is no part of {width} x {height} pixels'
    if mask is None:
        return
    if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != shape:
        found = f'{getattr(mask, "dtype", type(mask).__name__)} {getattr(mask, "shape", "")}'
        yield f'mask {found.strip()}, not bool {shape}'


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and bool(np.isfinite(value))
