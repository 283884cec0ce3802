"""What every detector is held to, yours too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cap_perception.checked import CheckedDetector
from cap_perception.detector import Detector
from cap_perception.phrases import NoPhrasesError
from cap_perception.types import CameraFrame, Detection


def check_detector(
    detector: Detector, frame: CameraFrame, phrases: Sequence[str]
) -> list[Detection]:
    """What a detector finds, after it was asked twice, and for nothing.

    Raises:
        AssertionError: it does not keep what `Detector` promises; the text says in what.
        DetectorFaultError: see CheckedDetector.
    """
    try:
        detector.detect(frame, [])
    except NoPhrasesError:
        pass
    else:
        raise AssertionError('it looks for something when nothing is asked for')
    rgb, depth = frame.rgb.copy(), frame.depth.copy()
    checked = CheckedDetector(detector, type(detector).__name__)
    found, again = checked.detect(frame, phrases), checked.detect(frame, phrases)
    assert np.array_equal(rgb, frame.rgb), 'it changes the picture'
    assert np.array_equal(depth, frame.depth, equal_nan=True), 'it changes the depth'
    answers = [(each.phrase, each.class_name, each.color, each.box) for each in found]
    assert answers == [(each.phrase, each.class_name, each.color, each.box) for each in again], (
        'it finds something else in the same picture'
    )
    strange = {each.phrase for each in found} - set(phrases)
    assert not strange, f'it answers what was not asked: {strange}'
    masks = [each.mask for each in found if each.mask is not None]
    assert all(mask.any() for mask in masks), 'it finds things without pixels'
    assert not masks or np.sum(masks, axis=0).max() <= 1, 'its masks overlap'
    return found
