"""Grounding DINO against transformers' own post-processing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import torch
from transformers import AutoProcessor, GroundingDinoForObjectDetection

from cap_perception.detector import make_detector
from cap_perception.detectors.grounding_dino import GroundingDino
from cap_perception.detectors.transformers_models import TransformersModel
from cap_perception.testing import check_detector

PHRASES = ['red cube', 'blue bowl']
TEXT = 'red cube. blue bowl.'
TOKENS = ['[CLS]', 'red', 'cube', '.', 'blue', 'bow', '##l', '.', '[SEP]']


def reference(processor, outputs, shape, threshold):
    """Boxes, scores and words of each box's best token as transformers has them."""
    ids = processor.tokenizer(TEXT, return_tensors='pt')['input_ids']
    assert processor.tokenizer.convert_ids_to_tokens(ids[0]) == TOKENS
    return processor.post_process_grounded_object_detection(
        outputs, ids, threshold=threshold, text_threshold=threshold, target_sizes=[shape]
    )[0]


def fixed_outputs():
    """Each box's best token, which alone is above the threshold, is a word of a phrase."""
    torch.manual_seed(5)
    logits = torch.full((1, 12, 32), -torch.inf)
    logits[..., : len(TOKENS)] = -4.0
    best = [1, 2, 4, 5, 6, 2, 1, 4, 5, 6, 1, 2]
    for query, token in enumerate(best):
        logits[0, query, token] = torch.randn(()) + 0.5
    return SimpleNamespace(logits=logits, pred_boxes=torch.rand(1, 12, 4)), best


def test_fixed_outputs(grounding_dino_folder, frame):
    processor = AutoProcessor.from_pretrained(grounding_dino_folder)
    outputs, best = fixed_outputs()
    model = TransformersModel(torch, processor, lambda **_: outputs, 'cpu')
    found = GroundingDino(model, 0.4).find(frame.rgb, PHRASES)
    expected = reference(processor, outputs, frame.depth.shape, 0.4)
    assert 3 < len(expected['scores']) < 12
    np.testing.assert_allclose(found.boxes, expected['boxes'].numpy(), atol=1e-3)
    np.testing.assert_allclose(found.scores, expected['scores'].numpy(), atol=1e-6)
    for phrase, words in zip(found.phrases, expected['text_labels'], strict=True):
        assert words.strip('# ') in PHRASES[phrase]
    kept = torch.tensor(best)[outputs.logits[0].sigmoid().amax(-1) > 0.4]
    assert found.phrases.tolist() == [int(token >= 4) for token in kept]


def test_the_whole_model(grounding_dino_folder, frame):
    """Where the best token is a word of a phrase, and not a dot, it is as transformers has it."""
    processor = AutoProcessor.from_pretrained(grounding_dino_folder)
    model = GroundingDinoForObjectDetection.from_pretrained(grounding_dino_folder).eval()
    with torch.inference_mode():
        outputs = model(**processor(text=TEXT, images=frame.rgb, return_tensors='pt'))
    finder = GroundingDino(TransformersModel(torch, processor, model, 'cpu'), 0.0)
    found = finder.find(frame.rgb, PHRASES)
    expected = reference(processor, outputs, frame.depth.shape, 0.0)
    assert len(found.scores) == len(expected['scores']) == 20
    np.testing.assert_allclose(found.boxes, expected['boxes'].numpy(), atol=1e-3)
    best = outputs.logits[0].argmax(-1).numpy()
    in_phrase = np.isin(best, [1, 2, 4, 5, 6])
    np.testing.assert_allclose(
        found.scores[in_phrase], expected['scores'].numpy()[in_phrase], atol=1e-6
    )
    assert (found.phrases[in_phrase] == (best[in_phrase] >= 4)).all()
    assert (found.scores <= expected['scores'].numpy() + 1e-6).all()


def test_from_its_folder(grounding_dino_folder, frame, parameters):
    mine = replace(parameters.grounding_dino, folder=str(grounding_dino_folder), threshold=0.0)
    detector = make_detector('grounding_dino', replace(parameters, grounding_dino=mine))
    detections = check_detector(detector, frame, ['red block', 'Blue bowl'])
    assert detections
    assert {(d.phrase, d.class_name, d.color) for d in detections} <= {
        ('red block', 'block', 'red'),
        ('Blue bowl', 'bowl', 'blue'),
    }
    assert all(d.mask is None for d in detections)
