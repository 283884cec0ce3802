"""The scene as skills act on it: fresh, and with what the arm hides from the camera. No ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cap_common.errors import PerceptionLostError
from cap_skills.model import Item, SceneView


class SceneMemory:
    """What is there.

    Args:
        read: what is known of the world now, in base_link.
        most_s: age of the oldest scene to act on [s].

    Attributes:
        placed: what the arm has put down, and hides until it parks.
    """

    def __init__(self, read: Callable[[], SceneView], most_s: float) -> None:
        self._read = read
        self._most_s = most_s
        self.placed: Item | None = None

    def latest(self) -> SceneView:
        """The scene, fresh or not; what was put down last is where it was put."""
        scene, placed = self._read(), self.placed
        if placed is None:
            return scene
        seen = tuple(item for item in scene.items if item.name != placed.name)
        return replace(scene, items=(*seen, placed))

    def require(self) -> SceneView:
        """The same, if it is fresh enough to act on.

        Raises:
            PerceptionLostError: it is not.
        """
        scene = self.latest()
        if scene.age_s > self._most_s:
            raise PerceptionLostError(
                f'the scene is {scene.age_s:.1f} s old: {self._most_s:.1f} s is the most'
            )
        return scene
