"""Where scenes come from: the protocol, and the providers by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from cap_perception.detector import load_provider
from cap_perception.types import Scene


class SceneSource(Protocol):
    """Made with a node, it listens to its topics and hands over each new scene.

    A scene is in the frame `workspace`, has the stamp of what was measured, unique names and stable
    ids. Stamps only grow, unless the clock began anew. Without new measurements there is no scene:
    an old one is never handed over again.
    """

    def forget(self) -> None:
        """Drop what is only remembered: somebody has rearranged the table."""
        ...

    def close(self) -> None:
        """End its threads."""
        ...


# Name in the configuration -> module:factory. A module is imported only when it is chosen.
SOURCES = {
    'camera': 'cap_perception.camera_source:CameraSource',
    'ground_truth': 'cap_perception.ground_truth:GroundTruthSource',
}


def make_source(
    name: str, node: Any, parameters: Any, on_scene: Callable[[Scene], None]
) -> SceneSource:
    """A source by its name in SOURCES.

    Raises:
        UnknownProviderError: no such source.
    """
    source: SceneSource = load_provider('scene source', name, SOURCES)(node, parameters, on_scene)
    return source
