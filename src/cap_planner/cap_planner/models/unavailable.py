"""The model of a planner that has none. No ROS."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cap_planner.models.base import MAX_TOKENS, Completion, Message, ModelUnavailableError, never


class UnavailableModel:
    """See LanguageModel: answers every question with the reason why there is no model."""

    def __init__(self, why: str) -> None:
        self._why = why

    def complete(
        self,
        messages: Sequence[Message],
        *,
        stop: Sequence[str] = (),
        max_tokens: int = MAX_TOKENS,
        deadline_s: float,
        canceled: Callable[[], bool] = never,
    ) -> Completion:
        """Raise ModelUnavailableError."""
        raise ModelUnavailableError(self._why)
