"""MDETR against a plain reading of its outputs, as its repository's post-processing has it."""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional
from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

from cap_perception.detector import make_detector
from cap_perception.detectors.extra import MissingWeightsError
from cap_perception.detectors.mdetr import Mdetr, load
from cap_perception.testing import check_detector

PHRASES = ['red square', 'blue bowl']
TEXT = 'red square. blue bowl.'
BOXES, MASKS = 'mdetr_tiny', 'mdetr_tiny_phrasecut'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A hub folder with its text encoder; checkpoints <entry>.pth beside."""
    folder = tmp_path_factory.mktemp('mdetr')
    shutil.copy(Path(__file__).parent / 'hub' / 'hubconf.py', folder)
    letters = [*'abcdefghijklmnopqrstuvwxyz.', 'Ġ']
    vocab = {
        word: i for i, word in enumerate(['<s>', '<pad>', '</s>', '<unk>', '<mask>', *letters])
    }
    tokenizer = RobertaTokenizerFast(vocab=vocab, merges=[])
    tokenizer.save_pretrained(folder / 'roberta-base')
    torch.manual_seed(6)
    config = RobertaConfig(
        vocab_size=len(vocab),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )
    RobertaModel(config).save_pretrained(folder / 'roberta-base')
    for entry in (BOXES, MASKS):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            model = torch.hub.load(str(folder), entry, source='local')
        state = model.state_dict()
        # As in the published files: an old buffer, and the command line of the training.
        name = 'transformer.text_encoder.embeddings.position_ids'
        state['detr.' * (entry == MASKS) + name] = torch.arange(64)[None]
        torch.save({'model': state, 'args': argparse.Namespace(lr=1e-4)}, folder / f'{entry}.pth')
    return folder


def reference(outputs, offsets, threshold, shape, sizes):
    """What is found, by loops: (box, score, phrase, mask) of each query above the threshold."""
    height, width = shape
    found = []
    for query, logits in enumerate(outputs['pred_logits'][0].tolist()):
        powers = np.exp(logits)
        probabilities = powers / powers.sum()
        if (score := 1 - probabilities[-1]) <= threshold:
            continue
        x, y, w, h = outputs['pred_boxes'][0, query].tolist()
        box = [(x - w / 2) * width, (y - h / 2) * height]
        box += [(x + w / 2) * width, (y + h / 2) * height]
        best = [0.0, 0.0]
        for i, phrase in enumerate(PHRASES):
            first = TEXT.index(phrase)
            for token, (begin, end) in enumerate(offsets):
                if begin < end and begin < first + len(phrase) and end > first:
                    best[i] = max(best[i], probabilities[token])
        mask = None
        if 'pred_masks' in outputs:
            mask = outputs['pred_masks'][:, query : query + 1]
            for size in sizes:
                mask = functional.interpolate(mask, size=size, mode='bilinear')
            mask = (mask.sigmoid() > 0.5)[0, 0].numpy()
        found.append((box, score, int(np.argmax(best)), mask))
    return found


def assert_same(candidates, expected):
    assert len(expected) > 3
    np.testing.assert_allclose(candidates.boxes, [box for box, *_ in expected], atol=1e-3)
    np.testing.assert_allclose(candidates.scores, [score for _, score, *_ in expected], atol=1e-6)
    assert candidates.phrases.tolist() == [phrase for _, _, phrase, _ in expected]
    if candidates.masks is None:
        assert all(mask is None for *_, mask in expected)
    else:
        for mask, (*_, other) in zip(candidates.masks, expected, strict=True):
            np.testing.assert_array_equal(mask, other)


def test_fixed_outputs(folder, frame):
    torch.manual_seed(7)
    logits = torch.randn(1, 12, 256)
    logits[..., -1] += torch.linspace(0, 9, 12)
    masks = torch.randn(1, 12, 15, 20)
    outputs = {'pred_logits': logits, 'pred_boxes': torch.rand(1, 12, 4), 'pred_masks': masks}
    tokenizer = RobertaTokenizerFast.from_pretrained(folder / 'roberta-base')

    class Fixed:
        detr = SimpleNamespace(transformer=SimpleNamespace(tokenizer=tokenizer))

        def __call__(self, image, captions):
            assert captions == [TEXT]
            assert image.shape == (1, 3, 800, 1067)
            return outputs

    offsets = tokenizer(TEXT, return_offsets_mapping=True)['offset_mapping']
    expected = reference(outputs, offsets, 0.7, (120, 160), [(800, 1067), (120, 160)])
    assert len(expected) < 12
    assert {phrase for _, _, phrase, _ in expected} == {0, 1}
    assert_same(Mdetr(torch, Fixed(), 0.7).find(frame.rgb, PHRASES), expected)


@pytest.mark.parametrize('entry', [BOXES, MASKS])
def test_the_whole_model(folder, frame, entry):
    model = load(torch, folder, entry, folder / f'{entry}.pth')
    finder = Mdetr(torch, model, 0.5)
    with torch.inference_mode():
        image = finder._prepared(frame.rgb)
        if entry == MASKS:
            outputs = model(image, [TEXT])
        else:
            memory = model(image, [TEXT], encode_and_save=True)
            outputs = model(image, [TEXT], encode_and_save=False, memory_cache=memory)
    tokenizer = (model.detr if entry == MASKS else model).transformer.tokenizer
    offsets = tokenizer(TEXT, return_offsets_mapping=True)['offset_mapping']
    expected = reference(outputs, offsets, 0.5, (120, 160), [(800, 1067), (120, 160)])
    assert_same(finder.find(frame.rgb, PHRASES), expected)


@pytest.mark.parametrize('size', [(160, 120), (120, 160), (1920, 1080), (1000, 300)])
def test_pictures_are_prepared_as_for_the_training(size):
    """As PIL resizes them: the short side has 800 px, unless the long one would exceed 1333."""
    rng = np.random.default_rng(8)
    small = Image.fromarray(rng.integers(0, 256, (40, 30, 3)).astype(np.uint8))
    picture = small.resize(size, Image.Resampling.BICUBIC)
    model = SimpleNamespace(transformer=SimpleNamespace(tokenizer=None))
    prepared = Mdetr(torch, model, 0.5)._prepared(np.asarray(picture))[0].numpy()
    assert max(prepared.shape) <= 1333
    assert min(prepared.shape[1:]) == 800 or max(prepared.shape) == 1333
    resized = np.asarray(picture.resize(prepared.shape[:0:-1], Image.Resampling.BILINEAR)) / 255
    expected = (resized - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    assert np.abs(prepared.transpose(1, 2, 0) - expected).max() < 1.5 / 255 / 0.224


def configured(parameters, folder, entry, weights=None):
    weights = weights or folder / f'{entry}.pth'
    mine = replace(
        parameters.mdetr, folder=str(folder), entry=entry, weights=str(weights), threshold=0.0
    )
    return make_detector('mdetr', replace(parameters, mdetr=mine))


@pytest.mark.parametrize('entry', [BOXES, MASKS])
def test_from_its_folder_asked_for_squares(folder, frame, parameters, entry, monkeypatch):
    detector = configured(parameters, folder, entry)
    finder = detector._finder
    find, asked = finder.find, []
    monkeypatch.setattr(
        finder, 'find', lambda rgb, phrases: asked.append(phrases) or find(rgb, phrases)
    )
    detections = check_detector(detector, frame, ['red block', 'bowl'])
    assert asked == 2 * [['red square', 'bowl']]
    assert detections
    assert {d.phrase for d in detections} <= {'red block', 'bowl'}
    if entry == MASKS:
        assert sum(d.mask.astype(int) for d in detections).max() == 1
        assert all(d.mask.shape == frame.depth.shape for d in detections)
    else:
        assert all(d.mask is None for d in detections)


def test_what_is_missing(folder, tmp_path, parameters):
    with pytest.raises(MissingWeightsError, match=f'no {tmp_path}/x.pth .parameter mdetr.weights'):
        configured(parameters, folder, BOXES, tmp_path / 'x.pth')
    with pytest.raises(MissingWeightsError, match=r'hubconf.py.*mdetr.folder'):
        configured(parameters, tmp_path, BOXES, folder / f'{BOXES}.pth')
    with pytest.raises(MissingWeightsError, match=r"has no 'mdetr_huge'"):
        configured(parameters, folder, 'mdetr_huge', folder / f'{BOXES}.pth')
    with pytest.raises(MissingWeightsError, match=rf"is not of '{MASKS}': it lacks \['detr\."):
        configured(parameters, folder, MASKS, folder / f'{BOXES}.pth')
