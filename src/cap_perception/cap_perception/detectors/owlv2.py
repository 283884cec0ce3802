"""OWLv2 (Minderer et al., 2023): boxes for any words."""

from __future__ import annotations

from collections.abc import Sequence

from cap_perception.detectors.decode import corners
from cap_perception.detectors.open_vocabulary import Candidates, OpenVocabularyDetector
from cap_perception.detectors.transformers_models import TransformersModel, load
from cap_perception.parameters import PerceptionParameters
from cap_perception.types import ByteImage
from cap_perception.words import Words


class Owlv2:
    """See Finder. The model looks at the picture padded to a square, to the right and below."""

    def __init__(self, model: TransformersModel, threshold: float) -> None:
        self._model = model
        self._threshold = threshold

    def find(self, rgb: ByteImage, phrases: Sequence[str]) -> Candidates:
        """See Finder."""
        logits, boxes = self._model.run(text=[list(phrases)], images=rgb)
        logits, best = logits.max(dim=-1)
        scores = logits.sigmoid().numpy()
        side = max(rgb.shape[:2])
        keep = scores > self._threshold
        return Candidates(corners(boxes, side, side)[keep], scores[keep], best.numpy()[keep])


def from_parameters(parameters: PerceptionParameters) -> OpenVocabularyDetector:
    """The detector as configured.

    Raises:
        MissingPackageError, MissingWeightsError: see `extra`.
    """
    mine = parameters.owlv2
    finder = Owlv2(load(mine, 'Owlv2ForObjectDetection', 'owlv2'), mine.threshold)
    words = Words(mine.words, mine.prompt)
    return OpenVocabularyDetector(finder, words, mine.max_overlap, mine.threshold)
