"""Where things were at the time of a picture."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_common.frame_history import FrameHistory
from cap_common.frames import FrameTree, UnknownFrameError, matrix_from_rpy

FIXED = FrameTree()
FIXED.add('world', 'base', matrix_from_rpy((1.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
FIXED.add('hand', 'camera', matrix_from_rpy((0.0, 0.0, 0.1), (0.0, 0.0, 0.0)))


def pose(share):
    """Of the hand on its way from time 0 to 1000."""
    return matrix_from_rpy((share, -share, 0.0), (0.0, 0.0, 0.2 * share))


@pytest.fixture
def history():
    history = FrameHistory()
    for stamp in (0, 1000):
        history.add('base', 'hand', stamp, pose(stamp / 1000))
    return history


@given(st.integers(0, 1000))
def test_between_two_that_were_told_of(stamp):
    history = FrameHistory()
    for told in (0, 1000):
        history.add('base', 'hand', told, pose(told / 1000))
    found = history.lookup('world', 'camera', stamp, FIXED, 0.0)
    true = FIXED.lookup('world', 'base') @ pose(stamp / 1000) @ FIXED.lookup('hand', 'camera')
    np.testing.assert_allclose(found, true, atol=1e-4)


def test_before_the_first(history):
    with pytest.raises(UnknownFrameError, match="no transform from 'camera' to 'world'"):
        history.lookup('world', 'camera', -1, FIXED, 60.0)


def test_after_the_last_for_too_long(history):
    with pytest.raises(UnknownFrameError, match=r"of \['hand'\] nothing so new is known"):
        history.lookup('world', 'camera', 1001, FIXED, 0.01)


def test_what_comes_late_is_waited_for(history):
    found = []
    asking = threading.Thread(
        target=lambda: found.append(history.lookup('base', 'hand', 1500, FIXED, 60.0))
    )
    asking.start()
    history.add('base', 'hand', 2000, pose(2.0))
    asking.join(30.0)
    np.testing.assert_allclose(found[0], pose(1.5), atol=1e-3)


def test_a_clock_that_begins_anew(history):
    history.add('base', 'hand', 10, pose(0.5))
    np.testing.assert_allclose(history.lookup('base', 'hand', 10, FIXED, 0.0), pose(0.5))
    with pytest.raises(UnknownFrameError):
        history.lookup('base', 'hand', 5, FIXED, 0.0)


def test_frames_that_nobody_knows(history):
    with pytest.raises(UnknownFrameError, match='mars'):
        history.lookup('world', 'mars', 500, FIXED, 60.0)
