"""The simulator's knowledge as a detector."""

from dataclasses import replace

import numpy as np
import pytest

from cap_interfaces.msg import Scene as SceneMessage
from cap_interfaces.msg import SceneObject as SceneObjectMessage
from cap_perception.deproject import denoise
from cap_perception.detector import make_detector
from cap_perception.detectors.color import from_parameters
from cap_perception.detectors.ground_truth import NoTruthError
from cap_perception.types import Scene, SceneObject
from cap_sim.layout import ObjectSpec

SIZES = {'block': (0.04, 0.04, 0.04), 'bowl': (0.12, 0.12, 0.045)}


def truth(world, stamp_ns=0):
    things = []
    for name, pose in world.truth().items():
        color, kind = name.split()
        things.append(SceneObject(name, name, kind, color, pose, SIZES[kind], 1.0, stamp_ns, True))
    return Scene(stamp_ns, tuple(things))


def test_its_masks_are_those_of_the_colors(cell, parameters):
    world = cell(
        ObjectSpec('bowl', 'blue', (-0.15, -0.45)),
        ObjectSpec('block', 'red', (0.0, -0.3)),
        ObjectSpec('block', 'green', (0.1, -0.6), 0.7),
    )
    world.put('red block', -0.15, -0.45, 0.03, 0.4)
    detector = make_detector('ground_truth', parameters)
    detector.hear(truth(world))
    frame = denoise(world.frame())
    found = {(d.color, d.class_name): d for d in detector.detect(frame, ['block', 'blue bowl'])}
    seen = from_parameters(parameters).detect(frame, ['block', 'bowl'])
    assert len(found) == len(seen) == 3
    for other in seen:
        mask = found[other.color, other.class_name].mask
        assert (mask & other.mask).sum() > 0.7 * (mask | other.mask).sum()
    assert {d.phrase for d in found.values()} == {'block', 'blue bowl'}
    assert [d.color for d in detector.detect(frame, ['red block'])] == ['red']


def test_the_truth_of_the_picture(cell, parameters):
    world = cell(ObjectSpec('block', 'red', (0.0, -0.3)))
    detector = make_detector('ground_truth', parameters)
    frame = world.frame()
    with pytest.raises(NoTruthError, match='is it a simulation'):
        detector.detect(frame, ['block'])
    detector.hear(truth(world, frame.stamp_ns))
    detector.hear(Scene(frame.stamp_ns + 1_000_000_000, ()))
    assert len(detector.detect(frame, ['block'])) == 1
    assert not detector.detect(replace(frame, stamp_ns=frame.stamp_ns + 900_000_000), ['block'])


def test_what_is_hidden_is_not_seen(cell, parameters):
    world = cell(ObjectSpec('block', 'red', (0.0, -0.3)), ObjectSpec('block', 'blue', (0.1, -0.3)))
    below = truth(world)
    world.put('blue block', 0.0, -0.3, 0.06)
    detector = make_detector('ground_truth', parameters)
    # The red one as if it stood right below the blue one, smaller than it.
    red = replace(below.objects[0], size=(0.03, 0.03, 0.02))
    red.workspace_from_box[2, 3] = 0.015
    blue = truth(world).objects[1]
    detector.hear(Scene(0, (red, blue)))
    found = detector.detect(denoise(world.frame(0.0, 0.0)), ['block'])
    assert [d.color for d in found] == ['blue']
    assert np.asarray(found[0].mask).sum() > 50


class Node:
    """What a listener needs of a node."""

    def __init__(self):
        self.callbacks = {}

    def create_subscription(self, _, topic, callback, __):
        self.callbacks[topic] = callback
        return topic

    def destroy_subscription(self, topic):
        del self.callbacks[topic]


def test_it_hears_the_simulator(cell, parameters):
    world = cell(ObjectSpec('block', 'red', (0.0, -0.3)))
    frame = world.frame()
    position = world.truth()['red block'][:3, 3]
    block = SceneObjectMessage(name='red block', class_name='block', color='red')
    block.pose.position.x, block.pose.position.y, block.pose.position.z = position
    block.size.x = block.size.y = block.size.z = 0.04
    message = SceneMessage(objects=[block])
    message.header.frame_id = parameters.workspace_frame
    node = Node()
    detector = make_detector('ground_truth', parameters)
    detector.start(node)
    node.callbacks['sim/ground_truth'](message)
    detector.stop()
    assert not node.callbacks
    assert [d.color for d in detector.detect(frame, ['block'])] == ['red']
