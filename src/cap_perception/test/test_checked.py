"""Detectors that raise, or return garbage."""

from dataclasses import replace

import numpy as np
import pytest

from cap_perception.checked import CheckedDetector, DetectorFaultError
from cap_perception.phrases import NoPhrasesError, UnknownPhraseError
from cap_perception.types import CameraFrame, Detection

FRAME = CameraFrame(
    np.zeros((4, 6, 3), np.uint8), np.ones((4, 6), np.float32), np.eye(3), np.eye(4), 0
)
GOOD = Detection('block', 'block', 'red', (1, 0, 6, 4), np.ones((4, 6), bool), 0.5)


class Returns:
    def __init__(self, what):
        self.what = what

    def detect(self, frame, phrases):
        if isinstance(self.what, Exception):
            raise self.what
        return self.what


def detect(what):
    return CheckedDetector(Returns(what), 'guess').detect(FRAME, ['block'])


def test_what_is_right_passes():
    without_mask = replace(GOOD, mask=None, box=tuple(np.array(GOOD.box)), score=np.float32(1.0))
    assert detect([GOOD, without_mask]) == [GOOD, without_mask]
    assert detect(()) == []


@pytest.mark.parametrize(
    ('what', 'words'),
    [
        (None, 'returned NoneType, not a list'),
        ('block', 'returned str, not a list'),
        (iter([GOOD]), 'not a list or tuple'),
        ([GOOD, 'block'], 'detection 1 of 2 with type str'),
        ([replace(GOOD, class_name='')], 'which are no texts'),
        ([replace(GOOD, color=None)], 'which are no texts'),
        ([replace(GOOD, score=float('nan'))], 'score nan'),
        ([replace(GOOD, score=1.2)], r'score 1\.2'),
        ([replace(GOOD, box=(0, 0, float('nan'), 4))], 'not four finite numbers'),
        ([replace(GOOD, box=(0, 0, 4))], 'not four finite numbers'),
        ([replace(GOOD, box=None)], 'not four finite numbers'),
        ([replace(GOOD, box=(-1, 0, 6, 4))], 'no part of 6 x 4 pixels'),
        ([replace(GOOD, box=(3, 0, 3, 4))], 'no part of 6 x 4 pixels'),
        ([replace(GOOD, mask=np.ones((6, 4), bool))], r'mask bool \(6, 4\), not bool \(4, 6\)'),
        ([replace(GOOD, mask=np.ones((4, 6), np.uint8))], 'mask uint8'),
        ([replace(GOOD, mask=[[True]])], 'mask list'),
        (RuntimeError('out of memory'), 'raised RuntimeError: out of memory'),
    ],
)
def test_garbage_is_one_error_that_names_the_detector(what, words):
    with pytest.raises(DetectorFaultError, match=words) as caught:
        detect(what)
    assert "detector 'guess'" in str(caught.value)


@pytest.mark.parametrize('error', [NoPhrasesError('none'), UnknownPhraseError('egg')])
def test_a_wrong_phrase_is_not_its_fault(error):
    with pytest.raises(type(error)):
        detect(error)
