"""ViLD against a plain reading of its outputs, as its published demonstration has it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import tensorflow as tf

from cap_perception.detector import make_detector
from cap_perception.detectors.extra import MissingWeightsError
from cap_perception.detectors.vild import Vild, load_embeddings, load_model
from cap_perception.phrases import UnknownPhraseError
from cap_perception.testing import check_detector

REGIONS, FEATURES = 40, 8
PHRASES = ['red cube', 'bowl']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A SavedModel of TensorFlow 1, which reads a picture, with the published names of tensors.

    The boxes are fixed; what it sees of the picture is one feature.
    """
    folder = tmp_path_factory.mktemp('vild') / 'model'
    v1 = tf.compat.v1
    rng = np.random.default_rng(9)
    corner, size = rng.uniform(0, 200, (REGIONS, 2)), rng.uniform(5, 90, (REGIONS, 2))
    boxes = np.hstack([corner, corner + size])
    boxes[:13] = boxes[13:26] + rng.uniform(-3, 3, (13, 4))
    proposals = boxes.copy()
    proposals[-5:] = 0.0
    features = rng.normal(size=(REGIONS, FEATURES))
    with v1.Graph().as_default(), v1.Session() as session:
        path = v1.placeholder(tf.string, [1], 'Placeholder')
        picture = tf.io.decode_image(tf.io.read_file(path[0]), channels=3)
        size = tf.cast(tf.shape(picture)[:2], tf.float32)
        seen = tf.reduce_mean(tf.cast(picture[..., 0], tf.float32)) / 255
        features = tf.constant(features, tf.float32) + seen * tf.one_hot(0, FEATURES)
        outputs = {
            'RoiBoxes': tf.constant(proposals[None], tf.float32),
            'RoiScores': tf.constant(rng.uniform(0.85, 1, (1, REGIONS)), tf.float32),
            '2ndStageBoxes': tf.constant(boxes[None, :, None], tf.float32),
            'MaskOutputs': tf.constant(rng.uniform(size=(1, REGIONS, 28, 28)), tf.float32),
            'VisualFeatOutputs': tf.math.l2_normalize(features, axis=1)[None],
            # Size of the picture, size it is brought to, and the scale between, each of y and x.
            'ImageInfo': tf.stack([size, 2 * [240.0], 2 * [2.0], 2 * [0.0]])[None],
        }
        outputs = {name: tf.identity(value, name) for name, value in outputs.items()}
        v1.saved_model.simple_save(session, str(folder), {'path': path}, outputs)
    return folder


@pytest.fixture
def embeddings(tmp_path):
    rng = np.random.default_rng(10)
    path = tmp_path / 'texts.npz'
    np.savez(path, **{name: rng.normal(size=FEATURES) for name in ('background', *PHRASES, 'egg')})
    return path


def overlap(a, b):
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    both = max(height, 0) * max(width, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def reference(outputs, texts, threshold, max_overlap, min_area):
    """(box as y0 x0 y1 x1, probability, phrase, region) of each thing, by loops."""
    boxes, scores = outputs['boxes'][0, :, 0], outputs['proposal_scores'][0]
    kept = []
    for i in np.argsort(-scores):
        if all(overlap(boxes[i], boxes[j]) <= max_overlap for j in kept):
            kept.append(i)
    found = []
    for i in kept:
        box = boxes[i] / np.tile(outputs['image_info'][0, 2], 2)
        area = (box[2] - box[0]) * (box[3] - box[1])
        if not outputs['proposals'][0, i].any() or scores[i] < threshold or area <= min_area:
            continue
        powers = np.exp(100 * np.array([outputs['features'][0, i] @ text for text in texts]))
        if (best := int(powers.argmax())) > 0:
            found.append((box, powers[best] / powers.sum(), best - 1, i))
    return found


def pasted_as_in_the_demonstration(mask, box, shape):
    """The mask with a margin of one cell, resized to whole pixels and put where its box is."""
    wide = np.pad(mask, 1)
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * 30 / 28
    y0, x0 = (centre - half).astype(int)
    y1, x1 = (centre + half).astype(int)
    resized = cv2.resize(wide, (x1 - x0 + 1, y1 - y0 + 1)) > 0.5
    full = np.zeros(shape, bool)
    for y, x in zip(*np.nonzero(resized), strict=True):
        if 0 <= y + y0 < shape[0] and 0 <= x + x0 < shape[1]:
            full[y + y0, x + x0] = True
    return full


def test_decoded_as_in_the_demonstration(folder, frame, embeddings, tmp_path):
    run, texts = load_model(folder), load_embeddings(embeddings)
    found = Vild(run, texts, 0.88, 0.6, 220.0).find(frame.rgb, PHRASES)
    path = tmp_path / 'picture.png'
    cv2.imwrite(str(path), frame.rgb[..., ::-1])
    outputs = run(str(path))
    assert outputs['image_info'][0, 0].tolist() == list(frame.depth.shape)
    asked = [texts[name] for name in ('background', *PHRASES)]
    expected = reference(outputs, asked, 0.88, 0.6, 220.0)
    assert 4 < len(expected) < REGIONS / 2
    assert {phrase for _, _, phrase, _ in expected} == {0, 1}
    boxes = np.array([box for box, *_ in expected])
    np.testing.assert_allclose(found.boxes, boxes[:, [1, 0, 3, 2]], rtol=1e-5)
    np.testing.assert_allclose(found.scores, [score for _, score, *_ in expected], atol=1e-4)
    assert found.phrases.tolist() == [phrase for _, _, phrase, _ in expected]


def test_masks_as_in_the_demonstration():
    """That one rounds boxes to whole pixels: smooth masks differ along their outlines only."""
    rng = np.random.default_rng(11)
    y, x = np.mgrid[:28, :28]
    mask = (1 / (1 + np.exp(np.hypot(y - 13, x - 12) - 9))).astype(np.float32)
    for _ in range(10):
        corner = rng.uniform(-20, 80, 2)
        box = np.hstack([corner, corner + rng.uniform(40, 70, 2)])
        other = pasted_as_in_the_demonstration(mask, box, (120, 160))
        texts = {'background': np.zeros(1), 'x': np.ones(1)}
        outputs = {
            'boxes': box[None, None],
            'image_info': np.ones((5, 2)),
            'proposal_scores': np.ones(1),
            'proposals': np.ones((1, 4)),
            'features': np.ones((1, 1)),
            'masks': mask[None],
        }
        found = Vild(None, texts, 0.5, 0.5, 0.0)._decoded(outputs, ['x'], (120, 160))
        own = found.masks[0]
        outline = cv2.morphologyEx(other.view(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3)))
        assert other.sum() > 50
        assert not (own ^ other)[outline == 0].any()


def test_from_its_folder(folder, frame, embeddings, parameters):
    mine = replace(parameters.vild, folder=str(folder), embeddings=str(embeddings), threshold=0.86)
    detector = make_detector('vild', replace(parameters, vild=mine))
    detections = check_detector(detector, frame, ['red block', 'bowl'])
    assert {d.phrase for d in detections} == {'red block', 'bowl'}
    assert sum(d.mask.astype(int) for d in detections).max() == 1
    with pytest.raises(UnknownPhraseError, match=r"no embedding of \['plate'\].*'bowl', 'egg'"):
        detector.detect(frame, ['plate', 'bowl'])


def test_what_is_missing(folder, embeddings, tmp_path, parameters):
    def make(**changes):
        mine = replace(
            parameters.vild, **{'folder': str(folder), 'embeddings': str(embeddings), **changes}
        )
        return make_detector('vild', replace(parameters, vild=mine))

    with pytest.raises(MissingWeightsError, match='holds no SavedModel of ViLD'):
        make(folder=str(tmp_path))
    with pytest.raises(MissingWeightsError, match=r'no .*nothing.npz .parameter vild.embeddings'):
        make(embeddings=str(tmp_path / 'nothing.npz'))
    np.savez(tmp_path / 'few.npz', egg=np.ones(3))
    with pytest.raises(MissingWeightsError, match="of 'background'"):
        make(embeddings=str(tmp_path / 'few.npz'))
    with (tmp_path / 'text.npz').open('w') as file:
        file.write('no archive')
    with pytest.raises(MissingWeightsError, match=r'is no \.npz'):
        make(embeddings=str(tmp_path / 'text.npz'))
