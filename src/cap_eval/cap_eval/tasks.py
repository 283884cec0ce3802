"""The ten families of instructions: their wording, their parameters from a seed, their check."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from cap_eval import success
from cap_eval.places import BOUNDS_X, BOUNDS_Y, DIRECTIONS, PLACES, Pair, along
from cap_eval.relations import footprint
from cap_eval.state import WorldState, distance_xy
from cap_eval.success import COLORS, Check, Params, farthest_block

BESIDE_DEFAULT = 0.10  # where the paper's prompts put "to the left of" and "a bit" [m]
MARGIN = 0.01  # by which the leftmost block must be leftmost to be asked for [m]


Options = Callable[[WorldState], list[dict[str, str]]]


class InfeasibleError(Exception):
    """This world has no parameters for which the instruction could be carried out as worded."""


@dataclass(frozen=True)
class Task:
    """One instruction, as understood.

    Attributes:
        family: name of its family.
        params: what its template's fields stand for.
    """

    family: str
    params: Params

    @property
    def instruction(self) -> str:
        """The wording."""
        return FAMILIES[self.family].template.format(**self.params)


@dataclass(frozen=True)
class Family:
    """Instructions of one kind.

    Attributes:
        options: all parameters that a world offers, or raises InfeasibleError with the reason.
        check: whether it was done.
        same_colors: the bowls get the colours of the blocks, shuffled; else both are drawn.
    """

    name: str
    template: str
    options: Options
    check: Check
    same_colors: bool = field(default=False)


@dataclass(frozen=True)
class WorldColors:
    """What to ask of `sim/reset`."""

    blocks: tuple[str, ...]
    bowls: tuple[str, ...]


def world_for(family: str, seed: int, blocks: int = 3, bowls: int = 3) -> WorldColors:
    """The colours of the objects for one run of a family.

    In the family of matching colours the bowls have the blocks' colours in another order, as in the
    published demo: with both drawn at random, a third of the worlds would have nothing to do.
    """
    rng = _rng('world', family, seed)
    block_colors = rng.sample(COLORS, blocks)
    if FAMILIES[family].same_colors:
        others = [color for color in COLORS if color not in block_colors]
        bowl_colors = (block_colors + rng.sample(others, max(0, bowls - blocks)))[:bowls]
        rng.shuffle(bowl_colors)
    else:
        bowl_colors = rng.sample(COLORS, bowls)
    return WorldColors(tuple(block_colors), tuple(bowl_colors))


def sample(family: str, seed: int, before: WorldState) -> Task:
    """One instruction of the family that can be carried out in this world, and is not already.

    Where it puts a block next to something, the spot that the paper's prompts mean is free: what to
    do with an occupied one is a matter of taste, and cannot be judged.

    Raises:
        InfeasibleError: there is none; take another world.
        KeyError: no such family.
    """
    known = FAMILIES[family]
    options = [
        params
        for params in known.options(before)
        if known.check(before, before, '', params).missing
    ]
    if not options:
        raise InfeasibleError(f'{family}: whatever could be asked for is so already')
    return Task(family, _rng('task', family, seed).choice(options))


def _rng(*seed: object) -> random.Random:
    return random.Random('/'.join(str(part) for part in seed))


def _some(options: list[dict[str, str]], why_none: str) -> list[dict[str, str]]:
    if not options:
        raise InfeasibleError(why_none)
    return options


def is_clear(before: WorldState, xy: Pair, block: str) -> bool:
    """Whether the block would fit on the table there, with any yaw."""
    radius = footprint(before.get(block))
    inside = BOUNDS_X[0] <= xy[0] <= BOUNDS_X[1] and BOUNDS_Y[0] <= xy[1] <= BOUNDS_Y[1]
    return inside and all(
        distance_xy(other, xy) >= footprint(other) + radius
        for other in before.objects
        if other.name != block
    )


def _matching(before: WorldState) -> list[dict[str, str]]:
    bowls = {bowl.color for bowl in before.bowls}
    if not any(block.color in bowls for block in before.blocks):
        raise InfeasibleError('no block has a bowl of its color')
    return [{}]


def _two_blocks(before: WorldState) -> list[dict[str, str]]:
    options = [
        {'color': upper.color, 'on': lower.color}
        for upper in before.blocks
        for lower in before.blocks
        if upper.name != lower.name
    ]
    return _some(options, 'fewer than two blocks')


def _block_and_bowl(before: WorldState) -> list[dict[str, str]]:
    options = [
        {'color': block.color, 'bowl': bowl.color}
        for block in before.blocks
        for bowl in before.bowls
    ]
    return _some(options, 'no block, or no bowl')


def _beside(before: WorldState) -> list[dict[str, str]]:
    options = [
        {'color': block.color, 'direction': 'left', 'bowl': bowl.color}
        for block in before.blocks
        for bowl in before.bowls
        if is_clear(before, _step(bowl.position[:2], 'left'), block.name)
    ]
    return _some(options, 'no bowl with a free spot to its left')


def _a_bit(before: WorldState) -> list[dict[str, str]]:
    options = [
        {'color': block.color, 'direction': 'right'}
        for block in before.blocks
        if is_clear(before, _step(block.position[:2], 'right'), block.name)
    ]
    return _some(options, 'no block with a free spot to its right')


def _step(xy: Pair, direction: str) -> Pair:
    ux, uy = DIRECTIONS[direction]
    return xy[0] + BESIDE_DEFAULT * ux, xy[1] + BESIDE_DEFAULT * uy


def _stack(before: WorldState) -> list[dict[str, str]]:
    if len(before.blocks) < 2:
        raise InfeasibleError('fewer than two blocks')
    return [{}]


def _all_at(place: str) -> Options:
    def options(before: WorldState) -> list[dict[str, str]]:
        if not before.blocks:
            raise InfeasibleError('no blocks')
        for bowl in before.bowls:
            if distance_xy(bowl, PLACES[place]) < footprint(bowl) + footprint(before.blocks[0]):
                raise InfeasibleError(f'the {bowl.name} stands on the {place}')
        return [{'place': place}]

    return options


def _leftmost(before: WorldState) -> list[dict[str, str]]:
    if not before.blocks:
        raise InfeasibleError('no blocks')
    first = farthest_block(before, 'left')
    for other in before.blocks:
        lead = along('left', first.position[:2])[0] - along('left', other.position[:2])[0]
        if other.name != first.name and lead < MARGIN:
            raise InfeasibleError(f'the {first.name} and the {other.name} are both leftmost')
    return [{'direction': 'left'}]


def _leftmost_and_bowl(before: WorldState) -> list[dict[str, str]]:
    options = [
        {**leftmost, 'bowl': bowl.color} for leftmost in _leftmost(before) for bowl in before.bowls
    ]
    return _some(options, 'no bowl')


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            'matching_bowls',
            'put the blocks in the bowls with matching colors',
            _matching,
            success.matching_bowls,
            same_colors=True,
        ),
        Family(
            'block_on_block',
            'put the {color} block on the {on} block',
            _two_blocks,
            success.block_on_block,
        ),
        Family(
            'block_in_bowl',
            'put the {color} block in the {bowl} bowl',
            _block_and_bowl,
            success.block_in_bowl,
        ),
        Family(
            'beside_bowl',
            'put the {color} block to the {direction} of the {bowl} bowl',
            _beside,
            success.beside_bowl,
        ),
        Family('stack_all', 'stack all the blocks', _stack, success.all_stacked),
        Family(
            'all_on_corner',
            'put all the blocks on the {place}',
            _all_at('top left corner'),
            success.all_at_place,
        ),
        Family(
            'all_on_side',
            'put all the blocks on the {place}',
            _all_at('left side'),
            success.all_at_place,
        ),
        Family(
            'move_a_bit',
            'move the {color} block a bit to the {direction}',
            _a_bit,
            success.moved_a_bit,
        ),
        Family(
            'extreme_in_bowl',
            'put the {direction}most block in the {bowl} bowl',
            _leftmost_and_bowl,
            success.extreme_block_in_bowl,
        ),
        Family(
            'extreme_said',
            'what is the {direction}most block?',
            _leftmost,
            success.extreme_block_said,
        ),
    )
}
