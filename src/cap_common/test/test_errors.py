"""The exceptions and the error codes of the actions are one table."""

import pytest

from cap_common.errors import SKILL_ERRORS, error_code, error_from_result, error_names
from cap_interfaces.action import (
    Draw,
    Erase,
    ExecuteInstruction,
    FollowPath,
    Goto,
    MoveTo,
    Pick,
    PickPlace,
    Place,
    Say,
)

SKILLS = [Pick, Place, PickPlace, MoveTo, Draw, Erase, Goto, FollowPath, Say]


@pytest.mark.parametrize('action', SKILLS, ids=lambda action: action.__name__)
def test_every_error_has_a_code_in_every_skill_and_comes_back(action):
    for cls in SKILL_ERRORS.values():
        code = error_code(action.Result, cls('asked for x, there is y'))
        error = error_from_result(action.Result(error_code=code, error_msg='asked for x'))
        assert type(error) is cls
        assert str(error) == 'asked for x'
    assert set(error_names(action.Result).values()) == {'NONE', *SKILL_ERRORS}


def test_success_is_no_error():
    assert error_from_result(PickPlace.Result()) is None


def test_ranges_of_the_actions_are_disjoint():
    codes = [
        code
        for action in [*SKILLS, ExecuteInstruction]
        for code in error_names(action.Result)
        if code != 0
    ]
    assert len(codes) == len(set(codes))
