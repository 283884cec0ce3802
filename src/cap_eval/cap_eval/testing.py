"""Worlds for tests: laid out as the simulator does, and changed as a perfect robot would."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from cap_eval.places import DIRECTIONS, PLACES
from cap_eval.state import ObjectState, WorldState
from cap_eval.success import farthest_block
from cap_eval.tasks import Task, world_for

BLOCK = (0.04, 0.04, 0.04)
BOWL = (0.12, 0.12, 0.045)
FAR = 0.15  # between two centres [m]
TIPPED = (math.sin(math.pi / 4), 0.0, 0.0, math.cos(math.pi / 4))


def block(color: str, x: float, y: float, z: float = 0.02) -> ObjectState:
    """A block of that colour, on the table by default; its centre [m]."""
    return ObjectState(f'{color} block', 'block', color, (x, y, z), BLOCK)


def bowl(color: str, x: float, y: float, z: float = 0.0225) -> ObjectState:
    """A bowl of that colour, on the table by default; its centre [m]."""
    return ObjectState(f'{color} bowl', 'bowl', color, (x, y, z), BOWL)


def world(*objects: ObjectState) -> WorldState:
    """A world of these objects."""
    return WorldState(objects)


def random_world(family: str, seed: int, blocks: int = 3, bowls: int = 3) -> WorldState:
    """A start as `sim/reset` makes it: on the table, not crowded, colours as the family wants."""
    colors = world_for(family, seed, blocks, bowls)
    rng = random.Random(seed)
    while True:
        spots: list[tuple[float, float]] = []
        for _ in range(200):
            spot = (rng.uniform(-0.2, 0.2), rng.uniform(-0.7, -0.3))
            if all(math.dist(spot, other) > FAR for other in spots):
                spots.append(spot)
            if len(spots) == blocks + bowls:
                return world(
                    *(block(c, *s) for c, s in zip(colors.blocks, spots[:blocks], strict=True)),
                    *(bowl(c, *s) for c, s in zip(colors.bowls, spots[blocks:], strict=True)),
                )


def put(state: WorldState, name: str, x: float, y: float, z: float = 0.02) -> WorldState:
    """The same world with one object elsewhere."""
    return change(state, name, position=(x, y, z))


def change(state: WorldState, name: str, **fields: object) -> WorldState:
    """The same world with fields of one object replaced."""
    return WorldState(
        tuple(
            replace(each, **fields) if each.name == name else each  # type: ignore[arg-type]
            for each in state.objects
        )
    )


def shift(state: WorldState, name: str, dx: float, dy: float, dz: float = 0.0) -> WorldState:
    """The same world with one object moved by an offset [m]."""
    x, y, z = state.get(name).position
    return put(state, name, x + dx, y + dy, z + dz)


def into(state: WorldState, block_name: str, bowl_name: str) -> WorldState:
    """The same world with the block lying in the bowl."""
    x, y, _ = state.get(bowl_name).position
    return put(state, block_name, x, y, 0.026)


def stacked(state: WorldState, names: list[str], x: float, y: float) -> WorldState:
    """The same world with these blocks as one tower, the first at the bottom."""
    for level, name in enumerate(names):
        state = put(state, name, x, y, 0.02 + 0.04 * level)
    return state


def solved(task: Task, before: WorldState) -> tuple[WorldState, str]:
    """The world after a task was carried out well, and what was said."""
    p = task.params
    names = [each.name for each in before.blocks]
    after, said = before, ''
    match task.family:
        case 'matching_bowls':
            for each in before.blocks:
                if before.find(f'{each.color} bowl'):
                    after = into(after, each.name, f'{each.color} bowl')
        case 'block_on_block':
            x, y, z = before.get(f'{p["on"]} block').position
            after = put(before, f'{p["color"]} block', x, y, z + 0.04)
        case 'block_in_bowl':
            after = into(before, f'{p["color"]} block', f'{p["bowl"]} bowl')
        case 'extreme_in_bowl':
            after = into(before, farthest_block(before, p['direction']).name, f'{p["bowl"]} bowl')
        case 'beside_bowl':
            x, y, _ = before.get(f'{p["bowl"]} bowl').position
            dx, dy = DIRECTIONS[p['direction']]
            after = put(before, f'{p["color"]} block', x + 0.1 * dx, y + 0.1 * dy)
        case 'move_a_bit':
            dx, dy = DIRECTIONS[p['direction']]
            after = shift(before, f'{p["color"]} block', 0.1 * dx, 0.1 * dy)
        case 'stack_all':
            x, y, _ = before.blocks[0].position
            after = stacked(before, names, x, y)
        case 'all_on_corner' | 'all_on_side':
            after = stacked(before, names, *PLACES[p['place']])
        case 'extreme_said':
            said = f'it is the {farthest_block(before, p["direction"]).name}'
    return after, said
