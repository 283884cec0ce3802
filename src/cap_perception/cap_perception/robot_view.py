"""The robot as its topics tell it, at some time ago: its links, its tool and whether that holds."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from cap_common.ears import Ears
from cap_common.qos import LATCHED, SENSOR
from cap_description import LinkTree
from cap_interfaces.msg import SceneObject as ObjectMessage
from cap_perception.silhouette import Silhouette
from cap_perception.types import CameraFrame, HeldPose, Mask

# Joint states that are kept: a second of them.
_KEPT = 125
_TOOL = 'tcp'


class RobotView:
    """Where the robot was in a picture, by the joint states next to its stamp.

    Args:
        always: listen to joint states also while nothing is held; it costs 8 % of a core.
    """

    def __init__(self, node: Node, workspace_frame: str, *, always: bool) -> None:
        self._always = always
        self._logger = node.get_logger()
        self._frame = workspace_frame
        self._silhouette: Silhouette | None = None
        self._links: LinkTree | None = None
        self._holds = False
        self._lock = threading.Lock()
        self._states: deque[tuple[int, Mapping[str, float]]] = deque(maxlen=_KEPT)
        # Not where the pictures come in: 125 wakes a second would cost some of them.
        self._ears = Ears(node)
        self._ears.listen(String, 'robot_description', self._describe, LATCHED)
        self._joint_states: Any = None
        if always:
            self._listen_to_joints()
        self._ears.listen(ObjectMessage, 'held_object', self._hear_held, LATCHED)
        self._ears.start()

    def close(self) -> None:
        """Hear no more."""
        self._ears.close()

    def at(self, stamp_ns: int) -> Callable[[CameraFrame], Mask] | None:
        """Masks the robot of that time; None: nobody has told of it."""
        with self._lock:
            silhouette, joints = self._silhouette, self._joints(stamp_ns)
        if silhouette is None or joints is None:
            return None
        return lambda frame: silhouette.mask(frame, joints)

    def held(self, stamp_ns: int) -> HeldPose | None:
        """Where the tool was; None: it holds nothing, or nobody has told of it."""
        with self._lock:
            links, joints = self._links, self._joints(stamp_ns)
            if links is None or joints is None or not self._holds:
                return None
        poses = links.poses(joints)
        return HeldPose(np.linalg.inv(poses[self._frame]) @ poses[_TOOL])

    def _listen_to_joints(self) -> None:
        self._joint_states = self._ears.listen(JointState, 'joint_states', self._hear, SENSOR)

    def _joints(self, stamp_ns: int) -> Mapping[str, float] | None:
        if not self._states:
            return None
        return min(self._states, key=lambda state: abs(state[0] - stamp_ns))[1]

    def _describe(self, message: String) -> None:
        try:
            silhouette, links = Silhouette(message.data, self._frame), LinkTree(message.data)
            missing = {self._frame, _TOOL} - set(links.poses({}))
            if missing:
                raise LookupError(f'the URDF has no {sorted(missing)}')
        except LookupError as error:
            self._logger.error(f'the robot can be neither hidden nor followed: {error}')
            return
        with self._lock:
            self._silhouette, self._links = silhouette, links

    def _hear(self, message: JointState) -> None:
        stamp = message.header.stamp
        positions = dict(zip(message.name, message.position, strict=False))
        with self._lock:
            self._states.append((stamp.sec * 1_000_000_000 + stamp.nanosec, positions))

    def _hear_held(self, message: ObjectMessage) -> None:
        with self._lock:
            self._holds = bool(message.name)
        if self._always:
            return
        if message.name and self._joint_states is None:
            self._listen_to_joints()
        elif not message.name and self._joint_states is not None:
            self._ears.node.destroy_subscription(self._joint_states)
            self._joint_states = None
            with self._lock:
                self._states.clear()
