"""What a program's failure means for the next try, and what the model is told of it. No ROS."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from cap_common.errors import CapError
from cap_planner.completion import program_from_completion
from cap_planner.labels import InstructionError, Label, label_of_class
from cap_planner.lmp import indented
from cap_planner.models.base import ModelMalformedError
from cap_planner.sandbox.program import Budget, Outcome, Status

MOST_PARTS = 8
"""Into so many simpler instructions one is split at most."""

# What another program could avoid.
_AVOIDABLE = frozenset(
    {
        *(Label.PROGRAM_ERROR, Label.WRONG_ARGUMENTS, Label.UNKNOWN_API, Label.OBJECT_NOT_FOUND),
        *(Label.UNREACHABLE, Label.LIMIT, Label.GRASP_FAILED, Label.WRONG_OUTCOME),
    }
)
# Of these it does not matter who raised them.
_OF_THE_PROGRAM = frozenset({Label.PROGRAM_ERROR, Label.WRONG_ARGUMENTS})
# What is wrong with a text, and not with the instruction.
_TEXTUAL = frozenset(
    {Label.MODEL_MALFORMED, Label.VERIFIER_REJECTED, Label.UNKNOWN_API, Label.WRONG_ARGUMENTS}
)
# What only an interface can tell: a program that raises such an error by itself is in error.
_FAULTS = frozenset({Label.STOPPED, Label.BUSY, Label.PERCEPTION_LOST, Label.ROBOT_FAULT})
# Budgets of the child alone: a better program would keep to them.
_OWN_BUDGETS = frozenset({Budget.WALL, Budget.CPU, Budget.FRAMES})


class ProgramFailure(InstructionError):
    """A program ran and did not do what it was to do.

    Attributes:
        repairable: another program might do it.
    """

    def __init__(self, label: Label, text: str, *, repairable: bool) -> None:
        super().__init__(label, text)
        self.repairable = repairable

    @property
    def is_of_the_program(self) -> bool:
        """Nothing but the program that raised the error can have caused it."""
        return self.repairable and self.label in _OF_THE_PROGRAM


def failure_of(outcome: Outcome, raised: Collection[str]) -> ProgramFailure | None:
    """Why a program did not finish.

    Args:
        raised: class names of the errors that its calls have raised.
    """
    if outcome.status is Status.FINISHED:
        return None
    if outcome.status is Status.PROGRAM_ERROR and outcome.error:
        label = label_of_class(outcome.error.type)
        by_call = outcome.error.type in raised
        if label in _FAULTS and not by_call:
            label = Label.PROGRAM_ERROR
        # A robot's error that the program itself raises is its answer: there is no such object.
        repairable = label in _AVOIDABLE and (by_call or label in _OF_THE_PROGRAM)
        return ProgramFailure(label, outcome.error.describe(), repairable=repairable)
    label = {
        Status.KILLED: Label.BUDGET_EXCEEDED,
        Status.UNAVAILABLE: Label.SANDBOX_UNAVAILABLE,
        Status.LOST: Label.PROCESS_LOST,
        # It got past the verifier and did what no honest program does: nothing to be repaired.
        Status.VIOLATION: Label.PROGRAM_ERROR,
    }[outcome.status]
    # Without an error of the program, it was the host that had no memory left.
    own = outcome.budget in _OWN_BUDGETS or bool(outcome.budget is Budget.MEMORY and outcome.error)
    return ProgramFailure(label, outcome.text, repairable=own)


def is_repairable(failure: CapError) -> bool:
    """Whether another program could do what this one failed to do."""
    if isinstance(failure, ProgramFailure):
        return failure.repairable
    return isinstance(failure, InstructionError) and failure.label in _AVOIDABLE


def is_splittable(failure: CapError) -> bool:
    """Whether simpler instructions could do what this one failed to do."""
    return is_textual(failure) or is_repairable(failure)


def is_textual(failure: CapError) -> bool:
    """Whether what is wrong is the text of a model."""
    if isinstance(failure, ModelMalformedError):
        return True
    return isinstance(failure, InstructionError) and failure.label in _TEXTUAL


def word_after_run(failure: CapError, done: Sequence[str], context: str) -> str:
    """What the model is told when its program failed.

    Args:
        done: what has been done for this instruction.
        context: the objects line as it is now.
    """
    what = '\n'.join(done) or 'nothing'
    return (
        f'This program was run, and failed:\n{indented(str(failure))}\n'
        f'Done so far; what was done to its end is not to be done again:\n{indented(what)}\n'
        f'There is now {context.replace("objects = ", "")}.\n'
        'Its variables and functions are gone; those of earlier requests are still there. Write a '
        'program that does the rest; what failed may need another way. Answer with Python code '
        'only.'
    )


def word_after_nested_run(failure: CapError) -> str:
    """What the model is told when a program that was asked for a value failed."""
    return (
        f'This program was run, and failed:\n{indented(str(failure))}\n'
        'Write the whole program again with that put right. Answer with Python code only.'
    )


def parts_from_completion(text: str) -> list[str]:
    """The simpler instructions in a completion of the LMP `decompose`.

    Raises:
        ModelMalformedError: it is not one assignment of a list of texts to ret_val, or of too many.
    """
    match ast.parse(program_from_completion(text)).body:
        case [ast.Assign(targets=[ast.Name(id='ret_val')], value=ast.List(elts=elements))]:
            parts = [e.value for e in elements if isinstance(e, ast.Constant)]
            texts = [part.strip() for part in parts if isinstance(part, str) and part.strip()]
            if len(texts) == len(elements) <= MOST_PARTS:
                return texts
    raise ModelMalformedError(f'asked for at most {MOST_PARTS} texts in ret_val, got {text!r:.200}')
