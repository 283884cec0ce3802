"""The cell's state and pictures as ROS messages."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped, WrenchStamped
from numpy.typing import NDArray
from sensor_msgs.msg import (
    CameraInfo,
    FluidPressure,
    Image,
    JointState,
    PointCloud2,
    PointField,
)
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from cap_common.conversions import pose_from_matrix, transform_from_matrix
from cap_description import ARM_JOINTS, LinkTree
from cap_interfaces.msg import Scene, SceneObject
from cap_sim.board import BOARD
from cap_sim.camera import Intrinsics
from cap_sim.cell import CellState
from cap_sim.shapes import size_of

OPERATOR_FRAME = 'operator_camera_optical_frame'


def time_message(time_s: float) -> Time:
    """Simulated time, rounded to the microsecond: it advances in whole milliseconds."""
    micros = round(time_s * 1e6)
    return Time(sec=micros // 1_000_000, nanosec=micros % 1_000_000 * 1000)


def header(time_s: float, frame: str) -> Header:
    """Stamp and frame."""
    return Header(stamp=time_message(time_s), frame_id=frame)


def joint_state(state: CellState) -> JointState:
    """The six joints of the arm, and those of the tool that have an encoder."""
    joints = state.tool.joints
    return JointState(
        header=header(state.time_s, 'base_link'),
        name=[*ARM_JOINTS, *(joint.name for joint in joints)],
        position=[*state.q.tolist(), *(joint.position for joint in joints)],
        velocity=[*state.qd.tolist(), *(joint.velocity for joint in joints)],
        effort=[*state.torque.tolist(), *(joint.effort for joint in joints)],
    )


def arm_transforms(state: CellState, links: LinkTree) -> TFMessage:
    """Where each link of the arm is in the one before."""
    positions = dict(zip(ARM_JOINTS, state.q.tolist(), strict=True))
    return TFMessage(
        transforms=[
            TransformStamped(
                header=header(state.time_s, parent),
                child_frame_id=child,
                transform=transform_from_matrix(parent_from_child),
            )
            for parent, child, parent_from_child in links.edges(positions)
        ]
    )


def wrench(state: CellState) -> WrenchStamped:
    """What acts on the tool from outside, in the frame tcp: force.z < 0 pushes at it."""
    message = WrenchStamped(header=header(state.time_s, 'tcp'))
    force, torque = message.wrench.force, message.wrench.torque
    force.x, force.y, force.z = state.force.tolist()
    torque.x, torque.y, torque.z = state.moment.tolist()
    return message


def vacuum(state: CellState) -> FluidPressure:
    """Absolute pressure in the cup."""
    return FluidPressure(header=header(state.time_s, 'tcp'), fluid_pressure=state.tool.pressure_pa)


def ink(time_s: float, points: NDArray[np.float64]) -> PointCloud2:
    """(N, 3) points of ink in the frame whiteboard: x, y [m], and as z the index of the stroke."""
    data = array.array('B')
    data.frombytes(points.astype('<f4').tobytes())
    fields = [
        PointField(name=name, offset=4 * place, datatype=PointField.FLOAT32, count=1)
        for place, name in enumerate('xyz')
    ]
    return PointCloud2(
        header=header(time_s, BOARD),
        height=1,
        width=len(points),
        fields=fields,
        point_step=12,
        row_step=12 * len(points),
        data=data,
        is_dense=True,
    )


def scene(state: CellState) -> Scene:
    """The true poses, in the frame workspace."""
    message = Scene(header=header(state.time_s, 'workspace'))
    for item in state.objects:
        entry = SceneObject(
            id=item.spec.name,
            name=item.spec.name,
            class_name=item.spec.kind,
            color=item.spec.color,
            pose=pose_from_matrix(item.pose),
            confidence=1.0,
            stamp=message.header.stamp,
            visible=True,
        )
        entry.size.x, entry.size.y, entry.size.z = size_of(item.spec.kind)
        message.objects.append(entry)
    return message


def image(time_s: float, frame: str, encoding: str, pixels: NDArray[Any]) -> Image:
    """An (h, w) or (h, w, channels) array as an image."""
    # rclpy checks every element of anything else than an array.array.
    data = array.array('B')
    data.frombytes(pixels.tobytes())
    return Image(
        header=header(time_s, frame),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=pixels.strides[0],
        data=data,
    )


def depth_image(time_s: float, frame: str, encoding: str, depth: NDArray[np.floating]) -> Image:
    """Depth (h, w) [m] as REP-118 has it: 32FC1 metres, or 16UC1 millimetres, 0: not measured.

    Raises:
        ValueError: another encoding.
    """
    if encoding not in ('16UC1', '32FC1'):
        raise ValueError(f'depth_encoding is {encoding!r}, not 16UC1 or 32FC1')
    if encoding == '16UC1':
        millimetres = np.nan_to_num(np.rint(1e3 * depth), nan=0.0, posinf=0.0, neginf=0.0)
        return image(time_s, frame, encoding, np.clip(millimetres, 0, 65535).astype(np.uint16))
    return image(time_s, frame, encoding, depth.astype(np.float32))


def camera_info(time_s: float, frame: str, camera: Intrinsics) -> CameraInfo:
    """A camera without distortion."""
    f, cx, cy = camera.focal, camera.center_x, camera.center_y
    return CameraInfo(
        header=header(time_s, frame),
        height=camera.height,
        width=camera.width,
        distortion_model='plumb_bob',
        d=[0.0] * 5,
        k=[f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[f, 0.0, cx, 0.0, 0.0, f, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )
