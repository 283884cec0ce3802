"""What the camera's noise does to pictures of known planes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_common.config import read_config
from cap_sim.camera_noise import CameraNoise, NoiseSource
from cap_sim.parameters import Parameters

SHAPE = (120, 160)
FOCAL, BASELINE = 580.0, 0.075


def source(seed=1, shape=SHAPE, **noise):
    return NoiseSource(CameraNoise(**noise), FOCAL, seed, shape)


def plane(depth, shape=SHAPE):
    return np.full(shape, depth, np.float32)


def gray(level, shape=SHAPE):
    return np.full((*shape, 3), level, np.uint8)


def step(near=0.7, far=1.1):
    """A near square in front of a far plane."""
    depth = plane(far)
    depth[40:80, 100:140] = near
    return depth


@given(st.integers(0, 2**32), st.integers(0, 255), st.floats(0.0625, 12, width=32))
def test_without_noise_the_picture_is_the_clean_one(seed, level, depth):
    rgb, there = gray(level), step(depth, 1.1)
    got_rgb, got_depth = source(seed).apply(rgb, there)
    np.testing.assert_array_equal(got_rgb, rgb)
    np.testing.assert_array_equal(got_depth, there)


def test_a_seed_decides_all_and_each_picture_is_another(config_folder):
    noisy = read_config(
        [config_folder / 'sim.yaml', config_folder / 'noisy.yaml'], 'sim', Parameters
    ).camera_noise
    one, same, other = (NoiseSource(noisy, FOCAL, seed, SHAPE) for seed in (5, 5, 6))
    rgb, depth = gray(128), step()
    first = one.apply(rgb, depth)
    for got, again in zip(first, same.apply(rgb, depth), strict=True):
        np.testing.assert_array_equal(got, again)
    for others in (one.apply(rgb, depth), other.apply(rgb, depth)):
        for got, another in zip(first, others, strict=True):
            assert (got != another).mean() > 0.3
    assert (rgb == 128).all(), 'the clean picture is left alone'
    np.testing.assert_array_equal(depth, step())


@pytest.mark.parametrize('level', [20, 120, 220])
def test_colour_varies_by_read_and_shot_noise(level):
    rgb, _ = source(read_noise=2.0, shot_noise=0.05).apply(gray(level), plane(1))
    # Rounding to whole levels adds 1/12.
    assert rgb.astype(float).var() == pytest.approx(4 + 0.05 * level + 1 / 12, rel=0.05)
    assert rgb.astype(float).mean() == pytest.approx(level, abs=0.1)
    channels = rgb.reshape(-1, 3).astype(float).T
    assert np.abs(np.corrcoef(channels) - np.eye(3)).max() < 0.05


def test_colours_stop_at_black_and_white():
    for level in (0, 255):
        rgb, _ = source(read_noise=8.0).apply(gray(level), plane(1))
        assert abs(float(rgb.astype(float).mean()) - level) < 8


@pytest.mark.parametrize('depth', [0.5, 1.1, 3.0])
def test_depth_noise_grows_with_the_square_of_the_distance(depth):
    _, got = source(baseline_m=BASELINE, disparity_noise_px=0.0625).apply(gray(0), plane(depth))
    expected = 0.0625 * depth**2 / (FOCAL * BASELINE)
    assert got.std() == pytest.approx(expected, rel=0.05)
    assert got.mean() == pytest.approx(depth, abs=0.1 * expected + 1e-6)


def test_neighbours_share_their_error_as_told():
    def shared(**more):
        noise = source(baseline_m=BASELINE, disparity_noise_px=0.06, **more)
        error = noise.apply(gray(0), plane(1.0))[1] - 1
        return float((error[:, 1:] * error[:, :-1]).mean() / (error**2).mean())

    assert abs(shared()) < 0.05
    # A field blurred by a Gaussian of s has the correlation exp(-(x / 2 s)^2).
    assert shared(correlation_px=1.5) == pytest.approx(np.exp(-1 / 9), abs=0.05)


def test_disparity_and_depth_come_in_steps():
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.3, 3, SHAPE).astype(np.float32)
    _, got = source(depth_step_m=0.001).apply(gray(0), depth)
    np.testing.assert_allclose(got * 1000, np.rint(got * 1000), atol=1e-3)
    np.testing.assert_allclose(got, depth, atol=0.00051)
    flat = plane(1.1)
    flat += np.linspace(0, 0.001, SHAPE[1], dtype=np.float32)
    _, got = source(baseline_m=BASELINE, disparity_step_px=0.125).apply(gray(0), flat)
    steps = FOCAL * BASELINE / got / 0.125
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
    np.testing.assert_allclose(got, flat, atol=0.5 * 0.125 * 1.1**2 / (FOCAL * BASELINE) + 1e-4)


def test_left_of_a_near_thing_the_second_eye_sees_nothing_of_what_is_behind():
    near, far = 0.7, 1.1
    _, got = source(baseline_m=BASELINE).apply(gray(0), step(near, far))
    width = FOCAL * BASELINE * (1 / near - 1 / far)
    rows, columns = np.nonzero(np.isnan(got))
    assert set(rows) == set(range(40, 80))
    assert columns.max() == 99
    assert columns.min() == pytest.approx(100 - width, abs=1)
    assert (columns >= 100 - width - 1).all()


def test_a_thin_thing_in_the_air_has_a_shadow_apart_from_it():
    depth = plane(1.1)
    depth[:, 100:105] = 0.6
    _, got = source(baseline_m=BASELINE).apply(gray(0), depth)
    away = FOCAL * BASELINE * (1 / 0.6 - 1 / 1.1)
    _, columns = np.nonzero(np.isnan(got))
    np.testing.assert_allclose(np.unique(columns), np.arange(100, 105) - away, atol=1)


def test_what_that_eye_has_not_in_its_picture_is_not_in_a_shadow():
    """Left of its picture; the near thing is at the border."""
    depth = plane(1.1)
    depth[:, 70:90] = 0.7
    _, got = source(baseline_m=BASELINE).apply(gray(0), depth)
    outside = int(FOCAL * BASELINE / 1.1)
    assert not np.isnan(got[:, : outside - 1]).any()


def test_a_slope_that_eye_sees_wider_throws_a_shadow_without_gaps():
    depth = plane(1.1)
    slope = np.linspace(0.4, 0.7, 40, dtype=np.float32)
    depth[:, 115:155] = slope
    _, got = source(baseline_m=BASELINE).apply(gray(0), depth)
    disparity = FOCAL * BASELINE / slope
    first, last = 115 - disparity[0], 154 - disparity[-1]
    assert last - first > 60, 'wider than the 40 pixels that it has in the picture'
    behind = np.arange(115) - FOCAL * BASELINE / 1.1
    hidden = (behind > max(first, 0) + 1) & (behind < last - 1)
    assert hidden.sum() > 20
    assert np.isnan(got[:, :115][:, hidden]).all()


def test_holes_at_edges_are_as_many_as_told_and_only_there():
    depth = step()
    near_edge = np.zeros(SHAPE, bool)
    near_edge[38:82, 98:142] = True
    near_edge[42:78, 102:138] = False
    shares = []
    for seed in range(20):
        noise = source(seed, edge_step_m=0.02, edge_holes=0.3, correlation_px=1.0)
        holes = np.isnan(noise.apply(gray(0), depth)[1])
        assert not holes[~near_edge].any()
        shares.append(holes.sum() / (2 * (40**2 - 38**2) + 2 * 4 * 2))
    assert np.mean(shares) == pytest.approx(0.3, abs=0.06)
    everywhere = source(edge_step_m=0.02, edge_holes=1.0).apply(gray(0), depth)[1]
    assert np.isnan(everywhere[40, 99:102]).all()


def test_edges_are_ragged_but_no_depth_lies_between():
    _, got = source(edge_jitter_px=0.7).apply(gray(0), step())
    assert set(np.unique(got)) == {np.float32(0.7), np.float32(1.1)}
    changed = got != step()
    assert changed[40:80, 96:104].any()
    assert not changed[:30].any()


def test_patches_are_as_many_as_told():
    noise = source(patches=3.0, patch_radius_px=4.0)
    counts = [np.isnan(noise.apply(gray(0), plane(1))[1]).sum() for _ in range(100)]
    # Mean radii are rounded up to whole pixels, and the borders cut some off.
    assert np.mean(counts) == pytest.approx(3 * np.pi * 4.5**2, rel=0.3)
    assert min(counts) < 100 < max(counts)


@pytest.mark.parametrize(
    ('noise', 'text'),
    [
        ({'read_noise': -1.0}, 'read_noise'),
        ({'patches': float('nan')}, 'patches'),
        ({'edge_holes': 1.5}, 'share'),
        ({'disparity_noise_px': 0.1}, 'baseline_m'),
    ],
)
def test_says_what_cannot_be(noise, text):
    with pytest.raises(ValueError, match=text):
        CameraNoise(**noise)


def test_says_when_a_picture_has_another_size():
    with pytest.raises(ValueError, match='120'):
        source().apply(gray(0, (48, 64)), plane(1, (48, 64)))
