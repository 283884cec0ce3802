"""The paper's conversations through the whole planner in one process: real model, verifier and
sandbox over a symbolic table. What happened to the world is judged, not what programs say.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cap_common.errors import GraspFailedError
from cap_eval.conversations import (
    BLOCKS_AND_BOWLS,
    FOUR_BLOCKS,
    FRUITS_AND_PLATES,
    Conversation,
    Told,
    judge_turn,
)
from cap_eval.state import ObjectState, WorldState
from cap_planner.budget import Limits
from cap_planner.domains import DOMAINS
from cap_planner.engine import Engine, Report, Request
from cap_planner.evidence import EvidenceStore
from cap_planner.instruction_run import Parts
from cap_planner.models import open_model
from cap_planner.places import Table
from cap_planner.robot import ORDINARY, Manner
from cap_planner.sandbox.host import Sandbox
from cap_planner.testing import FruitTable, SymbolicTable

LIMITS = Limits(
    wall_s=60.0,
    model_s=60.0,
    text_s=30.0,
    text_tokens=4096,
    window_tokens=32_000,
    tokens=1_000_000,
    compute_s=10.0,
    motion_s=60.0,
    calls=2000,
    calls_per_s=400,
    programs=60,
    tries=3,
)
TABLE = Table(-0.25, -0.75, 0.25, -0.25)


class Talk:
    """One session with a planner of its own."""

    def __init__(self, table: SymbolicTable, sandbox: Sandbox, folder: Path, domain: str) -> None:
        self.table = table
        self.evidence = EvidenceStore(folder / 'evidence.db')
        parts = Parts(
            domain=DOMAINS[domain],
            model=open_model('offline'),
            sandbox=sandbox,
            scenes=table,
            eyes=table,
            skills=table,
            table=TABLE,
            evidence=self.evidence,
            limits=LIMITS,
            settle_s=0.2,
            placement_tolerance_m=0.045,
        )
        self.engine = Engine(parts, max_instruction_chars=500)
        self.reports: list[Report] = []

    def ask(self, text: str) -> Report:
        self.reports.append(self.engine.run(Request(text, 's'), lambda _: None, lambda: None))
        return self.reports[-1]

    def do(self, text: str) -> str:
        """Ask for what has to succeed; returns the answer."""
        report = self.ask(text)
        assert report.label is None, f'{text}: {report.error}'
        return report.answer

    def world(self) -> WorldState:
        """As the judge sees it."""
        return WorldState(
            tuple(
                ObjectState(item.name, item.class_name, item.color, item.position, item.size)
                for item in self.table.latest().objects
            )
        )

    def written_functions(self) -> list[str]:
        """The names of the functions that the model was asked for, over all requests."""
        return [
            completion['text'].removeprefix('def ').partition('(')[0]
            for report in self.reports
            for completion in self.evidence.export(report.evidence_id)['completions']
            if completion['lmp'] == 'fgen'
        ]

    def xy(self, name: str) -> np.ndarray:
        return np.array(self.table.objects[name][:2])


@pytest.fixture
def talk(sandbox: Sandbox, tmp_path: Path) -> Any:
    def make(table: SymbolicTable, domain: str = 'tabletop') -> Talk:
        return Talk(table, sandbox, tmp_path, domain)

    return make


def four_blocks() -> SymbolicTable:
    return SymbolicTable(
        blue_block=(-0.1, -0.4),
        green_block=(0.12, -0.55),
        red_block=(0.05, -0.35),
        yellow_block=(-0.15, -0.6),
    )


def blocks_and_bowls() -> SymbolicTable:
    return SymbolicTable(
        red_block=(-0.1, -0.62),
        green_block=(0.12, -0.68),
        blue_block=(-0.02, -0.3),
        red_bowl=(-0.18, -0.4),
        green_bowl=(0.17, -0.5),
        blue_bowl=(0.03, -0.42),
    )


def fruits() -> SymbolicTable:
    table = FruitTable(
        apple=(-0.05, -0.75),
        banana=(0.05, -0.3),
        plum=(0.2, -0.3),
        blue_bottle=(0.0, -0.5),
        black_bottle=(-0.1, -0.5),
        green_plate=(-0.2, -0.3),
        blue_plate=(-0.2, -0.65),
        yellow_plate=(0.2, -0.3),
    )
    table.pictures_to_egg = 60
    return table


@pytest.mark.parametrize(
    ('conversation', 'table'),
    [
        (FOUR_BLOCKS, four_blocks()),
        (BLOCKS_AND_BOWLS, blocks_and_bowls()),
        (FRUITS_AND_PLATES, fruits()),
    ],
    ids=lambda value: getattr(value, 'name', ''),
)
def test_every_turn_of_the_papers_conversations(
    talk: Any, conversation: Conversation, table: SymbolicTable
) -> None:
    session = talk(table)
    worlds = [session.world()]
    assert conversation.is_possible(worlds[0])
    wrong = []
    for number, turn in enumerate(conversation.turns, 1):
        report = session.ask(turn.instruction)
        worlds.append(session.world())
        why = report.error or judge_turn(turn, Told(worlds, report.answer))
        wrong += [f'{number} {turn.instruction}: {why}'] if why else []
    assert not wrong
    written = session.written_functions()
    assert written
    assert len(set(written)) == len(written), 'what was written once is used again'


def test_the_judge_is_not_content_with_doing_nothing(talk: Any) -> None:
    for conversation, table in (
        (FOUR_BLOCKS, four_blocks()),
        (BLOCKS_AND_BOWLS, blocks_and_bowls()),
        (FRUITS_AND_PLATES, fruits()),
    ):
        world = talk(table).world()
        for turn in conversation.turns:
            # To undo nothing is to do nothing, and at first the plum lies where it goes back to.
            done = turn.instruction.startswith(('Undo', 'Move the smallest fruit back'))
            assert bool(judge_turn(turn, Told([world] * 3, ''))) != done, turn.instruction


# ── what else is said in a session ───────────────────────────────────────────────────────────────


def places(session: Talk) -> dict[str, np.ndarray]:
    return {name: session.xy(name) for name in session.table.objects}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.linalg.norm(one[name] - other[name]) < 0.002 for name in one)


def test_undo_takes_back_all_moves_and_itself(talk: Any) -> None:
    session = talk(four_blocks())
    start = places(session)
    session.do('stack all the blocks')
    stacked = places(session)
    assert not same(start, stacked)
    session.do('undo that')
    assert same(places(session), start)
    assert all(z == 0.02 for *_, z in session.table.objects.values()), 'the top one came off first'
    session.do('how many blocks are there?')
    session.do('undo that')
    assert same(places(session), stacked)


def test_undo_of_what_failed_half_way(talk: Any) -> None:
    session = talk(four_blocks())
    start = places(session)
    session.table.failures = [None, None, *[GraspFailedError('slippery')] * 9]
    report = session.ask('put the blocks in a horizontal line near the top')
    assert report.label is not None
    assert not same(places(session), start)
    session.table.failures = []
    session.do('undo that')
    assert same(places(session), start)


def test_nothing_to_undo_is_said(talk: Any) -> None:
    report = talk(four_blocks()).ask('undo that')
    assert 'nothing was moved' in report.error


def test_blocks_that_stand_in_each_others_way_change_places(talk: Any) -> None:
    session = talk(
        SymbolicTable(red_block=(-0.1, -0.5), blue_block=(0.0, -0.5), green_block=(0.1, -0.5))
    )
    session.do('put the blocks in a vertical line 20 cm long around the middle')
    session.do('rotate the line by 90 degrees')
    before = places(session)
    session.do('rotate the line by 180 degrees')
    after = places(session)
    assert np.allclose(after['red block'], before['green block'], atol=0.005)
    assert np.allclose(after['green block'], before['red block'], atol=0.005)
    assert all(z == 0.02 for *_, z in session.table.objects.values()), 'none stands on another'


def test_a_taken_place_is_not_built_upon_by_accident(talk: Any) -> None:
    session = talk(SymbolicTable(red_block=(0.0, -0.5), blue_block=(0.05, -0.5)))
    report = session.ask('move the red block 5 cm to the right')
    assert 'in the way' in report.error
    assert session.table.moves == []
    report = session.ask('move the red block 50 cm to the right')
    assert 'leave the table' in report.error


def test_the_same_again(talk: Any) -> None:
    session = talk(four_blocks())
    start = places(session)
    session.do('move the red block 4 cm to the left')
    session.do('do that again')
    assert session.xy('red block') == pytest.approx(start['red block'] - [0.08, 0])
    session.do('now do the same with the green block')
    assert session.xy('green block') == pytest.approx(start['green block'] - [0.04, 0])
    assert same({'b': session.xy('blue block')}, {'b': start['blue block']})


def test_what_was_picked_up_goes_back_where_it_was(talk: Any) -> None:
    session = talk(four_blocks())
    start = places(session)
    session.do('pick up the red block')
    assert session.table.held == 'red block'
    session.do('put it on the green block')
    session.do('undo that')
    assert same(places(session), start)


def test_the_same_again_is_done_as_before_or_as_is_said_now(talk: Any) -> None:
    session = talk(four_blocks())
    session.do('gently move the red block 4 cm to the left')
    session.do('do that again')
    session.do('do that again, slowly')
    session.do('do that again, faster')
    gently = Manner(0.3, 8.0)
    assert session.table.manners == [gently, gently, Manner(0.3), ORDINARY]


@pytest.mark.parametrize(
    ('text', 'answer'),
    [
        ('why did you do that?', 'move the red block'),
        ('did you move the red block?', 'Yes.'),
        ('did you move the green block?', 'No.'),
        ('why did you move the green block?', 'I have not moved'),
        ('how many blocks did you move?', '1'),
        ('what did you move?', 'the red block'),
        ('which bowl did you move?', 'no bowl'),
        ('can you stack blocks?', 'Yes.'),
        ('can you fly?', 'No.'),
    ],
)
def test_questions_about_what_was_done(talk: Any, text: str, answer: str) -> None:
    session = talk(four_blocks())
    session.do('move the red block 4 cm to the left')
    moves = list(session.table.moves)
    assert answer in session.do(text)
    assert session.table.moves == moves


def test_pronouns_mean_what_was_asked_about_or_moved_last(talk: Any) -> None:
    session = talk(four_blocks())
    start = places(session)
    session.do('move the red block 4 cm to the left')
    session.do('where is the blue block?')
    session.do('move it 4 cm to the left')
    assert session.xy('blue block') == pytest.approx(start['blue block'] - [0.04, 0])
    session.do('undo that')
    session.do('move it 4 cm up')
    assert session.xy('blue block') == pytest.approx(start['blue block'] + [0, 0.04])


def test_two_requests_in_one(talk: Any) -> None:
    session = talk(four_blocks())
    answer = session.do('put the red block on the blue block; which block is the leftmost?')
    assert 'yellow block' in answer
    assert session.table.objects['red block'][2] > 0.05


# ── the whiteboard ───────────────────────────────────────────────────────────────────────────────

H = (
    'draw a 5cm hexagon around the middle',
    'draw a line that bisects the hexagon',
    'make them both bigger',
    'erase the hexagon and the line',
    'draw the sun as a circle at the top right',
    'draw the ground as a line at the bottom',
    'draw a pyramid as a triangle on the ground',
    'draw a smaller pyramid a little bit to the left',
    'draw circles around the blocks',
    'draw a square around the sweeter fruit',
)
MIDDLE = TABLE.denormalize(np.array([0.5, 0.5]))


def board() -> SymbolicTable:
    return FruitTable(
        red_block=(-0.2, -0.3), blue_block=(-0.1, -0.35), apple=(0.2, -0.5), lemon=(0.1, -0.4)
    )


class Board(Talk):
    """What is to be seen: every stroke that was not wiped away."""

    def draw(self, text: str) -> Sequence[np.ndarray]:
        """Ask; returns the strokes that came."""
        count = len(self.table.strokes)
        self.do(text)
        return [points for what, points in self.table.strokes[count:] if what == 'draw']

    def visible(self) -> list[np.ndarray]:
        shown: list[np.ndarray] = []
        for what, points in self.table.strokes:
            if what == 'draw':
                shown.append(points)
            else:
                shown = [s for s in shown if s.shape != points.shape or not np.allclose(s, points)]
        return shown


@pytest.fixture
def drawing(sandbox: Sandbox, tmp_path: Path) -> Board:
    return Board(board(), sandbox, tmp_path, 'whiteboard')


def center(points: np.ndarray) -> np.ndarray:
    return (points.min(axis=0) + points.max(axis=0)) / 2


def test_the_papers_ten_drawings(drawing: Board) -> None:
    (hexagon,) = drawing.draw(H[0])
    assert np.linalg.norm(np.diff(hexagon, axis=0), axis=1) == pytest.approx([0.05] * 6)
    assert center(hexagon) == pytest.approx(MIDDLE)
    (line,) = drawing.draw(H[1])
    assert center(line) == pytest.approx(MIDDLE)
    assert np.ptp(line[:, 1]) == pytest.approx(np.ptp(hexagon[:, 1]))
    bigger = drawing.draw(H[2])
    assert [np.ptp(new, axis=0).max() for new in bigger] == pytest.approx(
        [1.5 * np.ptp(old, axis=0).max() for old in (hexagon, line)]
    )
    assert len(drawing.visible()) == 2, 'the old ones are gone'
    drawing.draw(H[3])
    assert drawing.visible() == []
    (sun,) = drawing.draw(H[4])
    assert np.ptp(np.linalg.norm(sun - center(sun), axis=1)) < 0.002
    assert (center(sun) > MIDDLE + 0.1).all()
    (ground,) = drawing.draw(H[5])
    assert np.ptp(ground[:, 1]) == 0
    assert ground[0, 1] < MIDDLE[1] - 0.1
    (pyramid,) = drawing.draw(H[6])
    assert len(pyramid) == 4
    assert pyramid[:, 1].min() == pytest.approx(ground[0, 1])
    (smaller,) = drawing.draw(H[7])
    assert np.ptp(smaller[:, 0]) < 0.8 * np.ptp(pyramid[:, 0])
    assert smaller[:, 1].min() == pytest.approx(ground[0, 1])
    assert -0.15 < center(smaller)[0] - center(pyramid)[0] < -0.02
    circles = drawing.draw(H[8])
    for name, circle in zip(('red block', 'blue block'), circles, strict=True):
        radii = np.linalg.norm(circle - drawing.xy(name), axis=1)
        assert np.ptp(radii) < 0.002
        assert 0.0283 < radii.min() < 0.08
    (square,) = drawing.draw(H[9])
    assert center(square) == pytest.approx(drawing.xy('apple'))
    assert (np.ptp(square, axis=0) > 0.06).all()
    assert len(drawing.visible()) == 7
    written = drawing.written_functions()
    assert len(set(written)) == len(written)


def test_drawings_are_undone_also_that(drawing: Board) -> None:
    (hexagon,) = drawing.draw(H[0])
    drawing.do('make it bigger')
    drawing.do('undo that')
    assert [np.allclose(shown, hexagon) for shown in drawing.visible()] == [True]
    drawing.do('undo that')
    assert np.ptp(drawing.visible()[0][:, 0]) == pytest.approx(1.5 * np.ptp(hexagon[:, 0]))
    drawing.do('erase everything')
    assert drawing.visible() == []
    drawing.do('undo that')
    assert len(drawing.visible()) == 1


@pytest.mark.parametrize(
    ('text', 'change'),
    [
        ('move it 5 cm to the left', lambda p, c: p - [0.05, 0]),
        ('move the hexagon up by 3 cm', lambda p, c: p - [0, -0.03]),
        ('move it to the top right', lambda p, c: p - c + TABLE.denormalize(np.array([0.8, 0.8]))),
        ('make it twice as big', lambda p, c: c + 2 * (p - c)),
        ('make it smaller', lambda p, c: c + (p - c) * 2 / 3),
        ('shrink the hexagon by 50%', lambda p, c: c + (p - c) / 2),
        ('scale it by 1.2', lambda p, c: c + (p - c) * 1.2),
        ('rotate it by 90 degrees clockwise', lambda p, c: c + (p - c) @ [[0, -1], [1, 0]]),
        ('turn the hexagon by 90 degrees', lambda p, c: c + (p - c) @ [[0, 1], [-1, 0]]),
        ('flip it vertically', lambda p, c: c + (p - c) * [1, -1]),
    ],
)
def test_changes_of_a_shape(drawing: Board, text: str, change: Any) -> None:
    (old,) = drawing.draw('draw a 5 cm hexagon at the left')
    (new,) = drawing.draw(text)
    assert len(drawing.visible()) == 1
    assert new == pytest.approx(change(old, center(old)), abs=1e-3)


@pytest.mark.parametrize(
    'text',
    [
        'draw a unicorn',
        'draw a hexagon around the elephant',
        'erase the hexagon',
        'make it bigger',
        'undo that',
        'fold the board',
        'draw a 5 cm hexagon wibble',
    ],
)
def test_what_cannot_be_drawn_is_refused(drawing: Board, text: str) -> None:
    assert drawing.ask(text).label is not None
    assert drawing.table.strokes == []
