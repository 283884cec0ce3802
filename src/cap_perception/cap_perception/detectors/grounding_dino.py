"""Grounding DINO (Liu et al., 2023): boxes for the phrases of one text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cap_perception.detectors.decode import caption, corners, tokens_of
from cap_perception.detectors.open_vocabulary import Candidates, OpenVocabularyDetector
from cap_perception.detectors.transformers_models import load
from cap_perception.parameters import PerceptionParameters
from cap_perception.types import ByteImage
from cap_perception.words import Words


class GroundingDino:
    """See Finder."""

    def __init__(self, torch: Any, processor: Any, model: Any, threshold: float) -> None:
        self._torch = torch
        self._processor = processor
        self._model = model
        self._threshold = threshold

    def find(self, rgb: ByteImage, phrases: Sequence[str]) -> Candidates:
        """See Finder."""
        # The model was trained on lower case, with a dot after each phrase.
        text, spans = caption([phrase.lower() for phrase in phrases])
        inputs = self._processor(text=text, images=rgb, return_tensors='pt')
        with self._torch.inference_mode():
            outputs = self._model(**inputs)
        offsets = self._processor.tokenizer(text, return_offsets_mapping=True)['offset_mapping']
        logits = outputs.logits[0]
        tokens = self._torch.from_numpy(tokens_of(offsets, spans, logits.shape[1]))
        # Of each object and phrase the best of the phrase's tokens.
        logits, best = logits[:, None].where(tokens, -self._torch.inf).amax(dim=-1).max(dim=-1)
        scores = logits.sigmoid().numpy()
        height, width = rgb.shape[:2]
        boxes = corners(outputs.pred_boxes[0].numpy(), width, height)
        keep = scores > self._threshold
        return Candidates(boxes[keep], scores[keep], best.numpy()[keep])


def from_parameters(parameters: PerceptionParameters) -> OpenVocabularyDetector:
    """The detector as configured.

    Raises:
        MissingPackageError, MissingWeightsError: see `extra`.
    """
    mine = parameters.grounding_dino
    torch, processor, model = load(mine.folder, 'GroundingDinoForObjectDetection', 'grounding_dino')
    finder = GroundingDino(torch, processor, model, mine.threshold)
    return OpenVocabularyDetector(finder, Words(mine.words, mine.prompt), mine.max_overlap)
