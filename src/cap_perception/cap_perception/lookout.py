"""Who waits for something to come into sight. No ROS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cap_common.errors import CapError, InvalidGoalError, ObjectNotFoundError, PerceptionLostError
from cap_perception.checked import DetectorFaultError
from cap_perception.phrases import NoPhrasesError, UnknownPhraseError, parse_phrases
from cap_perception.types import SceneObject


@dataclass(frozen=True)
class Finding:
    """What one picture shows: pairs of the phrase and the object that answers it."""

    stamp_ns: int
    found: tuple[tuple[str, SceneObject], ...]


# What a phrase means in the picture that was just used.
Search = Callable[[str], Sequence[SceneObject]]


@dataclass(eq=False)
class _Wait:
    phrases: tuple[str, ...]
    until: float
    answer: Finding | CapError | None = field(default=None)


class Lookout:
    """Requests of other threads, answered in the one that has the pictures.

    Args:
        picture_s: no picture for so long, at the end of a request's time, is a loss of perception.
        is_idle: false: a picture is being looked at, which may take longer.
    """

    def __init__(self, picture_s: float, is_idle: Callable[[], bool]) -> None:
        self._picture_s = picture_s
        self._is_idle = is_idle
        self._changed = threading.Condition()
        self._waits: list[_Wait] = []

    def look_for(self, phrases: Sequence[str], timeout_s: float, why: Callable[[], str]) -> Finding:
        """Wait until a picture shows something that answers one of the phrases.

        Args:
            timeout_s: how long (steady clock); 0: only the next picture counts.
            why: the reason, if no picture comes.

        Raises:
            InvalidGoalError: no phrase, one that the detector does not know, or a wrong time.
            ObjectNotFoundError: none of the pictures showed one.
            PerceptionLostError: there was no picture to use.
        """
        if not 0.0 <= timeout_s <= threading.TIMEOUT_MAX:
            raise InvalidGoalError(f'timeout_s is {timeout_s!r}: give seconds, 0 or more')
        try:
            parse_phrases(phrases)
        except NoPhrasesError as error:
            raise InvalidGoalError(str(error)) from None
        wait = _Wait(tuple(phrases), time.monotonic() + timeout_s)
        with self._changed:
            self._waits.append(wait)
            most_s = timeout_s + self._picture_s
            while not self._changed.wait_for(lambda: wait.answer is not None, most_s):
                most_s = self._picture_s
                if self._is_idle():
                    self._waits.remove(wait)
                    raise PerceptionLostError(f'no picture to look at: {why()}')
        assert wait.answer is not None
        if isinstance(wait.answer, CapError):
            raise wait.answer
        return wait.answer

    def serve(self, stamp_ns: int, search: Search, known: Callable[[], Sequence[str]]) -> None:
        """Look for all that is waited for in a new picture.

        Args:
            known: names of the objects that there are, for the texts of errors.
        """
        with self._changed:
            waits = list(self._waits)
        if not waits:
            return
        for wait in waits:
            wait.answer = _answer(wait, stamp_ns, search, known)
        with self._changed:
            self._waits = [wait for wait in self._waits if wait.answer is None]
            self._changed.notify_all()


def _answer(
    wait: _Wait, stamp_ns: int, search: Search, known: Callable[[], Sequence[str]]
) -> Finding | CapError | None:
    try:
        found = tuple((phrase, thing) for phrase in wait.phrases for thing in search(phrase))
    except UnknownPhraseError as error:
        return InvalidGoalError(str(error))
    except DetectorFaultError as error:
        return PerceptionLostError(str(error))
    if found:
        return Finding(stamp_ns, found)
    if time.monotonic() < wait.until:
        return None
    return ObjectNotFoundError(
        f'nothing in the picture is {" or ".join(map(repr, wait.phrases))}; '
        f'the scene has {list(known()) or "nothing"}'
    )
