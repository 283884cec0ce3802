"""Transforms over /tf_static and /tf, for nodes: a broadcaster and listeners."""

from __future__ import annotations

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from tf2_msgs.msg import TFMessage

from cap_common.conversions import matrix_from_transform, transform_from_matrix
from cap_common.ears import Ears
from cap_common.frame_history import FrameHistory
from cap_common.frames import FrameTree, Matrix

# Several nodes latch transforms on this one topic, so the reader's depth must exceed one.
_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
# Of transforms that move: there is another one soon.
_MOVING_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.BEST_EFFORT
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


class MovingTransformListener:
    """Keeps `history` as /tf has it, in a thread of its own: it comes often."""

    def __init__(self, node: Node) -> None:
        self.history = FrameHistory()
        self._ears = Ears(node, 'tf')
        self._ears.listen(TFMessage, '/tf', self._add, _MOVING_QOS)
        self._ears.start()

    def close(self) -> None:
        """Hear no more."""
        self._ears.close()

    def _add(self, message: TFMessage) -> None:
        for stamped in message.transforms:
            stamp = stamped.header.stamp
            self.history.add(
                stamped.header.frame_id,
                stamped.child_frame_id,
                stamp.sec * 1_000_000_000 + stamp.nanosec,
                matrix_from_transform(stamped.transform),
            )
