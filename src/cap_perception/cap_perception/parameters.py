"""The parameters of perception_node; config/perception.yaml holds their values."""

from __future__ import annotations

from dataclasses import dataclass

from cap_perception.shapes import Models
from cap_perception.tracker import TrackerConfig
from cap_perception.types import Region


@dataclass(frozen=True)
class PerceptionParameters:
    """Lengths in metres, workspace coordinates.

    Attributes:
        source: where scenes come from, a name in sources.SOURCES.
        detector: what finds objects in pictures, a name in detector.DETECTORS.
        workspace_frame: TF frame of all poses.
        region_low, region_high: opposite corners (x, y, z) of what is looked at.
        color_names, color_rgb: the palette; three numbers, 0 to 255, per name.
        max_color_distance, min_height, max_flat_rms: see color_shape.ColorShapeConfig.
        block_size, bowl_diameter, bowl_height, size_tolerance: see shapes.Models.
        near to min_confidence: see tracker.TrackerConfig.
    """

    source: str
    detector: str
    workspace_frame: str
    region_low: tuple[float, ...]
    region_high: tuple[float, ...]
    color_names: tuple[str, ...]
    color_rgb: tuple[int, ...]
    max_color_distance: float
    min_height: float
    max_flat_rms: float
    block_size: float
    bowl_diameter: float
    bowl_height: float
    size_tolerance: float
    near: float
    still: float
    confirm_frames: int
    empty_frames: int
    birth_max_height: float
    birth_min_score: float
    memory_s: float
    hidden_decay_s: float
    min_confidence: float

    def models(self) -> Models:
        """The shapes looked for."""
        return Models(self.block_size, self.bowl_diameter, self.bowl_height, self.size_tolerance)

    def region(self) -> Region:
        """Where they are looked for."""
        return Region(self.region_low, self.region_high)

    def tracker(self) -> TrackerConfig:
        """When to believe what."""
        return TrackerConfig(
            near=self.near,
            still=self.still,
            confirm_frames=self.confirm_frames,
            empty_frames=self.empty_frames,
            birth_max_height=self.birth_max_height,
            birth_min_score=self.birth_min_score,
            memory_s=self.memory_s,
            hidden_decay_s=self.hidden_decay_s,
            min_confidence=self.min_confidence,
        )
