"""Scenes from the simulator's own knowledge, for tests and for skills without a camera."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from cap_common.conversions import matrix_from_pose
from cap_common.frames import Matrix, UnknownFrameError
from cap_common.static_tf import StaticTransformListener
from cap_interfaces.msg import Scene as SceneMessage
from cap_perception.parameters import PerceptionParameters
from cap_perception.types import Scene, SceneObject

_QOS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE)


class GroundTruthSource:
    """A scene for every message of `sim/ground_truth`."""

    def __init__(
        self, node: Node, parameters: PerceptionParameters, on_scene: Callable[[Scene], None]
    ) -> None:
        self._logger = node.get_logger()
        self._workspace = parameters.workspace_frame
        self._on_scene = on_scene
        self._transforms = StaticTransformListener(node)
        self._subscription = node.create_subscription(
            SceneMessage, 'sim/ground_truth', self._take, _QOS
        )

    def forget(self) -> None:
        """See SceneSource: the truth remembers nothing."""

    def close(self) -> None:
        """See SceneSource: it has none."""

    def _take(self, message: SceneMessage) -> None:
        frame = message.header.frame_id
        try:
            same = frame == self._workspace
            workspace_from_truth = (
                np.eye(4) if same else self._transforms.frames.lookup(self._workspace, frame)
            )
        except UnknownFrameError as error:
            self._logger.warning(f'no scene: {error}', throttle_duration_sec=5.0)
            return
        self._on_scene(scene_from_truth(message, workspace_from_truth))


def scene_from_truth(message: SceneMessage, workspace_from_truth: Matrix) -> Scene:
    """The message as a scene: everything is seen, and certain."""
    stamp_ns = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
    return Scene(
        stamp_ns,
        tuple(
            SceneObject(
                id=thing.id or thing.name,
                name=thing.name,
                class_name=thing.class_name,
                color=thing.color,
                workspace_from_box=workspace_from_truth @ matrix_from_pose(thing.pose),
                size=(thing.size.x, thing.size.y, thing.size.z),
                confidence=1.0,
                stamp_ns=stamp_ns,
                visible=True,
            )
            for thing in sorted(message.objects, key=lambda o: str(o.name))
        ),
    )
