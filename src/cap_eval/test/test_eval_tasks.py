from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_eval.judge import judge, judge_task, recognize
from cap_eval.state import ObjectState, WorldState
from cap_eval.success import COLORS
from cap_eval.tasks import FAMILIES, InfeasibleError, Task, sample, world_for
from cap_eval.testing import block, bowl, random_world, shift, solved, world

ISSUE_WORDINGS = [
    'put the blocks in the bowls with matching colors',
    'put the C block on the D block',
    'put the C block in the D bowl',
    'put the C block to the left of the D bowl',
    'stack all the blocks',
    'put all the blocks on the top left corner',
    'put all the blocks on the left side',
    'move the C block a bit to the right',
    'put the leftmost block in the D bowl',
    'what is the leftmost block?',
]

families = st.sampled_from(sorted(FAMILIES))
seeds = st.integers(0, 2**32 - 1)


def drawn(family: str, seed: int) -> tuple[Task, WorldState]:
    """A task and its world, the next seed's where this one's is infeasible."""
    for attempt in range(100):
        before = random_world(family, seed + attempt)
        try:
            return sample(family, seed + attempt, before), before
        except InfeasibleError:
            continue
    raise AssertionError(f'no feasible world for {family} in 100')


def test_the_families_are_the_ten_of_the_first_campaign() -> None:
    wordings = []
    for name in FAMILIES:
        task, _ = drawn(name, 1)
        params = {'color': 'C', 'on': 'D', 'bowl': 'D'}
        kept = {key: params.get(key, value) for key, value in task.params.items()}
        wordings.append(FAMILIES[name].template.format(**kept))
    assert wordings == ISSUE_WORDINGS


@given(families, seeds)
def test_what_is_sampled_is_recognized_as_itself(family: str, seed: int) -> None:
    task, _ = drawn(family, seed)
    assert recognize(task.instruction) == task


@given(families, seeds)
def test_a_task_well_done_is_carried_out(family: str, seed: int) -> None:
    task, before = drawn(family, seed)
    after, said = solved(task, before)
    verdict = judge(task.instruction, before, after, said)
    assert verdict.carried_out is True, verdict
    assert verdict.family == family


@given(families, seeds)
def test_nothing_done_is_never_carried_out(family: str, seed: int) -> None:
    task, before = drawn(family, seed)
    assert judge_task(task, before, before).carried_out is False


@given(families, seeds, st.data())
def test_a_side_effect_spoils_it(family: str, seed: int, data: st.DataObject) -> None:
    task, before = drawn(family, seed)
    after, said = solved(task, before)
    bowl_name = data.draw(st.sampled_from([each.name for each in before.bowls]))
    pushed = shift(after, bowl_name, 0.0, 0.031)
    verdict = judge_task(task, before, pushed, said)
    assert verdict.carried_out is False
    assert f'the {bowl_name} was moved by 3.1 cm' in verdict.reason


@given(families, seeds)
def test_a_seed_gives_the_same_task_again(family: str, seed: int) -> None:
    assert drawn(family, seed) == drawn(family, seed)
    assert world_for(family, seed) == world_for(family, seed)


def test_sampling_does_not_change_between_versions() -> None:
    """Seeds of a published table must give the same runs for ever."""
    assert world_for('block_on_block', 7).blocks == ('orange', 'yellow', 'purple')
    before = world(block('red', 0.0, -0.5), block('blue', 0.2, -0.5), bowl('pink', -0.2, -0.5))
    colors = [sample('block_in_bowl', seed, before).params['color'] for seed in range(6)]
    assert colors == ['red', 'red', 'red', 'blue', 'red', 'red']


def test_seeds_reach_every_color() -> None:
    seen = {color for seed in range(100) for color in world_for('stack_all', seed).blocks}
    assert seen == set(COLORS)


@given(seeds, st.integers(0, 4), st.integers(0, 4))
def test_matching_worlds_have_the_same_colors(seed: int, blocks: int, bowls: int) -> None:
    colors = world_for('matching_bowls', seed, blocks, bowls)
    assert (len(set(colors.blocks)), len(set(colors.bowls))) == (blocks, bowls)
    assert len(set(colors.blocks) & set(colors.bowls)) == min(blocks, bowls)


def test_matching_worlds_are_shuffled() -> None:
    worlds = [world_for('matching_bowls', seed) for seed in range(20)]
    assert any(colors.blocks != colors.bowls for colors in worlds)


RED, BLUE = block('red', 0.0, -0.5), block('blue', 0.15, -0.6)
PINK = bowl('pink', -0.15, -0.4)


@pytest.mark.parametrize(
    ('family', 'objects'),
    [
        ('matching_bowls', (RED, PINK)),
        ('block_on_block', (RED, PINK)),
        ('block_in_bowl', (RED,)),
        ('block_in_bowl', (PINK,)),
        ('beside_bowl', (RED, bowl('pink', -0.21, -0.4))),
        ('beside_bowl', (RED, BLUE, bowl('pink', -0.1, -0.5), bowl('cyan', -0.28, -0.5))),
        ('beside_bowl', (RED, bowl('pink', 0.1, -0.5))),
        ('stack_all', (RED, PINK)),
        ('all_on_corner', (PINK,)),
        ('all_on_corner', (RED, bowl('pink', -0.2, -0.3))),
        ('all_on_side', (RED, bowl('pink', -0.2, -0.5))),
        ('move_a_bit', (block('red', 0.21, -0.5),)),
        ('move_a_bit', (RED, bowl('pink', 0.15, -0.5), block('blue', 0.25, -0.5))),
        ('extreme_in_bowl', (RED,)),
        ('extreme_in_bowl', (RED, block('blue', 0.009, -0.3), PINK)),
        ('extreme_said', (PINK,)),
        ('extreme_said', (RED, block('blue', -0.009, -0.3))),
    ],
)
def test_what_cannot_be_done_is_not_asked_for(
    family: str, objects: tuple[ObjectState, ...]
) -> None:
    with pytest.raises(InfeasibleError):
        sample(family, 0, world(*objects))


def test_most_worlds_are_feasible() -> None:
    for family in FAMILIES:
        feasible = 0
        for seed in range(60):
            try:
                sample(family, seed, random_world(family, seed))
                feasible += 1
            except InfeasibleError:
                pass
        assert feasible >= 45, (family, feasible)
