"""Sessions: what they keep, how they are stored, and what is looked at again."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_planner.api import TABLETOP
from cap_planner.lmp import SessionTurn
from cap_planner.sandbox.program import Session as Left
from cap_planner.session import MAX_TURNS, Session, UnreadableSessionError, session_key

TURN = SessionTurn('do', "objects = ['a']", 'x = 1', ('gone',))


def stored(session: Session) -> Session:
    data: dict[str, Any] = json.loads(json.dumps(session.as_data()))
    return Session.from_data(data)


def test_it_comes_back_as_it_was() -> None:
    left = Left(
        {'p': np.array([1.0, 2.0]), 't': (1, 'a')}, {'f': 'def f(): pass'}, ('import math',)
    )
    again = stored(Session('s', [TURN], left))
    assert again.turns == [TURN]
    assert np.array_equal(again.left.variables['p'], [1.0, 2.0])
    assert again.left.variables['t'] == (1, 'a')
    assert (again.left.functions, again.left.imports) == (left.functions, left.imports)


def test_turns_of_an_earlier_release_are_read() -> None:
    data = Session('s', [TURN]).as_data()
    del data['turns'][0]['dropped']
    assert Session.from_data(data).turns[0].dropped == ()


@pytest.mark.parametrize(
    'change',
    [
        {'turns': [{'query': 'x'}]},
        {'turns': [{'query': 1, 'context': '', 'program': ''}]},
        {'turns': [{'query': '', 'context': '', 'program': '', 'done': [1]}]},
        {'turns': 3},
        {'variables': 3},
        {'variables': [1]},
        {'functions': ['f']},
        {'functions': {'f': 1}},
        {'imports': None},
        {'name': 1},
    ],
)
def test_what_is_no_session_is_not_read(change: dict[str, Any]) -> None:
    with pytest.raises(UnreadableSessionError):
        Session.from_data({**Session('s', [TURN]).as_data(), **change})


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_anything_else_is_not_read(data: Any) -> None:
    with pytest.raises(UnreadableSessionError):
        Session.from_data(data)
    for key in Session('s').as_data():
        with contextlib.suppress(UnreadableSessionError):
            Session.from_data({**Session('s').as_data(), key: data}).verified(TABLETOP)


def test_domains_do_not_share_sessions() -> None:
    assert session_key('tabletop', 'a/b') != session_key('whiteboard', 'a/b')


def test_the_oldest_turns_are_forgotten() -> None:
    session = Session('s')
    for number in range(MAX_TURNS + 3):
        session.remember(SessionTurn(str(number), '', ''), Left())
    assert len(session.turns) == MAX_TURNS
    assert session.turns[0].query == '3'


def test_names_are_also_those_of_helpers() -> None:
    both = 'def a():\n    return b()\n\ndef b():\n    return 1'
    assert Session('s', left=Left({'x': 1}, {'a': both})).names == {'x', 'a', 'b'}


def test_what_does_not_pass_is_left_out() -> None:
    functions = {
        'a': 'def a():\n    return n.sin(b())\n\ndef b():\n    return x',
        'c': 'c = lambda: a()',
        'say': 'say = lambda m: None\n#',
        'd': 'def d(:',
        'e': 'def e():\n    return open("x")',
    }
    session = Session('s', left=Left({'x': 1, 'np': 3}, functions, ('import numpy as n',)))
    verified = session.verified(TABLETOP).left
    assert list(verified.functions) == ['a', 'c']
    assert verified.variables == {'x': 1}
