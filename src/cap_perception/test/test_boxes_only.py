"""A detector that has boxes and words only, as most neural ones: depth and pixels do the rest."""

from dataclasses import replace

import numpy as np
import pytest

from cap_perception.detectors.color import from_parameters
from cap_perception.pipeline import Pipeline
from cap_sim.layout import ObjectSpec, random_layout


class BoxesOnly:
    """What `color` finds, without its masks and colours, and with boxes as coarse as a model's."""

    def __init__(self, detector):
        self._detector = detector
        self._rng = np.random.default_rng(13)

    def detect(self, frame, phrases):
        height, width = frame.depth.shape
        found = []
        for each in self._detector.detect(frame, phrases):
            u0, v0, u1, v1 = np.array(each.box) + self._rng.integers(-1, 3, 4) * (-1, -1, 1, 1)
            box = (max(u0, 0), max(v0, 0), min(u1, width), min(v1, height))
            found.append(replace(each, box=tuple(map(int, box)), mask=None, color=''))
        return found


def assert_seen(world, parameters):
    pipeline = Pipeline(BoxesOnly(from_parameters(parameters)), parameters)
    for _ in range(4):
        scene = pipeline.process(world.frame(2.0, 0.001))
    truth = world.truth()
    assert sorted(thing.name for thing in scene.objects) == sorted(truth)
    for thing in scene.objects:
        offset = thing.workspace_from_box[:3, 3] - truth[thing.name][:3, 3]
        assert np.hypot(*offset[:2]) < 0.004, thing.name
        assert abs(offset[2]) < 0.004, thing.name


@pytest.mark.parametrize('seed', range(3))
def test_the_scene_is_the_world(cell, parameters, seed):
    world = cell(layout=random_layout(seed, 4, 4))
    world.settle(50)
    assert_seen(world, parameters)


def test_blocks_in_bowls_on_blocks_and_side_by_side(cell, parameters):
    places = {'red': (-0.15, -0.35), 'blue': (0.15, -0.35)}
    world = cell(
        *(ObjectSpec('bowl', color, xy) for color, xy in places.items()),
        *(ObjectSpec('block', color, (0.3, -0.8 + 0.1 * i)) for i, color in enumerate(places)),
        ObjectSpec('block', 'green', (0.0, -0.7)),
        ObjectSpec('block', 'yellow', (0.045, -0.7)),
        ObjectSpec('block', 'purple', (-0.2, -0.7)),
    )
    for color, (x, y) in places.items():
        world.put(f'{color} block', x + 0.01, y, 0.03, 0.3)
    world.settle(300)
    assert_seen(world, parameters)
