"""Boxes, bottles and the like, ray by ray: what is measured of them is what they are."""

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cap_common.frames import matrix_from_rpy
from cap_perception.boxes import observe
from cap_perception.deproject import workspace_rays
from cap_perception.solid import measure
from cap_perception.types import CameraFrame, Detection

K = np.array([[290.0, 0, 159.5], [0, 290.0, 119.5], [0, 0, 1.0]])
DOWN = matrix_from_rpy((0.0, -0.5, 1.1), (np.pi, 0.0, 0.0))
PIXEL = 1.1 / 290


class Table:
    """Upright boxes and cylinders on a table, seen by a camera without noise."""

    def __init__(self, camera=DOWN):
        blank = np.zeros((240, 320), np.float32)
        rgb = np.zeros((240, 320, 3), np.uint8)
        self._camera = camera
        rays = workspace_rays(CameraFrame(rgb, blank, K, camera, 1)).astype(float)
        self._rays, self._eye = rays, camera[:3, 3]
        self.depth = np.asarray(-self._eye[2] / rays[..., 2])
        self.owner = np.zeros((240, 320), int)
        self._count = 0

    def add(self, depth):
        """Something with that depth, infinite where it is not; returns its number."""
        self._count += 1
        nearer = depth < self.depth
        self.depth[nearer], self.owner[nearer] = depth[nearer], self._count
        return self._count

    def box(self, x, y, yaw, size, bottom=0.0):
        turn = matrix_from_rpy((x, y, bottom + size[2] / 2), (0, 0, yaw))
        rays, eye = self._rays @ turn[:3, :3], (self._eye - turn[:3, 3]) @ turn[:3, :3]
        with np.errstate(divide='ignore'):
            a, b = (-np.array(size) / 2 - eye) / rays, (np.array(size) / 2 - eye) / rays
        enter, leave = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
        return self.add(np.where(enter < leave, enter, np.inf))

    def cylinder(self, x, y, radius, height, bottom=0.0):
        offset, rays = self._eye[:2] - (x, y), self._rays
        a = (rays[..., :2] ** 2).sum(axis=-1)
        b, c = rays[..., :2] @ offset, offset @ offset - radius**2
        root = np.sqrt(np.maximum(b * b - a * c, 0.0))
        with np.errstate(divide='ignore', invalid='ignore'):
            side, out = (-b - root) / a, (-b + root) / a
        top = (bottom + height - self._eye[2]) / rays[..., 2]
        under = (bottom - self._eye[2]) / rays[..., 2]
        enter, leave = np.fmax(side, top), np.fmin(out, under)
        return self.add(np.where((b * b > a * c) & (enter < leave), enter, np.inf))

    def frame(self):
        rgb = np.full((240, 320, 3), 128, np.uint8)
        return CameraFrame(rgb, self.depth.astype(np.float32), K, self._camera, 1)

    def mask(self, number):
        return self.owner == number


@st.composite
def tables(draw):
    """A table with one box on it, seen from about above: table, number, x, y, yaw and size."""
    tilt = draw(st.floats(-0.15, 0.15)), draw(st.floats(-0.15, 0.15))
    camera = matrix_from_rpy((0.0, -0.5, 1.1), (np.pi + tilt[0], tilt[1], draw(st.floats(-3, 3))))
    table = Table(camera)
    x, y = draw(st.floats(-0.15, 0.15)), draw(st.floats(-0.6, -0.4))
    size = draw(st.floats(0.02, 0.12)), draw(st.floats(0.02, 0.12)), draw(st.floats(0.01, 0.08))
    yaw = draw(st.floats(-np.pi, np.pi))
    return table, table.box(x, y, yaw, size), (x, y), yaw, size


def assert_is(solid, xy, yaw, size, pixels=1.5):
    """It is that box, to some pixels; a square one may be turned by quarters."""
    tolerance = pixels * PIXEL
    box = solid.workspace_from_box
    np.testing.assert_allclose(box[:2, 3], xy, atol=tolerance)
    assert solid.size[2] == pytest.approx(size[2], abs=0.001)
    assert box[2, 3] == pytest.approx(size[2] / 2, abs=0.001)
    assert solid.top == pytest.approx((*box[:2, 3], size[2]), abs=0.001)
    assert sorted(solid.size[:2]) == pytest.approx(sorted(size[:2]), abs=2 * tolerance)
    np.testing.assert_allclose(box[:3, 2], (0, 0, 1), atol=1e-9)
    if abs(size[0] - size[1]) > 4 * tolerance:
        long = box[:2, 0] if solid.size[0] > solid.size[1] else box[:2, 1]
        turn = yaw if size[0] > size[1] else yaw + np.pi / 2
        off = np.arcsin(abs(long[0] * np.sin(turn) - long[1] * np.cos(turn)))
        assert off < 3 * tolerance / max(size)


@settings(deadline=None, max_examples=20)
@given(tables())
def test_a_box_is_what_it_is(drawn):
    table, number, xy, yaw, size = drawn
    solid = measure(table.frame(), table.mask(number))
    assert_is(solid, xy, yaw, size)
    assert solid.complete
    # What is seen of it is its top and a side or two.
    assert np.hypot(*(solid.centroid[:2] - xy)) < 0.5 * np.hypot(*size[:2])
    assert 0 < solid.centroid[2] < size[2] + 0.001


@settings(deadline=None, max_examples=20)
@given(tables(), st.floats(0.0, 0.4), st.integers(0, 2**32 - 1), st.integers(0, 2))
def test_holes_and_loose_masks_change_little(drawn, holes, seed, loose):
    table, number, xy, yaw, size = drawn
    mask = table.mask(number)
    rng = np.random.default_rng(seed)
    missing = rng.random(mask.shape) < holes
    table.depth[missing] = rng.choice([np.nan, np.inf], missing.sum())
    # A mask a pixel or two too wide has pixels of the table.
    mask = cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8), iterations=loose).astype(bool)
    solid = measure(table.frame(), mask)
    assert_is(solid, xy, yaw, size, pixels=3)


@settings(deadline=None, max_examples=20)
@given(tables(), st.floats(0.2, 0.6))
def test_what_covers_a_part_is_told(drawn, share):
    table, number, _, _, size = drawn
    assume(min(size[:2]) > 0.03)
    whole = table.mask(number)
    columns = np.flatnonzero(whole.any(axis=0))
    edge = columns[0] + int(share * len(columns))
    cover = np.full(whole.shape, np.inf)
    cover[:, :edge] = 0.7
    table.add(cover)
    solid = measure(table.frame(), table.mask(number))
    assert solid is None or not solid.complete
    if solid is not None:
        # It has no point where the thing has none.
        assert max(solid.size[:2]) < np.hypot(*size[:2]) + 5 * PIXEL


def test_the_pictures_edge_cuts():
    table = Table()
    number = table.box(-0.6, -0.5, 0.0, (0.1, 0.1, 0.05))
    mask = table.mask(number)
    assert mask[:, 0].any()
    assert not measure(table.frame(), mask).complete


@pytest.mark.parametrize(
    ('kind', 'radius', 'height'),
    [('plate', 0.1, 0.016), ('bottle', 0.023, 0.11), ('lid', 0.04, 0.01)],
)
@pytest.mark.parametrize('xy', [(0.0, -0.5), (0.18, -0.62)])
def test_round_things(kind, radius, height, xy):
    table = Table()
    number = table.cylinder(*xy, radius, height)
    frame, mask = table.frame(), table.mask(number)
    solid = measure(frame, mask)
    assert solid.size == pytest.approx((2 * radius, 2 * radius, height), abs=1.5 * PIXEL)
    assert solid.workspace_from_box[:2, 3] == pytest.approx(xy, abs=1.5 * PIXEL)
    assert solid.complete


def test_a_marker_keeps_its_direction():
    table = Table()
    number = table.box(0.05, -0.55, 0.4, (0.14, 0.012, 0.012))
    solid = measure(table.frame(), table.mask(number))
    assert_is(solid, (0.05, -0.55), 0.4, (0.14, 0.012, 0.012))


def test_what_lies_on_something_stands_on_that():
    table = Table()
    table.cylinder(0.0, -0.5, 0.1, 0.016)
    number = table.cylinder(0.02, -0.5, 0.03, 0.05, bottom=0.016)
    solid = measure(table.frame(), table.mask(number))
    assert solid.size[2] == pytest.approx(0.05, abs=0.001)
    assert solid.top[2] == pytest.approx(0.066, abs=0.001)


def test_neighbours_that_hide_nothing_cut_nothing():
    table = Table()
    number = table.box(0.0, -0.5, 0.0, (0.05, 0.05, 0.05))
    table.box(0.06, -0.5, 0.0, (0.05, 0.05, 0.055))
    assert measure(table.frame(), table.mask(number)).complete


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_nothing_measured_is_nothing(value):
    table = Table()
    number = table.box(0.0, -0.5, 0.0, (0.05, 0.05, 0.05))
    table.depth[:] = value
    assert measure(table.frame(), table.mask(number)) is None


def test_the_table_itself_is_no_thing():
    mask = np.zeros((240, 320), bool)
    mask[100:120, 150:170] = True
    assert measure(Table().frame(), mask) is None
    assert measure(Table().frame(), np.zeros((240, 320), bool)) is None


def test_a_class_without_a_model_is_observed_as_it_is_measured(parameters):
    table = Table()
    number = table.box(0.1, -0.45, 0.3, (0.08, 0.03, 0.04))
    mask = table.mask(number)
    found = Detection('stapler', 'stapler', '', (0, 0, 320, 240), mask, 0.9)
    (seen,) = observe(table.frame(), [found], parameters.models)
    assert (seen.class_name, seen.complete) == ('stapler', True)
    assert sorted(seen.size) == pytest.approx([0.03, 0.04, 0.08], abs=1.5 * PIXEL)
    assert seen.look.rgb == pytest.approx((128 / 255,) * 3)
    u0, v0, u1, v1 = seen.look.pixels
    assert (seen.look.mask == mask[v0:v1, u0:u1]).all()
    assert seen.look.mask.sum() == mask.sum()
