"""perception_node: what the camera sees, as a latched scene of named objects."""

from __future__ import annotations

from rclpy.node import Node
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection3DArray

from cap_common.heartbeat import Beat
from cap_common.parameters import load_parameters
from cap_common.qos import LATCHED, SENSOR
from cap_common.spin import run_node
from cap_interfaces.msg import Scene as SceneMessage
from cap_perception.messages import detections_message, scene_message
from cap_perception.parameters import PerceptionParameters
from cap_perception.sources import make_source
from cap_perception.types import Scene


class PerceptionNode(Node):
    """Publishes `scene`, `detections` beside it, and its heartbeat."""

    def __init__(self) -> None:
        super().__init__('perception')
        parameters = load_parameters(self, PerceptionParameters)
        self._workspace = parameters.workspace_frame
        self._scenes = self.create_publisher(SceneMessage, 'scene', LATCHED)
        self._detections = self.create_publisher(Detection3DArray, 'detections', SENSOR)
        self._source = make_source(parameters.source, self, parameters, self._publish)
        self.create_service(Trigger, 'forget_objects', self._forget)
        self._has_scene = False
        self._beat = Beat(self, lambda: self._has_scene)

    def close(self) -> None:
        """End the source's threads."""
        self._source.close()

    def _forget(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._source.forget()
        response.success = True
        return response

    def _publish(self, scene: Scene) -> None:
        self._has_scene = True
        self._scenes.publish(scene_message(scene, self._workspace))
        self._detections.publish(detections_message(scene, self._workspace))


def main() -> int:
    """Run the node."""
    return run_node(PerceptionNode, threads=1)
