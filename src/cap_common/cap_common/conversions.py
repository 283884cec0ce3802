"""geometry_msgs to matrices and back."""

from __future__ import annotations

from geometry_msgs.msg import Pose, Transform

from cap_common.frames import Matrix, matrix_from_quaternion, quaternion_from_matrix


def matrix_from_pose(pose: Pose) -> Matrix:
    """4x4 matrix of a geometry_msgs/Pose."""
    p, q = pose.position, pose.orientation
    return matrix_from_quaternion((p.x, p.y, p.z), (q.x, q.y, q.z, q.w))


def pose_from_matrix(matrix: Matrix) -> Pose:
    """geometry_msgs/Pose of a 4x4 matrix."""
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = (float(v) for v in matrix[:3, 3])
    q = pose.orientation
    q.x, q.y, q.z, q.w = quaternion_from_matrix(matrix)
    return pose


def matrix_from_transform(transform: Transform) -> Matrix:
    """4x4 matrix of a geometry_msgs/Transform."""
    t, q = transform.translation, transform.rotation
    return matrix_from_quaternion((t.x, t.y, t.z), (q.x, q.y, q.z, q.w))


def transform_from_matrix(matrix: Matrix) -> Transform:
    """geometry_msgs/Transform of a 4x4 matrix."""
    transform = Transform()
    t, q = transform.translation, transform.rotation
    t.x, t.y, t.z = (float(v) for v in matrix[:3, 3])
    q.x, q.y, q.z, q.w = quaternion_from_matrix(matrix)
    return transform
