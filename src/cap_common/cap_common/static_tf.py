"""Static transforms over /tf_static, for nodes: a broadcaster and a listener."""

from __future__ import annotations

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from tf2_msgs.msg import TFMessage

from cap_common.conversions import matrix_from_transform, transform_from_matrix
from cap_common.frames import FrameTree, Matrix

# Several nodes latch transforms on this one topic, so the reader's depth must exceed one.
_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


def broadcast_static(node: Node, edges: list[tuple[str, str, Matrix]]) -> None:
    """Latch (parent, child, parent_from_child) edges on /tf_static."""
    publisher = node.create_publisher(TFMessage, '/tf_static', _QOS)
    message = TFMessage()
    for parent, child, parent_from_child in edges:
        stamped = TransformStamped()
        stamped.header.frame_id = parent
        stamped.header.stamp = node.get_clock().now().to_msg()
        stamped.child_frame_id = child
        stamped.transform = transform_from_matrix(parent_from_child)
        message.transforms.append(stamped)
    publisher.publish(message)


class StaticTransformListener:
    """Keeps `frames` as /tf_static has it."""

    def __init__(self, node: Node) -> None:
        self.frames = FrameTree()
        self._node = node
        self._subscription = node.create_subscription(TFMessage, '/tf_static', self._add, _QOS)

    def close(self) -> None:
        """Hear no more."""
        self._node.destroy_subscription(self._subscription)

    def _add(self, message: TFMessage) -> None:
        for stamped in message.transforms:
            self.frames.add(
                stamped.header.frame_id,
                stamped.child_frame_id,
                matrix_from_transform(stamped.transform),
            )
