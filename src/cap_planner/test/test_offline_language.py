"""More of the language: noun phrases, questions, pronouns, and what is refused."""

from __future__ import annotations

import time

import numpy as np
import pytest
from offline_world import (
    Thing,
    color,
    fixed,
)

from cap_common import errors
from cap_planner.models import ModelMalformedError


@pytest.mark.parametrize(
    ('text', 'moves'),
    [
        ('put the red and teal blocks in the blue bowl', ['red>blue', 'teal>blue']),
        (
            'put the red block, the teal block and the navy one in the red bowl',
            ['red>red', 'teal>red', 'navy>red'],
        ),
        (
            'put the red block in the blue bowl and the other blocks in the red bowl',
            ['red>blue', 'teal>red', 'navy>red'],
        ),
        ('put the blocks except the red one in the red bowl', ['teal>red', 'navy>red']),
        ('put the blocks in the red bowl, except for the red one', ['teal>red', 'navy>red']),
        ('put two blocks in the red bowl', ['teal>red', 'navy>red']),
        ('put any block in the red bowl', ['teal>red']),
        ('put the blocks that are not red in the red bowl', ['teal>red', 'navy>red']),
        ('put the two leftmost blocks in the red bowl', ['teal>red', 'navy>red']),
        ('put the second leftmost block in the red bowl', ['navy>red']),
        ('put the block with the same color as the leftmost bowl in the blue bowl', ['red>blue']),
        (
            'put the red block in the blue bowl, then put the teal block in the red bowl',
            ['red>blue', 'teal>red'],
        ),
        ('put the red block in the bowl closest to it', ['red>teal']),
        ('put the red block in the closest bowl', ['red>teal']),
    ],
)
def test_noun_phrases(text: str, moves: list[str]) -> None:
    case = fixed()
    case.instruct(text)
    assert [f'{color(a)}>{color(b)}' for a, b in case.world.moves] == moves


@pytest.mark.parametrize(
    ('text', 'moves', 'says'),
    [
        ('put the grey block in the red bowl', [], 'no object that is the grey block'),
        ('put the block in the red bowl', [], 'teal block, navy block, red block'),
        (
            'put the block with the same color as the rightmost bowl in the red bowl',
            [],
            'none of teal block, navy block, red block is',
        ),
        # The first half is clear, and done before the second is read.
        (
            'put the red block in the blue bowl and the others in the red bowl',
            ['red>blue'],
            'no object that is the others',
        ),
        (
            'put the red block in the blue bowl and then the teal one in the red bowl',
            ['red>blue'],
            'the teal one can be any of: teal block, teal bowl',
        ),
    ],
)
def test_noun_phrases_that_name_nothing_or_too_much(text: str, moves: list[str], says: str) -> None:
    case = fixed()
    with pytest.raises(errors.ObjectNotFoundError, match=says):
        case.instruct(text)
    assert [f'{color(a)}>{color(b)}' for a, b in case.world.moves] == moves


def test_out_of_a_bowl() -> None:
    case = fixed()
    case.instruct('put the red block in the blue bowl')
    case.instruct('take the red block out of the blue bowl')
    bowl = case.world.things['blue bowl']
    assert case.world.things['red block'].on is None
    assert np.linalg.norm(case.world.xy('red block') - bowl.xy) > bowl.half
    assert [name for name, _ in case.world.moves] == ['red block'] * 2


@pytest.mark.parametrize(
    ('text', 'answer'),
    [
        ('how many bowls are there?', '3'),
        ('tell me the leftmost block', 'teal block'),
        ('is anything in the red bowl?', 'No.'),
        ('which one is the leftmost block?', 'teal block'),
        ('how many blocks are to the left of the red block?', '2'),
        ('how many purple things do you see?', '0'),
        ('is the teal block to the left of the red block?', 'Yes.'),
        ('is the teal block in the blue bowl?', 'No.'),
        ('is there a navy block?', 'Yes.'),
        ('are there any blocks below the red bowl?', 'No.'),
        ('which blocks are to the right of the teal block?', 'navy block, red block'),
        ('which bowl is the red block closest to?', 'teal bowl'),
        ('what color is the rightmost block?', 'red'),
        ('where is the teal block?', 'top left corner'),
        ('how far is the teal block from the red block?', '33 cm'),
        ('what do you see?', 'teal block, navy block, red block, red bowl, blue bowl, teal bowl'),
        ('name all the bowls', 'red bowl, blue bowl, teal bowl'),
        ('what is the second block from the right?', 'navy block'),
        ('is the teal block the leftmost block?', 'Yes.'),
    ],
)
def test_questions(text: str, answer: str) -> None:
    case = fixed()
    case.instruct(text)
    (said,) = case.world.said
    assert answer in said
    assert not case.world.moves


def test_session_pronouns() -> None:
    case = fixed()
    case.instruct('put the leftmost block on the navy block')
    case.instruct('now move it into the red bowl')
    case.instruct('and where is it?')
    assert case.world.things['teal block'].on == 'red bowl'
    assert 'teal block' in case.world.said[0]


def test_pronoun_of_nothing_is_refused() -> None:
    case = fixed()
    with pytest.raises(ModelMalformedError, match='nothing was moved'):
        case.instruct('move it a bit to the left')


@pytest.mark.parametrize(
    'text',
    [
        'juggle the blocks',
        'do not put the red block in the red bowl',
        'never move the red block',
        'put the red block in the red bowl if it is empty',
        'if the red block is above the red bowl, put it in the blue bowl',
        'put the red block in the red bowl or the blue bowl',
        'put no blocks in the red bowl',
        'put both blocks in the red bowl',
        'put',
        'the red block',
        'asdf qwer',
        '!!!',
        'put the red block',
        'put the red block on the teal bowl wibble wobble',
        'import os',
        "put the red block on the teal bowl'); import os; print('",
        'red ' * 3000,
        'put ' + 'the block on ' * 40 + 'the red block',
        '把红色的方块放在碗里',
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    case = fixed()
    start = time.process_time()
    with pytest.raises((ModelMalformedError, errors.ObjectNotFoundError)):
        case.instruct(text)
    assert not case.world.moves
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize(
    'text',
    [
        'put the elephant in the red bowl',
        'put the red block on the purple bowl',
        'stack all the elephants',
        'put the fifth block from the left in the red bowl',
    ],
)
def test_missing_objects_are_named(text: str) -> None:
    case = fixed()
    with pytest.raises(errors.ObjectNotFoundError, match=r'teal block, navy block|only'):
        case.instruct(text)
    assert not case.world.moves


def test_odd_object_names() -> None:
    case = fixed()
    names = ['blue block 2', 'block', "Bob's cup", 'Würfel', 'class', 'left shoe']
    case.world.things = {
        name: Thing(np.array([-0.2 + 0.07 * i, -0.5]), 0.02) for i, name in enumerate(names)
    }
    case.world.instruct('put the blue block 2 on the left shoe')
    case.world.instruct('put the Würfel on the class')
    assert case.world.things['blue block 2'].on == 'left shoe'
    assert case.world.things['Würfel'].on == 'class'
