"""Colours by pixels, of things looked for without one."""

import numpy as np
import pytest

from cap_common.palette import COLORS
from cap_perception.coloring import with_colors
from cap_perception.types import CameraFrame, Detection


@pytest.fixture
def frame():
    """Left half of one colour after the other, one row each; right half magenta, without a name."""
    rgb = np.zeros((len(COLORS), 20, 3), np.uint8)
    rgb[:, :10] = np.array(list(COLORS.values()))[:, None]
    rgb[:, 10:] = (255, 0, 255)
    return CameraFrame(rgb, np.ones(rgb.shape[:2], np.float32), np.eye(3), np.eye(4), 0)


def detection(frame, row, columns, color=''):
    mask = np.zeros(frame.depth.shape, bool)
    mask[row, columns] = True
    return Detection('block', 'block', color, (0, row, 20, row + 1), mask, 0.9)


def test_most_pixels_decide(frame):
    things = [detection(frame, row, np.s_[:15]) for row in range(len(COLORS))]
    assert [thing.color for thing in with_colors(frame, things, 18.0)] == list(COLORS)


def test_a_phrase_with_a_color_keeps_it_and_none_is_made_up(frame):
    told = detection(frame, 0, np.s_[:10], 'pink')
    unnamed = detection(frame, 0, np.s_[8:])
    assert [thing.color for thing in with_colors(frame, [told, unnamed], 18.0)] == ['pink', '']
