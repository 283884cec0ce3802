"""Models of the library transformers from a folder; nothing is asked of any server."""

from __future__ import annotations

import os
from typing import Any

from cap_perception.detectors.extra import MissingWeightsError, package, weights


def load(folder: str, model_class: str, detector: str) -> tuple[Any, Any, Any]:
    """(torch, processor, model in evaluation mode).

    Raises:
        MissingPackageError: torch or transformers is not installed.
        MissingWeightsError: the folder is not there, or holds no such model.
    """
    path = weights(folder, f'{detector}.folder', f'the model of {detector}')
    # Read when the library is imported.
    os.environ.setdefault('HF_HUB_OFFLINE', '1')
    torch = package('torch', detector)
    transformers = package('transformers', detector)
    try:
        processor = transformers.AutoProcessor.from_pretrained(path, local_files_only=True)
        model = getattr(transformers, model_class).from_pretrained(path, local_files_only=True)
    except (OSError, ValueError) as error:
        raise MissingWeightsError(f'{path} holds no {model_class}: {error}') from error
    return torch, processor, model.eval()
