"""Scenes as messages."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Vector3
from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox3D,
    Detection3D,
    Detection3DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
)

from cap_common.conversions import pose_from_matrix
from cap_interfaces.msg import Scene as SceneMessage
from cap_interfaces.msg import SceneObject as ObjectMessage
from cap_perception.types import Scene, SceneObject


def scene_message(scene: Scene, frame_id: str) -> SceneMessage:
    """cap_interfaces/Scene. `mask` stays empty: no mask is published that it could refer to."""
    return SceneMessage(
        header=Header(stamp=_time(scene.stamp_ns), frame_id=frame_id),
        objects=[
            ObjectMessage(
                id=thing.id,
                name=thing.name,
                class_name=thing.class_name,
                color=thing.color,
                pose=pose_from_matrix(thing.workspace_from_box),
                size=_vector(thing.size),
                confidence=thing.confidence,
                stamp=_time(thing.stamp_ns),
                visible=thing.visible,
            )
            for thing in scene.objects
        ],
    )


def detections_message(scene: Scene, frame_id: str) -> Detection3DArray:
    """vision_msgs/Detection3DArray of what is seen in this frame; what is hidden is left out."""
    header = Header(stamp=_time(scene.stamp_ns), frame_id=frame_id)
    return Detection3DArray(
        header=header,
        detections=[_detection(thing, header) for thing in scene.objects if thing.visible],
    )


def _detection(thing: SceneObject, header: Header) -> Detection3D:
    detection = Detection3D(header=header, id=thing.id)
    pose = pose_from_matrix(thing.workspace_from_box)
    result = ObjectHypothesisWithPose(
        hypothesis=ObjectHypothesis(class_id=thing.class_name, score=thing.confidence)
    )
    result.pose.pose = pose
    detection.results = [result]
    detection.bbox = BoundingBox3D(center=pose, size=_vector(thing.size))
    return detection


def _time(stamp_ns: int) -> Time:
    return Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)


def _vector(size: tuple[float, float, float]) -> Vector3:
    x, y, z = map(float, size)
    return Vector3(x=x, y=y, z=z)
