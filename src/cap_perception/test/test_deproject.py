"""Camera maths: there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_common.frames import matrix_from_rpy, transform_points
from cap_perception.deproject import (
    crop_to_box,
    denoise,
    deproject,
    pixels_of,
    project,
    workspace_image,
    workspace_points,
)
from cap_perception.images import UnsupportedImageError
from cap_perception.types import CameraFrame

angle = st.floats(-0.6, 0.6)
length = st.floats(-0.5, 0.5)


@st.composite
def cameras(draw):
    """Anything that hangs above the table and looks more or less down."""
    fx, fy = draw(st.floats(50.0, 2000.0)), draw(st.floats(50.0, 2000.0))
    cx, cy = draw(st.floats(0.0, 640.0)), draw(st.floats(0.0, 480.0))
    intrinsics = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    xyz = draw(length), draw(length), draw(st.floats(0.8, 3.0))
    return intrinsics, matrix_from_rpy(xyz, (np.pi + draw(angle), draw(angle), draw(angle)))


@given(cameras(), st.floats(0.0, 639.0), st.floats(0.0, 479.0), st.floats(0.05, 20.0))
def test_project_undoes_deproject(camera, u, v, depth):
    intrinsics, _ = camera
    points = deproject(np.array([[u, v]]), np.array([depth]), intrinsics)
    assert points[0, 2] == depth
    assert project(points, intrinsics)[0] == pytest.approx((u, v), abs=1e-6)


@given(cameras(), length, length, st.floats(0.0, 0.3))
def test_pixels_of_a_workspace_point_give_it_back(camera, x, y, z):
    intrinsics, workspace_from_camera = camera
    frame = frame_of(intrinsics, workspace_from_camera, np.ones((4, 4), np.float32))
    pixels, depth = pixels_of(frame, np.array([[x, y, z]]))
    back = transform_points(workspace_from_camera, deproject(pixels, depth, intrinsics))
    assert back[0] == pytest.approx((x, y, z), abs=1e-6)


def test_behind_the_camera_is_no_pixel():
    frame = frame_of(K, DOWN, np.ones((4, 4), np.float32))
    assert np.isnan(pixels_of(frame, np.array([[0.0, 0.0, 2.0]]))[0]).all()


K = np.array([[100.0, 0, 31.5], [0, 100.0, 23.5], [0, 0, 1.0]])
DOWN = matrix_from_rpy((0.0, -0.5, 1.0), (np.pi, 0.0, 0.0))


def frame_of(intrinsics, workspace_from_camera, depth):
    rgb = np.zeros((*depth.shape, 3), np.uint8)
    return CameraFrame(rgb, depth, intrinsics, workspace_from_camera, 1)


def test_workspace_points_of_a_level_plane():
    frame = frame_of(K, DOWN, np.full((48, 64), 1.0, np.float32))
    image = workspace_image(frame)
    assert np.abs(image[..., 2]).max() < 1e-6
    mask = np.zeros((48, 64), bool)
    mask[10, 20] = mask[40, 60] = True
    assert workspace_points(frame, mask) == pytest.approx(image[mask], abs=1e-6)
    # Upside down over the table, the camera has its u along x and its v against y.
    assert image[10, 20] == pytest.approx(
        ((20 - 31.5) / 100, -0.5 - (10 - 23.5) / 100, 0), abs=1e-6
    )


def test_a_crop_changes_no_point():
    depth = np.random.default_rng(0).uniform(0.8, 1.0, (48, 64)).astype(np.float32)
    frame = frame_of(K, DOWN, depth)
    part = crop_to_box(frame, np.array([-0.1, -0.6, 0.0]), np.array([0.1, -0.4, 0.1]))
    assert part.depth.shape < frame.depth.shape
    whole, cut = workspace_image(frame), workspace_image(part)
    row, column = np.argwhere(frame.depth == part.depth[0, 0])[0]
    assert cut[0, 0] == pytest.approx(whole[row, column], abs=1e-6)
    corners = np.array([[x, y, 0.0] for x in (-0.1, 0.1) for y in (-0.6, -0.4)])
    pixels, _ = pixels_of(part, corners)
    assert (pixels > -1e-6).all()
    assert (pixels < np.array(part.depth.shape[::-1])).all()


@pytest.mark.parametrize(
    'camera',
    [
        matrix_from_rpy((5.0, -0.5, 1.0), (np.pi, 0.0, 0.0)),  # beside the table
        matrix_from_rpy((0.0, -0.5, 1.0), (0.0, 0.0, 0.0)),  # looks at the ceiling
    ],
)
def test_a_box_out_of_sight_is_said(camera):
    frame = frame_of(K, camera, np.ones((48, 64), np.float32))
    with pytest.raises(UnsupportedImageError, match='does not see the region'):
        crop_to_box(frame, np.array([-0.1, -0.6, 0.0]), np.array([0.1, -0.4, 0.1]))


def test_a_camera_in_the_box_keeps_its_picture():
    frame = frame_of(K, DOWN, np.ones((48, 64), np.float32))
    whole = crop_to_box(frame, np.array([-0.1, -0.6, 0.0]), np.array([0.1, -0.4, 2.0]))
    assert whole.depth.shape == frame.depth.shape


def test_denoise_takes_speckles_and_marks_what_was_not_measured():
    depth = np.full((20, 20), 1.0, np.float32)
    depth[5, 5], depth[8, 8], depth[14:18, 14:18] = np.nan, 0.3, 0.0
    clean = denoise(frame_of(K, DOWN, depth)).depth
    assert clean[5, 5] == clean[8, 8] == 1.0
    assert np.isnan(clean[16, 16])
