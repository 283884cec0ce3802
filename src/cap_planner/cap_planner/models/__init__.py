"""Language models behind one protocol: offline, any OpenAI-compatible endpoint, transcripts."""

from cap_planner.models.base import (
    Completion,
    LanguageModel,
    Message,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
)
from cap_planner.models.registry import SPECS, open_model
from cap_planner.models.transcript import RecordingModel, ReplayModel

__all__ = [
    'SPECS',
    'Completion',
    'LanguageModel',
    'Message',
    'ModelMalformedError',
    'ModelUnavailableError',
    'Options',
    'RecordingModel',
    'ReplayModel',
    'open_model',
]
