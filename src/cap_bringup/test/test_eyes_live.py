"""Which pictures gave no scene, told by the messages that a client hears."""

import threading

import pytest
from sensor_msgs.msg import CameraInfo

from cap_bringup import eyes_live
from cap_bringup.eyes_live import watch_pictures
from cap_bringup.testing import running_system
from cap_interfaces.msg import Scene


def stamped(message, sec):
    message.header.stamp.sec = sec
    return message


class FakeClient:
    """Pictures 2 and 3 are taken at once; the scenes of 1 and 3 come later."""

    def subscribe(self, message_type, topic, listener, qos):
        if message_type is Scene:
            self.on_scene = listener
            return
        for sec in (2, 3):
            listener(stamped(CameraInfo(), sec))
        threading.Timer(0.1, self.see, [(1, 3)]).start()

    def see(self, seconds):
        for sec in seconds:
            self.on_scene(stamped(Scene(), sec))


def test_a_picture_without_a_scene_is_lost(monkeypatch):
    monkeypatch.setattr(eyes_live, '_SCENE_S', 0.5)
    pictures = watch_pictures(FakeClient(), 0.0)
    assert set(pictures.taken_at) == {(2, 0), (3, 0)}
    assert pictures.lost() == [(2, 0)]
    (delay,) = pictures.delays_s()
    assert delay > 0.05


@pytest.mark.system
def test_the_pictures_of_a_running_system(tmp_path):
    with running_system(tmp_path, watch_world=False, camera_rate_hz='10.0') as system:
        pictures = watch_pictures(system.client, 3.0)
    # How many are lost on a machine that does other things, too, is none of a test's business.
    assert len(pictures.taken_at) > 16
    assert len(pictures.lost()) < len(pictures.taken_at) / 2
