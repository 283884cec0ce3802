"""Language models behind one protocol: offline, any OpenAI-compatible endpoint, transcripts."""

from cap_planner.models.base import (
    Completion,
    LanguageModel,
    Message,
    ModelError,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
    PromptTooLongError,
)
from cap_planner.models.registry import SPECS, open_model
from cap_planner.models.replay import ReplayModel
from cap_planner.models.transcript import RecordingModel

__all__ = [
    'SPECS',
    'Completion',
    'LanguageModel',
    'Message',
    'ModelError',
    'ModelMalformedError',
    'ModelUnavailableError',
    'Options',
    'PromptTooLongError',
    'RecordingModel',
    'ReplayModel',
    'open_model',
]
