"""The quality-of-service profiles of the topics; both ends of a topic take theirs from here."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

# Joint states, wrenches, pictures for people: the newest matters, a lost one does not.
SENSOR = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.BEST_EFFORT
)
# Colour and depth: of a picture of many datagrams, the few that get lost are sent again.
PICTURES = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.RELIABLE
)
# Heartbeats and the lease: a late one is worthless, and one topic carries the beats of all nodes.
BEAT = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=20, reliability=ReliabilityPolicy.BEST_EFFORT
)
# The scene, static transforms, robot_description: whoever comes late gets the newest one at once.
LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
