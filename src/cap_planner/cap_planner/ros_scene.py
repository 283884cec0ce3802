"""The scene topic as a SceneSource."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from rclpy.impl.rcutils_logger import RcutilsLogger
from transforms3d.euler import quat2euler

from cap_common.awake import awake_s
from cap_common.ears import Ears
from cap_common.errors import PerceptionLostError
from cap_common.perception_status import PerceptionStatus
from cap_common.qos import LATCHED
from cap_interfaces.msg import Scene as SceneMessage
from cap_interfaces.msg import SceneObject as ObjectMessage
from cap_planner.scene import Scene, SceneObject


class SceneCache:
    """The newest scene of the topic, and waits for newer ones.

    Args:
        silence_s: a scene that came longer ago than this (by the clock of awake.py) is too old.
        wait_s: how long `newer` waits (steady clock).
    """

    def __init__(
        self, ears: Ears, logger: RcutilsLogger, frame: str, silence_s: float, wait_s: float
    ) -> None:
        self._clock = ears.clock
        self._logger = logger
        self._frame = frame
        self._silence_s = silence_s
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._scene: Scene | None = None
        self._received_at = 0.0
        self._held: SceneObject | None = None
        self._status = PerceptionStatus(ears.listen)
        ears.listen(SceneMessage, 'scene', self._on_scene, LATCHED)
        ears.listen(ObjectMessage, 'held_object', self._on_held, LATCHED)

    def _on_held(self, message: ObjectMessage) -> None:
        with self._changed:
            held = replace(object_from_message(message), held=True)
            self._held = held if message.name else None

    def _on_scene(self, message: SceneMessage) -> None:
        if message.header.frame_id != self._frame:
            self._logger.error(
                f'scene in frame {message.header.frame_id!r}, not {self._frame!r}: ignored',
                throttle_duration_sec=5.0,
            )
            return
        scene = scene_from_message(message)
        with self._changed:
            self._scene, self._received_at = scene, awake_s()
            self._changed.notify_all()

    @property
    def is_seen(self) -> bool:
        """Whether a scene has ever come."""
        with self._changed:
            return self._scene is not None

    def latest(self) -> Scene:
        """See SceneSource."""
        with self._changed:
            return self._checked()

    def newer(self, than_ns: int) -> Scene:
        """See SceneSource."""
        deadline = time.monotonic() + self._wait_s
        with self._changed:
            # A restarted simulator begins its time anew: then every new scene is newer.
            while self._scene is None or not (
                self._scene.stamp_ns > than_ns or self.now_ns() < than_ns
            ):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise PerceptionLostError(
                        f'no picture was taken in the last {self._wait_s:g} s: '
                        f'{self._status.why_lost()}'
                    )
                self._changed.wait(left)
            return self._checked()

    def now_ns(self) -> int:
        """See SceneSource."""
        return int(self._clock.now().nanoseconds)

    def _checked(self) -> Scene:
        if self._scene is None:
            raise PerceptionLostError(f'no scene yet: {self._status.why_lost()}')
        age = awake_s() - self._received_at
        if age > self._silence_s:
            raise PerceptionLostError(
                f'the newest scene is {age:.1f} s old: {self._status.why_lost()}'
            )
        held = self._held
        return self._scene if held is None else with_held(self._scene, held)


def with_held(scene: Scene, held: SceneObject) -> Scene:
    """The scene with what hangs on the gripper: it is there, seen or not."""
    if held.name not in scene.names:
        return replace(scene, objects=(*scene.objects, held))
    return replace(
        scene,
        objects=tuple(
            replace(item, held=True) if item.name == held.name else item for item in scene.objects
        ),
    )


def scene_from_message(message: SceneMessage) -> Scene:
    """The pure form of a scene."""
    stamp = message.header.stamp
    objects = tuple(object_from_message(item) for item in message.objects)
    return Scene(stamp.sec * 1_000_000_000 + stamp.nanosec, objects)


def object_from_message(message: ObjectMessage) -> SceneObject:
    """The pure form of an object."""
    p, q, s = message.pose.position, message.pose.orientation, message.size
    return SceneObject(
        name=message.name,
        class_name=message.class_name,
        color=message.color,
        position=(p.x, p.y, p.z),
        size=(s.x, s.y, s.z),
        yaw=float(quat2euler((q.w, q.x, q.y, q.z))[2]),
        visible=message.visible,
        rgb=tuple(map(float, message.rgb)) if len(message.rgb) == 3 else None,  # type: ignore[arg-type]
        mask=message.mask,
        held=message.held,
    )
