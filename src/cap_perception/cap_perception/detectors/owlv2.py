"""OWLv2 (Minderer et al., 2023): boxes for any words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cap_perception.detectors.decode import corners
from cap_perception.detectors.open_vocabulary import Candidates, OpenVocabularyDetector
from cap_perception.detectors.transformers_models import load
from cap_perception.parameters import PerceptionParameters
from cap_perception.types import ByteImage
from cap_perception.words import Words


class Owlv2:
    """See Finder. The model looks at the picture padded to a square, to the right and below."""

    def __init__(self, torch: Any, processor: Any, model: Any, threshold: float) -> None:
        self._torch = torch
        self._processor = processor
        self._model = model
        self._threshold = threshold

    def find(self, rgb: ByteImage, phrases: Sequence[str]) -> Candidates:
        """See Finder."""
        inputs = self._processor(text=[list(phrases)], images=rgb, return_tensors='pt')
        with self._torch.inference_mode():
            outputs = self._model(**inputs)
        logits, best = outputs.logits[0].max(dim=-1)
        scores = logits.sigmoid().numpy()
        side = max(rgb.shape[:2])
        boxes = corners(outputs.pred_boxes[0].numpy(), side, side)
        keep = scores > self._threshold
        return Candidates(boxes[keep], scores[keep], best.numpy()[keep])


def from_parameters(parameters: PerceptionParameters) -> OpenVocabularyDetector:
    """The detector as configured.

    Raises:
        MissingPackageError, MissingWeightsError: see `extra`.
    """
    mine = parameters.owlv2
    torch, processor, model = load(mine.folder, 'Owlv2ForObjectDetection', 'owlv2')
    finder = Owlv2(torch, processor, model, mine.threshold)
    return OpenVocabularyDetector(finder, Words(mine.words, mine.prompt), mine.max_overlap)
