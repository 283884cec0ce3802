"""Every example of every prompt is run as the planner would run it, so that no prompt has a bug.

The model of these tests answers a request with the example that the prompt has for it. All else is
real: what the model is asked has to be the example's request word for word; the answer goes through
verifier, generated functions and their trial, sandbox and broker to a symbolic table; and what it
then does is compared with the case below. An example without a case fails.
"""

from __future__ import annotations

import re
import shlex
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from cap_planner.api.spec import Api, Kind, api_from_module, declare
from cap_planner.budget import Limits
from cap_planner.domains import DOMAINS, Domain
from cap_planner.engine import Engine, Report, Request
from cap_planner.evidence import EvidenceStore
from cap_planner.instruction_run import Parts
from cap_planner.labels import Label
from cap_planner.lmp import Example, Lmp, parse_prompt
from cap_planner.models import show_prompt
from cap_planner.models.base import Completion, Message, Options, cut_at_stop
from cap_planner.models.offline import OfflineModel
from cap_planner.places import Table
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import SandboxConfig
from cap_planner.session import Session
from cap_planner.testing import BOWL, SymbolicTable

LIMITS = Limits(
    wall_s=50.0,
    model_s=50.0,
    text_s=20.0,
    text_tokens=2000,
    window_tokens=40_000,
    tokens=1_000_000,
    compute_s=20.0,
    motion_s=50.0,
    calls=400,
    calls_per_s=400,
    programs=30,
    tries=1,
)
TABLES = {'tabletop': Table(-0.25, -0.75, 0.25, -0.25), 'whiteboard': Table(-0.3, -0.2, 0.3, 0.2)}
FLAT, CUP, MUG = (0.14, 0.14, 0.02), (0.08, 0.08, 0.09), (0.07, 0.07, 0.1)


class Things(SymbolicTable):
    """The table of the examples.

    Attributes:
        comes: what appears once so many pictures have been looked at.
    """

    SIZES: ClassVar = {
        **{'bowl': BOWL, 'plate': FLAT, 'saucer': FLAT, 'tray': FLAT},
        **{'cup': CUP, 'mug': MUG},
    }
    comes: tuple[int, str, tuple[float, float]] | None = None

    def newer(self, than_ns: int):
        if self.comes and self.now_ns() > self.comes[0]:
            self.appear(self.comes[1], *self.comes[2])
            self.comes = None
        return super().newer(than_ns)


class Program(str):
    """An answer as it is; any other answer is a value."""


@dataclass(frozen=True)
class Case:
    """What an example is given, and what it does.

    Attributes:
        objects: where they are at first; None: the example goes on in the session before.
        comes: as of Things.
        variables: with which an LMP is called.
        answers: of the LMPs that it asks, by the request.
        moves: what is put where; names or positions.
        strokes: 'draw' or 'erase', and the points.
        value: of the LMP; a value, or a check of it.
        fails: why, and a part of the text.
        also: other worlds, in which it comes to something else.
    """

    objects: Mapping[str, tuple[float, float]] | None = None
    comes: tuple[int, str, tuple[float, float]] | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    moves: Sequence[tuple[Any, Any]] = ()
    strokes: Sequence[tuple[str, Any]] = ()
    said: Sequence[str] = ()
    value: Any = None
    fails: tuple[Label, str] | None = None
    also: tuple[Case, ...] = ()


class PromptModel:
    """Answers as the examples do, then as the case says; functions are those below or offline's.

    Attributes:
        asked: the last message, by LMP and request.
    """

    def __init__(self, domain: Domain, answers: Mapping[str, Any] = {}) -> None:
        self._examples = {
            (lmp.name, query_of(example)): example.program
            for lmp in domain.prompts.values()
            for example in lmp.examples
        }
        self.answers = answers
        self.asked: dict[tuple[str, str], str] = {}

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        (lmp,) = re.findall(r'^Your part: (\w+)', messages[0]['content'])
        request = messages[-1]['content']
        query = stripped(request.splitlines()[-1])
        self.asked[lmp, query] = request
        text = self._answer(lmp, query)
        if text is None and lmp == 'fgen':
            return OfflineModel().complete(messages, options)
        if text is None:
            text = f'I do not know what {query!r} means.'
        return Completion(cut_at_stop(text, options.stop), 'prompts', 1, 1, 0.0)

    def _answer(self, lmp: str, query: str) -> str | None:
        if (lmp, query) in self._examples:
            return self._examples[lmp, query]
        if query in self.answers:
            answer = self.answers[query]
            return answer if isinstance(answer, Program) else f'ret_val = {answer!r}'
        called = re.search(r'(\w+)\(', query)
        return FUNCTIONS.get(called[1]) if lmp == 'fgen' and called else None


def query_of(example: Example) -> str:
    return stripped(example.request.splitlines()[-1])


def stripped(line: str) -> str:
    """A query, without what a request adds to it."""
    return line.removeprefix('# ').removeprefix('define function: ').removesuffix('.')


class Desk:
    """A planner over a table, and the session of some examples."""

    def __init__(self, domain: Domain, sandbox: Sandbox, evidence: EvidenceStore, case: Case):
        self.model = PromptModel(domain)
        self.table = Things()
        for name, place in (case.objects or {}).items():
            self.table.appear(name, *place)
        self._parts = Parts(
            domain=domain,
            model=self.model,
            sandbox=sandbox,
            scenes=self.table,
            skills=self.table,
            table=TABLES[domain.name],
            evidence=evidence,
            limits=LIMITS,
            settle_s=0.0,
            placement_tolerance_m=0.045,
        )
        self.engine = Engine(self._parts, max_instruction_chars=500)

    def run(self, case: Case, **request: Any) -> Report:
        """Carry out a request, and see that it does what the case says."""
        self.model.answers = case.answers
        self.table.comes = case.comes
        self.table.moves, self.table.strokes = [], []
        report = self.engine.run(
            Request(**{'instruction': '', 'session': 's', **request}), lambda _: None, lambda: None
        )
        told = f'{report.program}\n{report.error}'
        if case.fails:
            assert report.label is case.fails[0], told
            assert case.fails[1] in report.error
        else:
            assert report.outcome == 'succeeded', told
        assert matches(self.table.moves, list(case.moves)), self.table.moves
        assert matches(self.table.strokes, list(case.strokes)), self.table.strokes
        assert report.answer.splitlines() == list(case.said)
        for name, value in self.variables.items():
            is_of_kind = KINDS.get(name.rpartition('_')[2])
            assert not is_of_kind or is_of_kind(value), f'{name} is {value}'
        return report

    @property
    def variables(self) -> Mapping[str, Any]:
        data = self._parts.evidence.load_session('s')
        return Session.from_data(data).left.variables if data else {}


def is_array(*shape: int) -> Callable[[Any], bool]:
    """Of this shape; -1 is any length."""
    return lambda value: (
        isinstance(value, np.ndarray)
        and all(wanted in (-1, length) for wanted, length in zip(shape, value.shape, strict=True))
    )


def is_list(of: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(of, value))


def is_text(value: Any) -> bool:
    return isinstance(value, str)


# A name that is an array in one example and a list in the next teaches neither: docs/prompting.md.
KINDS: dict[str, Callable[[Any], bool]] = {
    'name': is_text,
    'names': is_list(is_text),
    'pos': is_array(2),
    'positions': is_list(is_array(2)),
    'pts': lambda value: value is None or is_array(-1, 2)(value),
    'idx': lambda value: isinstance(value, int),
    'deg': lambda value: isinstance(value, float),
}


def matches(actual: Any, expected: Any) -> bool:
    """The same value of the same kind; numbers to a tenth of a millimetre."""
    if callable(expected):
        return bool(expected(actual))
    if isinstance(expected, list | tuple):
        return (
            isinstance(actual, type(expected))
            and len(actual) == len(expected)
            and all(map(matches, actual, expected))
        )
    if isinstance(expected, dict):
        return actual.keys() == expected.keys() and all(
            matches(actual[key], value) for key, value in expected.items()
        )
    if isinstance(expected, np.ndarray):
        same_shape = isinstance(actual, np.ndarray) and actual.shape == expected.shape
        return same_shape and np.allclose(actual, expected, atol=1e-4)
    if isinstance(expected, float):
        return isinstance(actual, float) and abs(actual - expected) < 1e-4
    return type(actual) is type(expected) and actual == expected


def xy(*numbers: float) -> np.ndarray:
    return np.array(numbers)


def points(*rows: tuple[float, float]) -> np.ndarray:
    return np.array(rows)


def positions(*rows: tuple[float, float]) -> Callable[[Any], bool]:
    """A list of arrays, in this order."""
    return lambda value: matches(value, [np.array(row) for row in rows])


# ── the functions that prompts call and leave to be written, where the offline model knows none ───

FUNCTIONS = {
    'get_free_pos_beside': """
def get_free_pos_beside(pos, direction, distance):
    return np.array(pos) + distance * np.array(direction)
""",
    'get_direction_deg': """
def get_direction_deg(start_pos, end_pos):
    x, y = end_pos - start_pos
    return math.degrees(math.atan2(y, x))
""",
    'move_objects_to_positions': """
def move_objects_to_positions(obj_names, positions):
    for name, pos in zip(obj_names, positions):
        put_first_on_second(name, pos)
""",
    'rotate_positions_around_center': """
def rotate_positions_around_center(positions, angle_deg):
    center = np.mean(positions, axis=0)
    return list(rotate_pts(pts=np.array(positions), center=center, angle_deg=angle_deg))
""",
    'get_regular_polygon_positions': """
def get_regular_polygon_positions(center, num_points, radius):
    angles = np.pi / 2 + np.linspace(0, 2 * np.pi, num_points, endpoint=False)
    return [center + radius * np.array([np.cos(angle), np.sin(angle)]) for angle in angles]
""",
    'make_line_pts': """
def make_line_pts(center, length, angle_deg):
    angle = math.radians(angle_deg)
    half = length / 2 * np.array([math.cos(angle), math.sin(angle)])
    return np.array([center - half, center + half])
""",
    'make_regular_polygon_pts': """
def make_regular_polygon_pts(center, num_sides, side_length):
    radius = side_length / (2 * math.sin(math.pi / num_sides))
    angles = np.pi / 2 + np.linspace(0, 2 * np.pi, num_sides + 1)
    return np.array(center) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
""",
    'get_radius_around_bbox': """
def get_radius_around_bbox(bbox, margin):
    x_min, y_min, x_max, y_max = bbox
    return math.hypot(x_max - x_min, y_max - y_min) / 2 + margin
""",
    'make_circle_pts': """
def make_circle_pts(center, radius):
    return make_regular_polygon_pts(
        center=center, num_sides=60, side_length=2 * radius * math.sin(math.pi / 60)
    )
""",
    'make_rectangle_pts': """
def make_rectangle_pts(center, width, height):
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    return center + corners * np.array([width, height]) / 2
""",
    'make_spiral_pts': """
def make_spiral_pts(center, radius, num_turns):
    ts = np.linspace(0, 1, 60 * num_turns)
    angles = 2 * np.pi * num_turns * ts
    return center + radius * ts[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
""",
    'get_pts_center': """
def get_pts_center(pts):
    is_closed = len(pts) > 2 and np.allclose(pts[0], pts[-1])
    return np.mean(pts[:-1] if is_closed else pts, axis=0)
""",
    'scale_pts_around_center': """
def scale_pts_around_center(pts, scale_x, scale_y):
    center = get_pts_center(pts=pts)
    return center + (pts - center) * np.array([scale_x, scale_y])
""",
    'translate_pts': """
def translate_pts(pts, delta):
    return pts + delta
""",
    'rotate_pts': """
def rotate_pts(pts, center, angle_deg):
    angle = math.radians(angle_deg)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return center + (pts - center) @ turn.T
""",
    'rotate_pts_around_center': """
def rotate_pts_around_center(pts, angle_deg):
    return rotate_pts(pts=pts, center=get_pts_center(pts=pts), angle_deg=angle_deg)
""",
}

# ── what each example is given and does ──────────────────────────────────────────────────────────

CUPS = {
    'white cup': (-0.1, -0.5),
    'black mug': (0.2, -0.35),
    'red plate': (0.1, -0.5),
}
DICE = {
    'green die': (-0.2, -0.3),
    'white die': (0.0, -0.35),
    'black die': (0.2, -0.4),
    'green saucer': (-0.15, -0.6),
    'black saucer': (0.15, -0.6),
}
BRICKS = {'red brick': (-0.1, -0.4), 'blue brick': (0.1, -0.45), 'gray tray': (0.0, -0.6)}
TRAYS = {
    'red brick': (-0.2, -0.35),
    'blue brick': (0.1, -0.35),
    'gray tray': (-0.1, -0.6),
    'white tray': (0.15, -0.6),
}
THREE_BRICKS = {
    'red brick': (-0.2, -0.3),
    'blue brick': (0.0, -0.3),
    'white brick': (0.2, -0.3),
    'gray tray': (-0.1, -0.6),
}
MIDDLE = (0.0, -0.5)
TRIANGLE = [  # around the middle
    (0.12 * np.cos(angle), -0.5 + 0.12 * np.sin(angle)) for angle in np.radians([90, 210, 330])
]
TURNED = [
    (0.12 * np.cos(angle), -0.5 + 0.12 * np.sin(angle)) for angle in np.radians([150, 270, 390])
]

TABLETOP_UI = {
    'set the mug down on the plate': Case(
        CUPS,
        answers={'the mug': 'black mug', 'the plate': 'red plate'},
        moves=[('black mug', 'red plate')],
    ),
    'now shift it 3 cm toward the top': Case(
        answers={
            'the point 3 cm above the black mug': Program(
                "ret_val = get_obj_pos('black mug') + np.array([0, 0.03])"
            )
        },
        moves=[('black mug', xy(0.1, -0.47))],
    ),
    'why did you move the mug?': Case(
        said=['Because you asked me to shift it 3 cm toward the top.']
    ),
    'likewise with the cup': Case(
        answers={
            'the cup': 'white cup',
            'the point 3 cm above the white cup': Program(
                "ret_val = get_obj_pos('white cup') + np.array([0, 0.03])"
            ),
        },
        moves=[('white cup', xy(-0.1, -0.47))],
    ),
    'take that back': Case(moves=[('white cup', xy(-0.1, -0.5))]),
    'every die belongs on the saucer of its own color': Case(
        DICE,
        answers={
            'the dice': ['green die', 'white die', 'black die'],
            'the saucer with the same color as the green die': 'green saucer',
            'the saucer with the same color as the white die': Program(
                "raise ObjectNotFoundError('there is no white saucer')"
            ),
            'the saucer with the same color as the black die': 'black saucer',
        },
        moves=[('green die', 'green saucer'), ('black die', 'black saucer')],
        said=['There is no saucer for the white die.'],
    ),
    'make a tower of the dice': Case(
        DICE,
        answers={'the dice': ['green die', 'white die', 'black die']},
        moves=[('white die', 'green die'), ('black die', 'white die')],
    ),
    'gather the bricks at the right edge': Case(
        BRICKS,
        answers={
            'the bricks': ['red brick', 'blue brick'],
            'the right side': Program("ret_val = get_obj_pos('right side')"),
        },
        moves=[('red brick', xy(0.25, -0.5)), ('blue brick', xy(0.25, -0.5))],
    ),
    (
        'take the brick closest to the white tray and set it a little to the left of the gray one'
    ): Case(
        TRAYS,
        answers={
            'the brick closest to the white tray': 'blue brick',
            'a little to the left of the gray tray': Program(
                "ret_val = get_obj_pos('gray tray') + np.array([-0.1, 0])"
            ),
        },
        moves=[('blue brick', xy(-0.2, -0.6))],
    ),
    'lay the bricks out in a column': Case(
        THREE_BRICKS,
        answers={
            'the bricks': ['red brick', 'blue brick', 'white brick'],
            'a vertical line with 3 points': Program(
                'ret_val = [np.array([0.2, y]) for y in [-0.4, -0.5, -0.6]]'
            ),
        },
        moves=[
            ('red brick', xy(0.2, -0.4)),
            ('blue brick', xy(0.2, -0.5)),
            ('white brick', xy(0.2, -0.6)),
        ],
    ),
    'is the red brick in the tray?': Case(
        BRICKS, answers={'is the red brick in the tray?': False}, said=['No.']
    ),
    'how many bricks can you see?': Case(
        BRICKS, answers={'how many bricks can you see?': 2}, said=['2']
    ),
    'form a triangle with the bricks in the middle': Case(
        THREE_BRICKS,
        answers={
            'the bricks': ['red brick', 'blue brick', 'white brick'],
            'the 3 corners of a triangle in the middle': Program(
                f'ret_val = [np.array(pos) for pos in {np.array(TRIANGLE).tolist()}]'
            ),
        },
        moves=[
            ('red brick', xy(*TRIANGLE[0])),
            ('blue brick', xy(*TRIANGLE[1])),
            ('white brick', xy(*TRIANGLE[2])),
        ],
    ),
    'turn the triangle by 60 degrees': Case(
        moves=[
            ('red brick', xy(*TURNED[0])),
            ('blue brick', xy(*TURNED[1])),
            ('white brick', xy(*TURNED[2])),
        ],
    ),
    'when a mug comes, set it on the tray': Case(
        BRICKS, comes=(20, 'mug', (0.2, -0.7)), moves=[('mug', 'gray tray')]
    ),
    'can you paint the bricks?': Case(
        BRICKS, said=['No. I can only pick things up, put them down, and tell what I see.']
    ),
}

KITCHEN = {
    'white cup': (-0.1, -0.5),
    'black mug': (0.2, -0.6),
    'red plate': (0.1, -0.4),
    'red cup': (-0.2, -0.3),
}
SAUCERS = {
    'green die': (-0.2, -0.3),
    'white die': (0.0, -0.55),
    'black die': (0.2, -0.4),
    'green saucer': (-0.05, -0.65),
    'white saucer': (0.15, -0.5),
}
PARSE_OBJ_NAME = {
    'the red cup': Case(KITCHEN, value='red cup'),
    'all the cups': Case(KITCHEN, value=['white cup', 'red cup']),
    'the things that are not red': Case(KITCHEN, value=['white cup', 'black mug']),
    'the green spoon': Case(KITCHEN, fails=(Label.OBJECT_NOT_FOUND, 'no green spoon; there are')),
    'the saucer of the same color as the white die': Case(SAUCERS, value='white saucer'),
    'the rightmost die': Case(SAUCERS, value='black die'),
    'the second die from the bottom': Case(SAUCERS, value='black die'),
    'the die nearest to the green saucer': Case(SAUCERS, value='white die'),
    'the dice above the white saucer': Case(SAUCERS, value=['green die', 'black die']),
}

PARSE_POSITION = {
    'the top right corner': Case({}, value=xy(0.25, -0.25)),
    'the red cup': Case(KITCHEN, answers={'the red cup': 'red cup'}, value=xy(-0.2, -0.3)),
    '7 cm below the white cup': Case(
        KITCHEN, answers={'the white cup': 'white cup'}, value=xy(-0.1, -0.57)
    ),
    'to the right of the gray tray': Case(
        BRICKS, answers={'the gray tray': 'gray tray'}, value=xy(0.1, -0.6)
    ),
    'halfway between the mug and the left side': Case(
        KITCHEN, answers={'the mug': 'black mug'}, value=xy(-0.025, -0.55)
    ),
    'the corner farthest from the mug': Case(
        KITCHEN, answers={'the mug': 'black mug'}, value=xy(-0.25, -0.25)
    ),
    'a diagonal line with 4 points': Case(
        BRICKS,
        value=lambda line: (
            len(line) == 4
            and np.allclose(np.diff(line, axis=0)[:, 0], np.diff(line, axis=0)[:, 1])
            and np.all(np.diff(line, axis=0) > 0.03)
        ),
    ),
    'a line with 3 points from the middle to the top side': Case(
        {}, value=positions((0, -0.5), (0, -0.375), (0, -0.25))
    ),
    'the 3 corners of a triangle in the middle': Case({}, value=positions(*TRIANGLE)),
    'a vertical line 15 cm long with 4 points, 8 cm above the gray tray': Case(
        BRICKS,
        answers={'the gray tray': 'gray tray'},
        value=positions((0, -0.37), (0, -0.42), (0, -0.47), (0, -0.52)),
    ),
}

PARSE_QUESTION = {
    'how many red things are there?': Case(KITCHEN, value=2),
    'what is the topmost cup?': Case(
        KITCHEN, answers={'the topmost cup': 'red cup'}, value='red cup'
    ),
    'is the mug to the right of the red cup?': Case(
        # Where mixing up x and y would tell something else.
        {**KITCHEN, 'black mug': (-0.27, -0.6), 'red cup': (-0.3, -0.26)},
        answers={'the mug': 'black mug', 'the red cup': 'red cup'},
        value=True,
    ),
    'is there anything on the plate?': Case(
        {**KITCHEN, 'white cup': (0.16, -0.44)},
        value=True,
        also=(Case({**KITCHEN, 'white cup': (0.22, -0.4)}, value=False),),
    ),
    'is there a spoon?': Case(KITCHEN, value=False),
    'where is the mug?': Case(
        KITCHEN,
        answers={'the mug': 'black mug'},
        value='The black mug is near the bottom right corner, at (0.20, -0.60) m.',
    ),
}

TOP, BOTTOM = 0.07 / np.sqrt(3), -0.035 / np.sqrt(3)  # of a triangle around the middle
SHAPE = points((0.0, TOP), (-0.035, BOTTOM), (0.035, BOTTOM), (0.0, TOP))
MOVED = SHAPE - xy(0.06, 0)
CUT = points((-0.06, BOTTOM), (-0.06, TOP))
BOTH_CENTER = np.mean([*MOVED[:-1], *CUT], axis=0)
CUBES = {'blue cube': (-0.1, 0.0), 'green cube': (0.1, -0.1), 'mug': (0.1, 0.1)}


def turned(shape: np.ndarray, degrees: float, center: np.ndarray) -> np.ndarray:
    """Counter-clockwise, as complex numbers turn."""
    turn = np.exp(1j * np.radians(degrees))
    around = ((shape - center) @ np.array([1, 1j])) * turn
    return center + np.stack([around.real, around.imag], axis=1)


def array(shape: np.ndarray) -> Program:
    return Program(f'ret_val = np.array({shape.tolist()})')


def ring(center: tuple[float, float]) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 13)
    return np.array(center) + 0.05 * np.stack([np.cos(angles), np.sin(angles)], axis=1)


LINK = points((0.06, 0.08), (-0.08, 0.01))
DRAW_UI = {
    'draw a triangle with sides of 7 cm': Case(
        {}, answers={'a triangle with sides of 7 cm': array(SHAPE)}, strokes=[('draw', SHAPE)]
    ),
    'move it 6 cm to the left': Case(
        answers={'move it 6 cm to the left': Program('ret_val = shape_pts - np.array([0.06, 0])')},
        strokes=[('erase', SHAPE), ('draw', MOVED)],
    ),
    'cut it in half with a vertical line': Case(strokes=[('draw', CUT)]),
    'turn both by 30 degrees': Case(
        strokes=[
            ('erase', MOVED),
            ('erase', CUT),
            ('draw', turned(MOVED, 30, BOTH_CENTER)),
            ('draw', turned(CUT, 30, BOTH_CENTER)),
        ]
    ),
    'wipe the line away': Case(strokes=[('erase', turned(CUT, 30, BOTH_CENTER))]),
    'undo that': Case(strokes=[('draw', turned(CUT, 30, BOTH_CENTER))]),
    'put a ring around each cube': Case(
        CUBES,
        answers={
            'the cubes': ['blue cube', 'green cube'],
            'a circle around the blue cube': array(ring(CUBES['blue cube'])),
            'a circle around the green cube': array(ring(CUBES['green cube'])),
        },
        strokes=[('draw', ring(CUBES['blue cube'])), ('draw', ring(CUBES['green cube']))],
    ),
    'connect the mug and the blue cube': Case(
        CUBES,
        answers={'a line from the mug to the blue cube': array(LINK)},
        strokes=[('draw', LINK)],
    ),
    'which of the cubes is nearer to the mug?': Case(
        CUBES, answers={'the cube nearest to the mug': 'green cube'}, said=['green cube']
    ),
}


def closed(shape: np.ndarray) -> bool:
    return np.allclose(shape[0], shape[-1])


def sides(shape: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(shape, axis=0), axis=1)


PARSE_SHAPE_PTS = {
    'a horizontal line of 20 cm in the middle': Case({}, value=points((-0.1, 0), (0.1, 0))),
    'a line from the top left to the bottom right': Case(
        {}, value=points((-0.18, 0.12), (0.18, -0.12))
    ),
    'a 6 cm pentagon 10 cm to the right of the middle': Case(
        {},
        value=lambda pts: (
            len(pts) == 6
            and closed(pts)
            and np.allclose(sides(pts), 0.06)
            and np.allclose(pts[:-1].mean(axis=0), (0.1, 0))
        ),
    ),
    'a circle around the mug': Case(
        CUBES,
        answers={'the mug': 'mug'},
        value=lambda pts: (
            closed(pts)
            and np.all(sides(pts) < 0.01)
            and np.all(np.linalg.norm(pts - CUBES['mug'], axis=1) > 0.057)
        ),
    ),
    'a square around the cup': Case(
        {'white cup': (0.1, 0.1)},
        answers={'the cup': 'white cup'},
        value=lambda pts: closed(pts) and len(pts) == 5 and np.allclose(sides(pts), 0.12),
    ),
    'a line from the mug to the cup': Case(
        {'mug': (-0.1, 0.0), 'white cup': (0.1, 0.0)},
        answers={'the mug': 'mug', 'the cup': 'white cup'},
        value=points((-0.065, 0), (0.06, 0)),
    ),
    'a vertical line through the center of the shape': Case(
        {}, variables={'shape_pts': MOVED}, value=CUT
    ),
    'a spiral with 3 turns in the bottom left': Case(
        {},
        value=lambda pts: (
            np.all(sides(pts) < 0.01)
            and np.allclose(np.linalg.norm(pts[-1] - (-0.18, -0.12)), 0.06)
            and round(
                np.sum(np.abs(np.diff(np.unwrap(np.angle((pts[1:] - (-0.18, -0.12)) @ [1, 1j])))))
                / (2 * np.pi)
            )
            == 3
        ),
    ),
    'a small triangle that stands on the line line_pts': Case(
        {},
        variables={'line_pts': points((-0.1, 0), (0.1, 0))},
        value=points((-0.03, 0), (0, 0.05), (0.03, 0), (-0.03, 0)),
    ),
}

GIVEN = SHAPE + xy(0.05, -0.02)
CENTER = xy(0.05, -0.02)
TRANSFORM_SHAPE_PTS = {
    query: Case(objects, variables={'shape_pts': GIVEN} | more, answers=answers, value=value)
    for query, objects, more, answers, value in [
        ('make it smaller', {}, {}, {}, CENTER + (GIVEN - CENTER) * 2 / 3),
        ('make it twice as wide', {}, {}, {}, CENTER + (GIVEN - CENTER) * xy(2, 1)),
        ('move it 3 cm up and 5 cm to the right', {}, {}, {}, GIVEN + xy(0.05, 0.03)),
        ('turn it by 40 degrees clockwise', {}, {}, {}, turned(GIVEN, -40, CENTER)),
        (
            *('rotate it by 30 degrees around center_pos', {}, {'center_pos': xy(0.1, 0.1)}, {}),
            turned(GIVEN, 30, xy(0.1, 0.1)),
        ),
        (
            *('move its center onto the cup', {'white cup': (0.1, 0.1)}, {}),
            *({'the cup': 'white cup'}, GIVEN - CENTER + xy(0.1, 0.1)),
        ),
        ('flip it upside down', {}, {}, {}, CENTER + (GIVEN - CENTER) * xy(1, -1)),
    ]
}

FGEN = {
    'total = get_total(numbers=values)': Case({}, variables={'values': [1, 2, 4]}, value=7),
    'idx = get_top_most_idx(points=cup_positions)': Case(
        {}, variables={'cup_positions': [xy(0, -0.5), xy(0.1, -0.3), xy(0.2, -0.4)]}, value=1
    ),
    'name = get_biggest_obj_name(obj_names=cup_names)': Case(
        BRICKS, variables={'cup_names': ['red brick', 'gray tray']}, value='gray tray'
    ),
    'area = get_bbox_area(bbox=get_bbox(name))': Case(
        BRICKS, variables={'name': 'gray tray'}, value=0.0196
    ),
    'tell_names(obj_names=cup_names)': Case(
        {}, variables={'cup_names': ['red brick', 'cup']}, said=['red brick', 'cup']
    ),
}

# What the simpler instructions are answered with, and what comes of all of them.
DECOMPOSE = {
    'set the cup on the plate and the mug on the tray, then say which is nearer to you': Case(
        {
            'white cup': (-0.1, -0.5),
            'black mug': (0.2, -0.4),
            'red plate': (0.1, -0.6),
            'gray tray': (-0.15, -0.3),
        },
        answers={
            'set the white cup on the red plate': Program(
                "put_first_on_second('white cup', 'red plate')"
            ),
            'set the black mug on the gray tray': Program(
                "put_first_on_second('black mug', 'gray tray')"
            ),
            'say which of the white cup and the black mug is nearer to the top side': Program(
                "say(max(['white cup', 'black mug'], key=lambda name: get_obj_pos(name)[1]))"
            ),
        },
        moves=[('white cup', 'red plate'), ('black mug', 'gray tray')],
        said=['black mug'],
    ),
    'pile up the dice on the saucer from dark to light': Case(
        {
            'green die': (-0.2, -0.3),
            'white die': (0.0, -0.55),
            'black die': (0.2, -0.4),
            'green saucer': (-0.05, -0.65),
        },
        answers={
            f'put the {upper} on the {lower}': Program(f'put_first_on_second({upper!r}, {lower!r})')
            for upper, lower in [
                ('black die', 'green saucer'),
                ('green die', 'black die'),
                ('white die', 'green die'),
            ]
        },
        moves=[
            ('black die', 'green saucer'),
            ('green die', 'black die'),
            ('white die', 'green die'),
        ],
    ),
    'lift the white die': Case(
        {'green die': (-0.2, -0.3), 'white die': (0.0, -0.55)},
        fails=(Label.MODEL_MALFORMED, 'no program'),
    ),
}

UI_CASES = {'tabletop_ui': TABLETOP_UI, 'draw_ui': DRAW_UI}
LMP_CASES = {
    'parse_obj_name': PARSE_OBJ_NAME,
    'parse_position': PARSE_POSITION,
    'parse_question': PARSE_QUESTION,
    'parse_shape_pts': PARSE_SHAPE_PTS,
    'transform_shape_pts': TRANSFORM_SHAPE_PTS,
}
ALL_CASES = {**UI_CASES, **LMP_CASES, 'fgen': FGEN, 'decompose': DECOMPOSE}

# ── the tests ────────────────────────────────────────────────────────────────────────────────────

EVERY = [(domain, lmp) for domain in DOMAINS.values() for lmp in domain.prompts.values()]
every_lmp = pytest.mark.parametrize(
    ('domain', 'lmp'), EVERY, ids=[f'{domain.name}-{lmp}' for domain, lmp in EVERY]
)


def every_example(of: Callable[[Domain, Lmp], bool]) -> Any:
    found = [
        pytest.param(domain, lmp, example, id=f'{domain.name}-{lmp}-{query_of(example)}')
        for domain, lmp in EVERY
        for example in lmp.examples
        if of(domain, lmp)
    ]
    return pytest.mark.parametrize(('domain', 'lmp', 'example'), found)


@pytest.fixture(scope='module')
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig()) as running:
        yield running


@pytest.fixture
def make_desk(sandbox: Sandbox, tmp_path) -> Callable[[Domain, Case], Desk]:
    evidence = iter(EvidenceStore(tmp_path / f'{number}.db') for number in range(99))
    return lambda domain, case: Desk(domain, sandbox, next(evidence), case)


@every_lmp
def test_every_example_has_its_case(domain: Domain, lmp: Lmp) -> None:
    assert [query_of(example) for example in lmp.examples] == list(ALL_CASES[lmp.name])


@every_lmp
def test_no_example_has_what_an_answer_is_cut_at(domain: Domain, lmp: Lmp) -> None:
    for example in lmp.examples:
        assert cut_at_stop(example.program, lmp.stop) == example.program


def sessions() -> Iterator[Any]:
    """The examples that take instructions, by sessions: one may go on from the one before."""
    for domain in DOMAINS.values():
        cases = UI_CASES[domain.ui.name]
        session: list[Example] = []
        for example in (*domain.ui.examples, None):
            if session and (example is None or cases[query_of(example)].objects is not None):
                yield pytest.param(domain, session, id=f'{domain.name}-{query_of(session[0])}')
                session = []
            session = [*session, example]


@pytest.mark.parametrize(('domain', 'session'), list(sessions()))
def test_examples_of_the_ui(domain: Domain, session: list[Example], make_desk) -> None:
    cases = UI_CASES[domain.ui.name]
    desk = make_desk(domain, cases[query_of(session[0])])
    for example in session:
        query = query_of(example)
        desk.run(cases[query], instruction=query)
        assert desk.model.asked[domain.ui.name, query] == example.request


@every_example(lambda domain, lmp: lmp.name in domain.lmps)
def test_examples_of_the_lmps(domain: Domain, lmp: Lmp, example: Example, make_desk) -> None:
    case = LMP_CASES[lmp.name][query_of(example)]
    for world in (case, *case.also):
        check_value(make_desk(domain, world), lmp.name, example, world)


def check_value(desk: Desk, lmp: str, example: Example, case: Case) -> None:
    """Ask the LMP as a program does, and look at its value."""
    query = query_of(example)
    context = ''.join(line for line in example.request.splitlines() if line[0] != '#')
    passed = ''.join(f', {name}={name}' for name in case.variables)
    program = (
        assignments(case.variables) + f"value = {lmp}({query!r}, {context!r}{passed})\nsay('x')"
    )
    desk.run(replace(case, said=() if case.fails else ['x']), program=program)
    assert desk.model.asked[lmp, query] == example.request
    if not case.fails:
        assert matches(desk.variables['value'], case.value), desk.variables['value']
        # Once more, where its own variables can be seen.
        alone = f"{assignments(case.variables)}{context}\n{example.program}\nsay('x')"
        desk.run(replace(case, said=['x']), program=alone)


def assignments(variables: Mapping[str, Any]) -> str:
    """Lines that set them."""
    return ''.join(f'{name} = {source(value)}\n' for name, value in variables.items())


def source(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f'np.array({value.tolist()})'
    if isinstance(value, list):
        return f'[{", ".join(map(source, value))}]'
    return repr(value)


@every_example(lambda domain, lmp: lmp is domain.fgen)
def test_examples_of_fgen(domain: Domain, lmp: Lmp, example: Example, make_desk) -> None:
    case = FGEN[query_of(example)]
    check_function(make_desk(domain, case), example, case)


def check_function(desk: Desk, example: Example, case: Case) -> None:
    """Run the line that calls the function, and look at what it sets."""
    query = query_of(example)
    # Within an expression the call alone is what is asked for.
    line = query if ' = ' in query or case.said else f'value = [{query}][0]'
    last = '' if case.said else "\nsay('x')"
    run = replace(case, said=case.said or ['x'])
    desk.run(run, program=assignments(case.variables) + line + last)
    assert desk.model.asked['fgen', query] == example.request
    value = desk.variables.get(line.partition(' = ')[0])
    assert matches(value, case.value), value


@every_example(lambda domain, lmp: lmp is domain.decompose and domain.name == 'tabletop')
def test_examples_of_decompose(domain: Domain, lmp: Lmp, example: Example, make_desk) -> None:
    """The whole instruction is answered with no program; then it is split."""
    query = query_of(example)
    case = DECOMPOSE[query]
    desk = make_desk(domain, case)
    desk.run(case, instruction=query)
    assert desk.model.asked[lmp.name, query] == example.request


# ── docs/prompting.md ────────────────────────────────────────────────────────────────────────────

DOC = (Path(__file__).parents[3] / 'docs/prompting.md').read_text(encoding='utf-8')
FILE, *BLOCKS = re.findall(r'^```python\n(.+?)^```', DOC, re.MULTILINE | re.DOTALL)
DECLARATIONS = [block for block in BLOCKS if block.startswith('@declare')]
_, DOC_EXAMPLES = parse_prompt(
    '"""The examples of the document.\n"""\n'
    + '\n'.join(block for block in BLOCKS if block not in DECLARATIONS)
)
DOC_ANGLE = {
    'a quarter turn clockwise': Case(CUPS, value=-90.0),
    'twice as much': Case(CUPS, variables={'angle_deg': 45.0}, value=90.0),
    'the direction from the mug to the plate': Case(
        CUPS, answers={'the mug': 'black mug', 'the plate': 'red plate'}, value=-123.69006752597979
    ),
}
DOC_UI = {
    'the mug goes onto the plate': Case(
        CUPS,
        answers={'the mug': 'black mug', 'the plate': 'red plate'},
        moves=[('black mug', 'red plate')],
    ),
    'no, put it back': Case(moves=[('black mug', xy(0.2, -0.35))]),
    'line up everything but the plate, from left to right': Case(
        CUPS,
        answers={
            'everything but the plate': ['white cup', 'black mug'],
            'a horizontal line with 2 points': Program(
                'ret_val = [np.array([x, -0.7]) for x in [-0.1, 0.1]]'
            ),
        },
        moves=[('white cup', xy(-0.1, -0.7)), ('black mug', xy(0.1, -0.7))],
    ),
    'set the cup down where the mug would be if it were turned by half a circle around the plate': (
        Case(
            CUPS,
            answers={
                'where pos is after half a turn around center_pos': Program(
                    'ret_val = 2 * center_pos - pos'
                )
            },
            moves=[('white cup', xy(0.0, -0.65))],
        )
    ),
    'which thing is the smallest?': Case(CUPS, said=['The black mug.']),
}
DOC_FGEN = {
    'name = get_smallest_obj_name(obj_names=get_obj_names())': Case(CUPS, value='black mug'),
    'get_box_area(box=get_bbox(name))': Case(CUPS, variables={'name': 'red plate'}, value=0.0196),
}


@pytest.fixture
def documented(make_desk) -> Callable[[Case], Desk]:
    """Desks of the tabletop, with what the document adds to it."""
    domain = DOMAINS['tabletop']
    module = types.ModuleType('documented')
    (declaration,) = DECLARATIONS
    exec(declaration, names := {'declare': declare, 'Kind': Kind, 'Any': Any})
    module.parse_angle = names['parse_angle']
    api = Api('tabletop', {**domain.api, **api_from_module('tabletop', module)})
    task, examples = parse_prompt(FILE)
    angle = replace(
        domain.lmps['parse_position'], name='parse_angle', instructions=task, examples=examples
    )
    shown = replace(domain.ui, examples=(*domain.ui.examples, *DOC_EXAMPLES))
    fgen = replace(domain.fgen, examples=tuple(e for e in DOC_EXAMPLES if is_function(e)))
    lmps = {**domain.lmps, 'parse_angle': angle}
    extended = replace(domain, api=api, ui=shown, lmps=lmps, fgen=fgen)
    return lambda case: make_desk(extended, case)


def is_function(example: Example) -> bool:
    return example.program.startswith('def ')


def test_the_prompt_file_of_the_document(documented) -> None:
    _, examples = parse_prompt(FILE)
    assert [query_of(example) for example in examples] == list(DOC_ANGLE)
    for example in examples:
        case = DOC_ANGLE[query_of(example)]
        check_value(documented(case), 'parse_angle', example, case)


def test_the_instructions_of_the_document(documented) -> None:
    examples = [example for example in DOC_EXAMPLES if not is_function(example)]
    assert [query_of(example) for example in examples] == list(DOC_UI)
    for example in examples:
        case = DOC_UI[query_of(example)]
        if case.objects is not None:
            desk = documented(case)
        desk.run(case, instruction=query_of(example))
        assert desk.model.asked['tabletop_ui', query_of(example)] == example.request


def test_the_functions_of_the_document(documented) -> None:
    examples = [example for example in DOC_EXAMPLES if is_function(example)]
    assert [query_of(example) for example in examples] == list(DOC_FGEN)
    for example in examples:
        case = DOC_FGEN[query_of(example)]
        check_function(documented(case), example, case)


@pytest.mark.parametrize(
    'line', re.findall(r'^    python -m cap_planner.models.show_prompt (.+)$', DOC, re.MULTILINE)
)
def test_the_commands_of_the_document(line: str, monkeypatch, capsys) -> None:
    offline = re.sub(r'--model \S+', '', line)
    monkeypatch.setattr('sys.argv', ['show_prompt', *shlex.split(offline)])
    show_prompt.main()
    shown = capsys.readouterr().out
    assert shown.startswith('── system\nYour part: ')
    assert '── user\n' in shown
