"""The scene as programs see it: named objects in the frame `workspace`. No ROS."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from cap_common.errors import ObjectNotFoundError
from cap_planner.api.spec import Mask, Point
from cap_planner.sandbox.text import mixes_alphabets


@dataclass(frozen=True)
class SceneObject:
    """One object.

    Attributes:
        position: centre of its oriented box, (x, y, z) [m].
        size: full extents of the box along its own axes [m].
        yaw: of the box about z [rad].
        visible: seen in the newest frame; false: hidden, and believed to be where it was.
        held: it hangs on the gripper.
        rgb: mean of its pixels, each 0 to 1; None: not measured.
        mask: reference of its mask in the scene's picture; '': none.
    """

    name: str
    class_name: str
    color: str
    position: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw: float
    visible: bool
    rgb: tuple[float, float, float] | None = None
    mask: str = ''
    held: bool = False

    @property
    def xy(self) -> Point:
        """Centre seen from above, shape (2,)."""
        return np.array(self.position[:2])

    @property
    def bbox(self) -> list[float]:
        """[x_min, y_min, x_max, y_max] of the turned box."""
        cos, sin = abs(math.cos(self.yaw)), abs(math.sin(self.yaw))
        half_x = (self.size[0] * cos + self.size[1] * sin) / 2
        half_y = (self.size[0] * sin + self.size[1] * cos) / 2
        x, y, _ = self.position
        return [x - half_x, y - half_y, x + half_x, y + half_y]

    @property
    def bottom(self) -> float:
        """Height of its lower face [m]."""
        return self.position[2] - self.size[2] / 2

    @property
    def top(self) -> float:
        """Height of its upper face, of a bowl's rim [m]."""
        return self.position[2] + self.size[2] / 2


@dataclass(frozen=True)
class Scene:
    """All objects at one time; `stamp_ns` is the ROS time of the image."""

    stamp_ns: int
    objects: tuple[SceneObject, ...]

    @property
    def names(self) -> list[str]:
        """Names, in the order of the scene."""
        return [item.name for item in self.objects]

    def find(self, name: str, also: Iterable[str] = ()) -> SceneObject:
        """The object of that name; case, underscores and a leading 'the' do not matter.

        Args:
            also: what else could have been meant, for the error's text.

        Raises:
            ObjectNotFoundError: with the names that exist.
        """
        wanted = normalize_name(name)
        for item in self.objects:
            if normalize_name(item.name) == wanted:
                return item
        places = list(also)
        reads = f' (in letters that look alike: {name!a})' if mixes_alphabets(name) else ''
        raise ObjectNotFoundError(
            f'no object {name!r}{reads}; the scene has {self.names or "nothing"}'
            + (f'; named places are {places}' if places else '')
        )

    def as_data(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


class SceneSource(Protocol):
    """Where the broker has scenes from."""

    def latest(self) -> Scene:
        """The newest scene, if it is fresh.

        Raises:
            PerceptionLostError: none, or too old.
        """
        ...

    def newer(self, than_ns: int) -> Scene:
        """Wait for a scene whose image was taken after `than_ns` of ROS time.

        Raises:
            PerceptionLostError: none came in time.
        """
        ...

    def now_ns(self) -> int:
        """ROS time."""
        ...


class Eyes(Protocol):
    """What perception does when it is asked."""

    def look_for(self, phrase: str, timeout_s: float) -> tuple[SceneObject, ...]:
        """What a phrase means in the first picture that shows any such thing; () if none does.

        A thing of the scene has its name there; the name of any other is the phrase.

        Raises:
            InvalidGoalError: no detector could look for it.
            PerceptionLostError: no picture came.
        """
        ...

    def mask(self, item: SceneObject) -> Mask:
        """The pixels of an object of a scene that is some seconds old at most, (H, W).

        Raises:
            ObjectNotFoundError: it is not seen in the scene's picture, or that is too old.
            PerceptionLostError: perception does not answer.
        """
        ...


def normalize_name(name: str) -> str:
    """Lower case, single spaces, no leading article."""
    words = name.lower().replace('_', ' ').split()
    return ' '.join(words[1:] if words[:1] in (['the'], ['a'], ['an']) else words)
