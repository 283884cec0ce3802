"""One object over time, as the tracker knows it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix
from cap_perception.types import Look, Observation, SceneObject
from cap_perception.visibility import Place


@dataclass(eq=False)
class Track:
    """An object that is believed to be there, or was.

    Attributes:
        stamp_ns: when it was last seen, or known to be in the gripper.
        visible: seen in the newest frame, in which it looked like `look`.
        empty: frames in a row that saw its place empty.
        moving: incomplete sightings in a row that contradict where it is.
        rgb: when it was last seen whole.
    """

    id: str
    name: str
    last: Observation
    stamp_ns: int
    confidence: float
    visible: bool = True
    empty: int = 0
    place: Place = Place.OCCUPIED
    moving: int = 0
    look: Look | None = None
    rgb: tuple[float, float, float] | None = None

    @property
    def position(self) -> NDArray[np.float64]:
        """Its middle (3,) in workspace [m]."""
        return self.last.workspace_from_box[:3, 3]

    def distance(self, seen: Observation) -> float:
        """From its middle to that of an observation [m]."""
        return float(np.linalg.norm(self.position - seen.workspace_from_box[:3, 3]))

    def move(self, workspace_from_box: Matrix) -> None:
        """It is somewhere else."""
        self.last = replace(self.last, workspace_from_box=workspace_from_box)

    def scene_object(self, *, held: bool) -> SceneObject:
        """As a scene has it."""
        return SceneObject(
            id=self.id,
            name=self.name,
            class_name=self.last.class_name,
            color=self.last.color,
            workspace_from_box=self.last.workspace_from_box,
            size=self.last.size,
            confidence=float(np.clip(self.confidence, 0.0, 1.0)),
            stamp_ns=self.stamp_ns,
            visible=self.visible,
            rgb=self.rgb,
            pixels=None if self.look is None else self.look.pixels,
            mask=None if self.look is None else self.look.mask,
            held=held,
        )


def averaged(old: Observation, new: Observation, share: float = 0.3) -> Observation:
    """The new observation, its position and, where it is nearly level, yaw moved towards the old.

    Args:
        share: of the new one.
    """
    matrix: Matrix = new.workspace_from_box.copy()
    matrix[:3, 3] = (1 - share) * old.workspace_from_box[:3, 3] + share * new.workspace_from_box[
        :3, 3
    ]
    turn = old.workspace_from_box[:3, :3].T @ new.workspace_from_box[:3, :3]
    angle = float(np.arctan2(turn[1, 0], turn[0, 0]))
    if new.class_name == 'block':  # looks the same at every quarter turn
        angle = (angle + np.pi / 4) % (np.pi / 2) - np.pi / 4
    if turn[2, 2] > 0.9999 and abs(angle) < 0.1:
        cos, sin = np.cos(share * angle), np.sin(share * angle)
        matrix[:3, :3] = old.workspace_from_box[:3, :3] @ np.array(
            [[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]]
        )
    return replace(new, workspace_from_box=matrix)
