"""Parameters of the detectors that need a model or a topic; config/perception.yaml has the values.

Paths may begin with ~. `words` and `prompt`: see cap_perception.words.Words.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TransformersParameters:
    """A detector of the library transformers.

    Attributes:
        folder: with the model, its configuration and its processor, as save_pretrained writes them.
        device: where it runs, as torch calls it: cpu, cuda, cuda:1.
        threshold: least score.
        max_overlap: intersection over union from which two boxes are one thing.
    """

    folder: str
    device: str
    threshold: float
    max_overlap: float
    prompt: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class MdetrParameters:
    """MDETR.

    Attributes:
        folder: of the published repository, with hubconf.py and the text encoder's folder
            (roberta-base, as save_pretrained writes it).
        entry: function of hubconf.py that makes the model.
        weights: checkpoint file for it.
        device: as above.
        threshold: least probability that there is an object.
        max_overlap: as above.
    """

    folder: str
    entry: str
    weights: str
    device: str
    threshold: float
    max_overlap: float
    prompt: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class VildParameters:
    """ViLD.

    Attributes:
        folder: of the published SavedModel.
        embeddings: .npz of the CLIP text embeddings (D,) by phrase, and one of 'background'.
        threshold: least score of a proposed region.
        max_overlap: as above.
        min_area: of a region [px^2].
    """

    folder: str
    embeddings: str
    threshold: float
    max_overlap: float
    min_area: float
    prompt: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class TopicParameters:
    """Detections that another node publishes.

    Attributes:
        topic: of vision_msgs/Detection2DArray, with the stamps of the camera's pictures.
        timeout_s: how long they may come after the picture.
        threshold: least score.
    """

    topic: str
    timeout_s: float
    threshold: float
    words: tuple[str, ...] = ()
