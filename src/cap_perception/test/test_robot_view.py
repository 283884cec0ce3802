"""The robot by its topics, next to a picture's stamp."""

import numpy as np
import pytest
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from cap_description import ARM_JOINTS, cell_urdf, transform
from cap_interfaces.msg import SceneObject
from cap_perception import robot_view
from cap_perception.robot_view import RobotView


class FakeEars:
    def __init__(self, node):
        node.say = self.say = {}
        self.node = self

    def listen(self, kind, topic, callback, qos):
        self.say[topic] = callback
        return topic

    def destroy_subscription(self, topic):
        del self.say[topic]

    def start(self):
        pass


class Node:
    def __init__(self):
        self.said = []

    def get_logger(self):
        return self

    def error(self, text):
        self.said.append(text)


@pytest.fixture
def node():
    return Node()


@pytest.fixture
def view(monkeypatch, node):
    monkeypatch.setattr(robot_view, 'Ears', FakeEars)
    return RobotView(node, 'workspace', always=True)


def joints(second, *positions):
    message = JointState(name=list(ARM_JOINTS), position=positions)
    message.header.stamp.sec = second
    return message


def test_nobody_has_told_of_it(view, node):
    assert view.at(0) is None
    assert view.held(0) is None
    node.say['joint_states'](joints(1, *[0.0] * 6))
    assert view.at(0) is None


def test_the_tool_that_holds_where_it_was_next_to_a_stamp(view, node):
    node.say['robot_description'](String(data=cell_urdf()))
    for second, pan in ((1, 0.0), (2, np.pi / 2)):
        node.say['joint_states'](joints(second, pan, 0.0, 0.0, 0.0, 0.0, 0.0))
    assert view.held(1_000_000_000) is None
    node.say['held_object'](SceneObject(name='red block'))
    before, after = (view.held(ns).workspace_from_tool for ns in (1_100_000_000, 1_900_000_000))
    np.testing.assert_allclose(before, transform(cell_urdf(), 'workspace', 'tcp'), atol=1e-9)
    # A quarter turn about the arm's base, where the workspace begins.
    np.testing.assert_allclose(after[:2, 3], (-before[1, 3], before[0, 3]), atol=1e-9)
    node.say['held_object'](SceneObject())
    assert view.held(1_000_000_000) is None
    assert view.at(1_000_000_000) is not None


def test_a_description_without_the_frame(view, node):
    node.say['robot_description'](String(data='<robot name="r"><link name="base"/></robot>'))
    assert 'neither hidden nor followed' in node.said[0]
    assert view.at(0) is None


def test_joint_states_are_listened_to_while_something_is_held(monkeypatch, node):
    monkeypatch.setattr(robot_view, 'Ears', FakeEars)
    view = RobotView(node, 'workspace', always=False)
    node.say['robot_description'](String(data=cell_urdf()))
    for _ in range(2):
        assert 'joint_states' not in node.say
        node.say['held_object'](SceneObject(name='red block'))
        assert view.held(0) is None, 'nothing is known of before'
        node.say['joint_states'](joints(1, *[0.0] * 6))
        assert view.held(0) is not None
        node.say['held_object'](SceneObject())
        assert view.held(0) is None
