"""The declaration of the API, and how arguments are checked against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cap_planner.api import TABLETOP
from cap_planner.api.spec import Kind, WrongArgumentsError


def test_every_function_says_who_answers_and_what_it_is() -> None:
    assert {function.kind for function in TABLETOP.values()} == set(Kind)
    assert all(function.doc for function in TABLETOP.values())
    waiting = {function.name for function in TABLETOP.values() if function.waits}
    assert waiting == {
        *('get_visible_obj_names', 'is_obj_visible', 'detect_obj'),
        *('find_object', 'find_all_objects'),
    }


def test_the_header_is_what_a_person_writes() -> None:
    header = TABLETOP['put_first_on_second'].header()
    assert header == (
        'put_first_on_second(first: str | Point, second: str | Point, speed: float = 1.0, '
        'force: float | None = None) -> None'
    )
    header = TABLETOP['parse_obj_name'].header()
    assert header == "parse_obj_name(description: str, context: str = '', **variables) -> Any"


@pytest.mark.parametrize(
    ('name', 'args'),
    [
        ('get_obj_pos', (3,)),
        ('get_obj_pos', ()),
        ('get_obj_pos', ('a', 'b')),
        ('say', (np.array(['a']),)),
        ('denormalize_xy', ([1.0, 2.0, 3.0],)),
        ('denormalize_xy', ([1.0, float('nan')],)),
        ('denormalize_xy', (np.array([1j, 2]),)),
        ('put_first_on_second', ('a', {'x': 1})),
        ('put_first_on_second', ('a', [10**400, 0])),
        ('say', (16**5000,)),
    ],
)
def test_what_does_not_fit_is_refused_with_the_signature(name: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(WrongArgumentsError) as caught:
        TABLETOP[name].bind(args, {})
    assert TABLETOP[name].header() in str(caught.value)


def test_arguments_come_plain_and_complete() -> None:
    bound = TABLETOP['parse_obj_name'].bind((np.str_('a'),), {'color': 'red'})
    assert bound == {'description': 'a', 'context': '', 'variables': {'color': 'red'}}
    assert type(bound['description']) is str
    position = TABLETOP['denormalize_xy'].bind(((0, 1),), {})['pos_normalized']
    assert position.dtype == np.float64
