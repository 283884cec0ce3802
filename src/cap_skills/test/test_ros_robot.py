"""What RosRobot takes for a reading; a real simulator is behind it in the conformance tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from geometry_msgs.msg import Vector3, Wrench, WrenchStamped
from rclpy.context import Context
from rclpy.node import Node
from sensor_msgs.msg import FluidPressure, JointState

from cap_common.domain import free_domain_id
from cap_common.ears import Ears
from cap_common.errors import RobotFaultError
from cap_description.cell import ARM_JOINTS
from cap_skills.ros_robot import RosRobot

NAN, INF = float('nan'), float('inf')


class Mouth(Ears):
    """Ears that hear what a test says."""

    def __init__(self, parent: Node) -> None:
        super().__init__(parent)
        self._callbacks: dict[str, Callable[[Any], None]] = {}

    def listen(self, kind: type, topic: str, callback: Callable[[Any], None], qos: Any) -> None:
        self._callbacks[topic] = callback

    def joints(self, name: list[str], position: list[float]) -> None:
        self._callbacks['joint_states'](JointState(name=name, position=position))

    def force(self, z: float) -> None:
        wrench = Wrench(force=Vector3(z=z))
        self._callbacks['gripper/wrench'](WrenchStamped(wrench=wrench))

    def pressure(self, pascal: float) -> None:
        self._callbacks['gripper/vacuum'](FluidPressure(fluid_pressure=pascal))


@pytest.fixture
def node() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context, domain_id=free_domain_id())
    node = Node('robot_test', context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_the_push_of_a_wrench_in_tcp_is_positive(node: Node) -> None:
    mouth = Mouth(node)
    robot = RosRobot(node, mouth, silence_s=10.0, slowest=0.1)
    mouth.force(-3.0)
    mouth.pressure(40_000.0)
    assert (robot.gripper().force, robot.gripper().pressure) == (3.0, 40_000.0)


@pytest.mark.parametrize('number', [NAN, INF])
def test_a_sensor_without_numbers_is_silent(node: Node, number: float) -> None:
    mouth = Mouth(node)
    robot = RosRobot(node, mouth, silence_s=10.0, slowest=0.1)
    mouth.force(number)
    mouth.pressure(40_000.0)
    with pytest.raises(RobotFaultError, match="'gripper/wrench' has never come"):
        robot.gripper()
    mouth.force(1.0)
    mouth.pressure(number)
    assert robot.gripper().pressure == 40_000.0


@pytest.mark.parametrize(
    ('names', 'positions'),
    [
        (ARM_JOINTS, []),
        (ARM_JOINTS, [0.0] * 5),
        (ARM_JOINTS[:5], [0.0] * 5),
        (ARM_JOINTS, [0.0] * 5 + [NAN]),
    ],
)
def test_joint_states_without_all_joints_are_none(
    node: Node, names: tuple[str, ...], positions: list[float]
) -> None:
    mouth = Mouth(node)
    robot = RosRobot(node, mouth, silence_s=10.0, slowest=0.1)
    mouth.joints(list(names), positions)
    with pytest.raises(RobotFaultError, match="'joint_states' has never come"):
        robot.joints()
    mouth.joints(['gripper', *ARM_JOINTS], [9.0, *map(float, range(6))])
    assert robot.joints().tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize('names', [('left',), ('left', 'right')])
def test_the_opening_of_a_jaw_comes_with_the_joints(node: Node, names: tuple[str, ...]) -> None:
    mouth = Mouth(node)
    robot = RosRobot(
        *(node, mouth, 10.0, 0.1),
        has_cup=False,
        fingers={'left_finger_joint': 0.0425, 'right_finger_joint': 0.0425},
    )
    mouth.force(0.0)
    with pytest.raises(RobotFaultError, match="'joint_states' has never come"):
        robot.gripper()
    joints = [*ARM_JOINTS, *(f'{name}_finger_joint' for name in names)]
    mouth.joints(list(ARM_JOINTS), [0.0] * 6)
    with pytest.raises(RobotFaultError, match="'joint_states' has never come"):
        robot.gripper()
    mouth.joints(joints, [0.0] * 6 + [0.0225] * len(names))
    assert robot.gripper().opening == pytest.approx(0.04)
