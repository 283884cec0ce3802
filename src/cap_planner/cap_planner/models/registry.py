"""Models by name. No ROS.

- `offline`: the rule-based model, without a key or a network.
- `openai:NAME`: a model of the endpoint at OPENAI_BASE_URL, such as `openai:gpt-4o`.
- `replay:FILE`: answers from a transcript, which `record` or a person wrote;
  `replay:DATABASE#ID`: from one instruction of an evidence database.
- `record:FILE=MODEL`: the answers of another model, which are added to a file; such as
  `record:out/t.jsonl=openai:gpt-4o`.
- `cache:FILE=MODEL`: another model, which is asked only what is not in the file yet; such as
  `cache:out/cache.db=openai:gpt-4o`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cap_planner.models.base import LanguageModel, ModelUnavailableError
from cap_planner.models.replay import ReplayModel, open_replay


def _offline(_: str) -> LanguageModel:
    from cap_planner.models.offline import OfflineModel  # noqa: PLC0415

    return OfflineModel()


def _openai(name: str) -> LanguageModel:
    # Imported on demand: the client takes most of a second to load.
    from cap_planner.models.openai_model import OpenAiModel  # noqa: PLC0415

    try:
        return OpenAiModel(name)
    except ModelUnavailableError:
        raise
    except Exception as error:
        # The client's libraries raise errors of several kinds for what is no URL or no key.
        raise ModelUnavailableError(
            f'openai:{name} cannot be opened: {type(error).__name__}: {error}; look at '
            'OPENAI_BASE_URL (such as http://localhost:11434/v1) and OPENAI_API_KEY'
        ) from error


def _record(rest: str) -> LanguageModel:
    from cap_planner.models.transcript import RecordingModel  # noqa: PLC0415

    path, spec = _file_and_model('record', rest, 'out/t.jsonl')
    return RecordingModel(open_model(spec), path, spec)


def _cache(rest: str) -> LanguageModel:
    from cap_planner.models.cache import CachedModel  # noqa: PLC0415

    path, spec = _file_and_model('cache', rest, 'out/cache.db')
    # Two endpoints may call different models the same.
    return CachedModel(open_model(spec), path, f'{spec} at {os.environ.get("OPENAI_BASE_URL")}')


def _file_and_model(kind: str, rest: str, example: str) -> tuple[Path, str]:
    path, _, spec = rest.partition('=')
    if not path or not spec:
        raise ModelUnavailableError(
            f'{kind}:{rest} names no file or no model; write {kind}:FILE=MODEL, '
            f'such as {kind}:{example}=openai:gpt-4o'
        )
    return Path(path).expanduser(), spec


# Kind -> (what has to follow the colon, maker).
_KINDS: dict[str, tuple[str, Callable[[str], LanguageModel]]] = {
    'offline': ('', _offline),
    'openai': ('NAME', _openai),
    'replay': ('FILE', open_replay),
    'record': ('FILE=MODEL', _record),
    'cache': ('FILE=MODEL', _cache),
}

SPECS = tuple(f'{kind}:{rest}' if rest else kind for kind, (rest, _) in _KINDS.items())
"""How a model can be named."""


def open_model(spec: str, others: Mapping[str, LanguageModel] = {}) -> LanguageModel:
    """The model that a text such as 'offline' or 'openai:gpt-4o' names.

    Args:
        others: models that are asked in turn with this one, by such texts. Those with one record
            give each of its answers once.

    Raises:
        ModelUnavailableError: no such model, or it cannot be used; the text says what exists, or
            which setting to look at.
    """
    if isinstance(other := others.get(spec), ReplayModel):
        return other.beside()
    kind, _, rest = spec.strip().partition(':')
    if kind not in _KINDS or bool(rest) != bool(_KINDS[kind][0]):
        raise ModelUnavailableError(f'no model {spec!r}; there are {", ".join(SPECS)}')
    return _KINDS[kind][1](rest)
