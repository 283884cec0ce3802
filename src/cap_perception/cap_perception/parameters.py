"""The parameters of perception_node; config/perception.yaml holds their values."""

from __future__ import annotations

from dataclasses import dataclass

from cap_perception.detectors.parameters import (
    MdetrParameters,
    TopicParameters,
    TransformersParameters,
    VildParameters,
)
from cap_perception.shapes import Models
from cap_perception.tracker import TrackerConfig


@dataclass(frozen=True)
class PerceptionParameters:
    """Lengths in metres, workspace coordinates.

    Attributes:
        autostart: configure and activate the node itself; false: a lifecycle manager does.
        silence_s: an input that has not come for so long does not come any more [s].
        source: where scenes come from, a name in sources.SOURCES.
        detector: what finds objects in pictures, a name in detector.DETECTORS.
        phrases: what is looked for, such as 'block' (of any colour) or 'red bowl'.
        workspace_frame: TF frame of all poses.
        hide_robot: look for nothing where the robot's own links are in the picture, by its
            description and joint states.
        follow_held: what the skills say they hold goes with the tool, seen or not.
        region_low, region_high: opposite corners (x, y, z) of what is looked at.
        max_color_distance, min_height, max_flat_rms: see detectors.color.ColorConfig.
    """

    autostart: bool
    silence_s: float
    source: str
    detector: str
    phrases: tuple[str, ...]
    workspace_frame: str
    hide_robot: bool
    follow_held: bool
    region_low: tuple[float, ...]
    region_high: tuple[float, ...]
    max_color_distance: float
    min_height: float
    max_flat_rms: float
    models: Models
    tracker: TrackerConfig
    mdetr: MdetrParameters
    vild: VildParameters
    owlv2: TransformersParameters
    grounding_dino: TransformersParameters
    detections_topic: TopicParameters
