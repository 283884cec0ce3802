"""Instructions to the offline model, carried out in a world that is a dictionary of positions.

The world is the double of scene, skills and engine: programs run in this process, with recursion
into the other LMPs and generated functions, and objects are moved by assignment. What matters is
which calls the programs make, with which names and positions.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cap_common import errors
from cap_planner.api import TABLETOP
from cap_planner.api.spec import Kind
from cap_planner.completion import program_from_completion
from cap_planner.domains import DOMAINS
from cap_planner.fgen import definition_from_completion, generate_functions
from cap_planner.lmp import SessionTurn, build_messages
from cap_planner.models import LanguageModel, Options
from cap_planner.models.offline import OfflineModel
from cap_planner.places import Table
from cap_planner.robot import Manner, nearest
from cap_planner.testing import GivenTexts
from cap_planner.verifier import Report, Undefined, verify

TABLE_LMPS = DOMAINS['tabletop'].prompts

TABLE = Table(-0.25, -0.75, 0.25, -0.25)
LIMIT = 0.05


@functools.lru_cache(maxsize=10_000)
def verified(text: str, known: frozenset[str], returns: str | None) -> Report:
    """The verifier's report; worlds ask for the same functions again and again."""
    return verify(text, TABLETOP, known=known, returns=returns, allow_undefined=True)


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
    manners: list[Manner] = field(default_factory=list)
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
        report = verified(program, frozenset(known), TABLE_LMPS[lmp].returns)
        assert report.ok, f'{report}\n{program}'
        self.programs.append((lmp, text, program))
        return program

    def _run(self, program: str, variables: dict[str, Any]) -> dict[str, Any]:
        scope = self._scope()
        for source in self.functions.values():
            exec(source, scope)

        def undefined(text: str, generated: Collection[str]) -> Sequence[Undefined]:
            known = {*self.functions, *variables, *generated}
            return verified(text, frozenset(known), None).undefined

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

    def put_first_on_second(
        self, first: Any, second: Any, speed: float = 1.0, force: float | None = None
    ) -> None:
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
        self.manners.append(Manner(speed, force))

    def pick_up(self, obj: Any, speed: float = 1.0, force: float | None = None) -> None:
        self.moves.append(('held', self._find(obj) and obj))
        self.manners.append(Manner(speed, force))

    def point_gripper_to(self, target: Any, speed: float = 1.0) -> None:
        self.moves.append(('gripper', target))
        self.manners.append(Manner(speed))

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
