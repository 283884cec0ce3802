"""Looks at the tool's sensors while it moves: what ends a motion as an error. No ROS."""

from __future__ import annotations

from collections.abc import Callable

from cap_common.errors import CapError, LimitError, ObjectLostError
from cap_skills.model import GripperReading


class OverloadError(LimitError):
    """What the hand holds is too heavy to be carried."""


class PushedError(LimitError):
    """The tool was pushed with more than the call allows: something is in its way."""


class ForceWatch:
    """Watches one motion.

    Args:
        name: of what is held; empty: nothing is.
        holds: whether a reading says that it is held still.
        push_limit, pull_limit: what may push and pull at the tool [N].
        most: that may push until the tool comes free, if it is pushed at from the start [N].

    Attributes:
        error: what is wrong; None: nothing yet.
    """

    def __init__(
        self,
        name: str,
        holds: Callable[[GripperReading], bool],
        push_limit: float,
        pull_limit: float,
        most: float,
    ) -> None:
        self._name = name
        self._holds = holds
        self._push_limit = push_limit
        self._pull_limit = pull_limit
        self._most = most
        self.error: CapError | None = None

    def ends(self, reading: GripperReading) -> bool:
        """Whether the motion must end; then `error` says why."""
        if reading.force <= self._push_limit:
            self._most = self._push_limit
        self.error = self.error or self._judge(reading)
        return self.error is not None

    def _judge(self, reading: GripperReading) -> CapError | None:
        if self._name and not self._holds(reading):
            return ObjectLostError(f'{self._name!r} fell off the gripper')
        if reading.force > self._most:
            return PushedError(
                f'{reading.force:.1f} N pushed at the tool; {self._push_limit:g} N may'
            )
        if -reading.force > self._pull_limit:
            return OverloadError(
                f'{-reading.force:.1f} N pulled at the tool; {self._pull_limit:g} N may'
            )
        return None
