"""Adverbs: how an action is to be done."""

from __future__ import annotations

import numpy as np
import pytest
from offline_world import Thing, World, fixed

from cap_planner.models.offline.manner import MANNERS, manner_of, with_arguments
from cap_planner.robot import ORDINARY, Manner

SLOWLY = Manner(0.3)
GENTLY = Manner(0.3, 8.0)


@pytest.mark.parametrize(
    ('text', 'manner'),
    [
        ('put the red block in the blue bowl', ORDINARY),
        ('gently put the red block in the blue bowl', GENTLY),
        ('Put the red block slowly in the blue bowl.', SLOWLY),
        ('put the red block in the blue bowl, more carefully', GENTLY),
        ('put the red block in the blue bowl faster', ORDINARY),
        ('gently pick up the red block', GENTLY),
        ('point slowly to the blue bowl', SLOWLY),
        ('point gently to the blue bowl', SLOWLY),
        ('slowly put the blocks in the blue bowl', SLOWLY),
        ('carefully stack the blocks', GENTLY),
        ('slowly swap the red block and the navy block', SLOWLY),
        ('gently move the blocks to the left side', GENTLY),
        ('slowly put the blocks in different corners', SLOWLY),
        ('arrange the blocks slowly in a horizontal line', SLOWLY),
    ],
)
def test_every_motion_of_a_request_is_done_as_it_says(text: str, manner: Manner) -> None:
    case = fixed()
    case.instruct(text)
    assert case.world.manners
    assert all(done == manner for done in case.world.manners)


def test_what_is_only_said_moves_nothing() -> None:
    world = World({'red block': Thing(np.array([0.0, -0.3]), 0.02)})
    world.instruct('say that I do it slowly')
    assert world.manners == []


@pytest.mark.parametrize('adverb', MANNERS)
def test_every_adverb_is_known(adverb: str) -> None:
    assert manner_of(f'{adverb} do it') == MANNERS[adverb]


def test_a_request_without_one() -> None:
    assert manner_of('put the softly-spoken one here') is not None
    assert manner_of('put the fastener here') is None


def test_arguments_come_last_wherever_a_call_ends() -> None:
    code = "f(\n    'é)', g(1),\n)\nf(*a)\nh(f(x, key=1))"
    changed = with_arguments(code, {'speed': '0.3'}, ('f',))
    assert changed == (
        "f(\n    'é)', g(1), speed=0.3,\n)\nf(*a, speed=0.3)\nh(f(x, key=1, speed=0.3))"
    )
