"""Models by name. No ROS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cap_planner.models.base import LanguageModel, ModelUnavailableError


def _offline(_: str) -> LanguageModel:
    from cap_planner.models.offline import OfflineModel  # noqa: PLC0415

    return OfflineModel()


def _openai(name: str) -> LanguageModel:
    # Imported on demand: the client takes most of a second to load.
    from cap_planner.models.openai_model import OpenAiModel  # noqa: PLC0415

    return OpenAiModel(name)


def _replay(path: str) -> LanguageModel:
    from cap_planner.models.transcript import ReplayModel  # noqa: PLC0415

    return ReplayModel(Path(path).expanduser())


# Kind -> (what has to follow the colon, maker).
_KINDS: dict[str, tuple[str, Callable[[str], LanguageModel]]] = {
    'offline': ('', _offline),
    'openai': ('NAME', _openai),
    'replay': ('FILE', _replay),
}

SPECS = tuple(f'{kind}:{rest}' if rest else kind for kind, (rest, _) in _KINDS.items())
"""How a model can be named."""


def open_model(spec: str) -> LanguageModel:
    """The model that a text such as 'offline' or 'openai:gpt-4o' names.

    Raises:
        ModelUnavailableError: no such model, or it cannot be used; the text says what exists.
    """
    kind, _, rest = spec.strip().partition(':')
    if kind not in _KINDS or bool(rest) != bool(_KINDS[kind][0]):
        raise ModelUnavailableError(f'no model {spec!r}; there are {", ".join(SPECS)}')
    return _KINDS[kind][1](rest)
