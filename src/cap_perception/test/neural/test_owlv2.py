"""OWLv2 against transformers' own post-processing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, Owlv2ForObjectDetection

from cap_perception.detector import make_detector
from cap_perception.detectors.extra import MissingWeightsError
from cap_perception.detectors.owlv2 import Owlv2
from cap_perception.detectors.transformers_models import TransformersModel
from cap_perception.testing import check_detector

PHRASES = ['a photo of a cube', 'red bowl', 'egg']


def reference(processor, outputs, shape, threshold):
    """Boxes, scores and labels as transformers has them."""
    found = processor.post_process_grounded_object_detection(
        outputs, threshold=threshold, target_sizes=[shape], text_labels=[PHRASES]
    )[0]
    return found['boxes'].numpy(), found['scores'].numpy(), found['text_labels']


def assert_same(found, expected):
    boxes, scores, labels = expected
    assert len(scores) > 3
    np.testing.assert_allclose(found.boxes, boxes, atol=1e-3)
    np.testing.assert_allclose(found.scores, scores, atol=1e-6)
    assert [PHRASES[i] for i in found.phrases] == labels


def test_fixed_outputs(owlv2_folder, frame):
    processor = AutoProcessor.from_pretrained(owlv2_folder)
    torch.manual_seed(4)
    outputs = SimpleNamespace(logits=torch.randn(1, 36, 3) - 1, pred_boxes=torch.rand(1, 36, 4))
    model = TransformersModel(torch, processor, lambda **_: outputs, 'cpu')
    found = Owlv2(model, 0.4).find(frame.rgb, PHRASES)
    assert_same(found, reference(processor, outputs, frame.depth.shape, 0.4))


def test_the_whole_model(owlv2_folder, frame):
    processor = AutoProcessor.from_pretrained(owlv2_folder)
    model = Owlv2ForObjectDetection.from_pretrained(owlv2_folder).eval()
    with torch.inference_mode():
        inputs = processor(text=[PHRASES], images=frame.rgb, return_tensors='pt')
        outputs = model(**inputs)
    threshold = float(outputs.logits.sigmoid().amax(-1).median())
    finder = Owlv2(TransformersModel(torch, processor, model, 'cpu'), threshold)
    found = finder.find(frame.rgb, PHRASES)
    assert_same(found, reference(processor, outputs, frame.depth.shape, threshold))


def test_from_its_folder(owlv2_folder, frame, parameters):
    mine = replace(parameters.owlv2, folder=str(owlv2_folder), threshold=0.0)
    detector = make_detector('owlv2', replace(parameters, owlv2=mine))
    detections = check_detector(detector, frame, ['block', 'red bowl'])
    assert detections
    assert {d.phrase for d in detections} <= {'block', 'red bowl'}
    assert all(d.mask is None and 0.0 <= d.score <= 1.0 for d in detections)
    height, width = frame.depth.shape
    assert all(0 <= d.box[0] < d.box[2] <= width for d in detections)
    assert all(0 <= d.box[1] < d.box[3] <= height for d in detections)


def test_weights_saved_in_half_precision(owlv2_folder, frame, parameters, tmp_path):
    """Their sizes are halved; what is computed with them is not."""
    model = Owlv2ForObjectDetection.from_pretrained(owlv2_folder).to(torch.bfloat16)
    model.save_pretrained(tmp_path)
    AutoProcessor.from_pretrained(owlv2_folder).save_pretrained(tmp_path)
    mine = replace(parameters.owlv2, folder=str(tmp_path), threshold=0.0)
    detector = make_detector('owlv2', replace(parameters, owlv2=mine))
    assert detector.detect(frame, ['egg'])


def test_a_folder_without_a_model(tmp_path, parameters):
    mine = replace(parameters.owlv2, folder=str(tmp_path))
    with pytest.raises(MissingWeightsError, match=f'{tmp_path} holds no Owlv2'):
        make_detector('owlv2', replace(parameters, owlv2=mine))
