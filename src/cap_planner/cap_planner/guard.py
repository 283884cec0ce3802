"""The motion lease as a state machine: may anything move now, and why not. No ROS."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class LeaseState(enum.IntEnum):
    """Values as in cap_interfaces/Lease."""

    GRANTED = 0
    STOPPED = 1
    WITHDRAWN = 2


class StopState(enum.IntEnum):
    """Values as in cap_interfaces/Stop."""

    STOPPED = 0
    FAILED = 1
    UNCERTAIN = 2


@dataclass(frozen=True)
class LeaseStatus:
    """The lease as it is now; `why` is empty when it is granted."""

    state: LeaseState
    why: str
    silent: tuple[str, ...] = ()


class MotionLease:
    """Granted while no watched node is lost and nobody has said stop.

    Args:
        watched: names of the nodes that own motion or what motion depends on.
        stop_reason: of a stop that is in force already.
    """

    def __init__(self, watched: tuple[str, ...], stop_reason: str | None = None) -> None:
        self._stop_reason = stop_reason
        self._lost: dict[str, str] = dict.fromkeys(watched, 'not looked for yet')

    def observe(self, lost: Mapping[str, str]) -> LeaseStatus:
        """Take in which of the watched nodes are lost, and why each is."""
        self._lost = dict(lost)
        return self.status

    def stop(self, who: str, why: str) -> None:
        """Latch a stop."""
        by = f' by {who}' if who else ''
        self._stop_reason = f'stopped{by}' + (f': {why}' if why else '')

    def resume(self) -> LeaseStatus:
        """Take back the stop; the lease may still be withdrawn."""
        self._stop_reason = None
        return self.status

    @property
    def stop_reason(self) -> str | None:
        """Of the stop in force; None: there is none."""
        return self._stop_reason

    @property
    def status(self) -> LeaseStatus:
        """As of the last `observe`, `stop` or `resume`."""
        if self._stop_reason is not None:
            return LeaseStatus(LeaseState.STOPPED, self._stop_reason, tuple(self._lost))
        if self._lost:
            why = ', '.join(f'{name} is lost: {reason}' for name, reason in self._lost.items())
            return LeaseStatus(LeaseState.WITHDRAWN, why, tuple(self._lost))
        return LeaseStatus(LeaseState.GRANTED, '')


class StandstillJudge:
    """Whether the arm stands still, from joint states. Times are seconds of any clock.

    Args:
        still_rad_s: below this speed of every joint it counts as standing.
        hold_s: for so long it must stand.
        silent_s: joint states older than this say nothing.
    """

    def __init__(self, still_rad_s: float, hold_s: float, silent_s: float) -> None:
        self._still_rad_s = still_rad_s
        self._hold_s = hold_s
        self._silent_s = silent_s
        self._seen_at: float | None = None
        self._still_since: float | None = None

    def observe(self, now: float, velocities_rad_s: tuple[float, ...]) -> None:
        """One joint state. Without velocities, or with one that is no number, nothing is known."""
        if not velocities_rad_s or not all(map(math.isfinite, velocities_rad_s)):
            self._seen_at = self._still_since = None
            return
        self._seen_at = now
        if max(map(abs, velocities_rad_s)) > self._still_rad_s:
            self._still_since = None
        elif self._still_since is None:
            self._still_since = now

    def state(self, now: float) -> StopState:
        """STOPPED: it stands; FAILED: it moves; UNCERTAIN: nothing is known."""
        if self._seen_at is None or now - self._seen_at > self._silent_s:
            return StopState.UNCERTAIN
        if self._still_since is not None and self._seen_at - self._still_since >= self._hold_s:
            return StopState.STOPPED
        return StopState.FAILED


def stop_verdict(
    joints: StopState, unended: Sequence[str], unanswered: Sequence[str]
) -> tuple[StopState, str]:
    """What `stop` may answer, and why.

    Args:
        joints: what StandstillJudge says of the arm.
        unended: actions with a goal that has not ended.
        unanswered: actions whose server has not answered that it cancels all goals.
    """
    failed = ['joints still move'] if joints is StopState.FAILED else []
    failed += [f'a goal of {action} has not ended' for action in unended]
    unknown = ['no joint velocities come'] if joints is StopState.UNCERTAIN else []
    unknown += [f'the server of {action} does not answer' for action in unanswered]
    if failed or unknown:
        return StopState.FAILED if failed else StopState.UNCERTAIN, '; '.join(failed + unknown)
    why = 'every goal has ended and every joint stands still; motion is forbidden until resume'
    return StopState.STOPPED, why
