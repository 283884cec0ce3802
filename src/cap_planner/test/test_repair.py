"""Which failures another program may mend, and what the model is told of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_common.errors import GraspFailedError
from cap_planner.labels import InstructionError, Label
from cap_planner.models.base import ModelMalformedError, ModelUnavailableError
from cap_planner.repair import (
    MOST_PARTS,
    ProgramFailure,
    failure_of,
    is_repairable,
    is_splittable,
    parts_from_completion,
    word_after_run,
)
from cap_planner.sandbox.program import (
    Budget,
    Outcome,
    Place,
    ProgramError,
    Session,
    Status,
)


def raised(name: str, message: str = 'why') -> Outcome:
    place = Place('program', '<module>', 2, 'y = f(x)')
    error = ProgramError(name, message, 2, (place,))
    return Outcome(Status.PROGRAM_ERROR, 'it raised', Session(), error=error)


def killed(budget: Budget, error: ProgramError | None = None) -> Outcome:
    return Outcome(Status.KILLED, f'over {budget}', Session(), budget=budget, error=error)


OUT_OF_MEMORY = ProgramError('MemoryError', '', 1, ())

FAILURES = [
    # what the program did wrong
    (raised('ZeroDivisionError'), [], Label.PROGRAM_ERROR, True),
    (raised('NameError'), [], Label.PROGRAM_ERROR, True),
    (raised('WrongArgumentsError'), ['WrongArgumentsError'], Label.WRONG_ARGUMENTS, True),
    # what a call of it met: another program may go about it in another way
    (raised('GraspFailedError'), ['GraspFailedError'], Label.GRASP_FAILED, True),
    (raised('ObjectNotFoundError'), ['ObjectNotFoundError'], Label.OBJECT_NOT_FOUND, True),
    (raised('LocationNotFoundError'), ['LocationNotFoundError'], Label.OBJECT_NOT_FOUND, True),
    (raised('UnreachableError'), ['LimitError', 'UnreachableError'], Label.UNREACHABLE, True),
    # its answer: there is no such object
    (raised('ObjectNotFoundError'), [], Label.OBJECT_NOT_FOUND, False),
    (raised('ObjectNotFoundError'), ['GraspFailedError'], Label.OBJECT_NOT_FOUND, False),
    # no program does better while this lasts
    (raised('PerceptionLostError'), ['PerceptionLostError'], Label.PERCEPTION_LOST, False),
    (raised('RobotFaultError'), ['RobotFaultError'], Label.ROBOT_FAULT, False),
    # nobody but the robot can tell of it: the program made it up
    (raised('RobotFaultError'), [], Label.PROGRAM_ERROR, True),
    (raised('CanceledError'), [], Label.PROGRAM_ERROR, True),
    # budgets
    (killed(Budget.WALL), [], Label.BUDGET_EXCEEDED, True),
    (killed(Budget.CPU), [], Label.BUDGET_EXCEEDED, True),
    (killed(Budget.FRAMES), [], Label.BUDGET_EXCEEDED, True),
    (killed(Budget.MEMORY, OUT_OF_MEMORY), [], Label.BUDGET_EXCEEDED, True),
    (killed(Budget.MEMORY), [], Label.BUDGET_EXCEEDED, False),
    (killed(Budget.CANCELED), [], Label.BUDGET_EXCEEDED, False),
    # the sandbox
    (Outcome(Status.UNAVAILABLE, 'x', Session()), [], Label.SANDBOX_UNAVAILABLE, False),
    (Outcome(Status.LOST, 'x', Session()), [], Label.PROCESS_LOST, False),
    (Outcome(Status.VIOLATION, 'x', Session()), [], Label.PROGRAM_ERROR, False),
]


@pytest.mark.parametrize(('outcome', 'by_calls', 'label', 'repairable'), FAILURES)
def test_what_a_program_failed_of(
    outcome: Outcome, by_calls: list[str], label: Label, repairable: bool
) -> None:
    failure = failure_of(outcome, by_calls)
    assert failure
    assert (failure.label, failure.repairable) == (label, repairable)
    assert is_repairable(failure) is repairable


def test_every_end_is_some_failure_or_none() -> None:
    told = {outcome.status for outcome, *_ in FAILURES} | {Status.FINISHED}
    assert told == set(Status)
    assert failure_of(Outcome(Status.FINISHED, 'x', Session()), ['GraspFailedError']) is None


def test_an_error_is_told_with_its_line() -> None:
    failure = failure_of(raised('GraspFailedError', 'slippery'), ['GraspFailedError'])
    assert str(failure) == 'program, line 2, in <module>: y = f(x)\nGraspFailedError: slippery'


@pytest.mark.parametrize('label', Label)
def test_what_may_be_repaired_may_be_split(label: Label) -> None:
    failure = InstructionError(label, 'x')
    assert is_splittable(failure) or not is_repairable(failure)


def test_what_no_program_mends() -> None:
    for label in (Label.STOPPED, Label.BUSY, Label.ROBOT_FAULT, Label.PERCEPTION_LOST):
        assert not is_splittable(InstructionError(label, 'x'))
    assert not is_splittable(InstructionError(Label.BUDGET_EXCEEDED, 'x'))
    assert not is_splittable(ModelUnavailableError('no answer'))
    assert not is_splittable(ProgramFailure(Label.OBJECT_NOT_FOUND, 'x', repairable=False))


def test_a_text_that_is_no_program_may_be_split_but_not_repaired_by_running() -> None:
    malformed = ModelMalformedError('no program')
    assert is_splittable(malformed)
    assert not is_repairable(malformed)
    rejected = InstructionError(Label.VERIFIER_REJECTED, 'no')
    assert is_splittable(rejected)
    assert not is_repairable(rejected)


def test_the_word_after_a_run() -> None:
    done = ["moved 'red block' from [0.1, -0.4] to [0.0, -0.5]"]
    word = word_after_run(GraspFailedError('slippery'), done, "objects = ['red block']")
    lines = word.splitlines()
    assert lines[0] == 'This program was run, and failed:'
    assert '  slippery' in lines
    assert f'  {done[0]}' in lines
    assert "There is now ['red block']." in lines
    assert '  nothing' in word_after_run(GraspFailedError('x'), [], 'objects = []').splitlines()


@given(st.text(), st.lists(st.text(), max_size=3))
def test_no_line_of_it_can_pass_for_a_request(error: str, done: list[str]) -> None:
    word = word_after_run(GraspFailedError(error), done, "objects = ['x']")
    assert not any(line.startswith(('#', 'objects =')) for line in word.splitlines())


PARTS = st.lists(st.text(min_size=1).filter(str.strip), max_size=MOST_PARTS)


@given(PARTS)
def test_parts_are_read_as_they_were_written(parts: list[str]) -> None:
    assert parts_from_completion(f'ret_val = {parts!r}') == [part.strip() for part in parts]


@pytest.mark.parametrize(
    'answer',
    [
        f'ret_val = {["x"] * (MOST_PARTS + 1)}',
        "ret_val = ('a', 'b')",
        "ret_val = 'put the red block away'",
        "ret_val = ['a', 1]",
        "ret_val = ['a', '  ']",
        "ret_val = ['a'] * 3",
        "ret_val = [f'{x}']",
        "parts = ['a', 'b']",
        "ret_val = ['a', 'b']\nsay('x')",
        'I would first put the red block away.',
        '',
    ],
)
def test_an_answer_that_is_no_list_of_texts(answer: str) -> None:
    with pytest.raises(ModelMalformedError):
        parts_from_completion(answer)
