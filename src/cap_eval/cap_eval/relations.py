"""Geometric relations between objects at rest, and the tolerances that the judge allows.

The horizontal thresholds of bowl and place are those of the published demo's `on_top_of` (6 cm); it
asks for no heights. These do, because here physics decides: a block in the air above a bowl is not
in it. Where a block rests on a block, 2.5 cm replaces the published 4 cm: a 4 cm cube whose centre
is further out than its neighbour's edge less 5 mm is about to fall, or leans.
"""

from __future__ import annotations

import itertools
import math

from cap_eval.places import Pair
from cap_eval.state import ObjectState, WorldState, displacement, distance_xy

IN_BOWL_XY = 0.06
IN_BOWL_DEPTH = 0.01  # that a block's lower face must be below the rim
ON_BLOCK_XY = 0.025
ON_PLACE_XY = 0.06
HEIGHT_TOLERANCE = 0.01
UNTOUCHED = 0.03  # what counts as not moved, for objects that an instruction does not name
UNMOVED = 0.01  # the same, where nothing shall move
FALLEN_Z = -0.01
BOWL_TILT = math.radians(30)


def in_bowl(block: ObjectState, bowl: ObjectState) -> bool:
    """The block is inside an upright bowl: over it, above its bottom, and below its rim."""
    return (
        distance_xy(block, bowl) <= IN_BOWL_XY
        and bowl.bottom < block.position[2]
        and block.bottom <= bowl.top - IN_BOWL_DEPTH
        and bowl.tilt <= BOWL_TILT
    )


def on_block(upper: ObjectState, lower: ObjectState) -> bool:
    """One block rests on another: centred on it, face on face."""
    return (
        distance_xy(upper, lower) <= ON_BLOCK_XY
        and abs(upper.bottom - lower.top) <= HEIGHT_TOLERANCE
    )


def on_table(block: ObjectState) -> bool:
    """The block's lower face is on the table."""
    return abs(block.bottom) <= HEIGHT_TOLERANCE


def at_place(block: ObjectState, xy: Pair) -> bool:
    """The block is horizontally at a named place."""
    return distance_xy(block, xy) <= ON_PLACE_XY


def is_supported(block: ObjectState, world: WorldState) -> bool:
    """Something is right below the block: the table, or an object. It may lean; it may not hang."""
    tops = [0.0]
    for other in world.objects:
        if other.name == block.name or other.position[2] >= block.position[2]:
            continue
        if distance_xy(block, other) < footprint(other):
            tops.append(other.top)
    return block.bottom - max(tops) <= HEIGHT_TOLERANCE


def footprint(each: ObjectState) -> float:
    """Radius of the circle that its outline fits in [m]; bowls are round, blocks square."""
    width = max(each.size[0], each.size[1])
    return width / 2 if each.class_name == 'bowl' else width / math.sqrt(2)


def tower(blocks: tuple[ObjectState, ...]) -> bool:
    """The blocks are one tower: the lowest on the table, each other one on the next lower."""
    rising = sorted(blocks, key=lambda each: each.position[2])
    return (
        bool(rising)
        and on_table(rising[0])
        and all(on_block(upper, lower) for lower, upper in itertools.pairwise(rising))
    )


def disturbed(
    before: WorldState, after: WorldState, may_move: frozenset[str], limit: float = UNTOUCHED
) -> list[str]:
    """What happened that nobody asked for: a text for each object that fell or was moved.

    Args:
        may_move: names of the objects that may have moved; they may not have fallen.
        limit: how far any other object may have moved [m].
    """
    problems = []
    for was in before.objects:
        now = after.get(was.name)
        if now.position[2] < FALLEN_Z:
            problems.append(f'the {was.name} fell off the table')
        elif now.class_name == 'bowl' and now.tilt > BOWL_TILT >= was.tilt:
            problems.append(f'the {was.name} was knocked over')
        elif was.name not in may_move and displacement(was, now) > limit:
            centimetres = 100 * displacement(was, now)
            problems.append(f'the {was.name} was moved by {centimetres:.1f} cm')
    return problems
