"""Scenes and reports as messages."""

from dataclasses import replace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from visualization_msgs.msg import Marker

from cap_interfaces.srv import GetMasks
from cap_perception.health import Level, Report
from cap_perception.mask_store import StoredMask
from cap_perception.messages import (
    detections_message,
    markers_message,
    masks_response,
    picture_message,
    scene_message,
    status_message,
)
from cap_perception.types import Scene, SceneObject

POSE = np.eye(4)
POSE[:3, 3] = 0.1, -0.4, 0.02
SEEN = SceneObject(
    *('7', 'red block', 'block', 'red', POSE, (0.04, 0.05, 0.06), 0.9, 1_500_000_000, True),
    rgb=(0.9, 0.25, 0.125),
    pixels=(10, 20, 14, 22),
    mask=np.ones((2, 4), bool),
)
HIDDEN = replace(
    SEEN, id='8', name='blue bowl', class_name='bowl', visible=False, rgb=None, pixels=None,
    mask=None, stamp_ns=0, held=True,
)  # fmt: skip
SCENE = Scene(2_000_000_007, (SEEN, HIDDEN))


def test_a_scene():
    message = scene_message(SCENE, 'workspace')
    assert message.header.frame_id == 'workspace'
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (2, 7)
    seen, hidden = message.objects
    assert (seen.id, seen.name, seen.class_name, seen.color) == ('7', 'red block', 'block', 'red')
    assert (seen.pose.position.x, seen.size.z) == (0.1, 0.06)
    assert list(seen.rgb) == pytest.approx(SEEN.rgb)
    assert list(seen.pixels) == [10, 20, 14, 22]
    assert seen.mask == '2000000007/7', 'of this picture'
    assert (seen.stamp.sec, seen.visible, seen.held) == (1, True, False)
    assert (list(hidden.rgb), list(hidden.pixels), hidden.mask) == ([], [], '')
    assert (hidden.visible, hidden.held) == (False, True)
    (detection,) = detections_message(SCENE, 'workspace').detections
    assert detection.id == '7'


def test_markers_take_away_those_of_the_scene_before():
    first, *others = markers_message(SCENE, 'workspace').markers
    assert first.action == Marker.DELETEALL
    boxes = [marker for marker in others if marker.ns == 'objects']
    assert [marker.type for marker in boxes] == [Marker.CUBE, Marker.CYLINDER]
    assert boxes[0].color.a > boxes[1].color.a
    assert [marker.text for marker in others if marker.ns == 'names'] == ['red block', 'blue bowl']
    assert len({(marker.ns, marker.id) for marker in others}) == 4


def test_masks():
    mask = np.array([[True, False, True], [False, True, False]])
    stored = StoredMask(3_000_000_000, (10, 20, 13, 22), mask, (480, 640), 'camera')
    response = masks_response([stored], GetMasks.Response())
    assert (response.error_code, response.height, response.width) == (0, 480, 640)
    (region,), (image,) = response.regions, response.images
    assert (region.x_offset, region.y_offset, region.width, region.height) == (10, 20, 3, 2)
    assert (image.encoding, image.step, image.header.frame_id) == ('mono8', 3, 'camera')
    assert list(image.data) == [255, 0, 255, 0, 255, 0]


def test_a_part_of_a_picture():
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)[1:3, 2:5]
    message = picture_message(picture, 0, 'camera')
    assert (message.height, message.width, message.step) == (2, 3, 9)
    assert bytes(message.data) == picture.tobytes()


def test_a_report():
    report = Report(Level.STALE, 'nothing more', {'rate [Hz]': '0.0'})
    message = status_message(report, 'perception: scene', '/')
    assert (message.level, message.message) == (DiagnosticStatus.STALE, 'nothing more')
    assert [(item.key, item.value) for item in message.values] == [('rate [Hz]', '0.0')]
    levels = (DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR)
    assert [bytes([level]) for level in (Level.OK, Level.WARN, Level.ERROR)] == list(levels)
