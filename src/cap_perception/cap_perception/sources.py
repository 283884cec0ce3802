"""Where scenes come from: the protocol, and the providers by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cap_perception.detector import load_provider
from cap_perception.health import Health
from cap_perception.lookout import Finding
from cap_perception.types import ByteImage, Scene


@dataclass(frozen=True, eq=False)
class View:
    """The picture that a scene is of.

    Attributes:
        rgb: (H, W, 3).
        frame_id: TF frame of the camera.
    """

    rgb: ByteImage
    frame_id: str


# A new scene, and its picture where it is of one. Called in any thread.
OnScene = Callable[[Scene, View | None], None]


class SceneSource(Protocol):
    """Made with a node, it loads what it needs; from `start` to `stop` it hands over new scenes.

    A scene is in the frame `workspace`, has the stamp of what was measured, unique names and stable
    ids. Stamps only grow, unless the clock began anew. Without new measurements there is no scene:
    an old one is never handed over again.

    Attributes:
        health: knows why there is no scene.
    """

    health: Health

    def start(self) -> None:
        """Subscribe; nothing is known yet."""
        ...

    def stop(self) -> None:
        """Unsubscribe, and end the threads. It may be started again."""
        ...

    def forget(self) -> None:
        """Drop what is only remembered: somebody has rearranged the table."""
        ...

    def look_for(self, phrases: Sequence[str], timeout_s: float) -> Finding:
        """See Lookout.look_for; to be called in a thread of its own."""
        ...


# Name in the configuration -> module:factory. A module is imported only when it is chosen.
SOURCES = {
    'camera': 'cap_perception.camera_source:CameraSource',
    'ground_truth': 'cap_perception.ground_truth:GroundTruthSource',
}


def make_source(name: str, node: Any, parameters: Any, on_scene: OnScene) -> SceneSource:
    """A source by its name in SOURCES.

    Raises:
        UnknownProviderError: no such source.
    """
    source: SceneSource = load_provider('scene source', name, SOURCES)(node, parameters, on_scene)
    return source
