"""Cells that differ from their description, and what of it is seen."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from cap_description import cell_urdf, transform
from cap_sim.camera import HEIGHT, WIDTH, View, intrinsics
from cap_sim.layout import Layout, ObjectSpec
from cap_sim.variation import Variation
from cap_sim.world import OVERHEAD_CAMERA, SUN, build_model

BLOCK = Layout((ObjectSpec('block', 'red', (0.1, -0.55)),))


def varied(parameters, seed=1, **variation):
    changed = replace(parameters, seed=seed, variation=Variation(**variation))
    return build_model(cell_urdf(), BLOCK, changed)


def picture(model):
    data = mujoco.MjData(model)
    data.qpos[:6] = (-1.5, -2.2, 2.0, -1.4, -1.5, 0.0)
    view = View(model, OVERHEAD_CAMERA, WIDTH, HEIGHT, pretty=False)
    taken = view.render(data.qpos)
    view.close()
    return taken


def camera_pose(model):
    """In the optical frame that the description has."""
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    pose = np.eye(4)
    pose[:3, :3] = data.camera(OVERHEAD_CAMERA).xmat.reshape(3, 3) @ np.diag([1, -1, -1])
    pose[:3, 3] = data.camera(OVERHEAD_CAMERA).xpos
    return np.linalg.inv(transform(cell_urdf(), 'world', 'overhead_camera_optical_frame')) @ pose


def test_without_variation_the_seed_changes_nothing(parameters):
    one, other = varied(parameters, 1), varied(parameters, 2)
    for field in ('light_dir', 'light_diffuse', 'cam_pos', 'cam_quat', 'geom_pos', 'geom_size'):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    np.testing.assert_allclose(camera_pose(one), np.eye(4), atol=1e-12)


def test_the_light_comes_from_elsewhere_and_has_another_strength(parameters):
    plain = varied(parameters).light(SUN)
    straight = plain.dir / np.linalg.norm(plain.dir)
    angles, shares = [], []
    for seed in range(40):
        model = varied(parameters, seed, light_turn_deg=15.0, light_change=0.2)
        light = model.light(SUN)
        angles.append(np.degrees(np.arccos(straight @ light.dir / np.linalg.norm(light.dir))))
        shares += [light.diffuse[0] / 0.6, model.vis.headlight.ambient[0] / 0.42]
    assert max(angles) <= 15.1
    assert min(angles) < 5 < 10 < max(angles)
    assert 0.8 <= min(shares) < 0.9 < 1.1 < max(shares) <= 1.2


def test_cameras_are_about_where_they_are_said_to_be(parameters):
    shifts, turns = [], []
    for seed in range(60):
        pose = camera_pose(varied(parameters, seed, camera_shift_m=0.002, camera_turn_deg=0.1))
        shifts.append(pose[:3, 3])
        turns.append((pose[2, 1], pose[0, 2], pose[1, 0]))  # of a small rotation: its vector
    assert np.std(shifts) == pytest.approx(0.002, rel=0.2)
    assert np.std(turns) == pytest.approx(np.radians(0.1), rel=0.2)


@pytest.mark.parametrize('seed', [3, 4])
def test_the_picture_is_taken_from_where_the_camera_really_is(parameters, seed):
    model = varied(parameters, seed, camera_shift_m=0.01, camera_turn_deg=1.0)
    rgb, depth = picture(model)
    workspace_from_camera = transform(
        cell_urdf(), 'workspace', 'overhead_camera_optical_frame'
    ) @ camera_pose(model)
    x, y, z, _ = np.linalg.inv(workspace_from_camera) @ [0.1, -0.55, 0.04, 1]
    camera = intrinsics(WIDTH, HEIGHT, parameters.camera_fovy_deg)
    top = (rgb[..., 0] > 200) & (rgb[..., 1] < 120) & (np.abs(depth - z) < 0.003)
    row, column = np.argwhere(top).mean(axis=0)
    assert column == pytest.approx(camera.center_x + camera.focal * x / z, abs=0.5)
    assert row == pytest.approx(camera.center_y + camera.focal * y / z, abs=0.5)


def test_a_strut_hides_a_band_of_the_table(parameters):
    clean_rgb, clean = picture(varied(parameters))
    for seed in range(5):
        rgb, depth = picture(varied(parameters, seed, struts=1, strut_width_m=0.008))
        band = depth < 0.3
        assert 0.01 < band.mean() < 0.06, 'about 18 of 480 to 640 pixels'
        np.testing.assert_allclose(depth[band], 0.25, atol=0.004)
        np.testing.assert_array_equal(depth[~band], clean[~band])
        np.testing.assert_array_equal(rgb[~band], clean_rgb[~band])


def test_struts_collide_with_nothing(parameters):
    model = varied(parameters, struts=2, strut_width_m=0.008)
    for name in ('strut 1', 'strut 2'):
        assert not model.geom(name).contype
        assert not model.geom(name).conaffinity
