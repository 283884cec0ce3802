"""Boxes to masks by depth, on pictures of the simulated cell."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_perception.deproject import denoise
from cap_perception.detectors.color import from_parameters
from cap_perception.segment import box_around, box_iou, mask_in_box, with_masks
from cap_sim.layout import ObjectSpec

BOXES = st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(1, 30)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


def filled(box, shape=(64, 64)):
    mask = np.zeros(shape, bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


@given(box=BOXES)
def test_the_box_around_a_filled_box_is_that_box(box):
    assert box_around(filled(box)) == box


@given(a=BOXES, b=BOXES)
def test_iou_is_that_of_the_pixels(a, b):
    mine, other = filled(a), filled(b)
    assert box_iou(a, b) == pytest.approx((mine & other).sum() / (mine | other).sum())


def masks_of_boxes(frame, parameters):
    """(mask by colour and shape, mask by its box and depth) of everything, by name."""
    exact = from_parameters(parameters).detect(frame, parameters.phrases)
    boxed = [replace(detection, mask=None) for detection in exact]
    named = {(d.color, d.class_name): d.mask for d in with_masks(frame, boxed, 0.008)}
    return {
        f'{d.color} {d.class_name}': (d.mask, named[d.color, d.class_name])
        for d in exact
    }  # fmt: skip


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def test_things_on_a_table_and_in_a_bowl(cell, parameters):
    world = cell(
        ObjectSpec('bowl', 'blue', (-0.15, -0.45)),
        ObjectSpec('block', 'red', (0.0, -0.3)),
        ObjectSpec('block', 'green', (0.1, -0.6), 0.7),
        ObjectSpec('block', 'yellow', (0.16, -0.6), 0.2),
    )
    world.put('red block', -0.15, -0.45, 0.025, 0.4)
    world.settle(100)
    masks = masks_of_boxes(denoise(world.frame()), parameters)
    assert sorted(masks) == ['blue bowl', 'green block', 'red block', 'yellow block']
    for name, (exact, boxed) in masks.items():
        assert iou(exact, boxed) > (0.7 if 'bowl' in name else 0.8), name
    assert sum(boxed.astype(int) for _, boxed in masks.values()).max() == 1


def test_a_box_of_nothing_is_left_out(cell, parameters):
    frame = denoise(cell(ObjectSpec('block', 'red', (0.0, -0.3))).frame())
    detection = from_parameters(parameters).detect(frame, ['block'])[0]
    empty = replace(detection, box=(2, 2, 30, 30), mask=None)
    assert with_masks(frame, [empty], 0.008) == []
    assert with_masks(frame, [detection], 0.008) == [detection]


def test_a_neighbour_in_the_corner_is_not_the_thing():
    depth = np.full((60, 80), 1.0, np.float32)
    stands = filled((20, 10, 50, 40), depth.shape) | filled((45, 35, 70, 55), depth.shape)
    depth[10:40, 20:50] = 0.9
    depth[35:55, 45:70] = 0.8
    mask = mask_in_box(depth, stands, (20, 10, 50, 40))
    assert mask[25, 30]
    assert not mask[38, 48]
    assert mask_in_box(depth, stands, (-20, -10, 5, 5)) is None


def test_depth_that_was_not_measured_is_nothing():
    depth = np.full((40, 40), np.nan, np.float32)
    assert mask_in_box(depth, np.isfinite(depth), (5, 5, 30, 30)) is None
