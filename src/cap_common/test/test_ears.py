"""What is heard, in a thread of its own; and a deaf node does not live on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter

from cap_common.ears import Ears
from cap_common.qos import LATCHED
from cap_interfaces.msg import Heartbeat

pytestmark = pytest.mark.system
DEADLINE_S = 10.0


@pytest.fixture
def parent(context: Context) -> Iterator[Node]:
    node = Node('parent', namespace='cell', context=context)
    yield node
    node.destroy_node()


def test_topics_are_those_of_the_parent_and_nobody_spins_it(parent: Node) -> None:
    heard: list[Any] = []
    came = threading.Event()
    ears = Ears(parent)
    ears.listen(
        Heartbeat, 'word', lambda message: (heard.append(message.node), came.set()), LATCHED
    )
    ears.start()
    parent.create_publisher(Heartbeat, '/cell/word', LATCHED).publish(Heartbeat(node='hello'))
    assert came.wait(DEADLINE_S)
    assert heard == ['hello']
    ears.close()


def test_simulated_time_is_kept_by_the_ears(parent: Node) -> None:
    parent.set_parameters([Parameter('use_sim_time', value=True)])
    ears = Ears(parent)
    assert not parent.get_parameter('use_sim_time').value
    # No clock has spoken yet.
    assert ears.clock.now().nanoseconds == 0
    assert parent.get_clock().now().nanoseconds > 0


def test_a_callback_that_raises_takes_the_context_down(
    parent: Node, context: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    def stumble(_: Any) -> None:
        raise ValueError('not what I expected')

    down = threading.Event()
    context.on_shutdown(down.set)
    ears = Ears(parent)
    ears.listen(Heartbeat, 'word', stumble, LATCHED)
    ears.start()
    parent.create_publisher(Heartbeat, 'word', LATCHED).publish(Heartbeat())
    assert down.wait(DEADLINE_S)
    assert 'ValueError: not what I expected' in capfd.readouterr().err
    ears.close()
