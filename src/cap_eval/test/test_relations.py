from __future__ import annotations

import pytest

from cap_eval.places import along
from cap_eval.relations import (
    at_place,
    disturbed,
    footprint,
    in_bowl,
    is_supported,
    on_block,
    on_table,
    tower,
)
from cap_eval.testing import TIPPED, block, bowl, change, put, shift, world

BOWL = bowl('blue', 0.0, -0.5)
RED = block('red', 0.1, -0.5)


@pytest.mark.parametrize(
    ('dx', 'dy', 'z', 'inside'),
    [
        (0.0, 0.0, 0.026, True),
        (0.02, 0.02, 0.033, True),
        (0.059, 0.0, 0.030, True),
        (0.061, 0.0, 0.030, False),
        (0.044, 0.044, 0.030, False),
        (0.0, 0.0, 0.054, True),
        (0.0, 0.0, 0.056, False),
        (0.0, 0.0, 0.065, False),
        (0.0, 0.0, 0.2, False),
        (0.0, 0.0, -0.02, False),
    ],
)
def test_in_bowl(dx: float, dy: float, z: float, inside: bool) -> None:
    assert in_bowl(block('red', dx, -0.5 + dy, z), BOWL) is inside


def test_nothing_is_in_a_bowl_that_lies_on_its_side() -> None:
    tipped = change(world(BOWL), 'blue bowl', orientation=TIPPED).get('blue bowl')
    assert not in_bowl(block('red', 0.0, -0.5, 0.026), tipped)


@pytest.mark.parametrize(
    ('dx', 'dz', 'rests'),
    [
        (0.0, 0.04, True),
        (0.024, 0.04, True),
        (0.026, 0.04, False),
        (0.0, 0.049, True),
        (0.0, 0.051, False),
        (0.0, 0.031, True),
        (0.0, 0.029, False),
        (0.0, -0.04, False),
        (0.0, 0.0, False),
    ],
)
def test_on_block(dx: float, dz: float, rests: bool) -> None:
    assert on_block(block('red', 0.1 + dx, -0.5, 0.02 + dz), block('green', 0.1, -0.5)) is rests


@pytest.mark.parametrize(
    ('z', 'stands'), [(0.02, True), (0.029, True), (0.031, False), (0.011, True), (0.009, False)]
)
def test_on_table(z: float, stands: bool) -> None:
    assert on_table(block('red', 0.1, -0.5, z)) is stands


@pytest.mark.parametrize(('dx', 'there'), [(0.0, True), (0.059, True), (0.061, False)])
def test_at_place(dx: float, there: bool) -> None:
    assert at_place(block('red', 0.1 + dx, -0.5, 0.5), (0.1, -0.5)) is there


def test_support_comes_from_the_table_a_block_or_a_bowl() -> None:
    green = block('green', -0.1, -0.5)
    on_green, in_blue = block('red', -0.08, -0.5, 0.06), block('red', 0.0, -0.5, 0.026)
    assert is_supported(RED, world(RED, green, BOWL))
    assert is_supported(on_green, world(on_green, green, BOWL))
    assert is_supported(in_blue, world(in_blue, green, BOWL))


def test_a_block_in_the_air_is_not_supported() -> None:
    green = block('green', -0.1, -0.5)
    for hanging in (
        block('red', 0.1, -0.5, 0.06),
        block('red', -0.1, -0.5, 0.09),
        block('red', -0.07, -0.5, 0.06),
    ):
        supported = is_supported(hanging, world(hanging, green))
        assert supported is False, hanging
    floating = block('red', -0.1, -0.5, 0.12)
    below = block('yellow', -0.1, -0.5, 0.02)
    assert not is_supported(floating, world(floating, below))


def test_a_block_does_not_support_itself_nor_what_is_below_it() -> None:
    lower, upper = block('red', 0.0, -0.5, 0.06), block('green', 0.0, -0.5, 0.10)
    assert not is_supported(lower, world(lower, upper))


def test_footprints() -> None:
    assert footprint(BOWL) == pytest.approx(0.06)
    assert footprint(RED) == pytest.approx(0.0283, abs=1e-4)


def test_tower() -> None:
    levels = [block(c, 0.1, -0.5, 0.02 + 0.04 * i) for i, c in enumerate(('red', 'blue', 'green'))]
    assert tower(tuple(levels))
    assert tower(tuple(reversed(levels)))
    assert not tower(tuple(levels[1:]))
    assert not tower((levels[0], levels[2]))
    assert not tower((*levels, block('pink', -0.1, -0.5)))
    assert not tower(())


BEFORE = world(RED, BOWL, block('green', -0.1, -0.5))


@pytest.mark.parametrize(
    ('after', 'told'),
    [
        (shift(BEFORE, 'green block', 0.029, 0.0), []),
        (shift(BEFORE, 'green block', 0.031, 0.0), ['the green block was moved by 3.1 cm']),
        (shift(BEFORE, 'blue bowl', 0.0, -0.05), ['the blue bowl was moved by 5.0 cm']),
        (put(BEFORE, 'green block', -0.1, -0.5, 0.06), ['the green block was moved by 4.0 cm']),
        (put(BEFORE, 'red block', 0.2, -0.3), []),
        (put(BEFORE, 'red block', 0.6, -0.3, -0.7), ['the red block fell off the table']),
        (change(BEFORE, 'blue bowl', orientation=TIPPED), ['the blue bowl was knocked over']),
    ],
)
def test_disturbed_tells_what_nobody_asked_for(after: object, told: list[str]) -> None:
    assert disturbed(BEFORE, after, frozenset({'red block'})) == told  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ('direction', 'offset', 'seen'),
    [
        ('left', (-0.1, 0.02), (0.1, 0.02)),
        ('right', (0.1, -0.02), (0.1, 0.02)),
        ('top', (0.03, 0.1), (0.1, 0.03)),
        ('bottom', (0.03, 0.1), (-0.1, 0.03)),
    ],
)
def test_along(direction: str, offset: tuple[float, float], seen: tuple[float, float]) -> None:
    assert along(direction, offset) == pytest.approx(seen)
