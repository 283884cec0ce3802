"""Things looked for on request, beside what the scene has."""

import pytest

from cap_perception.phrases import UnknownPhraseError
from cap_sim.layout import ObjectSpec


@pytest.fixture
def world(cell):
    return cell(ObjectSpec('block', 'red', (0.1, -0.4)), ObjectSpec('bowl', 'blue', (-0.1, -0.6)))


def test_what_the_scene_has_is_told_as_it_has_it(pipeline, world):
    assert pipeline.look('block') == [], 'no picture yet'
    for _ in range(3):
        scene = pipeline.process(world.frame())
    known = {thing.name: thing for thing in scene.objects}
    assert pipeline.look('red block') == [known['red block']]
    assert pipeline.look('bowl') == [known['blue bowl']]
    assert pipeline.look('green block') == []
    with pytest.raises(UnknownPhraseError, match='unicorn'):
        pipeline.look('unicorn')


def test_what_the_scene_does_not_have_yet(pipeline, world):
    assert pipeline.process(world.frame()) is None, 'it has to be seen twice'
    (thing,) = pipeline.look('the red block')
    assert (thing.id, thing.name, thing.class_name, thing.color) == (
        *('', 'the red block'),
        *('block', 'red'),
    )
    x, y, z = thing.workspace_from_box[:3, 3]
    assert (x, y, z) == pytest.approx((0.1, -0.4, 0.02), abs=0.004)
    assert thing.mask.shape == (
        thing.pixels[3] - thing.pixels[1],
        thing.pixels[2] - thing.pixels[0],
    )
    assert thing.mask.any()
