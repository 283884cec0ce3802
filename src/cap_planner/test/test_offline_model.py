"""Instructions to the offline model, carried out in a world that is a dictionary of positions.

The world is the double of scene, skills and engine: programs run in this process, with recursion
into the other LMPs and generated functions, and objects are moved by assignment. What matters is
which calls the programs make, with which names and positions.
"""

from __future__ import annotations

import itertools
import math
import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cap_common import errors
from cap_planner.api import TABLETOP
from cap_planner.api.spec import Kind
from cap_planner.completion import program_from_completion
from cap_planner.domains import DOMAINS
from cap_planner.fgen import definition_from_completion, generate_functions
from cap_planner.lmp import SessionTurn, build_messages
from cap_planner.models import LanguageModel, ModelMalformedError, Options
from cap_planner.models.offline import OfflineModel
from cap_planner.places import Table, nearest
from cap_planner.testing import GivenTexts
from cap_planner.verifier import Undefined, verify

TABLE_LMPS = DOMAINS['tabletop'].prompts

TABLE = Table(-0.25, -0.75, 0.25, -0.25)
LIMIT = 0.05


@dataclass
class Thing:
    """One object: where it is, how wide, and on what it was put last."""

    xy: np.ndarray
    half: float
    on: str | None = None
    level: int = 0


@dataclass
class World:
    """Objects by name; what was said and done."""

    things: dict[str, Thing]
    model: LanguageModel = field(default_factory=OfflineModel)
    said: list[str] = field(default_factory=list)
    moves: list[tuple[str, Any]] = field(default_factory=list)
    programs: list[tuple[str, str, str]] = field(default_factory=list)
    turns: list[SessionTurn] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    def xy(self, name: str) -> np.ndarray:
        return self.things[name].xy

    # ── the engine, in small ─────────────────────────────────────────────────────────────────

    def instruct(self, text: str) -> str:
        """Carry out one instruction; returns the program."""
        context = f'objects = {self.get_obj_names()}'
        program = self._program('tabletop_ui', text, context)
        self.calls = 0
        self._run(program, self.variables)
        assert self.calls < 300  # the broker allows 400 in a second
        self.turns.append(SessionTurn(text, context, program))
        return program

    def ask(self, lmp: str, text: str) -> Any:
        """The value of one of the parse LMPs."""
        return self._lmp(lmp)(text, f'objects = {self.get_obj_names()}')

    def _program(self, lmp: str, text: str, context: str = '') -> str:
        turns = self.turns if TABLE_LMPS[lmp].maintain_session else []
        messages = build_messages(TABLE_LMPS[lmp], TABLETOP, text, context, turns)
        completion = self.model.complete(messages, Options(deadline_s=5.0))
        program = program_from_completion(completion.text)
        known = {*self.variables, *self.functions}
        report = verify(
            program, TABLETOP, known=known, returns=TABLE_LMPS[lmp].returns, allow_undefined=True
        )
        assert report.ok, f'{report}\n{program}'
        self.programs.append((lmp, text, program))
        return program

    def _run(self, program: str, variables: dict[str, Any]) -> dict[str, Any]:
        scope = self._scope()
        for source in self.functions.values():
            exec(source, scope)

        def undefined(text: str, generated: Collection[str]) -> Sequence[Undefined]:
            return verify(text, TABLETOP, known={*scope, *variables, *generated}).undefined

        def ask(missing: Undefined, taken: Collection[str]) -> GivenTexts:
            answer = self._program('fgen', missing.signature)
            return GivenTexts(definition_from_completion(answer, missing, taken))

        for name, source in generate_functions(program, undefined, ask).items():
            self.functions[name] = source
            exec(source, scope)
        scope |= variables
        before = set(scope)
        exec(program, scope)
        variables |= {k: v for k, v in scope.items() if k not in before or k in variables}
        return scope

    def _lmp(self, lmp: str) -> Any:
        def call(text: str, context: str = '', **variables: Any) -> Any:
            return self._run(self._program(lmp, text, context), dict(variables))['ret_val']

        return call

    def _scope(self) -> dict[str, Any]:
        scope: dict[str, Any] = {'np': np, 'math': math}
        for function in TABLETOP.values():
            if function.kind is Kind.LMP:
                scope[function.name] = self._lmp(function.name)
            else:
                scope[function.name] = self._checked(function.name)
        for name in vars(errors):
            if name.endswith('Error'):
                scope[name] = getattr(errors, name)
        return scope

    def _checked(self, name: str) -> Any:
        """A method of this world, with the argument checks of the API."""

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return getattr(self, name)(**TABLETOP[name].bind(args, kwargs))

        return call

    # ── the API ──────────────────────────────────────────────────────────────────────────────

    def get_obj_names(self) -> list[str]:
        return list(self.things)

    def get_obj_pos(self, name: str) -> np.ndarray:
        if name in TABLE.places:
            return TABLE.places[name].copy()
        return self._find(name).xy.copy()

    def get_bbox(self, name: str) -> list[float]:
        thing = self._find(name)
        return [*(thing.xy - thing.half), *(thing.xy + thing.half)]

    def get_color(self, name: str) -> list[float]:
        self._find(name)
        return [0.5, 0.5, 0.5, 1.0]

    def is_obj_visible(self, name: str) -> bool:
        return name in self.things

    def denormalize_xy(self, pos_normalized: Any) -> np.ndarray:
        return TABLE.denormalize(pos_normalized)

    def get_corner_positions(self) -> list[np.ndarray]:
        return list(TABLE.corners.values())

    def get_side_positions(self) -> list[np.ndarray]:
        return list(TABLE.sides.values())

    def get_corner_name(self, pos: Any) -> str:
        return nearest(TABLE.corners, pos)

    def get_side_name(self, pos: Any) -> str:
        return nearest(TABLE.sides, pos)

    def put_first_on_second(self, first: Any, second: Any) -> None:
        thing = self._find(first)
        on_top = [n for n, t in self.things.items() if t.on == first]
        assert not on_top, f'{first} is under {on_top}'
        target = second
        xy = self.get_obj_pos(second) if isinstance(second, str) else np.array(second)
        low, high = TABLE.corners['bottom left corner'], TABLE.corners['top right corner']
        if np.any(xy < low - LIMIT - 1e-9) or np.any(xy > high + LIMIT + 1e-9):
            raise errors.LimitError(f'{xy} is off the table')
        # Whatever it lands on: the highest thing under its centre.
        under = [
            name
            for name, other in self.things.items()
            if name != first and np.linalg.norm(other.xy - xy) < 0.03
        ]
        thing.on = max(under, key=lambda n: self.things[n].level, default=None)
        thing.level = self.things[thing.on].level + 1 if thing.on else 0
        thing.xy = xy
        self.moves.append((first, target))

    def point_gripper_to(self, target: Any) -> None:
        self.moves.append(('gripper', target))

    def say(self, message: str) -> None:
        self.said.append(message)

    def _find(self, name: str) -> Thing:
        if name not in self.things:
            raise errors.ObjectNotFoundError(f'no object {name!r}; there are {list(self.things)}')
        return self.things[name]

    def blocked(self, name: str) -> list[str]:
        """What the thing would touch where it stands, beside what it was put on."""
        thing = self.things[name]
        return [
            other
            for other, its in self.things.items()
            if other not in (name, thing.on)
            and its.on != name
            and 0.03 < np.linalg.norm(its.xy - thing.xy) < its.half + thing.half
        ]


def scatter(rng: np.random.Generator, names: Sequence[str]) -> World:
    """A world as the tabletop's layout has it: centres more than 0.15 m apart."""
    while True:
        placed: list[np.ndarray] = []
        for _ in names:
            for _ in range(200):
                xy = rng.uniform([-0.2, -0.7], [0.2, -0.3])
                if all(np.linalg.norm(xy - other) > 0.15 for other in placed):
                    placed.append(xy)
                    break
            else:
                break
        if len(placed) == len(names):
            break
    flat = ('bowl', 'cup', 'basket', 'tray', 'dish')
    return World(
        {
            name: Thing(xy, 0.06 if name.split()[-1] in flat else 0.02)
            for name, xy in zip(names, placed, strict=True)
        }
    )


# ── scenes under any names ───────────────────────────────────────────────────────────────────────

COLORS = ('teal', 'navy', 'red', 'blue', 'gray', 'wooden', 'striped', 'pink', 'orange', 'shiny')
SMALL = {'block': 'blocks', 'die': 'dice', 'box': 'boxes', 'toy': 'toys', 'widget': 'widgets'}
HOLLOW = {'bowl': 'bowls', 'cup': 'cups', 'dish': 'dishes', 'basket': 'baskets'}


@dataclass
class Case:
    """A world, and the words for what is in it."""

    world: World
    small: str
    hollow: str
    blocks: list[str]
    bowls: list[str]

    @property
    def words(self) -> dict[str, str]:
        return {
            'blocks': SMALL[self.small],
            'bowls': HOLLOW[self.hollow],
            'block': self.small,
            'bowl': self.hollow,
            'C': self.blocks[0],
            'D': self.bowls[0],
            'E': self.blocks[1],
        }

    def instruct(self, text: str) -> str:
        return self.world.instruct(text.format(**self.words))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    small, hollow = draw(st.sampled_from(sorted(SMALL))), draw(st.sampled_from(sorted(HOLLOW)))
    first = draw(st.permutations(COLORS))[:3]
    second = draw(st.permutations(COLORS))[:3]
    blocks, bowls = [f'{c} {small}' for c in first], [f'{c} {hollow}' for c in second]
    names = draw(st.permutations(blocks + bowls))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return Case(scatter(rng, names), small, hollow, blocks, bowls)


def phrased(*texts: str) -> Any:
    """Any case, any of the phrasings."""
    return given(case=cases(), text=st.sampled_from(texts))


fewer = settings(max_examples=20, deadline=None)


def color(name: str) -> str:
    return name.split(maxsplit=1)[0]


def is_at(world: World, name: str, place: Any, tolerance: float = 0.06) -> bool:
    xy = TABLE.places[place] if isinstance(place, str) else place
    return float(np.linalg.norm(world.xy(name) - xy)) < tolerance


def untouched(case: Case, start: dict[str, np.ndarray], but: Sequence[str]) -> bool:
    return all(np.array_equal(case.world.xy(n), xy) for n, xy in start.items() if n not in but)


def positions(case: Case) -> dict[str, np.ndarray]:
    return {name: thing.xy.copy() for name, thing in case.world.things.items()}


# ── the families of the first milestone ──────────────────────────────────────────────────────────


@phrased(
    'place every {block} in the {bowl} of the same color',
    'move the {blocks} into their matching {bowls}',
    'put each {block} into the {bowl} that matches its color.',
    'sort all the {blocks} into {bowls} with the corresponding colour',
    'Please put the {blocks} in the same-colored {bowls}!',
    'match the {blocks} with the {bowls}',
)
@fewer
def test_matching_colors(case: Case, text: str) -> None:
    start = positions(case)
    case.instruct(text)
    by_color = {color(name): name for name in case.bowls}
    for block in case.blocks:
        if color(block) in by_color:
            assert case.world.things[block].on == by_color[color(block)]
        else:
            assert np.array_equal(case.world.xy(block), start[block])
            assert any(block in text for text in case.world.said)
    assert untouched(case, start, case.blocks)


@phrased(
    'place the {C} onto the {E}',
    'pick the {C} up and set it down on the {E}',
    'stack the {C} on top of the {E}',
    'could you put the {C} on the {E}, please?',
)
@fewer
def test_on_block(case: Case, text: str) -> None:
    start = positions(case)
    case.instruct(text)
    assert case.world.things[case.blocks[0]].on == case.blocks[1]
    assert untouched(case, start, case.blocks[:1])


@phrased(
    'drop the {C} into the {D}',
    'grab the {C} and put it inside the {D}',
    'move the {C} to the {D}',
)
@fewer
def test_in_bowl(case: Case, text: str) -> None:
    case.instruct(text)
    assert case.world.things[case.blocks[0]].on == case.bowls[0]


@given(
    case=cases(),
    text=st.sampled_from(
        ('set the {C} {where} the {D}', 'take the {C} and place it {where} the {D}')
    ),
    where=st.sampled_from(
        (
            ('left of', 0, -1),
            ('to the left of', 0, -1),
            ('on the left side of', 0, -1),
            ('to the right of', 0, 1),
            ('right of', 0, 1),
            ('above', 1, 1),
            ('to the top of', 1, 1),
            ('below', 1, -1),
            ('under', 1, -1),
        )
    ),
)
@settings(max_examples=60, deadline=None)
def test_beside_bowl(case: Case, text: str, where: tuple[str, int, int]) -> None:
    phrase, axis, sign = where
    case.world.instruct(text.format(where=phrase, **case.words))
    offset = case.world.xy(case.blocks[0]) - case.world.xy(case.bowls[0])
    assert sign * offset[axis] > 0.06
    assert abs(offset[1 - axis]) < 0.06
    assert np.linalg.norm(offset) < 0.16
    assert case.bowls[0] not in case.world.blocked(case.blocks[0])


@phrased(
    'pile up the {blocks}',
    'build a tower with the {blocks}',
    'put all of the {blocks} on top of each other',
    'make one stack out of the {blocks}',
)
@fewer
def test_stack(case: Case, text: str) -> None:
    start = positions(case)
    case.instruct(text)
    levels = sorted(case.world.things[name].level for name in case.blocks)
    assert levels == [0, 1, 2]
    base = next(name for name in case.blocks if case.world.things[name].level == 0)
    assert np.array_equal(case.world.xy(base), start[base])
    assert untouched(case, start, case.blocks)


PLACES = {
    'the top-left corner': 'top left corner',
    'the upper right corner': 'top right corner',
    'the lower left corner of the table': 'bottom left corner',
    'the bottom right corner': 'bottom right corner',
    'the left side': 'left side',
    'the right edge': 'right side',
    'the top side': 'top side',
    'the bottom side of the table': 'bottom side',
    'the middle': 'middle',
}


@given(
    case=cases(),
    text=st.sampled_from(
        (
            'move every {block} to {place}',
            'place the {blocks} in {place}',
            'gather all the {blocks} at {place}',
            'stack the {blocks} on {place}',
            'build a tower of the {blocks} at {place}',
        )
    ),
    place=st.sampled_from(sorted(PLACES)),
)
@fewer
def test_all_at_place(case: Case, text: str, place: str) -> None:
    start = positions(case)
    case.world.instruct(text.format(place=place, **case.words))
    assert all(is_at(case.world, name, PLACES[place]) for name in case.blocks)
    assert untouched(case, start, case.blocks)
    moves, said = len(case.world.moves), len(case.world.said)
    case.world.instruct(text.format(place=place, **case.words))
    assert all(is_at(case.world, name, PLACES[place]) for name in case.blocks)
    # Nothing to do, and it says so.
    assert len(case.world.moves) == moves
    assert len(case.world.said) == said + 3


@given(
    case=cases(),
    verb=st.sampled_from(('shift', 'push', 'move', 'nudge')),
    amount=st.sampled_from((('slightly ', 0.05), ('a little ', 0.05), ('4 cm ', 0.04))),
    way=st.sampled_from(
        (('to the right', (1, 0)), ('to the left', (-1, 0)), ('up', (0, 1)), ('down', (0, -1)))
    ),
)
@fewer
def test_shift(case: Case, verb: str, amount: Any, way: Any) -> None:
    start = positions(case)
    case.instruct(f'{verb} the {{C}} {amount[0]}{way[0]}')
    expected = start[case.blocks[0]] + amount[1] * np.array(way[1])
    assert case.world.xy(case.blocks[0]) == pytest.approx(expected)
    assert untouched(case, start, case.blocks[:1])


@given(
    case=cases(),
    side=st.sampled_from(('left', 'right', 'top', 'bottom')),
    text=st.sampled_from(
        (
            'drop the {side}-most {block} into the {D}',
            'place the {side}most {block} in the {D}',
            'put the first {block} from the {side} in the {D}',
            'take the {side} {block} and put it in the {D}',
        )
    ),
)
@fewer
def test_outermost_block(case: Case, side: str, text: str) -> None:
    axis, sign = {'left': (0, 1), 'right': (0, -1), 'top': (1, -1), 'bottom': (1, 1)}[side]
    expected = min(case.blocks, key=lambda name: sign * case.world.xy(name)[axis])
    case.world.instruct(text.format(side=side, **case.words))
    assert case.world.moves == [(expected, case.bowls[0])]


@given(
    case=cases(),
    side=st.sampled_from(('left', 'right', 'top', 'bottom')),
    text=st.sampled_from(
        (
            'which {block} is the {side}-most one?',
            'What is the {side}most {block}',
            'which {block} is furthest to the {side}?',
            'tell me which {block} is {side}most',
        )
    ),
)
@fewer
def test_outermost_question(case: Case, side: str, text: str) -> None:
    axis, sign = {'left': (0, 1), 'right': (0, -1), 'top': (1, -1), 'bottom': (1, 1)}[side]
    expected = min(case.blocks, key=lambda name: sign * case.world.xy(name)[axis])
    case.world.instruct(text.format(side=side, **case.words))
    assert case.world.said == [expected]
    assert not case.world.moves


# ── the templates of the published evaluation ────────────────────────────────────────────────────


@phrased('put the {blocks} in the {D}', 'toss all the {blocks} into the {D}')
@fewer
def test_all_in_one_bowl(case: Case, text: str) -> None:
    case.instruct(text)
    assert all(is_at(case.world, name, case.world.xy(case.bowls[0])) for name in case.blocks)


@given(case=cases(), side=st.sampled_from(('left', 'right', 'top', 'bottom')))
@fewer
def test_block_beside_bowl_to_place(case: Case, side: str) -> None:
    axis, sign = {'left': (0, -1), 'right': (0, 1), 'top': (1, 1), 'bottom': (1, -1)}[side]
    bowl = case.world.xy(case.bowls[0])
    fitting = [n for n in case.blocks if sign * (case.world.xy(n) - bowl)[axis] > 0]
    text = f'pick up the {{block}} to the {side} of the {{D}} and place it on the right side'
    if not fitting:
        with pytest.raises(errors.ObjectNotFoundError):
            case.instruct(text)
        assert not case.world.moves
        return
    expected = min(fitting, key=lambda name: np.linalg.norm(case.world.xy(name) - bowl))
    case.instruct(text)
    assert [name for name, _ in case.world.moves] == [expected]
    assert is_at(case.world, expected, 'right side')


@given(case=cases(), far=st.booleans(), text=st.sampled_from(('{which} to', '{which} from')))
@fewer
def test_block_by_distance_to_place(case: Case, far: bool, text: str) -> None:
    which = text.format(which='farthest' if far else 'closest')
    bowl = case.world.xy(case.bowls[0])
    key = {name: float(np.linalg.norm(case.world.xy(name) - bowl)) for name in case.blocks}
    expected = (max if far else min)(key, key=lambda name: key[name])
    case.instruct(f'pick up the {{block}} {which} the {{D}} and place it on the top side')
    assert [name for name, _ in case.world.moves] == [expected]
    assert is_at(case.world, expected, 'top side')


@given(
    case=cases(),
    nth=st.sampled_from((('first', 0), ('second', 1), ('third', 2), ('fourth', 3))),
    side=st.sampled_from(('left', 'right', 'top', 'bottom')),
)
@fewer
def test_nth_block_to_place(case: Case, nth: Any, side: str) -> None:
    axis, sign = {'left': (0, 1), 'right': (0, -1), 'top': (1, -1), 'bottom': (1, 1)}[side]
    ordered = sorted(case.blocks, key=lambda name: sign * case.world.xy(name)[axis])
    text = f'pick up the {nth[0]} {{block}} from the {side} and place it on the left side'
    if nth[1] >= len(ordered):
        with pytest.raises(errors.ObjectNotFoundError, match='only'):
            case.instruct(text)
        return
    case.instruct(text)
    assert [name for name, _ in case.world.moves] == [ordered[nth[1]]]


@phrased(
    'put all the {blocks} in different corners',
    'put the {blocks} in separate corners',
    'put every {block} in its own corner',
)
@fewer
def test_different_corners(case: Case, text: str) -> None:
    case.instruct(text)
    used = [nearest(TABLE.corners, case.world.xy(name)) for name in case.blocks]
    assert len(set(used)) == 3
    assert all(is_at(case.world, n, place) for n, place in zip(case.blocks, used, strict=True))


@phrased(
    'put the {blocks} in the {bowls} with mismatched colors',
    'place the {blocks} in {bowls} of a different color',
    'drop the {blocks} into {bowls} with non-matching colours',
)
@fewer
def test_mismatched_colors(case: Case, text: str) -> None:
    case.instruct(text)
    for block in case.blocks:
        bowl = min(
            case.bowls, key=lambda b: np.linalg.norm(case.world.xy(b) - case.world.xy(block))
        )
        assert is_at(case.world, block, case.world.xy(bowl), 0.01)
        assert color(bowl) != color(block)


@given(
    case=cases(),
    side=st.sampled_from(('left', 'right', 'top', 'bottom')),
    lot=st.booleans(),
)
@fewer
def test_magnitude_beside_bowl(case: Case, side: str, lot: bool) -> None:
    axis, sign = {'left': (0, -1), 'right': (0, 1), 'top': (1, 1), 'bottom': (1, -1)}[side]
    much = 'a lot' if lot else 'a little'
    try:
        case.instruct(f'pick up the {{C}} and place it {much} to the {side} of the {{D}}')
    except errors.LimitError:
        assert lot  # there is no table so far out
        return
    offset = sign * (case.world.xy(case.blocks[0]) - case.world.xy(case.bowls[0]))[axis]
    assert offset > 0.2 if lot else 0 < offset <= 0.2


@given(case=cases(), far=st.booleans())
@fewer
def test_corner_by_distance(case: Case, far: bool) -> None:
    bowl = case.world.xy(case.bowls[0])
    pick = max if far else min
    expected = pick(TABLE.corners, key=lambda c: np.linalg.norm(TABLE.corners[c] - bowl))
    which = 'farthest' if far else 'closest'
    case.instruct(f'pick up the {{C}} and place it in the corner {which} to the {{D}}')
    assert is_at(case.world, case.blocks[0], expected)


@given(
    case=cases(),
    line=st.sampled_from(('horizontal', 'vertical', 'diagonal')),
    text=st.sampled_from(
        (
            'put all the {blocks} in a {line} line',
            'arrange the {blocks} in a {line} line',
            'make a {line} line with the {blocks}',
            'line up the {blocks} {line}ly',
        )
    ),
)
@fewer
def test_lines(case: Case, line: str, text: str) -> None:
    case.world.instruct(text.format(line=line, **case.words))
    points = np.array([case.world.xy(name) for name in case.blocks])
    direction = {'horizontal': (1, 0), 'vertical': (0, 1), 'diagonal': (1, 1)}[line]
    normal = np.array([-direction[1], direction[0]]) / np.linalg.norm(direction)
    assert np.ptp(points @ normal) < 0.005
    for one, other in itertools.combinations(points, 2):
        assert np.linalg.norm(one - other) > 0.06
    assert not any(case.world.blocked(name) for name in case.blocks)


# ── more of the language ─────────────────────────────────────────────────────────────────────────


def fixed() -> Case:
    """One world for what does not need many."""
    blocks = ['teal block', 'navy block', 'red block']
    bowls = ['red bowl', 'blue bowl', 'teal bowl']
    spots = [(-0.15, -0.35), (0.0, -0.3), (0.18, -0.34), (-0.1, -0.65), (0.1, -0.62), (0.05, -0.47)]
    halves = [0.02] * 3 + [0.06] * 3
    things = {
        name: Thing(np.array(xy), half)
        for name, xy, half in zip(blocks + bowls, spots, halves, strict=True)
    }
    return Case(World(things), 'block', 'bowl', blocks, bowls)


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
    start = time.monotonic()
    with pytest.raises((ModelMalformedError, errors.ObjectNotFoundError)):
        case.instruct(text)
    assert not case.world.moves
    assert time.monotonic() - start < 2.0


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


def test_programs_go_through_the_other_lmps_and_fgen() -> None:
    case = fixed()
    case.instruct('put the leftmost block to the left of the red bowl')
    parts = {lmp for lmp, _, _ in case.world.programs}
    assert parts == {'tabletop_ui', 'parse_obj_name', 'parse_position', 'fgen'}


def test_repair_is_answered_with_the_same_program() -> None:
    """It has no second thoughts: the report that led here stays the last word."""
    from cap_planner.lmp import repair_messages

    messages = build_messages(
        TABLE_LMPS['tabletop_ui'],
        TABLETOP,
        'stack the blocks',
        "objects = ['red block', 'blue block']",
    )
    model = OfflineModel()
    first = model.complete(messages, Options(deadline_s=1.0)).text
    again = repair_messages(messages, first, 'line 1: # put the blocks away. is no name')
    assert model.complete(again, Options(deadline_s=1.0)).text == first


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


def test_no_benchmark_instruction_stands_in_the_sources() -> None:
    package = Path(__file__).parents[1] / 'cap_planner'
    sources = [*package.glob('models/**/*.py'), *package.glob('prompts/*.md')]
    assert len(sources) > 15
    color_word = r'(\w+ )?'
    templates = [
        rf'put (all )?the blocks in the {color_word}bowls? with',
        rf'put (all )?the blocks in the {color_word}bowl\b',
        rf'put the {color_word}block (on|in) the {color_word}(block|bowl)',
        rf'put the {color_word}block to the \w+ of the',
        r'stack all the blocks',
        r'put all the blocks (on|in)',
        rf'move the {color_word}block a bit to',
        r'put the leftmost block',
        r'what is the leftmost block\?',
        rf'pick up the {color_word}block',
        r'(first|second|third|fourth) block from the',
    ]
    for source in sources:
        text = ' '.join(source.read_text(encoding='utf-8').lower().split())
        for template in templates:
            found = re.search(template, text)
            assert found is None or found[0] == 'second block from the', (source, found)


def test_speed() -> None:
    """Milliseconds for a program: a coarse bound that a slow machine keeps too."""
    case = fixed()
    context = f'objects = {case.world.get_obj_names()}'
    text = (
        'pick up the second block from the left and place it a little to the left of the red bowl'
    )
    messages = build_messages(TABLE_LMPS['tabletop_ui'], TABLETOP, text, context)
    model = OfflineModel()
    model.complete(messages, Options(deadline_s=1.0))
    times = [model.complete(messages, Options(deadline_s=1.0)).duration_s for _ in range(5)]
    assert min(times) < 0.05
