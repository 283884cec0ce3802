import math
import threading

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.time import Time

from cap_common.errors import PerceptionLostError
from cap_interfaces.msg import Scene as SceneMessage
from cap_interfaces.msg import SceneObject
from cap_planner.ros_scene import SceneCache, scene_from_message


class FakeEars:
    """Topics that a test speaks on, and a clock that it sets."""

    def __init__(self):
        self.say = {}
        self.now_ns = 0
        self.clock = self

    def listen(self, kind, topic, callback, qos):
        self.say[topic] = callback

    def now(self):
        return Time(nanoseconds=self.now_ns)


class Logger:
    def __init__(self):
        self.said = []

    def error(self, text, **_):
        self.said.append(text)


def thing(name):
    message = SceneObject(name=name, class_name='block', color='red')
    position, turn, size = message.pose.position, message.pose.orientation, message.size
    position.x, position.y, position.z = 0.1, -0.4, 0.02
    turn.z, turn.w = math.sin(math.pi / 6), math.cos(math.pi / 6)
    size.x, size.y, size.z = 0.04, 0.05, 0.06
    return message


def message(*names, second=0, frame='workspace'):
    message = SceneMessage(objects=[thing(name) for name in names])
    message.header.frame_id, message.header.stamp.sec = frame, second
    return message


@pytest.fixture
def ears():
    return FakeEars()


@pytest.fixture
def logger():
    return Logger()


@pytest.fixture
def cache(ears, logger):
    return SceneCache(ears, logger, 'workspace', silence_s=1.0, wait_s=0.1)


def test_a_message_as_a_scene():
    scene = scene_from_message(message('red block', second=2))
    (item,) = scene.objects
    assert scene.stamp_ns == 2_000_000_000
    assert (item.name, item.class_name, item.color) == ('red block', 'block', 'red')
    assert (item.position, item.size) == ((0.1, -0.4, 0.02), (0.04, 0.05, 0.06))
    assert item.yaw == pytest.approx(math.pi / 3)
    assert not item.visible


def test_before_the_first_scene(cache):
    assert not cache.is_seen
    with pytest.raises(PerceptionLostError, match='no scene yet'):
        cache.latest()
    with pytest.raises(PerceptionLostError, match='no picture was taken'):
        cache.newer(0)


def test_the_reason_that_perception_tells(cache, ears):
    with pytest.raises(PerceptionLostError, match='is perception running'):
        cache.latest()
    why = 'nothing yet on camera/depth/image_raw'
    ears.say['perception/status'](DiagnosticStatus(level=DiagnosticStatus.STALE, message=why))
    with pytest.raises(PerceptionLostError, match=f'no scene yet: {why}'):
        cache.latest()
    with pytest.raises(PerceptionLostError, match=why):
        cache.newer(0)
    ears.say['perception/status'](DiagnosticStatus(message='sees'))
    with pytest.raises(PerceptionLostError, match='is perception running'):
        cache.latest()


def test_the_newest_scene_until_it_is_old(cache, ears, until):
    ears.say['scene'](message('red block'))
    ears.say['scene'](message('red block', 'red bowl', second=1))
    assert cache.is_seen
    assert cache.latest().names == ['red block', 'red bowl']

    def is_old():
        try:
            cache.latest()
        except PerceptionLostError as error:
            return 'old' in str(error)
        return False

    until(is_old, 'the end of the silence')


def test_another_frame_is_not_taken(cache, ears, logger):
    ears.say['scene'](message('red block', frame='base_link'))
    assert not cache.is_seen
    assert "'base_link', not 'workspace'" in logger.said[0]


def test_newer_waits_for_a_later_stamp(ears, logger):
    cache = SceneCache(ears, logger, 'workspace', silence_s=20.0, wait_s=20.0)
    ears.now_ns = 5_000_000_000
    ears.say['scene'](message('red block', second=1))
    found = []
    waiting = threading.Thread(target=lambda: found.append(cache.newer(1_000_000_000)))
    waiting.start()
    ears.say['scene'](message('old', second=1))
    ears.say['scene'](message('new', second=2))
    waiting.join(10.0)
    assert [scene.names for scene in found] == [['new']]


def test_newer_when_the_clock_began_anew(cache, ears):
    ears.now_ns = 1_000_000_000
    ears.say['scene'](message('red block', second=1))
    assert cache.newer(100_000_000_000).names == ['red block']


def test_what_hangs_on_the_gripper_is_there(cache, ears):
    ears.say['scene'](message('red bowl'))
    ears.say['held_object'](thing('red block'))
    assert cache.latest().names == ['red bowl', 'red block']
    ears.say['scene'](message('red block', 'red bowl'))
    assert cache.latest().names == ['red block', 'red bowl'], 'seen, and not there twice'
    ears.say['held_object'](SceneObject())
    ears.say['scene'](message('red bowl'))
    assert cache.latest().names == ['red bowl']
