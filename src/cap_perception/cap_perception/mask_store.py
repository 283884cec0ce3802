"""The masks of the newest scenes, for whoever saw one of them and asks later. No ROS."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from cap_common.errors import InvalidGoalError, ObjectNotFoundError
from cap_perception.types import Box, Mask, Scene


def mask_reference(stamp_ns: int, object_id: str) -> str:
    """What SceneObject.mask says of an object that is seen in the picture of that stamp."""
    return f'{stamp_ns}/{object_id}'


@dataclass(frozen=True, eq=False)
class StoredMask:
    """The pixels of an object in one picture.

    Attributes:
        box: (u0, v0, u1, v1) [px] of the picture, half open.
        mask: (v1 - v0, u1 - u0).
        size: (height, width) of the picture [px].
        frame_id: TF frame of the camera.
    """

    stamp_ns: int
    box: Box
    mask: Mask
    size: tuple[int, int]
    frame_id: str


class MaskStore:
    """Thread-safe.

    Args:
        scenes: how many scenes' masks are kept.
    """

    def __init__(self, scenes: int) -> None:
        self._most = scenes
        self._lock = threading.Lock()
        self._scenes: OrderedDict[int, dict[str, StoredMask]] = OrderedDict()

    def keep(self, scene: Scene, size: tuple[int, int], frame_id: str) -> None:
        """Keep the masks of a scene's objects, for a picture of `size` (height, width) [px]."""
        masks = {
            mask_reference(scene.stamp_ns, thing.id): StoredMask(
                scene.stamp_ns, thing.pixels, thing.mask, size, frame_id
            )
            for thing in scene.objects
            if thing.mask is not None and thing.pixels is not None
        }
        with self._lock:
            self._scenes[scene.stamp_ns] = masks
            self._scenes.move_to_end(scene.stamp_ns)
            while len(self._scenes) > self._most:
                self._scenes.popitem(last=False)

    def get(self, references: Sequence[str]) -> list[StoredMask]:
        """The masks of references.

        Raises:
            InvalidGoalError: no reference, or an empty one.
            ObjectNotFoundError: one is not kept.
        """
        if not references or not all(references):
            raise InvalidGoalError(
                f'masks asked for: {list(references)}; give references from SceneObject.mask, '
                'which is empty where the object is not seen'
            )
        with self._lock:
            kept = {name: mask for masks in self._scenes.values() for name, mask in masks.items()}
        if missing := [name for name in references if name not in kept]:
            raise ObjectNotFoundError(
                f'no mask {missing} is kept; there are those of the last {self._most} scenes'
            )
        return [kept[name] for name in references]
