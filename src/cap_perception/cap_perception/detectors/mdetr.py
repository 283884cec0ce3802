"""MDETR (Kamath et al., 2021): boxes, of some checkpoints masks too, for the words of a text.

The model's code is the published repository's, from a folder; preparing pictures and reading what
comes out is done here, after the paper and that repository's demonstration.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cap_perception.detectors.decode import (
    caption,
    corners,
    normalized,
    tokens_of,
)
from cap_perception.detectors.extra import (
    MissingPackageError,
    MissingWeightsError,
    package,
    weights,
)
from cap_perception.detectors.open_vocabulary import Candidates, OpenVocabularyDetector
from cap_perception.parameters import PerceptionParameters
from cap_perception.types import ByteImage, Mask
from cap_perception.words import Words

_OUTPUTS = ('pred_logits', 'pred_boxes', 'pred_masks')
_SHORT_SIDE, _LONG_SIDE = 800, 1333  # [px], as it was trained


class Mdetr:
    """See Finder.

    Args:
        model: an MDETR, or a DETRsegm around one, in evaluation mode.
        threshold: least probability that there is an object.
        device: where the model is.
    """

    def __init__(self, torch: Any, model: Any, threshold: float, device: str = 'cpu') -> None:
        self._torch = torch
        self._model = model
        self._device = device
        self._has_masks = hasattr(model, 'detr')
        self._tokenizer = _tokenizer(model)
        self._threshold = threshold

    def find(self, rgb: ByteImage, phrases: Sequence[str]) -> Candidates:
        """See Finder."""
        text, spans = caption(phrases)
        image = self._prepared(rgb)
        with self._torch.inference_mode():
            outputs = self._run(image.to(self._device), text)
        outputs = {name: outputs[name].cpu() for name in _OUTPUTS if name in outputs}
        height, width = rgb.shape[:2]
        # Of 256 classes the first 255 are the places of tokens in the text, the last is no object.
        logits = outputs['pred_logits'][0]
        scores = 1.0 - logits.softmax(-1)[:, -1].numpy()
        keep = scores > self._threshold
        offsets = self._tokenizer(text, return_offsets_mapping=True)['offset_mapping']
        tokens = self._torch.from_numpy(tokens_of(offsets, spans, logits.shape[1] - 1))
        best = logits[:, None, :-1].where(tokens, -self._torch.inf).amax(dim=-1).argmax(dim=-1)
        masks = None
        if self._has_masks:
            masks = self._masks(outputs['pred_masks'][0], keep, image.shape[2:], (height, width))
        return Candidates(
            corners(outputs['pred_boxes'][0].numpy(), width, height)[keep],
            scores[keep],
            best.numpy()[keep],
            masks,
        )

    def _prepared(self, rgb: ByteImage) -> Any:
        """The picture as the model wants it, (1, 3, h, w)."""
        height, width = rgb.shape[:2]
        scale = min(_SHORT_SIDE / min(height, width), _LONG_SIDE / max(height, width))
        return self._torch.nn.functional.interpolate(
            self._torch.from_numpy(normalized(rgb))[None],
            size=(round(height * scale), round(width * scale)),
            mode='bilinear',
            antialias=True,
        )

    def _run(self, image: Any, text: str) -> Any:
        if self._has_masks:
            return self._model(image, [text])
        memory = self._model(image, [text], encode_and_save=True)
        return self._model(image, [text], encode_and_save=False, memory_cache=memory)

    def _masks(self, logits: Any, keep: Mask, *sizes: Sequence[int]) -> list[Mask]:
        """Masks of those to keep from logits (N, h, w), brought to one size after the other."""
        logits = logits[self._torch.from_numpy(keep)][None]
        if not logits.numel():
            return []
        for size in sizes:
            logits = self._torch.nn.functional.interpolate(
                logits, size=tuple(size), mode='bilinear', align_corners=False
            )
        return list(np.asarray(logits[0].sigmoid().numpy() > 0.5))


def load(torch: Any, folder: Path, entry: str, checkpoint: Path) -> Any:
    """The model of a hub folder with the weights of a checkpoint.

    Raises:
        MissingPackageError: the folder's code needs a package that is not installed.
        MissingWeightsError: there is no such entry, or the weights are not this model's.
    """
    if not (folder / 'hubconf.py').is_file():
        raise MissingWeightsError(f'there is no {folder / "hubconf.py"} (parameter mdetr.folder)')
    try:
        # Its code asks for 'roberta-base', which is that folder below the working directory.
        with contextlib.chdir(folder):
            model = torch.hub.load(str(folder), entry, source='local', pretrained=False)
    except (ImportError, OSError) as error:
        kind = MissingPackageError if isinstance(error, ImportError) else MissingWeightsError
        raise kind(f'MDETR in {folder} cannot be made: {error}') from error
    except RuntimeError as error:
        raise MissingWeightsError(f'MDETR in {folder} has no {entry!r}: {error}') from error
    # Published checkpoints also hold the command line of the training.
    with torch.serialization.safe_globals([argparse.Namespace]):
        state = torch.load(checkpoint, map_location='cpu', weights_only=True)
    missing, unexpected = model.load_state_dict(state.get('model', state), strict=False)
    # Newer text encoders do not keep their positions among the weights.
    unexpected = [name for name in unexpected if not name.endswith('.position_ids')]
    if missing or unexpected:
        raise MissingWeightsError(
            f'{checkpoint} is not of {entry!r}: it lacks {missing[:3]}, and has {unexpected[:3]}'
        )
    # Its code calls the tokenizer by a name that transformers 5 does not have any more.
    tokenizer = _tokenizer(model)
    if not hasattr(tokenizer, 'batch_encode_plus'):
        tokenizer.batch_encode_plus = tokenizer.__call__
    return model.eval()


def _tokenizer(model: Any) -> Any:
    return (model.detr if hasattr(model, 'detr') else model).transformer.tokenizer


def from_parameters(parameters: PerceptionParameters) -> OpenVocabularyDetector:
    """The detector as configured.

    Raises:
        MissingPackageError, MissingWeightsError: see `extra`.
    """
    mine = parameters.mdetr
    folder = weights(mine.folder, 'mdetr.folder', "the folder of MDETR's repository")
    checkpoint = weights(mine.weights, 'mdetr.weights', f'the checkpoint of {mine.entry}')
    os.environ.setdefault('HF_HUB_OFFLINE', '1')  # for its text encoder
    torch = package('torch', 'mdetr')
    package('transformers', 'mdetr')
    model = load(torch, folder.resolve(), mine.entry, checkpoint.resolve()).to(mine.device)
    finder = Mdetr(torch, model, mine.threshold, mine.device)
    words = Words(mine.words, mine.prompt)
    return OpenVocabularyDetector(finder, words, mine.max_overlap, mine.threshold)
