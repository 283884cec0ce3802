"""The simulator's knowledge as a detector, for tests of what comes after detection.

A thing's pixels are those whose measured points lie in its box: what hides it, hides it here, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cap_perception.deproject import workspace_image
from cap_perception.parameters import PerceptionParameters
from cap_perception.phrases import Phrase, answered, parse_phrases
from cap_perception.segment import apart, box_around
from cap_perception.types import CameraFrame, Detection, Scene, SceneObject

_MARGIN = 0.004  # [m] by which depth is off
_MIN_PIXELS = 12
_KEPT = 50


class NoTruthError(LookupError):
    """Nobody has told of any truth yet."""


class GroundTruthDetector:
    """A ListeningDetector; without a node `hear` tells it the truth."""

    def __init__(self, parameters: PerceptionParameters) -> None:
        self._parameters = parameters
        self._scenes: deque[Scene] = deque(maxlen=_KEPT)
        self._source: Any = None

    def start(self, node: Any) -> None:
        """See ListeningDetector."""
        from cap_perception.ground_truth import GroundTruthSource  # noqa: PLC0415 - needs ROS

        self._source = GroundTruthSource(node, self._parameters, lambda scene, _: self.hear(scene))
        self._source.start()

    def stop(self) -> None:
        """See ListeningDetector."""
        self._source.stop()

    def hear(self, scene: Scene) -> None:
        """Take a truth."""
        self._scenes.append(scene)

    def detect(self, frame: CameraFrame, phrases: Sequence[str]) -> list[Detection]:
        """See Detector; by the truth next to the picture's stamp.

        Raises:
            NoTruthError: there is none.
        """
        asked = parse_phrases(phrases)
        scenes = list(self._scenes)
        if not scenes:
            raise NoTruthError("detector 'ground_truth' has heard of no truth: is it a simulation?")
        scene = min(scenes, key=lambda scene: abs(scene.stamp_ns - frame.stamp_ns))
        return detections_of(scene.objects, frame, asked, self._parameters.min_height)


def detections_of(
    things: Iterable[SceneObject], frame: CameraFrame, asked: Iterable[Phrase], min_height: float
) -> list[Detection]:
    """What a perfect detector would find in a picture.

    Args:
        min_height: z in workspace [m]; lower is the table.
    """
    asked = list(asked)
    points = workspace_image(frame).astype(float)
    stands = points[..., 2] > min_height
    found = []
    for thing in things:
        if (phrase := answered(asked, thing.color, thing.class_name)) is None:
            continue
        rotation, centre = thing.workspace_from_box[:3, :3], thing.workspace_from_box[:3, 3]
        with np.errstate(invalid='ignore'):
            local = np.abs((points - centre) @ rotation)
            mask = np.asarray((local <= np.array(thing.size) / 2 + _MARGIN).all(axis=-1) & stands)
        if mask.sum() >= _MIN_PIXELS:
            box = box_around(mask)
            found.append(Detection(phrase.text, thing.class_name, thing.color, box, mask, 1.0))
    return apart(found)


def from_parameters(parameters: PerceptionParameters) -> GroundTruthDetector:
    """The detector; see `start`."""
    return GroundTruthDetector(parameters)
