"""The closed list of failure labels, and which error becomes which. No ROS.

A label separates a misunderstanding of the instruction from a fault of an interface. In upper case
it is the name of an error code of cap_interfaces/ExecuteInstruction.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from cap_common.errors import CapError


class Label(enum.StrEnum):
    """Why an instruction was not carried out."""

    INVALID_INSTRUCTION = 'invalid_instruction'
    UNSUPPORTED_MODE = 'unsupported_mode'
    BUSY = 'busy'
    MODEL_UNAVAILABLE = 'model_unavailable'
    MODEL_MALFORMED = 'model_malformed'
    VERIFIER_REJECTED = 'verifier_rejected'
    UNKNOWN_API = 'unknown_api'
    WRONG_ARGUMENTS = 'wrong_arguments'
    PROGRAM_ERROR = 'program_error'
    BUDGET_EXCEEDED = 'budget_exceeded'
    OBJECT_NOT_FOUND = 'object_not_found'
    UNREACHABLE = 'unreachable'
    LIMIT = 'limit'
    GRASP_FAILED = 'grasp_failed'
    PERCEPTION_LOST = 'perception_lost'
    ROBOT_FAULT = 'robot_fault'
    STOPPED = 'stopped'
    WRONG_OUTCOME = 'wrong_outcome'
    SANDBOX_UNAVAILABLE = 'sandbox_unavailable'
    PROCESS_LOST = 'process_lost'
    INTERNAL_ERROR = 'internal_error'


class InstructionError(CapError):
    """An instruction ended without being carried out."""

    def __init__(self, label: Label, text: str) -> None:
        super().__init__(text)
        self.label = label


# Skill errors that have no label of their own.
_FOLDED = {
    'INVALID_GOAL': Label.WRONG_ARGUMENTS,
    'LOCATION_NOT_FOUND': Label.OBJECT_NOT_FOUND,
    'NO_PATH': Label.UNREACHABLE,
    'PLACE_FAILED': Label.WRONG_OUTCOME,
    'OBJECT_LOST': Label.GRASP_FAILED,
    'CANCELED': Label.STOPPED,
    'TIMEOUT': Label.ROBOT_FAULT,
    'BUSY': Label.BUSY,
}


def label_of(error_name: str) -> Label:
    """The label of an error, by the `name` of its class."""
    if error_name in _FOLDED:
        return _FOLDED[error_name]
    return Label.__members__.get(error_name, Label.PROGRAM_ERROR)


def label_of_class(class_name: str) -> Label:
    """The label of an error that a program raised, by the name of its class."""
    names = {cls.__name__: cls.name for cls in _subclasses(CapError)}
    return label_of(names.get(class_name, ''))


def _subclasses(cls: type[CapError]) -> Iterator[type[CapError]]:
    for child in cls.__subclasses__():
        yield child
        yield from _subclasses(child)
