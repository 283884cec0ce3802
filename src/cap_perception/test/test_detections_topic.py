"""Detections of another node, matched by stamp; what ROS has to do with it comes last."""

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cap_common.domain import free_domain_id
from cap_common.qos import SENSOR
from cap_perception.detector import ListeningDetector, make_detector
from cap_perception.detectors.detections_topic import (
    Inbox,
    LabelledBox,
    NoDetectionsError,
    TopicDetector,
    boxes_of,
)
from cap_perception.types import CameraFrame
from cap_perception.words import Words


@pytest.fixture
def frame():
    """The part of a picture from (100, 50) on."""
    rgb = np.zeros((40, 60, 3), np.uint8)
    depth = np.ones((40, 60), np.float32)
    return CameraFrame(rgb, depth, np.eye(3), np.eye(4), 7, origin=(100, 50))


def detector(**changes):
    values = {'topic': 'boxes', 'timeout_s': 0.0, 'threshold': 0.5, 'words': Words(), **changes}
    return TopicDetector(**values)


def test_boxes_of_the_whole_picture_in_the_part(frame):
    made = detector(words=Words(['block = square']))
    made.inbox.put(
        7,
        [
            LabelledBox('red square', 0.9, (120.0, 70.0), (10.0, 20.0)),
            LabelledBox('bowl', 0.8, (158.0, 60.0), (10.5, 4.0)),
            LabelledBox('bowl', 0.4, (120.0, 70.0), (10.0, 20.0)),
            LabelledBox('cat', 0.9, (120.0, 70.0), (10.0, 20.0)),
            LabelledBox('bowl', 0.9, (20.0, 70.0), (10.0, 20.0)),
        ],
    )
    block, bowl = made.detect(frame, ['block', 'blue bowl', 'bowl'])
    assert (block.phrase, block.class_name, block.color) == ('block', 'block', 'red')
    assert (block.box, block.score, block.mask) == ((15, 10, 25, 30), pytest.approx(0.9), None)
    assert (bowl.phrase, bowl.color, bowl.box) == ('bowl', '', (52, 8, 60, 12))


def test_nothing_in_the_picture_is_no_error_and_nothing_heard_is(frame):
    made = detector()
    made.inbox.put(6, [LabelledBox('block', 0.9, (120.0, 70.0), (10.0, 20.0))])
    with pytest.raises(NoDetectionsError, match=r"Detection2DArray on 'boxes' within 0 s"):
        made.detect(frame, ['block'])
    made.inbox.put(7, [])
    assert made.detect(frame, ['block']) == []


def test_it_waits_for_them(frame):
    made = detector(timeout_s=30.0)
    late = threading.Timer(
        0.05, made.inbox.put, (7, [LabelledBox('block', 0.9, (120.0, 70.0), (10.0, 20.0))])
    )
    late.start()
    assert len(made.detect(frame, ['block'])) == 1
    late.join()


def test_the_oldest_go():
    inbox = Inbox()
    for stamp in range(80):
        inbox.put(stamp, [])
    assert inbox.wait_for(0, 0.0) is None
    assert inbox.wait_for(79, 0.0) == ()


def hypothesis(label, score):
    return SimpleNamespace(hypothesis=SimpleNamespace(class_id=label, score=score))


def test_the_best_hypothesis_counts():
    centre = SimpleNamespace(position=SimpleNamespace(x=10.0, y=20.0), theta=0.0)
    bbox = SimpleNamespace(center=centre, size_x=4.0, size_y=6.0)
    found = SimpleNamespace(results=[hypothesis('cat', 0.2), hypothesis('dog', 0.7)], bbox=bbox)
    nameless = SimpleNamespace(results=[], bbox=bbox)
    message = SimpleNamespace(detections=[found, nameless])
    assert boxes_of(message) == [LabelledBox('dog', 0.7, (10.0, 20.0), (4.0, 6.0))]


def test_as_configured(parameters):
    mine = replace(parameters.detections_topic, topic='elsewhere')
    made = make_detector('detections_topic', replace(parameters, detections_topic=mine))
    assert isinstance(made, ListeningDetector)
    assert not isinstance(make_detector('color', parameters), ListeningDetector)


@pytest.mark.system
def test_over_a_topic(frame):
    """A real publisher; the detector waits in one thread while another one spins."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

    context = rclpy.Context()
    rclpy.init(context=context, domain_id=free_domain_id())
    node = rclpy.create_node('listener', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    spinning = threading.Thread(target=executor.spin, daemon=True)
    spinning.start()
    made = detector(timeout_s=20.0)
    made.start(node)
    publisher = node.create_publisher(Detection2DArray, 'boxes', SENSOR)
    found = Detection2D()
    found.bbox.center.position.x, found.bbox.center.position.y = 120.0, 70.0
    found.bbox.size_x, found.bbox.size_y = 10.0, 20.0
    result = ObjectHypothesisWithPose()
    result.hypothesis.class_id, result.hypothesis.score = 'red block', 0.9
    found.results = [result]
    message = Detection2DArray(detections=[found])
    message.header.stamp.nanosec = 7
    timer = node.create_timer(0.1, lambda: publisher.publish(message))
    try:
        [detection] = made.detect(frame, ['block'])
        assert (detection.box, detection.color) == ((15, 10, 25, 30), 'red')
        made.stop()
        end = time.monotonic() + 20.0
        while node.count_subscribers('boxes'):
            assert time.monotonic() < end, 'it still listens'
            time.sleep(0.02)
    finally:
        node.destroy_timer(timer)
        executor.shutdown()
        spinning.join()
        rclpy.shutdown(context=context)
