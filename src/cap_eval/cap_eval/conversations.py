"""The paper's three tabletop conversations (appendix I), and what each turn has to bring about.

A turn is judged by the world before and after it and by what was said. Lengths are in metres.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cap_eval.places import CORNERS, PLACES, SIDES
from cap_eval.relations import in_bowl, on_block
from cap_eval.state import ObjectState, WorldState, displacement, distance_xy

NEAR = 0.025
"""How far from where it ought to be an object may lie."""
STILL = 0.03
"""How far one may be pushed that ought to stay."""
AT_PLACE = 0.06
"""From a named place: the published demo's limit."""
ON_PLATE = 0.1

FRUITS = ('apple', 'banana', 'plum')


@dataclass(frozen=True)
class Told:
    """A conversation up to now.

    Attributes:
        worlds: the first before anything was said, then one after each turn.
        spoken: what was said in the turn that is judged.
    """

    worlds: Sequence[WorldState]
    spoken: str

    @property
    def before(self) -> WorldState:
        """The world when the turn began."""
        return self.worlds[-2]

    @property
    def after(self) -> WorldState:
        """The world now."""
        return self.worlds[-1]


Check = Callable[[Told], list[str]]
"""What is wrong, in words; nothing: the turn is right."""


@dataclass(frozen=True)
class Turn:
    """One instruction of a conversation."""

    instruction: str
    check: Check


@dataclass(frozen=True)
class Conversation:
    """A series of instructions in one session.

    Attributes:
        world: of the simulator.
        blocks, bowls: colors of what the world `blocks` has.
        is_possible: whether a world lets every turn be carried out.
    """

    name: str
    turns: tuple[Turn, ...]
    world: str = 'blocks'
    blocks: tuple[str, ...] = ()
    bowls: tuple[str, ...] = ()
    is_possible: Callable[[WorldState], bool] = lambda _: True


def judge_turn(turn: Turn, told: Told) -> str:
    """Empty if the turn was carried out; otherwise why not."""
    try:
        return '; '.join(turn.check(told))
    except KeyError as missing:
        return str(missing)


# ── parts of checks ──────────────────────────────────────────────────────────────────────────────


def _unless(true: bool, text: str) -> list[str]:
    return [] if true else [text]


def _stay(told: Told, but: Sequence[str] = ()) -> list[str]:
    """Whatever ought not to move has not."""
    return [
        f'the {each.name} was moved by {displacement(each, told.after.get(each.name)) * 100:.1f} cm'
        for each in told.before.objects
        if each.name not in but and displacement(each, told.after.get(each.name)) > STILL
    ]


def _says(told: Told, *words: str, never: Sequence[str] = ()) -> list[str]:
    """Nothing moves, and the answer has these words."""
    spoken = told.spoken.lower()
    wrong = [f'{word!r} was not said' for word in words if word not in spoken]
    wrong += [f'{word!r} was said' for word in never if word in spoken]
    return [*wrong, *_stay(told)]


def _says_no(told: Told) -> list[str]:
    is_no = told.spoken.lower().startswith('no')
    return [*_unless(is_no, f'{told.spoken!r} is no "no"'), *_stay(told)]


def _is_near(item: ObjectState, xy: Sequence[float], limit: float = NEAR) -> list[str]:
    way = math.dist(item.position[:2], xy)
    return _unless(way < limit, f'the {item.name} is {way * 100:.1f} cm off')


def _on_table(world: WorldState) -> list[str]:
    """No block stands on another thing."""
    return [
        f'the {block.name} is not on the table' for block in world.blocks if block.bottom > NEAR
    ]


def _blocks(world: WorldState) -> NDArray[np.float64]:
    """Positions of the blocks in the order of their names, shape (N, 2)."""
    blocks = sorted(world.blocks, key=lambda block: block.name)
    return np.array([block.position[:2] for block in blocks])


def _square(world: WorldState) -> tuple[float, float, NDArray[np.float64]] | None:
    """Side, turn [deg, 0 to 90) and centre of the square of four blocks; None: they form none."""
    points = _blocks(world)
    center = points.mean(axis=0)
    offsets = points - center
    corners = points[np.argsort(np.arctan2(offsets[:, 1], offsets[:, 0]))]
    edges = np.roll(corners, -1, axis=0) - corners
    sides = np.linalg.norm(edges, axis=1)
    turned = np.stack([-edges[:, 1], edges[:, 0]], axis=1)
    is_square = np.linalg.norm(np.roll(edges, -1, axis=0) - turned, axis=1).max() < 2 * NEAR
    if len(points) != 4 or not is_square or _on_table(world):
        return None
    angle = math.degrees(math.atan2(edges[0][1], edges[0][0])) % 90
    return float(sides.mean()), angle, center


def _lies_on(world: WorldState, name: str, plate: str) -> list[str]:
    way = distance_xy(world.get(name), world.get(plate))
    return _unless(way < ON_PLATE, f'the {name} is {way * 100:.0f} cm from the {plate}')


# ── four blocks ──────────────────────────────────────────────────────────────────────────────────


def _line_near_top(told: Told) -> list[str]:
    points = _blocks(told.after)
    return [
        *_unless(float(np.ptp(points[:, 1])) < NEAR, 'the blocks are in no horizontal line'),
        *_unless(points[:, 1].min() > -0.4, 'the line is not near the top'),
        *_on_table(told.after),
    ]


def _between(told: Told) -> list[str]:
    blocks = sorted(told.before.blocks, key=lambda block: block.position[0])
    red, second = told.before.get('red block'), blocks[1]
    goal = np.mean([red.position[:2], second.position[:2]], axis=0)
    wrong = _is_near(told.after.get('blue block'), goal) + _stay(told, ['blue block'])
    return wrong + _on_table(told.after)


def _forms_square(told: Told) -> list[str]:
    square = _square(told.after)
    if square is None:
        return ['the blocks form no square']
    return _unless(math.dist(square[2], PLACES['middle']) < 2 * NEAR, 'it is not around the middle')


def _square_changes(told: Told, grown: bool, turned_deg: float) -> list[str]:
    old, new = _square(told.before), _square(told.after)
    if old is None or new is None:
        return ['the blocks form no square']
    turn = (new[1] - old[1] - turned_deg + 45) % 90 - 45
    size = new[0] > 1.1 * old[0] if grown else abs(new[0] - old[0]) < NEAR
    return [
        *_unless(size, f'its side was {old[0] * 100:.0f} cm and is {new[0] * 100:.0f} cm'),
        *_unless(abs(turn) < 8, f'its turn is {turn:.0f} degrees off'),
        *_unless(math.dist(old[2], new[2]) < NEAR, 'its centre has moved'),
    ]


def _undone(told: Told) -> list[str]:
    earlier = told.worlds[-3]
    return [
        text
        for each in earlier.objects
        for text in _is_near(told.after.get(each.name), each.position[:2], STILL)
    ]


def _down(told: Told, moves: Callable[[str], bool]) -> list[str]:
    """5 cm to the bottom."""
    moved = [block for block in told.before.blocks if moves(block.name)]
    wrong = _stay(told, [block.name for block in moved]) + _on_table(told.after)
    for block in moved:
        x, y, _ = block.position
        wrong += _is_near(told.after.get(block.name), (x, y - 0.05), STILL)
    return wrong


def _different_corners(told: Told) -> list[str]:
    taken = [
        name
        for name, xy in CORNERS.items()
        for block in told.after.blocks
        if math.dist(block.position[:2], xy) < AT_PLACE
    ]
    return _unless(len(set(taken)) == len(told.after.blocks), f'blocks are at {sorted(set(taken))}')


FOUR_BLOCKS = Conversation(
    'four blocks',
    (
        Turn('Put the blocks in a horizontal line near the top', _line_near_top),
        Turn(
            'Move the sky-colored block in between the red block and the second block from the '
            'left',
            _between,
        ),
        Turn('Why did you move the green block?', lambda told: _says(told, 'horizontal line')),
        Turn(
            'Which block did you move?',
            lambda told: _says(told, 'blue', never=('red', 'green', 'yellow')),
        ),
        Turn('Arrange the blocks in a square around the middle', _forms_square),
        Turn('Make the square bigger', lambda told: _square_changes(told, True, 0)),
        Turn('Undo that', _undone),
        Turn('rotate the square by 45 degrees', lambda told: _square_changes(told, False, 45)),
        Turn('Can you throw blocks?', _says_no),
        Turn('Move the red block 5cm to the bottom', lambda told: _down(told, 'red block'.__eq__)),
        Turn('Do the same with the other blocks', lambda told: _down(told, 'red block'.__ne__)),
        Turn(
            'Put the blocks on different corners clockwise starting at the top right corner',
            _different_corners,
        ),
    ),
    blocks=('blue', 'green', 'red', 'yellow'),
)

# ── blocks and bowls ─────────────────────────────────────────────────────────────────────────────


def _left_of_rightmost(told: Told) -> list[str]:
    bowl = max(told.before.bowls, key=lambda bowl: bowl.position[0])
    block = told.after.get('red block')
    dx, dy = (block.position[i] - bowl.position[i] for i in (0, 1))
    good = -0.2 < dx < -0.06 and abs(dy) < 0.06
    return [*_unless(good, 'it is not to the left of it'), *_stay(told, ['red block'])]


def _farthest_side(told: Told) -> list[str]:
    start = told.before.get('red block').position[:2]
    goal = max(SIDES.values(), key=lambda xy: math.dist(start, xy))
    wrong = _is_near(told.after.get('red block'), goal, AT_PLACE)
    return wrong + _stay(told, ['red block'])


def _bowls_to_the_left(told: Told) -> list[str]:
    x = told.before.get('red block').position[0]
    return _says(told, str(sum(bowl.position[0] < x for bowl in told.before.bowls)))


def _non_matching(told: Told) -> list[str]:
    wrong = []
    for block in told.after.blocks:
        bowls = [bowl for bowl in told.after.bowls if distance_xy(block, bowl) < AT_PLACE]
        wrong += _unless(len(bowls) == 1, f'the {block.name} is in no bowl')
        wrong += [f'the {b.name} has its own color' for b in bowls if b.color == block.color]
    return wrong + _stay(told, [block.name for block in told.before.blocks])


_LINE_TOP, _LINE_LONG = 0.1, 0.2


def _line_below_bowl(told: Told) -> list[str]:
    x, y, _ = told.after.get('blue bowl').position
    points = _blocks(told.after)
    top, bottom = points[:, 1].max(), points[:, 1].min()
    return [
        *_unless(np.abs(points[:, 0] - x).max() < NEAR, 'they are in no line below the bowl'),
        *_unless(abs(y - top - _LINE_TOP) < NEAR, 'it does not begin 10 cm below the bowl'),
        *_unless(abs(top - bottom - _LINE_LONG) < NEAR, 'it is not 20 cm long'),
        *_on_table(told.after),
    ]


def _line_is_possible(world: WorldState) -> bool:
    """Below the blue bowl is room for the line."""
    x, y, _ = world.get('blue bowl').position
    if y - _LINE_TOP - _LINE_LONG < -0.79:
        return False
    spots = [(x, y - _LINE_TOP - part * _LINE_LONG / 2) for part in range(3)]
    others = [bowl for bowl in world.bowls if bowl.name != 'blue bowl']
    return all(math.dist(bowl.position[:2], spot) > 0.11 for bowl in others for spot in spots)


def _tower_in_forest(told: Told) -> list[str]:
    bowl = told.after.get('green bowl')
    rising = sorted(told.after.blocks, key=lambda block: block.position[2])
    wrong = _unless(in_bowl(rising[0], bowl), f'the {rising[0].name} is not in the green bowl')
    wrong += [
        f'the {upper.name} is not on the {lower.name}'
        for lower, upper in itertools.pairwise(rising)
        if not on_block(upper, lower)
    ]
    return wrong + _stay(told, [block.name for block in told.before.blocks])


def _eruption(told: Told) -> list[str]:
    """Something lies in the ocean that was not there, and nothing else has changed."""
    ocean = told.after.get('blue bowl')
    new = [
        each.name
        for each in told.after.objects
        if distance_xy(each, ocean) < AT_PLACE
        and distance_xy(told.before.get(each.name), ocean) > AT_PLACE
    ]
    return [*_unless(bool(new), 'nothing has come into the ocean'), *_stay(told, new)]


BLOCKS_AND_BOWLS = Conversation(
    'blocks and bowls',
    (
        Turn('Put the red block to the left of the rightmost bowl', _left_of_rightmost),
        Turn('Now move it to the side farthest away from it', _farthest_side),
        Turn('How many bowls are to the left of the red block?', _bowls_to_the_left),
        Turn('place the blocks in bowls with non matching colors', _non_matching),
        Turn(
            'put the blocks in a vertical line 20 cm long and 10 cm below the blue bowl',
            _line_below_bowl,
        ),
        Turn(
            'imagine that the bowls represent a volcano, a forest, and an ocean',
            lambda told: _says(told, 'volcano', 'forest', 'ocean'),
        ),
        Turn(
            'also imagine that the blocks are parts of a building',
            lambda told: _says(told, 'building'),
        ),
        Turn('now build a tower in the forest', _tower_in_forest),
        Turn('show me what happens when a volcano erupts over the ocean', _eruption),
    ),
    blocks=('blue', 'green', 'red'),
    bowls=('blue', 'green', 'red'),
    is_possible=_line_is_possible,
)

# ── fruits, bottles and plates ───────────────────────────────────────────────────────────────────

_BOTTLES = ('blue bottle', 'black bottle')


def _sorted_onto_plates(told: Told) -> list[str]:
    wrong = [text for name in FRUITS for text in _lies_on(told.after, name, 'green plate')]
    wrong += [text for name in _BOTTLES for text in _lies_on(told.after, name, 'blue plate')]
    return wrong + _stay(told, [*FRUITS, *_BOTTLES])


FRUITS_AND_PLATES = Conversation(
    'fruits, bottles and plates',
    (
        Turn('How many fruits are there?', lambda told: _says(told, '3')),
        Turn(
            'Tell me their names',
            lambda told: _says(told, *FRUITS, never=('bottle', 'plate')),
        ),
        Turn('Are there any fruits on the green plate?', _says_no),
        Turn(
            'Move all fruits to the green plate and bottles to the blue plate',
            _sorted_onto_plates,
        ),
        Turn(
            'Move the smallest fruit back to the yellow plate',
            lambda told: _lies_on(told.after, 'plum', 'yellow plate') + _stay(told, ['plum']),
        ),
        Turn(
            'Wait until you see an egg and put it on the green plate',
            lambda told: _lies_on(told.after, 'egg', 'green plate') + _stay(told, ['egg']),
        ),
        Turn(
            'Put the darkest object in the plate that has the apple',
            lambda told: (
                _lies_on(told.after, 'black bottle', 'green plate') + _stay(told, ['black bottle'])
            ),
        ),
    ),
    world='fruits',
)

CONVERSATIONS = (FOUR_BLOCKS, BLOCKS_AND_BOWLS, FRUITS_AND_PLATES)
