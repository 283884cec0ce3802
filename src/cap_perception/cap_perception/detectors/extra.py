"""What the default install lacks: packages of the extra [neural], and weights."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any


class MissingPackageError(ImportError):
    """A detector's Python package is not installed; the text names the extra that has it."""


class MissingWeightsError(FileNotFoundError):
    """A detector's weights are not where the configuration says; the text names the path."""


def package(name: str, detector: str) -> Any:
    """A package that only some detectors need, imported now.

    Raises:
        MissingPackageError: it is not installed, or itself lacks something.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingPackageError(
            f'detector {detector!r} needs the Python package {name!r} of the extra [neural], which '
            f'cannot be imported: {error}. docs/perception.md says how to install the extra.'
        ) from error


def weights(path: str, parameter: str, what: str) -> Path:
    """A file or folder that the configuration names.

    Args:
        parameter: of perception_node, such as 'mdetr.weights'.
        what: it is, in words.

    Raises:
        MissingWeightsError: it is not there.
    """
    if not path:
        raise MissingWeightsError(f'parameter {parameter} of perception is empty: where is {what}?')
    found = Path(path).expanduser()
    if not found.exists():
        raise MissingWeightsError(f'there is no {found} (parameter {parameter}: {what})')
    return found
