"""Typed errors, and the one mapping between them and the error codes of the action results.

A number exists once, as a constant of an .action file; a meaning exists once, as a class here.
The class attribute `name` is the constant's name: `PickPlace.Result.UNREACHABLE` is
`UnreachableError`.
"""

from __future__ import annotations

from typing import Any, ClassVar


class CapError(Exception):
    """An error that a program, a caller or a person can act on.

    The text says what was asked and what exists; a language model repairs its program from it.
    """

    name: ClassVar[str] = 'PROGRAM_ERROR'


class InvalidGoalError(CapError):
    """An argument is missing, not finite or of the wrong kind."""

    name = 'INVALID_GOAL'


class BusyError(CapError):
    """The arm has a goal already."""

    name = 'BUSY'


class ObjectNotFoundError(CapError):
    """No object of that name is in the scene."""

    name = 'OBJECT_NOT_FOUND'


class LocationNotFoundError(CapError):
    """No place of that name exists."""

    name = 'LOCATION_NOT_FOUND'


class UnreachableError(CapError):
    """The tool cannot get to the pose."""

    name = 'UNREACHABLE'


class NoPathError(UnreachableError):
    """The pose can be reached, but no collision-free path to it was found."""

    name = 'NO_PATH'


class LimitError(CapError):
    """Outside the workspace, or over a speed, force or payload limit."""

    name = 'LIMIT'


class GraspFailedError(CapError):
    """The gripper's sensor does not feel the object."""

    name = 'GRASP_FAILED'


class PlaceFailedError(CapError):
    """No contact below the object, or it did not come off the gripper."""

    name = 'PLACE_FAILED'


class ObjectLostError(GraspFailedError):
    """The object was held, and fell."""

    name = 'OBJECT_LOST'


class CanceledError(CapError):
    """Whoever asked for it took it back."""

    name = 'CANCELED'


class StoppedError(CapError):
    """The guard forbids motion."""

    name = 'STOPPED'


class PerceptionLostError(CapError):
    """The scene is missing or too old."""

    name = 'PERCEPTION_LOST'


class RobotFaultError(CapError):
    """The robot, or a process that moves it, is silent or refused."""

    name = 'ROBOT_FAULT'


class SkillTimeoutError(CapError):
    """A wait reached its deadline."""

    name = 'TIMEOUT'


SKILL_ERRORS: dict[str, type[CapError]] = {
    cls.name: cls
    for cls in (
        InvalidGoalError,
        BusyError,
        ObjectNotFoundError,
        LocationNotFoundError,
        UnreachableError,
        NoPathError,
        LimitError,
        GraspFailedError,
        PlaceFailedError,
        ObjectLostError,
        CanceledError,
        StoppedError,
        PerceptionLostError,
        RobotFaultError,
        SkillTimeoutError,
    )
}


def error_names(result_type: Any) -> dict[int, str]:
    """Number to constant name, for the Result type of one of our actions."""
    constants = {
        name: getattr(result_type, name)
        for name in dir(type(result_type)) + dir(result_type)
        if name.isupper() and not name.startswith(('_', 'OUTCOME_'))
    }
    return {value: name for name, value in constants.items() if isinstance(value, int)}


def error_code(result_type: Any, error: CapError) -> int:
    """The number that this action's Result has for an error."""
    return int(getattr(result_type, error.name))


def error_from_result(result: Any) -> CapError | None:
    """The exception that a skill's Result carries; None when it succeeded."""
    if result.error_code == 0:
        return None
    name = error_names(type(result)).get(result.error_code)
    cls = SKILL_ERRORS.get(name or '', RobotFaultError)
    return cls(result.error_msg or f'error code {result.error_code}')
