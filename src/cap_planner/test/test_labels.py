"""Every error has a label, and every label an error code."""

import pytest

from cap_common.errors import SKILL_ERRORS, error_names
from cap_interfaces.action import ExecuteInstruction
from cap_planner.api.spec import WrongArgumentsError
from cap_planner.labels import Label, label_of
from cap_planner.models.base import ModelMalformedError, ModelUnavailableError


def test_labels_are_the_error_codes_of_the_action():
    codes = set(error_names(ExecuteInstruction.Result).values()) - {'NONE'}
    assert codes == set(Label.__members__)


@pytest.mark.parametrize('name', SKILL_ERRORS)
def test_no_skill_error_becomes_a_program_error(name):
    assert label_of(name) is not Label.PROGRAM_ERROR


def test_errors_of_the_planner():
    assert label_of(ModelUnavailableError.name) is Label.MODEL_UNAVAILABLE
    assert label_of(ModelMalformedError.name) is Label.MODEL_MALFORMED
    assert label_of(WrongArgumentsError.name) is Label.WRONG_ARGUMENTS
    assert label_of('ZeroDivisionError') is Label.PROGRAM_ERROR
