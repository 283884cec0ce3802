"""Was it done? One check for each family of instructions, over the world before and after.

A check returns a `Finding`: what is missing, and which objects it allowed to move. Every other
object must be where it was; the judge asks that of all families alike.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cap_common.palette import PALETTE
from cap_eval.places import PLACES, along
from cap_eval.relations import (
    UNMOVED,
    UNTOUCHED,
    at_place,
    in_bowl,
    is_supported,
    on_block,
    on_table,
    tower,
)
from cap_eval.state import ObjectState, WorldState

Params = Mapping[str, str]

COLORS = tuple(PALETTE)

BESIDE = (0.05, 0.20)  # how far to the side of a bowl [m]; the prompts' default is 10 cm
BESIDE_SIDEWAYS = 0.05
A_BIT = (0.02, 0.20)  # how far "a bit" is [m]
A_BIT_SIDEWAYS = 0.03


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        missing: what is not as asked, a text each; empty: it is as asked.
        may_move: names of the objects that the instruction allows to move.
        limit: how far any other object may have moved [m].
    """

    missing: tuple[str, ...]
    may_move: frozenset[str] = frozenset()
    limit: float = UNTOUCHED


Check = Callable[[WorldState, WorldState, str, Params], Finding]


class ImpossibleError(Exception):
    """The instruction names what the world does not have: nobody can have carried it out."""


def named(world: WorldState, color: str, class_name: str) -> ObjectState:
    """The block or bowl of that colour.

    Raises:
        ImpossibleError: there is none.
    """
    for each in world.objects:
        if each.class_name == class_name and each.color == color:
            return each
    raise ImpossibleError(f'there is no {color} {class_name}; there are {sorted(world.names)}')


def farthest_block(world: WorldState, direction: str) -> ObjectState:
    """The block farthest to the left, right, top or bottom; the first of equals.

    Raises:
        ImpossibleError: there are no blocks.
    """
    if not world.blocks:
        raise ImpossibleError('there are no blocks')
    return max(world.blocks, key=lambda each: along(direction, each.position[:2])[0])


def matching_bowls(before: WorldState, after: WorldState, spoken: str, params: Params) -> Finding:
    """Every block that has a bowl of its colour is in it. A block that has none must stay.

    Raises:
        ImpossibleError: no block has a bowl of its colour. Doing nothing is then no success.
    """
    bowls = {bowl.color: bowl.name for bowl in before.bowls}
    pairs = {block.name: bowls[block.color] for block in before.blocks if block.color in bowls}
    if not pairs:
        raise ImpossibleError('no block has a bowl of its color')
    missing = tuple(
        f'the {block} is not in the {bowl}'
        for block, bowl in pairs.items()
        if not in_bowl(after.get(block), after.get(bowl))
    )
    return Finding(missing, frozenset(pairs))


def block_on_block(before: WorldState, after: WorldState, spoken: str, params: Params) -> Finding:
    """The block rests on the other one, which stays where it is.

    Raises:
        ImpossibleError: one of them is not there, or they are one and the same.
    """
    upper = named(before, params['color'], 'block').name
    lower = named(before, params['on'], 'block').name
    if upper == lower:
        raise ImpossibleError(f'the {upper} cannot be on itself')
    done = on_block(after.get(upper), after.get(lower))
    return Finding(
        () if done else (f'the {upper} does not rest on the {lower}',), frozenset({upper})
    )


def block_in_bowl(before: WorldState, after: WorldState, spoken: str, params: Params) -> Finding:
    """The block is in the bowl.

    Raises:
        ImpossibleError: one of them is not there.
    """
    return _into(before, after, named(before, params['color'], 'block'), params['bowl'])


def extreme_block_in_bowl(
    before: WorldState, after: WorldState, spoken: str, params: Params
) -> Finding:
    """The block that was farthest to that side before anything moved is in the bowl.

    Raises:
        ImpossibleError: no block, or no such bowl.
    """
    return _into(before, after, farthest_block(before, params['direction']), params['bowl'])


def _into(before: WorldState, after: WorldState, block: ObjectState, color: str) -> Finding:
    bowl = named(before, color, 'bowl').name
    done = in_bowl(after.get(block.name), after.get(bowl))
    return Finding(
        () if done else (f'the {block.name} is not in the {bowl}',), frozenset({block.name})
    )


def beside_bowl(before: WorldState, after: WorldState, spoken: str, params: Params) -> Finding:
    """The block stands on the table, 5 to 20 cm to that side of the bowl and outside of it.

    No more than 5 cm to the front or back of the bowl's centre.

    Raises:
        ImpossibleError: one of them is not there.
    """
    block = after.get(named(before, params['color'], 'block').name)
    bowl = after.get(named(before, params['bowl'], 'bowl').name)
    missing = []
    ahead, sideways = along(params['direction'], _offset(bowl, block))
    if not (BESIDE[0] <= ahead <= BESIDE[1] and sideways <= BESIDE_SIDEWAYS):
        missing.append(
            f'the {block.name} is {100 * ahead:.1f} cm to the {params["direction"]} of the '
            f'{bowl.name} and {100 * sideways:.1f} cm off to the side'
        )
    if in_bowl(block, bowl):
        missing.append(f'the {block.name} is in the {bowl.name}')
    elif not on_table(block):
        missing.append(f'the {block.name} does not stand on the table')
    return Finding(tuple(missing), frozenset({block.name}))


def moved_a_bit(before: WorldState, after: WorldState, spoken: str, params: Params) -> Finding:
    """The block stands on the table, 2 to 20 cm to that side of where it was, and 3 cm off at most.

    Raises:
        ImpossibleError: it is not there.
    """
    was = named(before, params['color'], 'block')
    now = after.get(was.name)
    missing = []
    ahead, sideways = along(params['direction'], _offset(was, now))
    if not (A_BIT[0] <= ahead <= A_BIT[1] and sideways <= A_BIT_SIDEWAYS):
        missing.append(
            f'the {was.name} went {100 * ahead:.1f} cm to the {params["direction"]} and '
            f'{100 * sideways:.1f} cm to the side'
        )
    if not on_table(now):
        missing.append(f'the {was.name} does not stand on the table')
    return Finding(tuple(missing), frozenset({was.name}))


def _offset(start: ObjectState, end: ObjectState) -> tuple[float, float]:
    return end.position[0] - start.position[0], end.position[1] - start.position[1]


def all_stacked(before: WorldState, after: WorldState, spoken: str, params: Params) -> Finding:
    """All blocks are one tower that stands on the table, anywhere and in any order.

    Raises:
        ImpossibleError: fewer than two blocks.
    """
    if len(before.blocks) < 2:
        raise ImpossibleError(f'{len(before.blocks)} blocks cannot be stacked')
    names = frozenset(block.name for block in before.blocks)
    done = tower(tuple(after.get(name) for name in sorted(names)))
    return Finding(() if done else ('the blocks are not one tower on the table',), names)


def all_at_place(before: WorldState, after: WorldState, spoken: str, params: Params) -> Finding:
    """Every block is within 6 cm of the place, and none hangs in the air.

    They may stand side by side, lean or be stacked; blocks that were there may stay.

    Raises:
        ImpossibleError: there are no blocks.
    """
    if not before.blocks:
        raise ImpossibleError('there are no blocks')
    place = params['place']
    missing = []
    for block in (after.get(block.name) for block in before.blocks):
        if not at_place(block, PLACES[place]):
            missing.append(f'the {block.name} is not at the {place}')
        elif not is_supported(block, after):
            missing.append(f'the {block.name} hangs in the air')
    return Finding(tuple(missing), frozenset(block.name for block in before.blocks))


def extreme_block_said(
    before: WorldState, after: WorldState, spoken: str, params: Params
) -> Finding:
    """What was said names that block and no other object, and nothing has moved by 1 cm.

    Its color alone names a block, too ("it is blue"); another color, or "blue bowl", spoils it.

    Raises:
        ImpossibleError: there are no blocks.
    """
    right = farthest_block(before, params['direction'])
    words = re.findall(r'[a-z]+', spoken.lower().replace('grey', 'gray'))
    colors = {word for word in words if word in COLORS}
    pairs = set(itertools.pairwise(words))
    missing = []
    if not spoken.strip():
        missing.append(f'nothing was said; it is the {right.name}')
    elif colors != {right.color} or (right.color, 'bowl') in pairs:
        missing.append(f'it said {spoken.strip()!r}; it is the {right.name}')
    return Finding(tuple(missing), frozenset(), UNMOVED)
