"""What becomes of the pictures of a running system: the last part of `bench eyes`."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo

from cap_bringup.client import Client
from cap_interfaces.msg import Scene

# The scene of a picture comes in this, or is lost.
_SCENE_S = 2.0
# So many pictures may be on their way at once.
_ALL = QoSProfile(depth=100)


@dataclass
class Pictures:
    """Pictures by stamp.

    Attributes:
        taken_at, scene_at: wall times [s] when a picture's camera_info was heard, and its scene.
    """

    taken_at: dict[tuple[int, int], float] = field(default_factory=dict)
    scene_at: dict[tuple[int, int], float] = field(default_factory=dict)

    def lost(self) -> list[tuple[int, int]]:
        """Stamps of those that gave no scene."""
        return sorted(set(self.taken_at) - set(self.scene_at))

    def delays_s(self) -> list[float]:
        """From camera_info, before whose pictures are on their way, to the scene [s]."""
        return [at - self.taken_at[stamp] for stamp, at in self.scene_at.items()]


def watch_pictures(client: Client, seconds: float) -> Pictures:
    """Those that a camera takes in this time, and their scenes."""
    pictures, over = Pictures(), threading.Event()
    changed = threading.Condition()

    def on_picture(message: CameraInfo) -> None:
        with changed:
            if not over.is_set():
                pictures.taken_at[_stamp(message)] = time.monotonic()

    def on_scene(message: Scene) -> None:
        with changed:
            if _stamp(message) in pictures.taken_at:
                pictures.scene_at.setdefault(_stamp(message), time.monotonic())
                changed.notify()

    client.subscribe(Scene, 'scene', on_scene, _ALL)
    client.subscribe(CameraInfo, 'camera/camera_info', on_picture, _ALL)
    over.wait(seconds)
    with changed:
        over.set()
        changed.wait_for(lambda: not pictures.lost(), _SCENE_S)
    return pictures


def _stamp(message: Any) -> tuple[int, int]:
    return message.header.stamp.sec, message.header.stamp.nanosec
