"""The cell's URDF against published figures and an independent implementation of the kinematics."""

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ur_analytic_ik import ur5e

from cap_description import (
    ARM_JOINTS,
    LinkTree,
    board_size,
    cell_urdf,
    fixed_transforms,
    joint_limits,
    resting_transforms,
    transform,
)

URDF = cell_urdf()
MODEL = mujoco.MjSpec.from_string(URDF).compile()
# The DH frames start at the controller's `base`, which is base_link turned by pi about z, and
# end at tool0.
BASE_LINK_FROM_BASE = np.diag([-1.0, -1.0, 1.0, 1.0])
ANGLES = st.lists(st.floats(-np.pi, np.pi), min_size=6, max_size=6)


def mujoco_pose(body: str, joints: list[float]) -> np.ndarray:
    data = mujoco.MjData(MODEL)
    for name, angle in zip(ARM_JOINTS, joints, strict=True):
        data.joint(name).qpos = angle
    mujoco.mj_kinematics(MODEL, data)
    pose = np.eye(4)
    pose[:3, :3] = data.body(body).xmat.reshape(3, 3)
    pose[:3, 3] = data.body(body).xpos
    return pose


@settings(max_examples=60, deadline=None)
@given(ANGLES)
def test_forward_kinematics_agree_with_the_published_dh_parameters(joints):
    expected = BASE_LINK_FROM_BASE @ ur5e.forward_kinematics(*joints)
    np.testing.assert_allclose(mujoco_pose('tool0', joints), expected, atol=1e-6)
    named = dict(zip(ARM_JOINTS, joints, strict=True))
    np.testing.assert_allclose(transform(URDF, 'base_link', 'tool0', named), expected, atol=1e-6)


def test_constants_are_the_published_ones():
    limits = joint_limits(URDF)
    assert [limits[name].effort for name in ARM_JOINTS] == [150, 150, 150, 28, 28, 28]
    assert all(limits[name].velocity == pytest.approx(np.pi) for name in ARM_JOINTS)
    # The sum of the moving links' masses in the manufacturer's table.
    links = ['shoulder', 'upper_arm', 'forearm', 'wrist_1', 'wrist_2', 'wrist_3']
    masses = [MODEL.body(f'{link}_link').mass[0] for link in links]
    assert masses == pytest.approx([3.761, 8.058, 2.846, 1.37, 1.3, 0.365])
    assert MODEL.joint('elbow_joint').range == pytest.approx([-np.pi, np.pi], abs=1e-4)


def test_the_gripper_reaches_014_beyond_the_flange_and_gives_way_by_12_mm():
    np.testing.assert_allclose(transform(URDF, 'tool0', 'tcp')[:3, 3], [0, 0, 0.14], atol=1e-9)
    pushed = transform(URDF, 'tool0', 'tcp', {'cup_slide_joint': 0.012})
    np.testing.assert_allclose(pushed[:3, 3], [0, 0, 0.128], atol=1e-9)


def test_marker_and_eraser_are_turned_apart_and_give_way():
    urdf = cell_urdf(tool='marker')
    np.testing.assert_allclose(transform(urdf, 'tool0', 'tcp')[:3, 3], [0, 0, 0.16], atol=1e-9)
    pushed = transform(urdf, 'tool0', 'tcp', {'marker_slide_joint': 0.015})
    np.testing.assert_allclose(pushed[:3, 3], [0, 0, 0.145], atol=1e-9)
    eraser = transform(urdf, 'tool0', 'eraser')
    np.testing.assert_allclose(eraser[:3, 2], [np.sqrt(0.75), 0, 0.5], atol=1e-9)
    pushed = transform(urdf, 'tool0', 'eraser', {'eraser_slide_joint': 0.008})
    np.testing.assert_allclose(pushed[:3, 3], eraser[:3, 3] - 0.008 * eraser[:3, 2], atol=1e-9)


def test_the_board_is_there_with_the_marker_and_lies_as_it_is_told():
    urdf = cell_urdf(tool='marker')
    assert board_size(URDF) is None
    assert board_size(urdf) == (0.6, 0.4)
    board = transform(urdf, 'workspace', 'whiteboard')
    np.testing.assert_allclose(board[:3, :3], np.eye(3), atol=1e-9)
    np.testing.assert_allclose(board[:3, 3], [0, -0.5, 0.005], atol=1e-9)
    leaning = cell_urdf(
        tool='marker', board_xyz='0.1 -0.6 0.2', board_rpy='0.5 0 0', board_size='0.3 0.2'
    )
    assert board_size(leaning) == (0.3, 0.2)
    board = transform(leaning, 'workspace', 'whiteboard')
    np.testing.assert_allclose(board[:3, 3], [0.1, -0.6, 0.2], atol=1e-9)
    np.testing.assert_allclose(board[:3, 2], [0, -np.sin(0.5), np.cos(0.5)], atol=1e-9)


def test_the_jaw_has_the_size_and_weight_of_a_2f_85_and_closes_on_its_tcp():
    urdf = cell_urdf(tool='jaw')
    limits = joint_limits(urdf)
    fingers = ('left_finger_joint', 'right_finger_joint')
    assert sum(limits[name].upper for name in fingers) == pytest.approx(0.085)
    assert {limits[name].lower for name in fingers} == {0.0}
    model = mujoco.MjSpec.from_string(urdf).compile()
    assert model.body_subtreemass[model.body('jaw_link').id] == pytest.approx(0.9)
    np.testing.assert_allclose(transform(urdf, 'tool0', 'tcp')[:3, 3], [0, 0, 0.16], atol=1e-9)
    for name, side in (('left', 1), ('right', -1)):
        pad = transform(urdf, 'tcp', f'{name}_pad_link')
        np.testing.assert_allclose(pad[:3, 3], [side * 0.0425, 0, 0], atol=1e-9)
        closed = transform(urdf, 'tcp', f'{name}_pad_link', {f'{name}_finger_joint': 0.0425})
        np.testing.assert_allclose(closed, np.eye(4), atol=1e-9)


@pytest.mark.parametrize('tool', ['suction', 'jaw', 'marker'])
def test_all_frames_but_the_arms_are_there_at_rest(tool):
    urdf = cell_urdf(tool=tool)
    edges = resting_transforms(urdf, moving=ARM_JOINTS)
    for parent, child, matrix in edges:
        np.testing.assert_allclose(matrix, transform(urdf, parent, child), atol=1e-9)
    links = {child for _, child, _ in edges}
    assert 'tcp' in links
    assert len(links) == urdf.count('<joint name=') - len(ARM_JOINTS)


def test_workspace_is_what_the_operator_facing_the_robot_sees():
    base_from_workspace = transform(URDF, 'base_link', 'workspace')
    x, y, z, _ = base_from_workspace @ [0.1, -0.5, 0.02, 1]
    assert (x, y, z) == pytest.approx((0.5, 0.1, 0.02))


def test_the_camera_looks_down_with_workspace_x_to_the_right():
    optical = transform(URDF, 'workspace', 'overhead_camera_optical_frame')
    np.testing.assert_allclose(optical[:3, :3], np.diag([1.0, -1.0, -1.0]), atol=1e-9)
    np.testing.assert_allclose(optical[:3, 3], [0, -0.5, 1.1], atol=1e-9)
    raised = cell_urdf(camera_height=1.3)
    assert transform(raised, 'world', 'overhead_camera_link')[2, 3] == pytest.approx(1.3)


@pytest.mark.parametrize('tool', ['suction', 'jaw', 'marker'])
def test_the_wrist_camera_looks_past_the_tool(tool):
    urdf = cell_urdf(tool=tool)
    optical = transform(urdf, 'tool0', 'wrist_camera_color_optical_frame')
    np.testing.assert_allclose(optical[:3, 0], [1, 0, 0], atol=1e-9)
    assert np.degrees(np.arccos(optical[2, 2])) == pytest.approx(18)
    x, y, z = transform(urdf, 'wrist_camera_color_optical_frame', 'tcp')[:3, 3]
    assert x == pytest.approx(0, abs=1e-9)
    assert 0.15 < np.degrees(np.arctan2(y, z)) / 22.5 < 0.75, 'in the lower half of the picture'
    # REP-103: a camera's link looks along its x, the optical frame along its z.
    link = transform(urdf, 'wrist_camera_link', 'wrist_camera_color_optical_frame')
    np.testing.assert_allclose(link[:3, :3], [[0, 0, 1], [-1, 0, 0], [0, -1, 0]], atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(ANGLES)
def test_the_edges_of_the_arm_lead_from_base_to_flange(joints):
    positions = dict(zip(ARM_JOINTS, joints, strict=True))
    edges = LinkTree(URDF).edges(positions)
    assert [child for _, child, _ in edges] == [
        'shoulder_link', 'upper_arm_link', 'forearm_link', 'wrist_1_link', 'wrist_2_link',
        'wrist_3_link',
    ]  # fmt: skip
    pose = np.eye(4)
    for parent, child, parent_from_child in edges:
        expected = transform(URDF, parent, child, positions)
        np.testing.assert_allclose(parent_from_child, expected, atol=1e-9)
        pose = pose @ parent_from_child
    expected = transform(URDF, 'base_link_inertia', 'wrist_3_link', positions)
    np.testing.assert_allclose(pose, expected, atol=1e-9)


def test_every_frame_of_the_contract_hangs_on_the_world():
    children = {child for _, child, _ in fixed_transforms(URDF)}
    assert children >= {'base_link', 'table', 'workspace', 'overhead_camera_optical_frame', 'tool0'}
    with pytest.raises(LookupError, match='side_camera'):
        transform(URDF, 'world', 'side_camera')


def test_the_arm_touches_neither_itself_nor_the_table_at_its_working_pose():
    data = mujoco.MjData(MODEL)
    for name, angle in zip(ARM_JOINTS, (0, -1.8, 2.0, -1.8, -1.57, 0), strict=True):
        data.joint(name).qpos = angle
    mujoco.mj_forward(MODEL, data)
    assert data.ncon == 0
