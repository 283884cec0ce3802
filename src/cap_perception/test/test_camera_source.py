"""Messages to scenes: a set that gives none is told of, and the next right one gives one again."""

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from cap_common.conversions import transform_from_matrix
from cap_common.frames import matrix_from_rpy
from cap_perception.camera_source import CameraSource

WIDTH, HEIGHT = 160, 120
ABOVE = matrix_from_rpy((0.0, -0.5, 1.0), (np.pi, 0.0, 0.0))


class RecordingNode:
    """What a source needs of a node; keeps what is subscribed and logged."""

    def __init__(self):
        self.callbacks = {}
        self.kinds = {}
        self.said = []

    def create_subscription(self, kind, topic, callback, qos, **_):
        self.callbacks[topic] = callback
        self.kinds[topic] = kind

    def get_logger(self):
        return self

    def warning(self, text, **_):
        self.said.append(text)

    error = warning


class Camera:
    """Looks down at an empty table."""

    def __init__(self, node):
        self._node = node
        self._seconds = 0
        self.move(ABOVE)

    def move(self, workspace_from_camera):
        transform = TransformStamped(
            header=Header(frame_id='workspace'),
            child_frame_id='camera',
            transform=transform_from_matrix(workspace_from_camera),
        )
        message = self._node.kinds['/tf_static'](transforms=[transform])
        self._node.callbacks['/tf_static'](message)

    def take(self, change=lambda *_: None):
        """Publish colour, depth and camera_info of one stamp."""
        self._seconds += 1
        header = Header(frame_id='camera')
        header.stamp.sec = self._seconds
        size = {'width': WIDTH, 'height': HEIGHT}
        color = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
        depth = np.ones((HEIGHT, WIDTH), np.float32)
        k = [120.0, 0.0, (WIDTH - 1) / 2, 0.0, 120.0, (HEIGHT - 1) / 2, 0.0, 0.0, 1.0]
        messages = (
            Image(header=header, encoding='rgb8', step=3 * WIDTH, data=color.tobytes(), **size),
            Image(header=header, encoding='32FC1', step=4 * WIDTH, data=depth.tobytes(), **size),
            CameraInfo(header=header, k=k, **size),
        )
        change(*messages)
        for topic, message in zip(
            ('color/image_raw', 'depth/image_raw', 'camera_info'), messages, strict=True
        ):
            self._node.callbacks[f'camera/{topic}'](message)


@pytest.fixture
def node():
    return RecordingNode()


@pytest.fixture
def scenes():
    return []


@pytest.fixture
def source(node, parameters, scenes):
    return CameraSource(node, parameters, scenes.append)


@pytest.fixture
def camera(node, source):
    return Camera(node)


@pytest.fixture
def recovers(node, camera, scenes):
    """Nothing came of a wrong picture, which was told of; then right ones come."""

    def check(words):
        assert not scenes
        assert words in node.said[-1]
        node.said.clear()
        camera.take()
        camera.take()
        assert len(scenes) == 1, 'the first frame confirms nothing'
        assert not node.said

    return check


def half_as_large(color, depth, info):
    color.width, color.height, color.step = WIDTH // 2, HEIGHT // 2, 3 * WIDTH // 2
    color.data = color.data[: color.step * color.height]


def depth_cut_off(color, depth, info):
    depth.data = depth.data[:-1]


def depth_of_its_own_frame(color, depth, info):
    depth.header = Header(stamp=depth.header.stamp, frame_id='depth')


def info_of_another_size(color, depth, info):
    info.width = 2 * WIDTH


def no_calibration(color, depth, info):
    info.k = [0.0] * 9


def calibration_without_numbers(color, depth, info):
    info.k = [float('nan')] * 9


def no_pixels(color, depth, info):
    for part in (color, depth, info):
        part.width = part.height = 0
    color.step = depth.step = 0
    color.data = depth.data = b''


def unknown_frame(color, depth, info):
    for part in (color, depth, info):
        part.header.frame_id = 'mars'


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (half_as_large, 'colour is 80 x 60'),
        (depth_cut_off, 'data has 76799 bytes'),
        (depth_of_its_own_frame, "depth is 160 x 120 in frame 'depth'"),
        (info_of_another_size, 'camera_info is 320 x 120'),
        (no_calibration, 'not calibrated'),
        (calibration_without_numbers, 'not calibrated'),
        (no_pixels, 'colour is 0 x 0'),
        (unknown_frame, 'mars'),
    ],
)
def test_wrong_pictures(camera, recovers, change, words):
    camera.take(change)
    recovers(words)


def test_a_camera_that_looks_elsewhere(camera, recovers):
    camera.move(matrix_from_rpy((9.0, -0.5, 1.0), (np.pi, 0.0, 0.0)))
    camera.take()
    camera.move(ABOVE)
    recovers('does not see the region')


def test_a_detector_that_raises(monkeypatch, source, camera, recovers):
    with monkeypatch.context() as patch:
        patch.setattr(source._pipeline._detector, 'detect', lambda *_: 1 / 0)
        camera.take()
    recovers('ZeroDivisionError')
