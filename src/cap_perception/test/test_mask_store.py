"""Masks of the scene that somebody saw, also when there are newer ones."""

from dataclasses import replace

import numpy as np
import pytest

from cap_common.errors import InvalidGoalError, ObjectNotFoundError
from cap_perception.mask_store import MaskStore, mask_reference
from cap_perception.types import Scene, SceneObject

MASK = np.array([[True, False]])
SEEN = SceneObject(
    *('3', 'egg', 'egg', 'white', np.eye(4), (0.1, 0.1, 0.1), 1.0, 7, True),
    pixels=(4, 5, 6, 6),
    mask=MASK,
)
HIDDEN = replace(SEEN, id='4', visible=False, pixels=None, mask=None)


@pytest.fixture
def store():
    store = MaskStore(2)
    for stamp_ns in (10, 20, 30):
        store.keep(Scene(stamp_ns, (SEEN, HIDDEN)), (480, 640), 'camera')
    return store


def test_the_newest_scenes_are_kept(store):
    old, new = store.get([mask_reference(20, '3'), mask_reference(30, '3')])
    assert (old.stamp_ns, new.stamp_ns) == (20, 30)
    assert (old.box, old.size, old.frame_id) == ((4, 5, 6, 6), (480, 640), 'camera')
    assert old.mask is MASK


@pytest.mark.parametrize('reference', [mask_reference(10, '3'), mask_reference(30, '4'), 'x'])
def test_what_is_not_kept(store, reference):
    with pytest.raises(ObjectNotFoundError, match='the last 2 scenes'):
        store.get([mask_reference(30, '3'), reference])


@pytest.mark.parametrize('references', [[], ['']])
def test_no_reference(store, references):
    with pytest.raises(InvalidGoalError, match='empty where the object is not seen'):
        store.get(references)
