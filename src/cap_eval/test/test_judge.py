from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_eval.judge import judge, recognize
from cap_eval.places import PLACES
from cap_eval.state import WorldState
from cap_eval.success import COLORS
from cap_eval.testing import TIPPED, block, bowl, change, into, put, shift, stacked, world

# Seen from the operator:  red (leftmost), blue, green; bowls green, red, pink.
BEFORE = world(
    block('red', -0.15, -0.35),
    block('blue', 0.0, -0.6),
    block('green', 0.15, -0.4),
    bowl('green', -0.1, -0.6),
    bowl('red', 0.15, -0.6),
    bowl('pink', 0.0, -0.35),
)
BLOCKS = ['red block', 'blue block', 'green block']


def carried_out(instruction: str, after: WorldState, spoken: str = '') -> bool | None:
    return judge(instruction, BEFORE, after, spoken).carried_out


@pytest.mark.parametrize(
    ('instruction', 'family', 'params'),
    [
        ('Put the blocks in the bowls with matching colours.', 'matching_bowls', {}),
        ('put all the blocks into the bowls with the same color', 'matching_bowls', {}),
        ('place all blocks in their matching bowls', 'matching_bowls', {}),
        (
            'Please put the grey block on top of the Red block!',
            'block_on_block',
            {'color': 'gray', 'on': 'red'},
        ),
        ('stack the red block on the blue block', 'block_on_block', {'color': 'red', 'on': 'blue'}),
        ('  put  red block into  blue bowl ', 'block_in_bowl', {'color': 'red', 'bowl': 'blue'}),
        (
            'put the black block in the pink bowl',
            'block_in_bowl',
            {'color': 'black', 'bowl': 'pink'},
        ),
        (
            'place the red block left of the blue bowl',
            'beside_bowl',
            {'color': 'red', 'direction': 'left', 'bowl': 'blue'},
        ),
        ('Stack all of the blocks', 'stack_all', {}),
        ('stack the blocks up', 'stack_all', {}),
        (
            'put all the blocks in the bottom right corner',
            'all_on_corner',
            {'place': 'bottom right corner'},
        ),
        ('put all the blocks on the right side', 'all_on_side', {'place': 'right side'}),
        ('move all the blocks to the middle', 'all_on_side', {'place': 'middle'}),
        (
            'move the red block a little to the top',
            'move_a_bit',
            {'color': 'red', 'direction': 'top'},
        ),
        (
            'put the right-most block in the red bowl',
            'extreme_in_bowl',
            {'direction': 'right', 'bowl': 'red'},
        ),
        ("what's the bottommost block", 'extreme_said', {'direction': 'bottom'}),
        ('Which block is the leftmost?', 'extreme_said', {'direction': 'left'}),
    ],
)
def test_wordings_are_recognized(instruction: str, family: str, params: dict[str, str]) -> None:
    task = recognize(instruction)
    assert task is not None
    assert (task.family, dict(task.params)) == (family, params)


@pytest.mark.parametrize(
    'instruction',
    [
        '',
        '.',
        'do a dance',
        'put the block in the bowl',
        'put the leftmost block on the red block',
        'put the red block in the blue bowl and the blue block in the red bowl',
        'put the red block a bit to the left of the blue bowl',
        'do not put the red block in the blue bowl',
        'put the second block in the red bowl',
        'put all the blocks on the roof',
        'put the red block',
        'what is the leftmost bowl?',
        'put the blocks in the bowls with mismatched colors',
        'x' * 10_000,
    ],
)
def test_other_wordings_are_not_judged(instruction: str) -> None:
    verdict = judge(instruction, BEFORE, BEFORE)
    assert verdict.carried_out is None
    assert verdict.family == ''
    assert 'no known family' in verdict.reason


@given(st.text(max_size=200))
def test_any_text_gets_a_verdict(instruction: str) -> None:
    assert judge(instruction, BEFORE, BEFORE, instruction).carried_out in (None, False)


@pytest.mark.parametrize(
    'instruction',
    [
        'put the black block in the red bowl',
        'put the red block in the blue bowl',
        'put the pink block on the red block',
        'move the pink block a bit to the left',
        'put the red block to the left of the blue bowl',
        'put the red block on the red block',
    ],
)
def test_what_is_not_there_was_not_carried_out(instruction: str) -> None:
    verdict = judge(instruction, BEFORE, BEFORE)
    assert verdict.carried_out is False
    assert 'there is no' in verdict.reason or 'cannot be on itself' in verdict.reason


MATCHED = into(into(BEFORE, 'red block', 'red bowl'), 'green block', 'green bowl')
MATCHING = 'put the blocks in the bowls with matching colors'


def test_matching_bowls_leaves_a_block_without_a_bowl_alone() -> None:
    assert carried_out(MATCHING, MATCHED) is True
    verdict = judge(MATCHING, BEFORE, shift(MATCHED, 'blue block', 0.0, -0.1))
    assert verdict.carried_out is False
    assert verdict.reason == 'the blue block was moved by 10.0 cm'


@pytest.mark.parametrize(
    'after',
    [
        BEFORE,
        into(BEFORE, 'red block', 'red bowl'),
        into(into(BEFORE, 'red block', 'green bowl'), 'green block', 'red bowl'),
        into(MATCHED, 'red block', 'green bowl'),
        into(MATCHED, 'blue block', 'pink bowl'),
        shift(MATCHED, 'red block', 0.065, 0.0),
        shift(MATCHED, 'red block', 0.0, 0.0, 0.1),
        shift(MATCHED, 'red bowl', 0.0, 0.04),
        shift(MATCHED, 'pink bowl', 0.0, 0.04),
        change(MATCHED, 'green bowl', orientation=TIPPED),
        put(MATCHED, 'blue block', 0.0, -0.6, -0.7),
    ],
)
def test_near_misses_of_matching_bowls(after: WorldState) -> None:
    assert carried_out(MATCHING, after) is False


def test_without_a_match_nothing_can_be_carried_out() -> None:
    before = world(block('red', 0.0, -0.5), bowl('blue', 0.2, -0.5))
    assert judge(MATCHING, before, before).reason == 'no block has a bowl of its color'
    assert judge(MATCHING, before, before).carried_out is False


@pytest.mark.parametrize(
    ('dx', 'dz', 'done'),
    [
        (0.0, 0.04, True),
        (0.02, 0.045, True),
        (0.03, 0.04, False),
        (0.0, 0.06, False),
        (0.045, 0.0, False),
    ],
)
def test_block_on_block(dx: float, dz: float, done: bool) -> None:
    after = put(BEFORE, 'red block', 0.0 + dx, -0.6, 0.02 + dz)
    assert carried_out('put the red block on the blue block', after) is done
    assert carried_out('put the blue block on the red block', after) is False
    assert carried_out('put the red block on the green block', after) is False


def test_the_lower_block_stays() -> None:
    after = stacked(BEFORE, ['blue block', 'red block'], 0.05, -0.6)
    assert carried_out('put the red block on the blue block', after) is False


@pytest.mark.parametrize(
    ('name', 'dx', 'dz', 'done'),
    [
        ('red bowl', 0.0, 0.0, True),
        ('red bowl', 0.058, 0.01, True),
        ('red bowl', 0.062, 0.01, False),
        ('red bowl', 0.0, 0.05, False),
        ('green bowl', 0.0, 0.0, False),
    ],
)
def test_block_in_bowl(name: str, dx: float, dz: float, done: bool) -> None:
    after = shift(into(BEFORE, 'blue block', name), 'blue block', dx, 0.0, dz)
    assert carried_out('put the blue block in the red bowl', after) is done


@pytest.mark.parametrize(
    ('direction', 'dx', 'dy', 'done'),
    [
        ('left', -0.10, 0.0, True),
        ('left', -0.07, 0.04, True),
        ('left', -0.19, -0.049, True),
        ('left', -0.21, 0.0, False),
        ('left', -0.10, 0.06, False),
        ('left', 0.10, 0.0, False),
        ('left', -0.055, 0.0, False),
        ('left', -0.045, 0.045, False),
        ('right', 0.10, 0.0, True),
        ('right', -0.10, 0.0, False),
        ('top', 0.0, 0.10, True),
        ('bottom', 0.0, -0.10, True),
        ('bottom', 0.0, 0.10, False),
    ],
)
def test_beside_bowl(direction: str, dx: float, dy: float, done: bool) -> None:
    after = put(BEFORE, 'green block', 0.0 + dx, -0.35 + dy)
    assert carried_out(f'put the green block to the {direction} of the pink bowl', after) is done
    in_the_air = shift(after, 'green block', 0.0, 0.0, 0.05)
    other = f'put the green block to the {direction} of the pink bowl'
    assert carried_out(other, in_the_air) is False


def test_beside_a_bowl_is_not_on_another_block_nor_in_the_bowl() -> None:
    instruction = 'put the green block to the left of the pink bowl'
    on_red = put(BEFORE, 'green block', -0.15, -0.35, 0.06)
    assert carried_out(instruction, on_red) is False
    inside = put(BEFORE, 'green block', -0.055, -0.35, 0.028)
    assert 'is in the pink bowl' in judge(instruction, BEFORE, inside).reason


@pytest.mark.parametrize(
    ('after', 'done'),
    [
        (stacked(BEFORE, BLOCKS, 0.0, -0.5), True),
        (stacked(BEFORE, BLOCKS[::-1], 0.2, -0.3), True),
        (stacked(BEFORE, BLOCKS[:2], 0.0, -0.5), False),
        (shift(stacked(BEFORE, BLOCKS, 0.0, -0.5), 'green block', 0.03, 0.0), False),
        (shift(stacked(BEFORE, BLOCKS, 0.0, -0.5), 'green block', 0.0, 0.0, 0.02), False),
        (put(stacked(BEFORE, BLOCKS[:2], 0.0, -0.5), 'green block', 0.02, -0.5, 0.06), False),
        (stacked(BEFORE, BLOCKS, -0.1, -0.6), True),
        (shift(stacked(BEFORE, BLOCKS, 0.0, -0.5), 'pink bowl', 0.0, 0.04), False),
    ],
)
def test_stack_all(after: WorldState, done: bool) -> None:
    assert carried_out('stack all the blocks', after) is done


def test_one_block_is_no_stack() -> None:
    before = world(block('red', 0.0, -0.5))
    assert judge('stack all the blocks', before, before).carried_out is False


@pytest.mark.parametrize('place', PLACES)
def test_all_at_place(place: str) -> None:
    instruction = f'put all the blocks on the {place}'
    x, y = PLACES[place]
    heap = stacked(BEFORE, BLOCKS, x, y)
    side_by_side = put(
        put(put(BEFORE, BLOCKS[0], x - 0.045, y), BLOCKS[1], x, y), BLOCKS[2], x + 0.045, y
    )
    assert carried_out(instruction, heap) is True
    assert carried_out(instruction, side_by_side) is True
    assert carried_out(instruction, shift(heap, 'green block', 0.061, 0.0, -0.08)) is False
    assert carried_out(instruction, shift(heap, 'green block', 0.0, 0.0, 0.03)) is False
    assert carried_out(instruction, stacked(BEFORE, BLOCKS[:2], x, y)) is False
    others = [other for other in PLACES if other != place]
    assert not any(carried_out(f'put all the blocks on the {other}', heap) for other in others)


@pytest.mark.parametrize(
    ('dx', 'dy', 'done'),
    [
        (0.10, 0.0, True),
        (0.021, 0.029, True),
        (0.199, 0.0, True),
        (0.019, 0.0, False),
        (0.201, 0.0, False),
        (0.10, 0.031, False),
        (-0.10, 0.0, False),
    ],
)
def test_move_a_bit(dx: float, dy: float, done: bool) -> None:
    instruction = 'move the red block a bit to the right'
    after = shift(BEFORE, 'red block', dx, dy)
    assert carried_out(instruction, after) is done
    assert carried_out(instruction, shift(after, 'red block', 0.0, 0.0, 0.04)) is False
    assert carried_out(instruction, shift(BEFORE, 'blue block', dx, dy)) is False


def test_the_leftmost_block_is_that_of_the_start() -> None:
    instruction = 'put the leftmost block in the red bowl'
    right = into(BEFORE, 'red block', 'red bowl')
    assert carried_out(instruction, right) is True
    # Once red is in the bowl, blue is the leftmost one; it must not follow.
    assert carried_out(instruction, into(right, 'blue block', 'red bowl')) is False
    assert carried_out(instruction, into(BEFORE, 'blue block', 'red bowl')) is False


QUESTION = 'what is the leftmost block?'


@pytest.mark.parametrize(
    ('spoken', 'right'),
    [
        ('the red block', True),
        ('The leftmost block is the Red block.', True),
        ('It is red', True),
        ('', False),
        ('  ', False),
        ('I do not know', False),
        ('the blue block', False),
        ('the red bowl', False),
        ('the red block or the blue block', False),
        ('red\nblue', False),
        ('reddish', False),
    ],
)
def test_what_was_said(spoken: str, right: bool) -> None:
    assert carried_out(QUESTION, BEFORE, spoken) is right


def test_grey_is_gray() -> None:
    before = world(block('gray', 0.0, -0.5))
    assert judge(QUESTION, before, before, 'the grey block').carried_out is True


@pytest.mark.parametrize(('dx', 'done'), [(0.009, True), (0.011, False)])
def test_a_question_moves_nothing(dx: float, done: bool) -> None:
    for name in BEFORE.names:
        assert carried_out(QUESTION, shift(BEFORE, name, dx, 0.0), 'red') is done


@pytest.mark.parametrize('color', COLORS)
def test_every_color_can_be_asked_about(color: str) -> None:
    before = world(block(color, 0.0, -0.5), bowl(color, 0.2, -0.5))
    after = into(before, f'{color} block', f'{color} bowl')
    assert judge(f'put the {color} block in the {color} bowl', before, after).carried_out is True
    assert judge(QUESTION, before, before, f'the {color} block').carried_out is True


def test_an_object_that_is_gone_spoils_everything() -> None:
    after = WorldState(tuple(each for each in MATCHED.objects if each.name != 'blue block'))
    verdict = judge(MATCHING, BEFORE, after)
    assert (verdict.carried_out, verdict.reason) == (False, 'gone: blue block')


def test_a_moved_block_must_not_fall_off_the_table_either() -> None:
    after = put(MATCHED, 'red block', 0.15, -0.6, -0.05)
    assert 'the red block fell off the table' in judge(MATCHING, BEFORE, after).reason


def test_the_reason_names_everything_that_is_wrong() -> None:
    after = shift(BEFORE, 'pink bowl', 0.0, 0.05)
    assert judge(MATCHING, BEFORE, after).reason == (
        'the red block is not in the red bowl; the green block is not in the green bowl; '
        'the pink bowl was moved by 5.0 cm'
    )


@pytest.mark.parametrize(
    ('instruction', 'reason'),
    [
        ('put the red block on the blue block', 'the red block does not rest on the blue block'),
        ('put the red block in the red bowl', 'the red block is not in the red bowl'),
        (
            'put the red block to the right of the pink bowl',
            'the red block is -15.0 cm to the right of the pink bowl and 0.0 cm off to the side; '
            'the red block does not stand on the table',
        ),
        (
            'move the red block a bit to the right',
            'the red block went 0.0 cm to the right and 0.0 cm to the side; '
            'the red block does not stand on the table',
        ),
        ('stack all the blocks', 'the blocks are not one tower on the table'),
        (
            'put all the blocks on the left side',
            'the red block is not at the left side; the blue block is not at the left side; '
            'the green block is not at the left side',
        ),
        (QUESTION, 'nothing was said; it is the red block'),
    ],
)
def test_the_reason_says_what_is_missing(instruction: str, reason: str) -> None:
    hanging = shift(BEFORE, 'red block', 0.0, 0.0, 0.02) if 'table' in reason else BEFORE
    said = judge(instruction, BEFORE, hanging).reason
    assert said == reason


def test_what_was_said_wrongly_is_quoted() -> None:
    said = judge(QUESTION, BEFORE, BEFORE, 'the blue one').reason
    assert said == "it said 'the blue one'; it is the red block"
