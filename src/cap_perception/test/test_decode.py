"""What outputs of models mean, without a model."""

import re

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cap_perception.detectors.decode import (
    best_of_overlapping,
    caption,
    corners,
    pasted,
    tokens_of,
)
from cap_perception.detectors.open_vocabulary import (
    Candidates,
    OpenVocabularyDetector,
    confidence,
    whole_pixels,
)
from cap_perception.phrases import NoPhrasesError
from cap_perception.segment import box_iou
from cap_perception.types import CameraFrame
from cap_perception.words import Words

PHRASES = st.lists(
    st.text('abc de', min_size=1).map(str.strip).filter(bool), min_size=1, max_size=5
)
BOXES = st.lists(
    st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(1, 30)] * 2).map(
        lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
    ),
    max_size=12,
)


def test_corners():
    boxes = np.array([[0.5, 0.5, 1.0, 1.0], [0.25, 0.5, 0.1, 0.2]])
    np.testing.assert_allclose(corners(boxes, 200, 100), [[0, 0, 200, 100], [40, 40, 60, 60]])


@given(phrases=PHRASES)
def test_spans_are_of_their_phrases(phrases):
    text, spans = caption(phrases)
    assert [text[begin:end] for begin, end in spans] == phrases
    assert text == ' '.join(f'{phrase}.' for phrase in phrases)


@given(phrases=PHRASES)
def test_words_belong_to_the_phrase_that_they_are_of(phrases):
    """Tokens are words and dots here, with their characters, between two special ones."""
    text, spans = caption(phrases)
    offsets, expected = [(0, 0)], [None]
    for i, (begin, end) in enumerate(spans):
        for word in re.finditer(r'\S+', text[begin:end]):
            offsets.append((begin + word.start(), begin + word.end()))
            expected.append(i)
        offsets.append((end, end + 1))
        expected.append(None)
    offsets.append((0, 0))
    expected.append(None)
    belongs = tokens_of(offsets, spans, 256)
    assert belongs.shape == (len(phrases), 256)
    for i, phrase in enumerate(expected):
        assert np.flatnonzero(belongs[:, i]).tolist() == ([] if phrase is None else [phrase])
    assert not belongs[:, len(offsets) :].any()


def test_tokens_beyond_what_the_model_scores_are_left_out():
    assert tokens_of([(0, 1), (2, 3)], [(0, 3)], 1).tolist() == [[True]]


@given(boxes=BOXES, seed=st.integers(0, 99), limit=st.sampled_from([0.1, 0.45, 0.9]))
def test_no_two_that_are_kept_are_one_thing(boxes, seed, limit):
    scores = np.random.default_rng(seed).permutation(len(boxes)) / 20 + 0.1
    kept = best_of_overlapping(np.array(boxes, float).reshape(-1, 4), scores, limit)
    assert sorted(scores[kept], reverse=True) == scores[kept].tolist()
    for i in range(len(boxes)):
        better = [j for j in kept if scores[j] > scores[i]]
        hidden = any(box_iou(boxes[i], boxes[j]) > limit + 1e-6 for j in better)
        clear = all(box_iou(boxes[i], boxes[j]) < limit - 1e-6 for j in better)
        assert not (hidden and i in kept)
        assert not (clear and i not in kept)


def bilinear(mask, x, y):
    """Value of a mask at a place in cells; 0 outside."""
    left, top = int(np.floor(x)), int(np.floor(y))
    total = 0.0
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]:
            total += mask[row, column] * (1 - abs(x - column)) * (1 - abs(y - row))
    return total


@given(
    mask=arrays(np.float32, (4, 5), elements=st.floats(0, 1, width=32)),
    corner=st.tuples(st.floats(-12, 18), st.floats(-12, 18)),
    size=st.tuples(st.floats(0.5, 20), st.floats(0.5, 20)),
)
def test_pasted_masks_are_linear_between_samples(mask, corner, size):
    box = np.array([*corner, corner[0] + size[0], corner[1] + size[1]])
    found = pasted(mask, box, (16, 18))
    assert found.shape == (16, 18)
    for v in range(16):
        for u in range(18):
            value = bilinear(
                mask,
                (u + 0.5 - box[0]) / (box[2] - box[0]) * 5 - 0.5,
                (v + 0.5 - box[1]) / (box[3] - box[1]) * 4 - 0.5,
            )
            # OpenCV's weights have 5 bits each.
            assert found[v, u] == (value > 0.5) or abs(value - 0.5) < 0.07


def test_a_mask_of_ones_fills_its_box():
    found = pasted(np.ones((28, 28)), np.array([10.0, 4.0, 50.0, 30.0]), (40, 60))
    assert found.sum() == 40 * 26
    assert cv2.boundingRect(found.view(np.uint8)) == (10, 4, 40, 26)


def test_boxes_beyond_the_picture():
    assert whole_pixels(np.array([-3.2, 1.1, 4.5, 99.0]), (20, 30)) == (0, 1, 5, 20)
    assert whole_pixels(np.array([31.0, 1.0, 40.0, 5.0]), (20, 30)) is None
    assert whole_pixels(np.array([3.0, 4.0, 3.0, 9.0]), (20, 30)) is None


class Finder:
    """Knows two overlapping boxes of one thing, a bowl with it inside, and one out of sight."""

    def find(self, rgb, phrases):
        self.asked = phrases
        boxes = np.array([[5, 5, 15, 15], [5.4, 5, 15, 15], [0, 0, 30, 20], [90, 0, 95, 5]], float)
        masks = []
        for u0, v0, u1, v1 in boxes.astype(int):
            masks.append(np.zeros(rgb.shape[:2], bool))
            masks[-1][v0:v1, u0:u1] = True
        return Candidates(boxes, np.array([0.7, 0.8, 0.6, 0.9]), np.array([0, 0, 1, 1]), masks)


@pytest.fixture
def frame():
    rgb = np.zeros((20, 30, 3), np.uint8)
    return CameraFrame(rgb, np.ones((20, 30), np.float32), np.eye(3), np.eye(4), 0)


def test_any_model_becomes_a_detector(frame):
    finder = Finder()
    detector = OpenVocabularyDetector(finder, Words(['block = square']), 0.5, 0.6)
    block, bowl = detector.detect(frame, ['Red Block', 'bowl'])
    assert finder.asked == ['red square', 'bowl']
    assert (block.phrase, block.class_name, block.color) == ('Red Block', 'block', 'red')
    assert (bowl.phrase, bowl.class_name, bowl.color) == ('bowl', 'bowl', '')
    assert (block.box, block.score) == ((5, 5, 15, 15), pytest.approx(0.75))
    assert (bowl.box, bowl.score) == ((0, 0, 30, 20), 0.5)
    assert block.mask.sum() == 100
    assert bowl.mask.sum() == 500
    assert not (block.mask & bowl.mask).any()


@given(threshold=st.floats(0, 1), scores=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_confidence_is_from_a_half_to_one_in_the_order_of_scores(threshold, scores):
    low, high = sorted(confidence(score, threshold) for score in scores)
    assert 0.5 <= low <= high <= 1.0
    assert [confidence(score, threshold) for score in sorted(scores)] == [low, high]
    assert confidence(threshold, threshold) == 0.5


def test_nothing_is_asked_without_phrases(frame):
    with pytest.raises(NoPhrasesError):
        OpenVocabularyDetector(Finder(), Words(), 0.5, 0.6).detect(frame, [])
