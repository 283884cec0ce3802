"""Pictures for people."""

import numpy as np

from cap_perception.annotate import annotated
from cap_perception.types import SceneObject


def thing(**look):
    return SceneObject(
        *('1', 'egg', 'egg', 'white', np.eye(4), (0.1, 0.1, 0.1), 1.0, 0, True), **look
    )


def test_box_outline_and_name_of_what_is_seen():
    rgb = np.full((120, 160, 3), 50, np.uint8)
    mask = np.zeros((20, 30), bool)
    mask[5:15, 5:25] = True
    picture = annotated(rgb, [thing(pixels=(60, 40, 90, 60), mask=mask)])
    assert (rgb == 50).all(), 'a copy'
    assert (picture[40, 60:90] == 255).all()
    assert (picture[59, 60:90] == 255).all()
    assert picture[45, 70].tolist() == [0, 255, 0]
    assert (picture[50, 75] == 50).all(), 'inside it is as it was'
    assert (picture[25:39, 60:90] != 50).any(), 'a name above'


def test_a_name_stays_in_the_picture():
    for pixels in ((0, 0, 10, 10), (150, 110, 160, 120)):
        picture = annotated(np.full((120, 160, 3), 50, np.uint8), [thing(pixels=pixels)])
        assert (picture == 0).any()


def test_what_is_not_seen_is_not_drawn():
    rgb = np.full((120, 160, 3), 50, np.uint8)
    assert (annotated(rgb, [thing()]) == rgb).all()


def test_rows_in_reverse_as_bgr_pictures_have_them():
    rgb = np.full((120, 160, 3), 50, np.uint8)[..., ::-1]
    assert (annotated(rgb, [thing(pixels=(60, 40, 90, 60))])[40, 60:90] == 255).all()
