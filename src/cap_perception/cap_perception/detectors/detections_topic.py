"""Detections that any other node publishes as vision_msgs/Detection2DArray.

They are of the camera's whole picture, and have the picture's stamp: that is how they are matched.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cap_perception.detectors.open_vocabulary import confidence, whole_pixels
from cap_perception.parameters import PerceptionParameters
from cap_perception.phrases import parse_phrases
from cap_perception.types import CameraFrame, Detection
from cap_perception.words import Words

_KEPT = 50


class NoDetectionsError(TimeoutError):
    """Nobody has published detections of a picture in time."""


@dataclass(frozen=True)
class LabelledBox:
    """One detection of another node.

    Attributes:
        centre, size: (u, v) [px] of the camera's whole picture, in which pixel 0 is from 0 to 1.
    """

    label: str
    score: float
    centre: tuple[float, float]
    size: tuple[float, float]


class Inbox:
    """What came, by stamp, for those who wait for it. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._boxes: OrderedDict[int, tuple[LabelledBox, ...]] = OrderedDict()

    def put(self, stamp_ns: int, boxes: Iterable[LabelledBox]) -> None:
        """Keep what is of a picture; the oldest goes."""
        with self._changed:
            self._boxes[stamp_ns] = tuple(boxes)
            while len(self._boxes) > _KEPT:
                self._boxes.popitem(last=False)
            self._changed.notify_all()

    def wait_for(self, stamp_ns: int, timeout_s: float) -> tuple[LabelledBox, ...] | None:
        """What is of a picture; None: it has not come in time."""
        with self._changed:
            self._changed.wait_for(lambda: stamp_ns in self._boxes, timeout_s)
            return self._boxes.get(stamp_ns)


class TopicDetector:
    """A ListeningDetector.

    Args:
        timeout_s: how long detections may come after their picture.
        threshold: least score.
        words: from our phrases to the labels of the other node.
    """

    def __init__(self, topic: str, timeout_s: float, threshold: float, words: Words) -> None:
        self.inbox = Inbox()
        self._topic = topic
        self._timeout_s = timeout_s
        self._threshold = threshold
        self._words = words
        self._node: Any = None
        self._subscription: Any = None

    def start(self, node: Any) -> None:
        """See ListeningDetector."""
        from vision_msgs.msg import Detection2DArray  # noqa: PLC0415 - needs ROS

        from cap_common.qos import SENSOR  # noqa: PLC0415

        self.inbox = Inbox()  # of another run of a simulation stamps come again
        self._node = node
        self._subscription = node.create_subscription(
            Detection2DArray, self._topic, self._take, SENSOR
        )

    def stop(self) -> None:
        """See ListeningDetector."""
        self._node.destroy_subscription(self._subscription)

    def _take(self, message: Any) -> None:
        stamp = message.header.stamp
        self.inbox.put(stamp.sec * 1_000_000_000 + stamp.nanosec, boxes_of(message))

    def detect(self, frame: CameraFrame, phrases: Sequence[str]) -> list[Detection]:
        """See Detector. Labels that nobody asked for are left out.

        Raises:
            NoDetectionsError: none of this picture came in time.
        """
        asked = parse_phrases(phrases)
        boxes = self.inbox.wait_for(frame.stamp_ns, self._timeout_s)
        if boxes is None:
            raise NoDetectionsError(
                f'no vision_msgs/Detection2DArray on {self._topic!r} within {self._timeout_s:g} s '
                "that has the picture's stamp"
            )
        found = []
        for each in boxes:
            phrase = self._words.meant(each.label, asked)
            if phrase is None or each.score < self._threshold:
                continue
            centre, half = np.array(each.centre) - frame.origin, np.array(each.size) / 2
            box = whole_pixels(np.hstack([centre - half, centre + half]), frame.depth.shape)
            if box is not None:
                score = confidence(each.score, self._threshold)
                found.append(Detection(phrase.text, phrase.noun, phrase.color, box, None, score))
        return found


def boxes_of(message: Any) -> list[LabelledBox]:
    """The boxes of a vision_msgs/Detection2DArray, each by its best hypothesis."""
    boxes = []
    for detection in message.detections:
        if not detection.results:
            continue
        best = max(detection.results, key=lambda result: float(result.hypothesis.score)).hypothesis
        centre = detection.bbox.center.position
        size = (detection.bbox.size_x, detection.bbox.size_y)
        boxes.append(LabelledBox(best.class_id, best.score, (centre.x, centre.y), size))
    return boxes


def from_parameters(parameters: PerceptionParameters) -> TopicDetector:
    """The detector as configured; see `start`."""
    mine = parameters.detections_topic
    return TopicDetector(mine.topic, mine.timeout_s, mine.threshold, Words(mine.words))
