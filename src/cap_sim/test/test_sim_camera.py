"""The rendered pictures against the geometry that they show."""

import numpy as np
import pytest

from cap_common.palette import PALETTE
from cap_description import ARM_JOINTS, transform
from cap_sim.camera import HEIGHT, WIDTH, View, intrinsics
from cap_sim.convert import depth_image
from cap_sim.layout import ObjectSpec, random_layout
from cap_sim.world import OPERATOR_CAMERA, OVERHEAD_CAMERA, RGBD_FRAMES, WRIST_CAMERA

CAMERA_HEIGHT = 1.1


@pytest.fixture
def pictures(bench):
    """Cell, colour and depth of one world, arm out of sight."""
    cell = bench(*random_layout(11, 4, 4).objects)
    cell.cell.step(100)
    _, model, _, qpos, _ = cell.cell.picture_state()
    view = View(model, OVERHEAD_CAMERA, WIDTH, HEIGHT, pretty=False)
    rgb, depth = view.render(qpos)
    view.close()
    return cell, rgb, depth


def test_objects_appear_at_their_pixels_depths_and_colours(pictures, parameters):
    cell, rgb, depth = pictures
    camera = intrinsics(WIDTH, HEIGHT, parameters.camera_fovy_deg)
    for item in cell.state.objects:
        x, y, z = item.pose[:3, 3]
        # The block's top, or the inside of the bowl's bottom.
        distance = CAMERA_HEIGHT - (z + 0.02 if item.spec.kind == 'block' else 0.004)
        u = camera.center_x + camera.focal * x / distance
        v = camera.center_y - camera.focal * (y + 0.5) / distance
        row, column = round(v), round(u)
        assert depth[row, column] == pytest.approx(distance, abs=0.0005)
        np.testing.assert_allclose(rgb[row, column], PALETTE[item.spec.color], atol=6)


def test_a_block_is_seen_where_it_is_to_a_fraction_of_a_pixel(bench, parameters):
    cell = bench(ObjectSpec('block', 'red', (0.2037, -0.3512), 0.4))
    _, model, _, qpos, _ = cell.cell.picture_state()
    view = View(model, OVERHEAD_CAMERA, WIDTH, HEIGHT, pretty=False)
    rgb, depth = view.render(qpos)
    view.close()
    red = rgb[:, :, 0] > rgb[:, :, 1] + 100
    rows, columns = np.nonzero(red & (np.abs(depth - (CAMERA_HEIGHT - 0.04)) < 0.001))
    camera = intrinsics(WIDTH, HEIGHT, parameters.camera_fovy_deg)
    x = (columns.mean() - camera.center_x) * (CAMERA_HEIGHT - 0.04) / camera.focal
    y = -(rows.mean() - camera.center_y) * (CAMERA_HEIGHT - 0.04) / camera.focal - 0.5
    assert (x, y) == pytest.approx((0.2037, -0.3512), abs=0.0003)


def test_the_work_area_and_bowls_on_its_border_are_in_the_picture(parameters):
    camera = intrinsics(WIDTH, HEIGHT, parameters.camera_fovy_deg)
    rim = CAMERA_HEIGHT - 0.045
    assert camera.focal * 0.36 / rim < camera.center_y
    assert camera.focal * 0.36 / rim < camera.center_x


def test_the_table_is_dark_and_at_its_depth(pictures):
    _, rgb, depth = pictures
    assert depth[-2, 2] == pytest.approx(CAMERA_HEIGHT, abs=0.0005)
    np.testing.assert_allclose(rgb[-2, 2], 51, atol=4)


def test_the_home_pose_hides_nothing_of_the_work_area(bench, parameters):
    cell = bench()
    _, model, _, qpos, _ = cell.cell.picture_state()
    view = View(model, OVERHEAD_CAMERA, WIDTH, HEIGHT, pretty=False)
    _, depth = view.render(qpos)
    view.close()
    camera = intrinsics(WIDTH, HEIGHT, parameters.camera_fovy_deg)
    reach = camera.focal * 0.3 / CAMERA_HEIGHT
    rows = slice(round(camera.center_y - reach), round(camera.center_y + reach))
    columns = slice(round(camera.center_x - reach), round(camera.center_x + reach))
    np.testing.assert_allclose(depth[rows, columns], CAMERA_HEIGHT, atol=0.001)


@pytest.mark.parametrize('tool', ['suction', 'jaw'])
def test_the_wrist_camera_sees_things_where_they_are(bench, parameters, tool):
    """By TF of the picture's time: the tool stands still above the table, turned and aside."""
    cell = bench(ObjectSpec('block', 'red', (0.05, -0.5), 0.3), tool=tool)
    cell.tool_down(0.47, -0.03, 0.2, 2.0, yaw=0.7)
    _, model, _, qpos, _ = cell.cell.picture_state()
    view = View(model, WRIST_CAMERA, WIDTH, HEIGHT, pretty=False)
    rgb, depth = view.render(qpos)
    view.close()
    camera = intrinsics(WIDTH, HEIGHT, parameters.camera_fovy_deg)
    positions = dict(zip(ARM_JOINTS, cell.state.q, strict=True))
    frame = RGBD_FRAMES[WRIST_CAMERA]
    workspace_from_camera = transform(cell.urdf, 'workspace', frame, positions)
    rows, columns = np.indices(depth.shape)
    x, y = (columns - camera.center_x) / camera.focal, (rows - camera.center_y) / camera.focal
    points = depth[..., None] * np.stack([x, y, np.ones_like(depth)], axis=-1)
    points = points @ workspace_from_camera[:3, :3].T + workspace_from_camera[:3, 3]
    red = (rgb[..., 0] > rgb[..., 1] + 100) & (points[..., 2] > 0.0395)
    assert red.sum() > 2000
    assert points[red, :2].mean(axis=0) == pytest.approx((0.05, -0.5), abs=0.001)
    np.testing.assert_allclose(points[red, 2], 0.04, atol=0.0005)
    tool_share = (points[..., 2] > 0.1).mean()
    assert 0.01 < tool_share < 0.25


def test_the_operators_view_shows_arm_and_background(pictures, parameters):
    cell, _, _ = pictures
    _, model, _, qpos, _ = cell.cell.picture_state()
    view = View(
        model, OPERATOR_CAMERA, parameters.operator_width, parameters.operator_height, pretty=True
    )
    rgb, _ = view.render(qpos)
    view.close()
    assert rgb.shape == (parameters.operator_height, parameters.operator_width, 3)
    assert rgb[5, 5].min() > 180, 'a light background'
    assert rgb.std() > 40


def test_depth_in_both_encodings():
    depth = np.array([[0.5, 1.2346, np.nan], [0.0, np.inf, 70.0]])
    metres = depth_image(1.0, 'camera', '32FC1', depth)
    assert (metres.encoding, metres.step) == ('32FC1', 12)
    np.testing.assert_array_equal(np.frombuffer(metres.data, np.float32), np.float32(depth).ravel())
    millimetres = depth_image(1.0, 'camera', '16UC1', depth)
    assert (millimetres.encoding, millimetres.step) == ('16UC1', 6)
    assert np.frombuffer(millimetres.data, np.uint16).tolist() == [500, 1235, 0, 0, 0, 65535]
    with pytest.raises(ValueError, match="'64FC1', not 16UC1 or 32FC1"):
        depth_image(1.0, 'camera', '64FC1', depth)
