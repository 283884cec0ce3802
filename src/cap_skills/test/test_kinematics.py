"""The closed form leads back, everywhere; and the branch is always the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transforms3d.axangles import axangle2mat

from cap_common.errors import UnreachableError
from cap_description.cell import ARM_JOINTS, cell_urdf, transform
from cap_skills.kinematics import tool_down, wrap
from cap_skills.robot_model import ForeignRobotError, robot_model

_MODEL = robot_model(cell_urdf())
_ANGLE = st.floats(-3.1, 3.1)
_NEAR = np.array([0.0, -1.9, 2.2, -1.87, -1.57, 0.0])


@settings(max_examples=150, deadline=None)
@given(st.tuples(*[_ANGLE] * 6))
def test_inverse_of_forward_is_identity(angles: tuple[float, ...]) -> None:
    joints = np.array(angles)
    pose = _MODEL.kinematics.forward(joints)
    for solution in _MODEL.kinematics.solutions(pose):
        assert np.allclose(_MODEL.kinematics.forward(solution), pose, atol=1e-5)
    singular = min(abs(np.sin(joints[4])), abs(np.sin(joints[2]))) < 0.02
    if not singular:
        found = _MODEL.kinematics.closest(pose, joints)
        assert np.allclose(found, joints, atol=1e-4)


def test_it_agrees_with_the_description() -> None:
    joints = np.array([0.3, -1.2, 1.1, -1.5, -1.4, 0.7])
    described = transform(
        _MODEL.urdf, 'base_link', 'tcp', dict(zip(ARM_JOINTS, joints, strict=True))
    )
    assert np.allclose(described, _MODEL.kinematics.forward(joints), atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.2, 0.78), st.floats(-0.3, 0.3), st.floats(0.01, 0.2), st.floats(-3.1, 3.1))
def test_tool_down_is_elbow_up(x: float, y: float, z: float, yaw: float) -> None:
    pose = tool_down(np.array([x, y, z]), yaw)
    joints = _MODEL.kinematics.down(pose, _NEAR)
    assert np.allclose(_MODEL.kinematics.forward(joints), pose, atol=1e-5)
    assert joints[2] > 0 > joints[4]
    assert abs(wrap(joints[0] - np.arctan2(y, x))) < np.pi / 2


def test_a_free_yaw_leaves_the_last_joint() -> None:
    pose = tool_down(np.array([0.5, 0.1, 0.1]), 1.0)
    joints = _MODEL.kinematics.down(pose, np.append(_NEAR[:5], 0.4), free_yaw=True)
    assert joints[5] == pytest.approx(0.4)
    reached = _MODEL.kinematics.forward(joints)
    assert np.allclose(reached[:3, 3], pose[:3, 3], atol=1e-6)
    assert reached[2, 2] == pytest.approx(-1.0)


def test_last_joint_at_zero_is_not_lost() -> None:
    """The package loses solutions there."""
    joints = np.array([0.1, -1.7, 2.0, -1.8708, -np.pi / 2, 0.0])
    pose = _MODEL.kinematics.forward(joints)
    assert np.allclose(_MODEL.kinematics.closest(pose, joints), joints, atol=1e-5)


@pytest.mark.parametrize('position', [(1.2, 0.0, 0.1), (0.0, 0.05, 0.1), (0.8, 0.8, 0.0)])
def test_out_of_reach_says_where(position: tuple[float, float, float]) -> None:
    with pytest.raises(UnreachableError, match=rf'x={position[0]:.3f}'):
        _MODEL.kinematics.down(tool_down(np.array(position)), _NEAR)


def test_out_of_reach_says_how_the_tool_leans() -> None:
    pose = tool_down(np.array([1.2, 0.0, 0.1]))
    with pytest.raises(UnreachableError, match='brings the tool to x='):
        _MODEL.kinematics.closest(pose, _NEAR)
    pose[:3, :3] = axangle2mat((0, 1, 0), np.radians(30)) @ pose[:3, :3]
    with pytest.raises(UnreachableError, match='the tool, leaning by 30 degrees, to x='):
        _MODEL.kinematics.closest(pose, _NEAR)


def test_another_arm_is_refused() -> None:
    with pytest.raises(ForeignRobotError, match='UR5e'):
        robot_model(cell_urdf().replace('-0.425', '-0.6127'))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[_ANGLE] * 6), min_size=1, max_size=5))
def test_many_at_once_are_as_one_by_one(angles: list[tuple[float, ...]]) -> None:
    joints = np.array(angles)
    single = np.array([_MODEL.kinematics.forward(row)[:3, 3] for row in joints])
    assert np.allclose(_MODEL.kinematics.positions(joints), single, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.tuples(*[_ANGLE] * 6))
def test_the_jacobian_is_the_derivative(angles: tuple[float, ...]) -> None:
    joints, tiny = np.array(angles), 1e-6
    (jacobian,) = _MODEL.kinematics.jacobians(joints[None])
    here = _MODEL.kinematics.forward(joints)
    for joint in range(6):
        there = _MODEL.kinematics.forward(joints + tiny * np.eye(6)[joint])
        turn = (there[:3, :3] @ here[:3, :3].T - np.eye(3)) / tiny
        moved = (there[:3, 3] - here[:3, 3]) / tiny
        assert np.allclose(jacobian[:3, joint], moved, atol=1e-4)
        assert np.allclose(jacobian[3:, joint], (turn[2, 1], turn[0, 2], turn[1, 0]), atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(0.35, 0.65),
    y=st.floats(-0.2, 0.2),
    tilt=st.floats(np.deg2rad(45), np.deg2rad(60)),
)
def test_a_tilted_tool_points_down_elbow_up(x: float, y: float, tilt: float) -> None:
    """A frame beside the tool's own, tilted in its x-z plane, as an eraser on its holder."""
    c, s = np.cos(tilt), np.sin(tilt)
    tcp_from_tilted = np.array([[c, 0, s, 0.06], [0, 1, 0, 0], [-s, 0, c, -0.05], [0, 0, 0, 1.0]])
    reached = []
    for turn in np.arange(12) * np.pi / 6:
        pose = tool_down(np.array([x, y, 0.01]), turn) @ np.linalg.inv(tcp_from_tilted)
        try:
            joints = _MODEL.kinematics.down(pose, _NEAR)
        except UnreachableError:
            continue
        assert np.allclose(_MODEL.kinematics.forward(joints), pose, atol=1e-5)
        assert joints[2] > 0 > joints[4]
        reached.append(turn)
    assert reached
