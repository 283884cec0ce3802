"""Messages to scenes: a set that gives none is told of, and the next right one gives one again."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from cap_common.conversions import transform_from_matrix
from cap_common.errors import InvalidGoalError, ObjectNotFoundError, PerceptionLostError
from cap_common.frame_history import FrameHistory
from cap_common.frames import matrix_from_rpy
from cap_perception import camera_source
from cap_perception.camera_source import CameraSource
from cap_perception.health import Level
from cap_perception.types import Detection

WIDTH, HEIGHT = 160, 120
TOPICS = ('color/image_raw', 'depth/image_raw', 'camera_info')
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
        return topic

    def destroy_subscription(self, topic):
        del self.callbacks[topic]

    def get_logger(self):
        return self

    def warning(self, text, **_):
        self.said.append(text)

    error = warning


class Camera:
    """Looks down at an empty table."""

    def __init__(self, node, source):
        self._node = node
        self._source = source
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

    def take(self, change=lambda *_: None, topics=TOPICS, wait=True):
        """Publish colour, depth and camera_info of one stamp, and wait until they are used."""
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
        for topic, message in zip(TOPICS, messages, strict=True):
            if topic in topics:
                self._node.callbacks[f'camera/{topic}'](message)
        if wait:
            until(self._source._pictures.is_idle)


def until(done):
    deadline = time.monotonic() + 30.0
    pause = threading.Event()
    while not done():
        assert time.monotonic() < deadline
        pause.wait(0.002)


class MovingTransforms:
    """A listener to /tf; a test says what it hears."""

    def __init__(self, node):
        self.history = FrameHistory()
        node.moving = self

    def close(self):
        pass


@pytest.fixture
def node(monkeypatch):
    monkeypatch.setattr(camera_source, 'MovingTransformListener', MovingTransforms)
    return RecordingNode()


@pytest.fixture
def scenes():
    return []


@pytest.fixture
def source(node, parameters, scenes):
    # Longer than a busy machine may stand still.
    parameters = replace(parameters, silence_s=30.0, follow_held=False)
    source = CameraSource(node, parameters, lambda scene, view: scenes.append((scene, view)))
    source.start()
    yield source
    source.stop()


@pytest.fixture
def camera(node, source):
    return Camera(node, source)


@pytest.fixture
def recovers(node, source, camera, scenes):
    """Nothing came of a wrong picture, which was told of; then right ones come."""

    def check(words):
        assert not scenes
        assert any(words in text for text in node.said)
        report = source.health.report()
        assert report.level == Level.ERROR
        assert words in report.message
        node.said.clear()
        camera.take()
        camera.take()
        assert scenes
        assert not node.said
        assert source.health.report().level == Level.OK

    return check


def half_as_large(color, depth, info):
    color.width, color.height, color.step = WIDTH // 2, HEIGHT // 2, 3 * WIDTH // 2
    color.data = color.data[: color.step * color.height]


def of_another_encoding(color, depth, info):
    color.encoding = 'yuv422'


def depth_without_measurements(color, depth, info):
    depth.data = np.full((HEIGHT, WIDTH), np.nan, np.float32).tobytes()


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
        (of_another_encoding, "colour image is 'yuv422', not rgb8 or bgr8"),
        (depth_without_measurements, 'a measurement at 0 of 1200 pixels'),
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


def fails(frame, phrases):
    return 1 / 0


def knows_no_box(frame, phrases):
    nan = float('nan')
    return [Detection('block', 'block', 'red', (nan, nan, nan, nan), None, 0.5)]


def masks_of_another_size(frame, phrases):
    return [Detection('block', 'block', 'red', (0, 0, 2, 2), np.ones((2, 2), bool), 0.5)]


@pytest.mark.parametrize(
    ('detect', 'words'),
    [
        (fails, "detector 'color' raised ZeroDivisionError: division by zero"),
        (knows_no_box, 'which is not four finite numbers'),
        (masks_of_another_size, 'mask bool (2, 2), not bool'),
        (lambda frame, phrases: None, 'returned NoneType'),
    ],
)
def test_a_detector_that_raises_or_returns_garbage(
    monkeypatch, source, camera, recovers, detect, words
):
    with monkeypatch.context() as patch:
        patch.setattr(source._detector._detector, 'detect', detect)
        camera.take()
    recovers(words)


@pytest.mark.parametrize(('phrases', 'words'), [((), 'is empty'), (('unicorn',), 'does not know')])
def test_phrases_of_the_configuration(node, parameters, scenes, phrases, words):
    source = CameraSource(
        node, replace(parameters, phrases=phrases, follow_held=False), scenes.append
    )
    source.start()
    Camera(node, source).take()
    source.stop()
    assert not scenes
    assert words in source.health.report().message


def test_depth_without_color_and_color_without_depth(source, camera, scenes):
    for topic in TOPICS[:2]:
        camera.take(topics=(topic, 'camera_info'))
    report = source.health.report()
    assert report.level == Level.ERROR
    assert 'never with the same stamp' in report.message
    assert not scenes
    for _ in range(3):
        camera.take()
    assert source.health.report().values['pictures lost'] == '2'
    assert len(scenes) == 2, 'the first frame confirms nothing'


def twice_as_large(color, depth, info):
    info.k = [2 * value for value in info.k[:8]] + [1.0]
    for part in (color, depth, info):
        part.width, part.height = 2 * part.width, 2 * part.height
    color.step, depth.step = 2 * color.step, 2 * depth.step
    color.data, depth.data = color.data * 4, depth.data * 4


def test_pictures_that_change_their_size(source, camera, scenes):
    camera.take()
    camera.take()
    for change in (twice_as_large, lambda *_: None):
        camera.take(change)
        assert source.health.report().level == Level.OK
    sizes = [view.rgb.shape[:2] for _, view in scenes]
    assert sizes == [(HEIGHT, WIDTH), (2 * HEIGHT, 2 * WIDTH), (HEIGHT, WIDTH)]


def test_a_transform_that_comes_late(node, source, camera, scenes):
    source.stop()
    source.start()  # knows no transform any more
    camera.take()
    assert 'no transform' in source.health.report().message
    camera.move(ABOVE)
    camera.take()
    camera.take()
    assert len(scenes) == 1
    assert source.health.report().level == Level.OK


def test_a_camera_that_moves(monkeypatch, node, source, camera, scenes):
    monkeypatch.setattr(camera_source, '_TRANSFORM_S', 30.0)
    source.stop()
    source.start()  # knows no transform any more
    camera.take()  # from now on it is known that it moves
    history = node.moving.history
    history.add('workspace', 'camera', 1_000_000_000, ABOVE)
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(camera.take)  # of second 2
        history.add('workspace', 'camera', 3_000_000_000, ABOVE)
        taking.result()
    camera.take()
    assert len(scenes) == 1
    monkeypatch.setattr(camera_source, '_TRANSFORM_S', 0.01)
    camera.take()
    assert "of ['camera'] nothing so new is known" in source.health.report().message


def test_a_camera_that_never_comes(node, parameters, scenes):
    source = CameraSource(
        node, replace(parameters, silence_s=0.05, follow_held=False), scenes.append
    )
    source.start()
    assert source.health.report().message.startswith('nothing yet on camera/color/image_raw')
    with pytest.raises(PerceptionLostError, match='nothing yet on camera/color/image_raw'):
        source.look_for(['block'], 0.0)
    source.stop()


@pytest.mark.parametrize(
    ('phrases', 'error', 'words'),
    [
        (['red block'], ObjectNotFoundError, "nothing in the picture is 'red block'"),
        (['unicorn'], InvalidGoalError, 'does not know'),
    ],
)
def test_what_is_looked_for_on_request(source, camera, phrases, error, words):
    asking = ThreadPoolExecutor(1).submit(source.look_for, phrases, 0.0)
    until(lambda: source._lookout._waits)
    camera.take()
    with pytest.raises(error, match=words):
        asking.result()


@pytest.mark.parametrize(
    ('patience_s', 'stamps', 'skipped'), [(60.0, [2, 3, 4], '0'), (0.0, [4], '2')]
)
def test_pictures_that_come_while_one_is_looked_at(
    monkeypatch, source, camera, scenes, patience_s, stamps, skipped
):
    may_go = threading.Event()
    slow = source._detector._detector.detect

    def detect(frame, phrases):
        assert may_go.wait(30.0)
        return slow(frame, phrases)

    monkeypatch.setattr(source._detector._detector, 'detect', detect)
    monkeypatch.setattr(source._pictures, '_patience_s', patience_s)
    camera.take(wait=False)
    until(lambda: not source._pictures)
    for _ in range(3):
        camera.take(wait=False)
    may_go.set()
    until(source._pictures.is_idle)
    assert [scene.stamp_ns // 10**9 for scene, _ in scenes] == stamps
    assert source.health.report().values['pictures skipped for newer ones'] == skipped


def test_what_was_seen_before_somebody_rearranged_the_table(monkeypatch, source, camera, scenes):
    camera.take()
    slow = source._detector._detector.detect

    def detect(frame, phrases):
        camera.take(wait=False)
        source.forget()
        return slow(frame, phrases)

    with monkeypatch.context() as patch:
        patch.setattr(source._detector._detector, 'detect', detect)
        camera.take()
    camera.take()
    assert not scenes, 'the first frame after it confirms nothing'
    camera.take()
    assert len(scenes) == 1


def test_a_picture_that_takes_longer_than_the_stop(monkeypatch, source, camera, scenes):
    camera.take()
    may_go = threading.Event()
    slow = source._detector._detector.detect

    def detect(frame, phrases):
        assert may_go.wait(30.0)
        return slow(frame, phrases)

    monkeypatch.setattr(source._detector._detector, 'detect', detect)
    monkeypatch.setattr(camera_source, '_STOP_S', 0.01)
    camera.take(wait=False)
    until(lambda: not source._pictures)
    late = source._worker
    source.stop()
    source.start()
    may_go.set()
    late.join(30.0)
    assert not scenes, 'what was known before is forgotten'


def test_it_can_be_started_again(node, source, camera, scenes):
    source.stop()
    assert not node.callbacks
    source.start()
    camera.move(ABOVE)
    camera.take()
    camera.take()
    assert len(scenes) == 1
