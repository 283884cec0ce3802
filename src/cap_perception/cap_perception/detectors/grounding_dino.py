"""Grounding DINO (Liu et al., 2023): boxes for the phrases of one text."""

from __future__ import annotations

from collections.abc import Sequence

from cap_perception.detectors.decode import caption, corners, tokens_of
from cap_perception.detectors.open_vocabulary import Candidates, OpenVocabularyDetector
from cap_perception.detectors.transformers_models import TransformersModel, load
from cap_perception.parameters import PerceptionParameters
from cap_perception.types import ByteImage
from cap_perception.words import Words


class GroundingDino:
    """See Finder."""

    def __init__(self, model: TransformersModel, threshold: float) -> None:
        self._model = model
        self._threshold = threshold

    def find(self, rgb: ByteImage, phrases: Sequence[str]) -> Candidates:
        """See Finder."""
        # The model was trained on lower case, with a dot after each phrase.
        text, spans = caption([phrase.lower() for phrase in phrases])
        logits, boxes = self._model.run(text=text, images=rgb)
        tokenized = self._model.processor.tokenizer(text, return_offsets_mapping=True)
        belongs = tokens_of(tokenized['offset_mapping'], spans, logits.shape[1])
        torch = self._model.torch
        # Of each object and phrase the best of the phrase's tokens.
        logits = logits[:, None].where(torch.from_numpy(belongs), -torch.inf).amax(dim=-1)
        logits, best = logits.max(dim=-1)
        scores = logits.sigmoid().numpy()
        height, width = rgb.shape[:2]
        keep = scores > self._threshold
        return Candidates(corners(boxes, width, height)[keep], scores[keep], best.numpy()[keep])


def from_parameters(parameters: PerceptionParameters) -> OpenVocabularyDetector:
    """The detector as configured.

    Raises:
        MissingPackageError, MissingWeightsError: see `extra`.
    """
    mine = parameters.grounding_dino
    model = load(mine, 'GroundingDinoForObjectDetection', 'grounding_dino')
    finder = GroundingDino(model, mine.threshold)
    words = Words(mine.words, mine.prompt)
    return OpenVocabularyDetector(finder, words, mine.max_overlap, mine.threshold)
