"""What a language model is to the planner. No ROS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict

from cap_common.errors import CapError

MAX_TOKENS = 4096


def never() -> bool:
    """Nobody cancels."""
    return False


class Message(TypedDict):
    """One chat message, as every chat API has it."""

    role: Literal['system', 'user', 'assistant']
    content: str


class ModelUnavailableError(CapError):
    """No answer: no key, no endpoint, refused or too late. The text says what to do."""

    name = 'MODEL_UNAVAILABLE'


class ModelMalformedError(CapError):
    """The model answered, and the answer is not the program that was asked for."""

    name = 'MODEL_MALFORMED'


@dataclass(frozen=True)
class Completion:
    """One answer.

    Attributes:
        text: as the model wrote it.
        model: its name, as the endpoint tells it.
        prompt_tokens: as the endpoint counts them; 0 where nobody counts.
        completion_tokens: likewise.
        duration_s: on the steady clock, retries included [s].
    """

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    duration_s: float


@dataclass(frozen=True)
class Options:
    """What is asked of a completion, beside the messages.

    Attributes:
        deadline_s: how long it may take from now, retries included [s].
        stop: texts before the first of which the answer is cut.
        max_tokens: of the answer, with what a reasoning model thinks before it.
        canceled: polled by models that wait; true ends the wait.
    """

    deadline_s: float
    stop: tuple[str, ...] = ()
    max_tokens: int = MAX_TOKENS
    canceled: Callable[[], bool] = never


class LanguageModel(Protocol):
    """Messages in, text out. Safe to call from several threads."""

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """The answer to the last message.

        Raises:
            ModelUnavailableError: there is no answer, or nobody waits for it any longer.
            ModelMalformedError: there is one, without usable text.
        """
        ...


def cut_at_stop(text: str, stop: Sequence[str]) -> str:
    """The text before the first stop text."""
    for mark in stop:
        text = text.split(mark, 1)[0]
    return text
