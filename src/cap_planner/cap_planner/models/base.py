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


class ModelError(CapError):
    """There is no usable answer.

    Attributes:
        prompt_tokens: what the call used up all the same; see Completion.
        completion_tokens: likewise.
        tokens_estimated: likewise.
    """

    prompt_tokens = 0
    completion_tokens = 0
    tokens_estimated = False


class ModelUnavailableError(ModelError):
    """No answer: no key, no endpoint, refused or too late. The text says what to do."""

    name = 'MODEL_UNAVAILABLE'


class PromptTooLongError(ModelUnavailableError):
    """The prompt does not fit into the model's window; the same one will never be answered."""


class ModelMalformedError(ModelError):
    """The model answered, and the answer is not the program that was asked for."""

    name = 'MODEL_MALFORMED'


@dataclass(frozen=True)
class Completion:
    """One answer.

    Tokens are what this call used up, in all of its tries: as the endpoint counts them, or else an
    estimate. An answer that no model was asked for now (offline, replayed, cached) used up none.

    Attributes:
        text: as the model wrote it.
        model: its name, as the endpoint tells it; of a replayed or cached answer it says so.
        prompt_tokens: of the messages.
        completion_tokens: of the answer, with what a reasoning model thinks before it.
        duration_s: on the steady clock, retries included [s].
        tokens_estimated: some of the tokens nobody has counted; see estimated_tokens.
    """

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    duration_s: float
    tokens_estimated: bool = False


@dataclass(frozen=True)
class Options:
    """What is asked of a completion, beside the messages.

    Attributes:
        deadline_s: how long it may take from now, retries included [s].
        stop: texts before the first of which the answer is cut.
        max_tokens: of the answer, with what a reasoning model thinks before it.
        temperature: of the sampling; 0 asks for the most likely answer.
        canceled: polled by models that wait; true ends the wait.
    """

    deadline_s: float
    stop: tuple[str, ...] = ()
    max_tokens: int = MAX_TOKENS
    temperature: float = 0.0
    canceled: Callable[[], bool] = never


class LanguageModel(Protocol):
    """Messages in, text out. Safe to call from several threads."""

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """The answer to the last message.

        Raises:
            ModelUnavailableError: there is no answer, or nobody waits for it any longer;
                PromptTooLongError is one.
            ModelMalformedError: there is one, without usable text.
        """
        ...


def cut_at_stop(text: str, stop: Sequence[str]) -> str:
    """The text before the first stop text."""
    for mark in stop:
        text = text.split(mark, 1)[0]
    return text


_TOKENS_PER_MESSAGE = 8  # at most: its role and its ends


def estimated_tokens(text: str) -> int:
    """How many tokens a text may have, where nobody counts: one for three bytes of UTF-8.

    Rather too many than too few, because budgets are kept by it: the vocabularies of today take 3
    to 4.5 bytes of English or code for a token, and about one Chinese character, which is 3 bytes.
    """
    return -(-len(text.encode(errors='replace')) // 3)


def estimated_prompt_tokens(messages: Sequence[Message]) -> int:
    """How many tokens the messages of a prompt may have; see estimated_tokens."""
    return sum(_TOKENS_PER_MESSAGE + estimated_tokens(message['content']) for message in messages)
