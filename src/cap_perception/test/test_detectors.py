"""Every detector that needs no model keeps what `Detector` promises; test/neural has the others."""

from dataclasses import replace

import numpy as np
import pytest

from cap_perception.deproject import crop_to_box, denoise
from cap_perception.detector import DETECTORS, make_detector
from cap_perception.detectors.detections_topic import LabelledBox
from cap_perception.testing import check_detector
from cap_perception.types import Scene, SceneObject
from cap_sim.layout import ObjectSpec

NEURAL = {'mdetr', 'vild', 'owlv2', 'grounding_dino'}


def tell(detector, name, world, frame):
    """What it does not see by itself."""
    if name == 'ground_truth':
        things = [
            SceneObject(name, name, 'block', name.split()[0], pose, (0.04,) * 3, 1.0, 0, True)
            for name, pose in world.truth().items()
        ]
        detector.hear(Scene(frame.stamp_ns, tuple(things)))
    if name == 'detections_topic':
        u, v = frame.origin
        box = LabelledBox('red block', 0.9, (u + 50.0, v + 60.0), (20.0, 20.0))
        detector.inbox.put(frame.stamp_ns, [box])


@pytest.mark.parametrize('name', sorted(set(DETECTORS) - NEURAL))
def test_it_keeps_its_promises(name, cell, parameters):
    world = cell(ObjectSpec('block', 'red', (0.0, -0.3)), ObjectSpec('block', 'blue', (0.1, -0.6)))
    region = np.array(parameters.region_low), np.array(parameters.region_high)
    frame = denoise(crop_to_box(world.frame(2.0, 0.001), *region))
    detector = make_detector(name, parameters)
    tell(detector, name, world, frame)
    assert {d.color for d in check_detector(detector, frame, ['block'])} >= {'red'}
    red = check_detector(detector, frame, ['red block'])
    assert [(d.phrase, d.class_name, d.color) for d in red] == [('red block', 'block', 'red')]
    # A picture in which nothing was measured shows nothing that has a mask.
    blind = replace(frame, depth=np.full_like(frame.depth, np.nan))
    assert all(d.mask is None for d in check_detector(detector, blind, ['block']))


class Faulty:
    """Keeps its promises, but for what it is made with."""

    def __init__(self, detector, change):
        self._detector = detector
        self._change = change

    def detect(self, frame, phrases):
        return self._change(frame, self._detector.detect(frame, phrases))


def painted(frame, found):
    frame.rgb[0, 0] += 1
    return found


def fickle():
    times = []

    def change(_, found):
        times.append(1)
        return found[len(times) % 2 :]

    return change


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (painted, 'changes the picture'),
        (fickle(), 'something else in the same picture'),
        (lambda _, found: [replace(d, phrase='cat') for d in found], 'not asked.*cat'),
        (lambda _, found: [replace(found[0], mask=d.mask | True) for d in found], 'overlap'),
        (lambda _, found: [replace(d, mask=d.mask & False) for d in found], 'without pixels'),
    ],
)
def test_broken_promises_are_found(change, said, cell, parameters):
    world = cell(ObjectSpec('block', 'red', (0.0, -0.3)), ObjectSpec('block', 'blue', (0.1, -0.6)))
    detector = make_detector('color', parameters)
    frame = denoise(world.frame(2.0, 0.001))
    with pytest.raises(AssertionError, match=said):
        check_detector(Faulty(detector, change), frame, ['block'])
