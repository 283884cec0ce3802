"""What flows through perception: a camera frame, masks, boxes, named objects, a scene. No ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix

ByteImage = NDArray[np.uint8]
FloatImage = NDArray[np.float32]
Mask = NDArray[np.bool_]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class CameraFrame:
    """One synchronised picture of a colour and depth camera.

    Attributes:
        rgb: (H, W, 3).
        depth: (H, W), along the optical axis [m] (REP-118); NaN, 0 or infinite: no measurement.
        intrinsics: 3x3 pinhole matrix [px].
        workspace_from_camera: 4x4, camera in the optical convention (z forward, x right, y down).
        stamp_ns: ROS time of the exposure.
        origin: (u, v) of its first pixel in the picture that the camera took [px].
    """

    rgb: ByteImage
    depth: FloatImage
    intrinsics: Matrix
    workspace_from_camera: Matrix
    stamp_ns: int
    origin: tuple[int, int] = (0, 0)


@dataclass(frozen=True, eq=False)
class Detection:
    """One object in the picture: what it is and which pixels are its own.

    Attributes:
        phrase: which of the phrases asked for it answers.
        class_name: 'block'; of a phrase without a known class its words without the colour.
        color: its name in the palette; '': not told, or none of these.
        box: (u0, v0, u1, v1) [px] of the frame the detector was given, half open.
        mask: (H, W) of that frame; None: the box is all that is known (see `segment`).
        score: 0 to 1; less than 0.5 is a thing of which too little is seen to be sure.
    """

    phrase: str
    class_name: str
    color: str
    box: Box
    mask: Mask | None
    score: float


@dataclass(frozen=True, eq=False)
class Look:
    """What one picture shows of an object.

    Attributes:
        rgb: mean colour of its pixels, each 0 to 1.
        pixels: (u0, v0, u1, v1) half open, in the camera's whole picture [px].
        mask: of that box, (v1 - v0, u1 - u0).
    """

    rgb: tuple[float, float, float]
    pixels: Box
    mask: Mask


@dataclass(frozen=True, eq=False)
class Observation:
    """A detection with its place: an oriented box in frame `workspace`.

    Attributes:
        workspace_from_box: 4x4; origin at the box's centre, z out of its top.
        size: full extents along the box's axes [m].
        complete: nothing in front of it was in the way of the fit; else the pose is a guess.
        is_plain: it is called by its class alone, not by its colour and class.
        look: None: made without a picture.
    """

    class_name: str
    color: str
    workspace_from_box: Matrix
    size: tuple[float, float, float]
    score: float
    complete: bool
    is_plain: bool = False
    look: Look | None = None


@dataclass(frozen=True, eq=False)
class HeldPose:
    """Something is in the gripper, and this is where.

    Attributes:
        workspace_from_tool: 4x4, of the tool's working point (URDF link `tcp`), at the picture's
            stamp.
    """

    workspace_from_tool: Matrix


@dataclass(frozen=True, eq=False)
class SceneObject:
    """One tracked object; fields as in cap_interfaces/SceneObject.msg.

    Attributes:
        stamp_ns: when it was last seen, or known to be in the gripper.
        visible: it was seen in the scene's own frame.
        rgb: mean colour when last seen whole, each 0 to 1; None: never measured.
        pixels: (u0, v0, u1, v1) half open, in the camera's whole picture [px]; None: not seen.
        mask: of that box, (v1 - v0, u1 - u0); None: not seen.
        held: in the gripper; the pose follows that, seen or not.
    """

    id: str
    name: str
    class_name: str
    color: str
    workspace_from_box: Matrix
    size: tuple[float, float, float]
    confidence: float
    stamp_ns: int
    visible: bool
    rgb: tuple[float, float, float] | None = None
    pixels: Box | None = None
    mask: Mask | None = None
    held: bool = False


@dataclass(frozen=True)
class Scene:
    """Everything known at one moment, in frame `workspace`."""

    stamp_ns: int
    objects: tuple[SceneObject, ...]
