"""From one camera frame to a scene: crop, denoise, detect, fit, track. No ROS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from cap_perception.boxes import observe
from cap_perception.coloring import with_colors
from cap_perception.deproject import crop_to_box, denoise
from cap_perception.detector import Detector
from cap_perception.parameters import PerceptionParameters
from cap_perception.segment import with_masks
from cap_perception.tracker import Tracker
from cap_perception.types import CameraFrame, HeldPose, Mask, Observation, Scene, SceneObject

# Depth of the robot's pixels [m]. Were they without any, what it covers in part would look whole.
_IN_FRONT = np.float32(0.3)


class Pipeline:
    """Frames in the order of their stamps; each gives the scene as it is then known.

    A stamp before the last one means that the clock began anew: what was known is dropped. As long
    as the first things are only being confirmed there is no scene: an empty one would be a lie.
    """

    def __init__(self, detector: Detector, parameters: PerceptionParameters) -> None:
        self._detector = detector
        self._parameters = parameters
        self._low, self._high = np.array(parameters.region_low), np.array(parameters.region_high)
        self._tracker = Tracker(parameters.tracker)
        self._stamp_ns = 0
        self._frames = 0
        self._newest: tuple[CameraFrame, Scene] | None = None

    def forget(self) -> None:
        """Know of no object any more; the next frames make them new."""
        self._tracker = Tracker(self._parameters.tracker)
        self._frames = 0
        self._newest = None

    def process(
        self,
        frame: CameraFrame,
        robot: Callable[[CameraFrame], Mask] | None = None,
        held: HeldPose | None = None,
    ) -> Scene | None:
        """The scene after this frame; None: not yet.

        Args:
            robot: where the robot itself is in a picture; nothing is looked for there.
            held: None: the gripper holds nothing, or nobody knows.

        Raises:
            UnsupportedImageError: the region is out of the camera's sight.
            NoPhrasesError, UnknownPhraseError: what is looked for cannot be.
        """
        if frame.stamp_ns < self._stamp_ns:
            self.forget()
        self._stamp_ns = frame.stamp_ns
        frame = denoise(crop_to_box(frame, self._low, self._high))
        clear = frame
        if robot is not None:
            clear = replace(frame, depth=np.where(robot(frame), _IN_FRONT, frame.depth))
        scene = self._tracker.update(frame, self._observe(clear, self._parameters.phrases), held)
        self._newest = clear, scene
        self._frames += 1
        return scene if self._frames >= self._parameters.tracker.confirm_frames else None

    def look(self, phrase: str) -> list[SceneObject]:
        """What the newest frame shows that answers a phrase.

        An object that the scene has is told as it has it; another has no id, and the phrase as its
        name. The scene stays as it is.

        Raises:
            NoPhrasesError, UnknownPhraseError: it cannot be looked for.
        """
        if self._newest is None:
            return []
        frame, scene = self._newest
        found = []
        for observation in self._observe(frame, [phrase]):
            same = [thing for thing in scene.objects if self._is_same(observation, thing)]
            found.append(same[0] if same else _unnamed(observation, phrase, frame.stamp_ns))
        return found

    def _observe(self, frame: CameraFrame, phrases: Sequence[str]) -> list[Observation]:
        """Everything in a frame that answers one of the phrases and is inside the region."""
        detections = self._detector.detect(frame, phrases)
        detections = with_masks(frame, detections, self._parameters.min_height)
        detections = with_colors(frame, detections, self._parameters.max_color_distance)
        return [
            o
            for o in observe(frame, detections, self._parameters.models)
            if (o.workspace_from_box[:2, 3] >= self._low[:2]).all()
            and (o.workspace_from_box[:2, 3] <= self._high[:2]).all()
        ]

    def _is_same(self, observation: Observation, thing: SceneObject) -> bool:
        offset = observation.workspace_from_box[:3, 3] - thing.workspace_from_box[:3, 3]
        return (
            (thing.class_name, thing.color) == (observation.class_name, observation.color)
            and thing.visible
            and float(np.linalg.norm(offset)) < self._parameters.tracker.near
        )


def _unnamed(observation: Observation, phrase: str, stamp_ns: int) -> SceneObject:
    look = observation.look
    return SceneObject(
        id='',
        name=phrase,
        class_name=observation.class_name,
        color=observation.color,
        workspace_from_box=observation.workspace_from_box,
        size=observation.size,
        confidence=observation.score,
        stamp_ns=stamp_ns,
        visible=True,
        rgb=None if look is None else look.rgb,
        pixels=None if look is None else look.pixels,
        mask=None if look is None else look.mask,
    )
