"""From one camera frame to a scene: crop, denoise, detect, fit, track. No ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cap_perception.boxes import observe
from cap_perception.deproject import crop_to_box, denoise
from cap_perception.detector import Detector
from cap_perception.parameters import PerceptionParameters
from cap_perception.segment import with_masks
from cap_perception.tracker import Tracker
from cap_perception.types import CameraFrame, HeldPose, Mask, Scene

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

    def forget(self) -> None:
        """Know of no object any more; the next frames make them new."""
        self._tracker = Tracker(self._parameters.tracker)
        self._frames = 0

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
        detections = self._detector.detect(clear, self._parameters.phrases)
        detections = with_masks(clear, detections, self._parameters.min_height)
        observations = observe(clear, detections, self._parameters.models)
        inside = [
            o
            for o in observations
            if (o.workspace_from_box[:2, 3] >= self._low[:2]).all()
            and (o.workspace_from_box[:2, 3] <= self._high[:2]).all()
        ]
        scene = self._tracker.update(frame, inside, held)
        self._frames += 1
        return scene if self._frames >= self._parameters.tracker.confirm_frames else None
