"""The text embeddings that the ViLD detector needs, made from phrases by CLIP.

    python -m cap_perception.detectors.vild_texts CLIP_FOLDER TEXTS.npz 'red cube' bowl ...

ViLD was trained with ViT-B/32. Phrases are those that the model is asked, in the words of
`vild.words`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cap_perception.detectors.decode import Floats
from cap_perception.detectors.extra import package, weights
from cap_perception.detectors.vild import BACKGROUND

# A mean over several ways to say it finds more than one does.
_PROMPTS = (
    'a photo of {}.',
    'a photo of {} in the scene.',
    'there is {} in the scene.',
    'this is {}.',
    'a close-up photo of {}.',
    'a low resolution photo of {}.',
    'a photo of a small {noun}.',
    'a photo of a plastic {noun}.',
    'a photo of a toy {noun}.',
)


def embed(folder: str, phrases: Sequence[str]) -> dict[str, Floats]:
    """Embeddings (D,) of unit length by phrase, and that of the background.

    Args:
        folder: of a CLIP model, as save_pretrained of transformers writes it.

    Raises:
        MissingPackageError, MissingWeightsError: see `extra`.
    """
    path = weights(folder, 'CLIP_FOLDER', 'the folder of CLIP')
    os.environ.setdefault('HF_HUB_OFFLINE', '1')
    torch, transformers = package('torch', 'vild'), package('transformers', 'vild')
    tokenizer = transformers.AutoTokenizer.from_pretrained(path, local_files_only=True)
    model = transformers.CLIPTextModelWithProjection.from_pretrained(path, local_files_only=True)
    found = {}
    for phrase in (BACKGROUND, *phrases):
        inputs = tokenizer(_sentences(phrase), padding=True, return_tensors='pt')
        with torch.inference_mode():
            texts = model.eval()(**inputs).text_embeds.numpy()
        mean = (texts / np.linalg.norm(texts, axis=1, keepdims=True)).mean(axis=0)
        found[phrase] = mean / np.linalg.norm(mean)
    return found


def _sentences(phrase: str) -> list[str]:
    with_article = f'{"an" if phrase[0] in "aeiou" else "a"} {phrase}'
    return [prompt.format(with_article, noun=phrase) for prompt in _PROMPTS]


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog='vild_texts', description=__doc__)
    parser.add_argument('folder')
    parser.add_argument('out', type=Path)
    parser.add_argument('phrases', nargs='+')
    arguments = parser.parse_args()
    texts: dict[str, Any] = {**embed(arguments.folder, arguments.phrases)}
    np.savez(arguments.out, **texts)
    return 0


if __name__ == '__main__':
    sys.exit(main())
