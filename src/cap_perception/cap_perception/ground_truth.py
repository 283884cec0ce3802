"""Scenes from the simulator's own knowledge, for tests and for skills without a camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from cap_common.conversions import matrix_from_pose
from cap_common.frames import Matrix, UnknownFrameError
from cap_common.static_tf import StaticTransformListener
from cap_interfaces.msg import Scene as SceneMessage
from cap_perception.health import Health
from cap_perception.lookout import Finding, Lookout
from cap_perception.parameters import PerceptionParameters
from cap_perception.phrases import answered, parse_phrase
from cap_perception.sources import OnScene
from cap_perception.types import Scene, SceneObject

_TOPIC = 'sim/ground_truth'
_QOS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE)


class GroundTruthSource:
    """A scene for every message of `sim/ground_truth`."""

    def __init__(self, node: Node, parameters: PerceptionParameters, on_scene: OnScene) -> None:
        self._node = node
        self._workspace = parameters.workspace_frame
        self._on_scene = on_scene
        self.health = Health([_TOPIC], parameters.silence_s)
        self._lookout = Lookout(parameters.silence_s, lambda: True)

    def start(self) -> None:
        """See SceneSource."""
        self._transforms = StaticTransformListener(self._node)
        self._subscription = self._node.create_subscription(SceneMessage, _TOPIC, self._take, _QOS)

    def stop(self) -> None:
        """See SceneSource."""
        self._node.destroy_subscription(self._subscription)
        self._transforms.close()

    def forget(self) -> None:
        """See SceneSource: the truth remembers nothing."""

    def look_for(self, phrases: Sequence[str], timeout_s: float) -> Finding:
        """See SceneSource."""
        return self._lookout.look_for(phrases, timeout_s, lambda: self.health.report().message)

    def _take(self, message: SceneMessage) -> None:
        self.health.heard(_TOPIC)
        self.health.complete()
        frame = message.header.frame_id
        try:
            same = frame == self._workspace
            workspace_from_truth = (
                np.eye(4) if same else self._transforms.frames.lookup(self._workspace, frame)
            )
        except UnknownFrameError as error:
            self.health.failed(str(error))
            self._node.get_logger().warning(f'no scene: {error}', throttle_duration_sec=5.0)
            return
        scene = scene_from_truth(message, workspace_from_truth)
        self.health.used(0.0, 0.0)
        self._on_scene(scene, None)
        self._lookout.serve(
            scene.stamp_ns,
            lambda phrase: [thing for thing in scene.objects if _answers(thing, phrase)],
            lambda: [thing.name for thing in scene.objects],
        )


def _answers(thing: SceneObject, phrase: str) -> bool:
    return answered([parse_phrase(phrase)], thing.color, thing.class_name) is not None


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
