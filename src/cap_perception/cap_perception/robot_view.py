"""The robot as its topics tell it: description and joint states, for pictures of some time ago."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping

from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from cap_common.ears import Ears
from cap_common.qos import LATCHED, SENSOR
from cap_perception.silhouette import Silhouette
from cap_perception.types import CameraFrame, Mask

# Joint states that are kept: a second of them.
_KEPT = 125


class RobotView:
    """Where the robot was in a picture, by the joint states next to its stamp."""

    def __init__(self, node: Node, workspace_frame: str) -> None:
        self._logger = node.get_logger()
        self._frame = workspace_frame
        self._silhouette: Silhouette | None = None
        self._lock = threading.Lock()
        self._states: deque[tuple[int, Mapping[str, float]]] = deque(maxlen=_KEPT)
        # Not where the pictures come in: 125 wakes a second would cost some of them.
        self._ears = Ears(node)
        self._ears.listen(String, 'robot_description', self._describe, LATCHED)
        self._ears.listen(JointState, 'joint_states', self._hear, SENSOR)
        self._ears.start()

    def close(self) -> None:
        """Hear no more."""
        self._ears.close()

    def at(self, stamp_ns: int) -> Callable[[CameraFrame], Mask] | None:
        """Masks the robot of that time; None: nobody has told of it."""
        with self._lock:
            silhouette = self._silhouette
            if silhouette is None or not self._states:
                return None
            _, joints = min(self._states, key=lambda state: abs(state[0] - stamp_ns))
        return lambda frame: silhouette.mask(frame, joints)

    def _describe(self, message: String) -> None:
        try:
            silhouette = Silhouette(message.data, self._frame)
        except LookupError as error:
            self._logger.error(f'the robot cannot be hidden: {error}')
            return
        with self._lock:
            self._silhouette = silhouette

    def _hear(self, message: JointState) -> None:
        stamp = message.header.stamp
        positions = dict(zip(message.name, message.position, strict=False))
        with self._lock:
            self._states.append((stamp.sec * 1_000_000_000 + stamp.nanosec, positions))
