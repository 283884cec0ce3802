"""The paper's conversations (appendix H and I) with the recorded answers of a real model.

What it wrote stands in transcripts/: answers of a language model behind an OpenAI-compatible
endpoint, as they came. The programs run in the sandbox over a symbolic table; the world decides.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cap_planner.engine import Engine, Report, Request
from cap_planner.models import open_model
from cap_planner.sandbox.host import Sandbox
from cap_planner.testing import FruitTable, symbolic_engine

TRANSCRIPTS = Path(__file__).parent / 'transcripts'


class Things(FruitTable):
    """Where things are, as the tests ask."""

    def at(self, name: str) -> Any:
        return np.array(self.objects[name][:2])

    def near(self, name: str, *xy: float, within: float = 0.005) -> bool:
        return bool(np.linalg.norm(self.at(name) - np.array(xy)) < within)

    def on(self, name: str, support: str) -> bool:
        return self.near(name, *self.at(support), within=0.03) and name != support


class Talk:
    """One session."""

    def __init__(self, engine: Engine, table: Things) -> None:
        self.table = table
        self._engine = engine

    def __call__(self, instruction: str) -> str:
        report: Report = self._engine.run(Request(instruction, 's'), lambda _: None, lambda: None)
        assert report.outcome == 'succeeded', f'{instruction}: {report.error}\n{report.program}'
        return report.answer


@pytest.fixture
def talk(sandbox: Sandbox, tmp_path: Path) -> Callable[..., Talk]:
    def begin(name: str, domain: str = 'tabletop', **objects: tuple[float, float]) -> Talk:
        table = Things(**objects)
        model = open_model(f'replay:{TRANSCRIPTS / name}.jsonl')
        engine = symbolic_engine(model, table, sandbox, tmp_path / 'evidence.db', domain=domain)
        return Talk(engine, table)

    return begin


def test_four_blocks(talk: Callable[..., Talk]) -> None:
    say = talk(
        'blocks',
        red_block=(0.12, -0.5), green_block=(-0.1, -0.45),
        blue_block=(0.02, -0.62), yellow_block=(-0.15, -0.6),
    )  # fmt: skip
    table, blocks = say.table, list(say.table.objects)
    say('Put the blocks in a horizontal line near the top')
    positions = np.array([table.at(name) for name in blocks])
    assert np.ptp(positions[:, 1]) < 0.01
    assert np.all(positions[:, 1] > -0.5)
    assert np.min(np.diff(np.sort(positions[:, 0]))) > 0.05
    between = (table.at('red block') + table.at('green block')) / 2
    say('Move the sky-colored block in between the red block and the second block from the left')
    assert table.near('blue block', *between)
    moves = len(table.moves)
    assert 'line' in say('Why did you move the green block?')
    assert 'blue block' in say('Which block did you move?')
    assert len(table.moves) == moves, 'questions move nothing'
    say('Arrange the blocks in a square around the middle')
    square = {name: table.at(name) for name in blocks}
    middle = np.mean(list(square.values()), axis=0)
    assert np.allclose(middle, [0, -0.5], atol=0.01)
    sizes = [np.linalg.norm(position - middle) for position in square.values()]
    assert np.ptp(sizes) < 0.01
    say('Make the square bigger')
    for name, position in square.items():
        bigger = table.at(name) - middle
        assert np.linalg.norm(bigger) > 1.2 * np.linalg.norm(position - middle)
    say('Undo that')
    for name, position in square.items():
        assert table.near(name, *position)
    say('rotate the square by 45 degrees')
    cos = sin = np.sqrt(0.5)
    for name, position in square.items():
        x, y = position - middle
        turned = middle + np.array([cos * x - sin * y, sin * x + cos * y])
        assert table.near(name, *turned)
    before = {name: table.at(name) for name in blocks}
    assert say('Can you throw blocks?').startswith('No')
    say('Move the red block 5cm to the bottom')
    assert table.near('red block', *(before['red block'] - [0, 0.05]))
    assert table.near('blue block', *before['blue block'])
    say('Do the same with the other blocks')
    for name in blocks:
        assert table.near(name, *(before[name] - [0, 0.05]))
    say('Put the blocks on different corners clockwise starting at the top right corner')
    corners = [(0.25, -0.25), (0.25, -0.75), (-0.25, -0.75), (-0.25, -0.25)]
    for name, corner in zip(blocks, corners, strict=True):
        assert table.near(name, *corner)


def test_three_blocks_and_three_bowls(talk: Callable[..., Talk]) -> None:
    say = talk(
        'bowls',
        red_block=(0.15, -0.35), green_block=(-0.15, -0.33), blue_block=(0, -0.68),
        red_bowl=(0.16, -0.55), green_bowl=(-0.16, -0.62), blue_bowl=(0, -0.45),
    )  # fmt: skip
    table, blocks = say.table, ['red block', 'green block', 'blue block']
    say('Put the red block to the left of the rightmost bowl')
    assert table.near('red block', 0.06, -0.55, within=0.03)
    say('Now move it to the side farthest away from it')
    assert table.near('red block', -0.25, -0.5)
    assert say('How many bowls are to the left of the red block?') == '0'
    say('place the blocks in bowls with non matching colors')
    for name in blocks:
        bowls = [bowl for bowl in ('red bowl', 'green bowl', 'blue bowl') if table.on(name, bowl)]
        assert bowls
        assert bowls[0].split()[0] != name.split()[0]
    say('put the blocks in a vertical line 20 cm long and 10 cm below the blue bowl')
    line = np.array([table.at(name) for name in blocks])
    assert np.ptp(line[:, 0]) < 0.01
    assert np.isclose(np.ptp(line[:, 1]), 0.2)
    assert np.isclose(np.max(line[:, 1]), -0.55)
    moves = len(table.moves)
    say('imagine that the bowls represent a volcano, a forest, and an ocean')
    say('also imagine that the blocks are parts of a building')
    assert len(table.moves) == moves
    say('now build a tower in the forest')
    assert all(table.on(name, 'green bowl') for name in blocks)
    assert len({round(table.objects[name][2], 3) for name in blocks}) == 3
    say('show me what happens when a volcano erupts over the ocean')
    assert table.on('red bowl', 'blue bowl')


def test_fruits_bottles_and_plates(talk: Callable[..., Talk]) -> None:
    say = talk(
        'fruits',
        apple=(0.15, -0.35), banana=(-0.02, -0.36), plum=(0.18, -0.63),
        blue_bottle=(-0.2, -0.4), black_bottle=(0.03, -0.7),
        green_plate=(0.02, -0.52), blue_plate=(-0.17, -0.6), yellow_plate=(0.2, -0.62),
    )  # fmt: skip
    table = say.table
    assert say('How many fruits are there?') == '3'
    assert set(say('Tell me their names').split(', ')) == {'apple', 'banana', 'plum'}
    assert say('Are there any fruits on the green plate?').startswith('No')
    say('Move all fruits to the green plate and bottles to the blue plate')
    assert all(table.on(name, 'green plate') for name in ('apple', 'banana', 'plum'))
    assert all(table.on(name, 'blue plate') for name in ('blue bottle', 'black bottle'))
    say('Move the smallest fruit back to the yellow plate')
    assert table.on('plum', 'yellow plate')
    table.pictures_to_egg = 5
    say('Wait until you see an egg and put it on the green plate')
    assert table.on('egg', 'green plate')
    say('Put the darkest object in the plate that has the apple')
    assert table.on('black bottle', 'green plate')


def test_the_whiteboard(talk: Callable[..., Talk]) -> None:
    say = talk(
        'board', 'whiteboard',
        blue_block=(0.18, -0.68), red_block=(-0.2, -0.7), apple=(-0.2, -0.3), banana=(0.2, -0.32),
    )  # fmt: skip
    strokes = say.table.strokes

    def new(instruction: str) -> list[tuple[str, Any]]:
        begin = len(strokes)
        say(instruction)
        return strokes[begin:]

    ((what, hexagon),) = new('draw a 5cm hexagon around the middle')
    assert (what, hexagon.shape) == ('draw', (7, 2))
    assert np.allclose(np.linalg.norm(np.diff(hexagon, axis=0), axis=1), 0.05)
    assert np.allclose(np.mean(hexagon[:-1], axis=0), [0, -0.5])
    ((what, line),) = new('draw a line that bisects the hexagon')
    assert what == 'draw'
    assert np.allclose(np.mean(line, axis=0), [0, -0.5])
    bigger = new('make them both bigger')
    assert [what for what, _ in bigger] == ['erase', 'erase', 'draw', 'draw']
    assert np.ptp(bigger[2][1][:, 0]) > np.ptp(hexagon[:, 0])
    assert np.ptp(bigger[3][1][:, 1]) > np.ptp(line[:, 1])
    assert [what for what, _ in new('erase the hexagon and the line')] == ['erase', 'erase']
    ((_, sun),) = new('draw the sun as a circle at the top right')
    center = (sun.min(axis=0) + sun.max(axis=0)) / 2
    assert np.all(center > [0.05, -0.45])
    assert np.ptp(np.linalg.norm(sun - center, axis=1)) < 0.002
    ((_, ground),) = new('draw the ground as a line at the bottom')
    assert np.ptp(ground[:, 1]) < 1e-6
    assert ground[0, 1] < -0.55
    ((_, pyramid),) = new('draw a pyramid as a triangle on the ground')
    assert len(pyramid) == 4
    assert np.isclose(pyramid[:, 1].min(), ground[0, 1])
    ((_, small),) = new('draw a smaller pyramid a little bit to the left')
    assert np.ptp(small[:, 0]) < np.ptp(pyramid[:, 0])
    assert small[:, 0].mean() < pyramid[:, 0].mean()
    circles = new('draw circles around the blocks')
    for (_, circle), block in zip(circles, ('blue block', 'red block'), strict=True):
        middle = (circle.min(axis=0) + circle.max(axis=0)) / 2
        assert say.table.near(block, *middle)
        assert np.min(np.linalg.norm(circle - middle, axis=1)) > 0.028
    ((_, square),) = new('draw a square around the sweeter fruit')
    assert say.table.near('banana', *(square.min(axis=0) + square.max(axis=0)) / 2)


def test_instructions_in_any_language(talk: Callable[..., Talk]) -> None:
    say = talk(
        'languages',
        red_block=(0.15, -0.35), blue_block=(0, -0.68),
        red_bowl=(0.16, -0.55), blue_bowl=(-0.1, -0.45),
    )  # fmt: skip
    table = say.table
    say('把红色的积木放进蓝色的碗里')
    assert table.on('red block', 'blue bowl')
    say('Pon el bloque azul a la izquierda del tazón rojo')
    assert table.near('blue block', 0.06, -0.55, within=0.03)
    say('🟥🧱 ➡️ 🟥🥣')
    assert table.on('red block', 'red bowl')
