"""Scenes, pictures and reports as messages."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from geometry_msgs.msg import Point, Vector3
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import ColorRGBA, Header
from vision_msgs.msg import (
    BoundingBox3D,
    Detection3D,
    Detection3DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
)
from visualization_msgs.msg import Marker, MarkerArray

from cap_common.conversions import pose_from_matrix
from cap_interfaces.msg import Scene as SceneMessage
from cap_interfaces.msg import SceneObject as ObjectMessage
from cap_perception.health import Report
from cap_perception.mask_store import StoredMask, mask_reference
from cap_perception.types import ByteImage, Scene, SceneObject

_GRAY = (0.5, 0.5, 0.5)


def scene_message(scene: Scene, frame_id: str) -> SceneMessage:
    """cap_interfaces/Scene."""
    return SceneMessage(
        header=header(scene.stamp_ns, frame_id),
        objects=[object_message(thing, scene.stamp_ns) for thing in scene.objects],
    )


def object_message(thing: SceneObject, stamp_ns: int) -> ObjectMessage:
    """cap_interfaces/SceneObject of the scene of that stamp."""
    has_mask = thing.mask is not None and thing.id
    return ObjectMessage(
        id=thing.id,
        name=thing.name,
        class_name=thing.class_name,
        color=thing.color,
        rgb=thing.rgb or (),
        pose=pose_from_matrix(thing.workspace_from_box),
        size=_vector(thing.size),
        confidence=thing.confidence,
        stamp=_time(thing.stamp_ns),
        visible=thing.visible,
        held=thing.held,
        pixels=thing.pixels or (),
        mask=mask_reference(stamp_ns, thing.id) if has_mask else '',
    )


def detections_message(scene: Scene, frame_id: str) -> Detection3DArray:
    """vision_msgs/Detection3DArray of what is seen in this frame; what is hidden is left out."""
    own = header(scene.stamp_ns, frame_id)
    return Detection3DArray(
        header=own,
        detections=[_detection(thing, own) for thing in scene.objects if thing.visible],
    )


def _detection(thing: SceneObject, own: Header) -> Detection3D:
    detection = Detection3D(header=own, id=thing.id)
    pose = pose_from_matrix(thing.workspace_from_box)
    result = ObjectHypothesisWithPose(
        hypothesis=ObjectHypothesis(class_id=thing.class_name, score=thing.confidence)
    )
    result.pose.pose = pose
    detection.results = [result]
    detection.bbox = BoundingBox3D(center=pose, size=_vector(thing.size))
    return detection


def markers_message(scene: Scene, frame_id: str) -> MarkerArray:
    """visualization_msgs/MarkerArray for RViz: boxes and names; what is not seen is pale."""
    own = header(scene.stamp_ns, frame_id)
    markers = [Marker(header=own, action=Marker.DELETEALL)]
    for index, thing in enumerate(scene.objects):
        pose = pose_from_matrix(thing.workspace_from_box)
        red, green, blue = thing.rgb or _GRAY
        alpha = 0.8 if thing.visible else 0.3
        round_ = thing.class_name in ('bowl', 'plate', 'bottle')
        box = Marker(header=own, ns='objects', id=index, pose=pose, scale=_vector(thing.size))
        box.type = Marker.CYLINDER if round_ else Marker.CUBE
        box.color = ColorRGBA(r=red, g=green, b=blue, a=alpha)
        name = Marker(header=own, ns='names', id=index, text=thing.name)
        name.type = Marker.TEXT_VIEW_FACING
        name.pose.position = Point(
            x=pose.position.x, y=pose.position.y, z=pose.position.z + thing.size[2]
        )
        name.scale.z = 0.02
        name.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=alpha)
        markers += [box, name]
    return MarkerArray(markers=markers)


def picture_message(picture: ByteImage, stamp_ns: int, frame_id: str) -> Image:
    """sensor_msgs/Image, rgb8 of (H, W, 3), mono8 of (H, W)."""
    picture = np.ascontiguousarray(picture)
    height, width, *channels = picture.shape
    message = Image(header=header(stamp_ns, frame_id), height=height, width=width)
    message.encoding = 'rgb8' if channels else 'mono8'
    message.step = picture.strides[0]
    # An array of bytes is taken as it is; anything else would be checked value by value.
    message.data = array('B', picture.tobytes())
    return message


def masks_response(masks: Sequence[StoredMask], response: Any) -> Any:
    """Fill the response of GetMasks."""
    for stored in masks:
        response.height, response.width = stored.size
        u0, v0, u1, v1 = stored.box
        response.regions.append(
            RegionOfInterest(x_offset=u0, y_offset=v0, width=u1 - u0, height=v1 - v0)
        )
        pixels = stored.mask.astype(np.uint8) * np.uint8(255)
        response.images.append(picture_message(pixels, stored.stamp_ns, stored.frame_id))
    return response


def status_message(report: Report, name: str, hardware_id: str) -> DiagnosticStatus:
    """diagnostic_msgs/DiagnosticStatus."""
    return DiagnosticStatus(
        level=bytes([report.level]),
        name=name,
        message=report.message,
        hardware_id=hardware_id,
        values=[KeyValue(key=key, value=value) for key, value in report.values.items()],
    )


def header(stamp_ns: int, frame_id: str) -> Header:
    """std_msgs/Header."""
    return Header(stamp=_time(stamp_ns), frame_id=frame_id)


def _time(stamp_ns: int) -> Time:
    return Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)


def _vector(size: tuple[float, float, float]) -> Vector3:
    x, y, z = map(float, size)
    return Vector3(x=x, y=y, z=z)
