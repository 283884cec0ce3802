"""ViLD (Gu et al., 2021): proposed regions, their masks, and what CLIP's texts say they are.

The model is the published SavedModel, which takes the path of a picture. Text embeddings come from
a file: phrases are known before, and the text encoder need not be there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from cap_perception.detectors.decode import Floats, best_of_overlapping, pasted
from cap_perception.detectors.extra import MissingWeightsError, package, weights
from cap_perception.detectors.open_vocabulary import Candidates, OpenVocabularyDetector
from cap_perception.parameters import PerceptionParameters
from cap_perception.phrases import UnknownPhraseError
from cap_perception.types import ByteImage
from cap_perception.words import Words

BACKGROUND = 'background'
_INPUT = 'Placeholder:0'
_OUTPUTS = {
    'proposals': 'RoiBoxes:0',
    'proposal_scores': 'RoiScores:0',
    'boxes': '2ndStageBoxes:0',
    'masks': 'MaskOutputs:0',
    'features': 'VisualFeatOutputs:0',
    'image_info': 'ImageInfo:0',
}
_TEMPERATURE = 100.0  # of the softmax over phrases, as published


class Vild:
    """See Finder.

    Args:
        run: the model: from a picture's path to the arrays of _OUTPUTS, each of a batch of one.
        embeddings: (D,) of unit length by phrase.
        threshold: least score of a proposal.
        max_overlap: of proposals.
        min_area: of a box [px^2].
    """

    def __init__(
        self,
        run: Any,
        embeddings: Mapping[str, Floats],
        threshold: float,
        max_overlap: float,
        min_area: float,
    ) -> None:
        self._run = run
        self._embeddings = embeddings
        self._threshold = threshold
        self._max_overlap = max_overlap
        self._min_area = min_area

    def find(self, rgb: ByteImage, phrases: Sequence[str]) -> Candidates:
        """See Finder.

        Raises:
            UnknownPhraseError: there is no embedding of one.
        """
        unknown = [phrase for phrase in phrases if phrase not in self._embeddings]
        if unknown:
            raise UnknownPhraseError(
                f"detector 'vild' has no embedding of {unknown}; it has {sorted(self._embeddings)}"
            )
        with TemporaryDirectory(prefix='vild') as folder:
            path = Path(folder, 'picture.png')
            # Written for this one reader: fast beats small.
            cv2.imwrite(str(path), rgb[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
            outputs = {name: value[0] for name, value in self._run(str(path)).items()}
        return self._decoded(outputs, phrases, rgb.shape[:2])

    def _decoded(
        self, outputs: Mapping[str, Floats], phrases: Sequence[str], shape: tuple[int, int]
    ) -> Candidates:
        # (y0, x0, y1, x1) of the picture as the model scaled it.
        scaled = outputs['boxes'].reshape(-1, 4)
        boxes = (scaled / np.tile(outputs['image_info'][2], 2))[:, [1, 0, 3, 2]]
        proposed = outputs['proposal_scores']
        keep = best_of_overlapping(boxes, proposed, self._max_overlap)
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        is_good = (proposed >= self._threshold) & (area > self._min_area)
        is_good &= (outputs['proposals'] != 0.0).any(axis=-1)  # zeros fill up the list
        keep = keep[is_good[keep]]
        texts = np.stack([self._embeddings[phrase] for phrase in (BACKGROUND, *phrases)])
        scores = _softmax(_TEMPERATURE * (outputs['features'][keep] @ texts.T))
        is_thing = scores.argmax(axis=1) > 0
        keep, scores = keep[is_thing], scores[is_thing, 1:]
        return Candidates(
            boxes[keep],
            scores.max(axis=1),
            scores.argmax(axis=1),
            [pasted(outputs['masks'][i], boxes[i], shape) for i in keep],
        )


def _softmax(logits: Floats) -> Floats:
    """Over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def load_model(folder: Path) -> Any:
    """A function from a picture's path to arrays by the names of _OUTPUTS.

    Raises:
        MissingPackageError: TensorFlow is not installed.
        MissingWeightsError: the folder holds no such SavedModel.
    """
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')  # else it tells of the GPU that is not there
    tensorflow = package('tensorflow', 'vild')
    try:
        # The published model is of TensorFlow 1: a graph, without functions.
        model = tensorflow.saved_model.load(str(folder), tags=['serve'])
        run = model.prune(_INPUT, list(_OUTPUTS.values()))
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise MissingWeightsError(f'{folder} holds no SavedModel of ViLD: {error}') from error
    return lambda path: dict(
        zip(_OUTPUTS, (v.numpy() for v in run(tensorflow.constant([path]))), strict=True)
    )


def load_embeddings(path: Path) -> dict[str, Floats]:
    """Text embeddings by phrase, of unit length.

    Raises:
        MissingWeightsError: the file is no such archive, or has none of the background.
    """
    try:
        with np.load(path) as archive:
            found = {name: np.asarray(archive[name], np.float32) for name in archive.files}
    except (OSError, ValueError) as error:
        raise MissingWeightsError(f'{path} is no .npz of text embeddings: {error}') from error
    if BACKGROUND not in found or len({value.shape for value in found.values()}) != 1:
        raise MissingWeightsError(
            f'{path}: it needs one embedding (D,) of each phrase and of {BACKGROUND!r}'
        )
    return {name: value / np.linalg.norm(value) for name, value in found.items()}


def from_parameters(parameters: PerceptionParameters) -> OpenVocabularyDetector:
    """The detector as configured.

    Raises:
        MissingPackageError, MissingWeightsError: see `extra`.
    """
    mine = parameters.vild
    folder = weights(mine.folder, 'vild.folder', "the folder of ViLD's SavedModel")
    texts = weights(mine.embeddings, 'vild.embeddings', 'the .npz of text embeddings')
    finder = Vild(
        load_model(folder),
        load_embeddings(texts),
        mine.threshold,
        mine.max_overlap,
        mine.min_area,
    )
    # A phrase has but to win against the others and the background, by however little.
    return OpenVocabularyDetector(finder, Words(mine.words, mine.prompt), mine.max_overlap, 0.0)
