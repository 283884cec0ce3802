"""The model of a planner that has none. No ROS."""

from __future__ import annotations

from collections.abc import Sequence

from cap_planner.models.base import (
    Completion,
    Message,
    ModelUnavailableError,
    Options,
)


class UnavailableModel:
    """See LanguageModel: answers every question with the reason why there is no model."""

    def __init__(self, why: str) -> None:
        self._why = why

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        """Raise ModelUnavailableError."""
        raise ModelUnavailableError(self._why)
