"""Models of the library transformers from a folder; nothing is asked of any server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from cap_perception.detectors.decode import Floats
from cap_perception.detectors.extra import MissingWeightsError, package, weights
from cap_perception.detectors.parameters import TransformersParameters


@dataclass(frozen=True, eq=False)
class TransformersModel:
    """A detection model with what prepares its inputs.

    Attributes:
        torch: the package.
        device: where the model is.
    """

    torch: Any
    processor: Any
    model: Any
    device: str

    def run(self, **asked: Any) -> tuple[Any, Floats]:
        """What is found in one picture: logits (N, K), a tensor, and boxes (N, 4).

        Boxes are centre and size, relative to the picture.

        Args:
            asked: for the processor, `text` and `images`.
        """
        inputs = self.processor(return_tensors='pt', **asked).to(self.device)
        with self.torch.inference_mode():
            outputs = self.model(**inputs)
        return outputs.logits[0].cpu(), outputs.pred_boxes[0].cpu().numpy()


def load(mine: TransformersParameters, model_class: str, detector: str) -> TransformersModel:
    """A model from its folder, in single precision whatever it was saved in.

    Raises:
        MissingPackageError: torch or transformers is not installed.
        MissingWeightsError: the folder is not there, or holds no such model.
    """
    path = weights(mine.folder, f'{detector}.folder', f'the model of {detector}')
    # Read when the library is imported.
    os.environ.setdefault('HF_HUB_OFFLINE', '1')
    torch = package('torch', detector)
    transformers = package('transformers', detector)
    try:
        processor = transformers.AutoProcessor.from_pretrained(path, local_files_only=True)
        model = getattr(transformers, model_class).from_pretrained(
            path, local_files_only=True, dtype=torch.float32
        )
    except (OSError, ValueError) as error:
        raise MissingWeightsError(f'{path} holds no {model_class}: {error}') from error
    return TransformersModel(torch, processor, model.eval().to(mine.device), mine.device)
