"""Names of colours under any light."""

import numpy as np
import pytest

from cap_common.palette import COLORS, PALETTE
from cap_perception.color_table import NO_COLOR, ColorTable


@pytest.fixture(scope='module')
def colors(parameters):
    return ColorTable(PALETTE, parameters.max_color_distance)


@pytest.mark.parametrize('shade', [0.45, 0.6, 0.8, 1.0, 1.1])
def test_every_color_keeps_its_name_in_light_and_shade(colors, shade):
    rng = np.random.default_rng(0)
    for i, rgb in enumerate(PALETTE.values()):
        noise = rng.normal(0, 3, (500, 3))
        seen = np.clip(np.array(rgb) * shade + noise, 0, 255).astype(np.uint8)
        # Single pixels may err in deep shade, most must not.
        assert np.mean(colors.classify(seen) == i) > (0.9 if shade > 0.5 else 0.7), (i, shade)


@pytest.mark.parametrize('rgb', [(0, 255, 0), (255, 0, 255), (0, 0, 255)])
def test_other_colors_have_no_name(colors, rgb):
    assert colors.classify(np.array([[rgb]], np.uint8)) == NO_COLOR


@pytest.mark.parametrize('shade', [0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize('name', ['gray', 'white'])
def test_the_mean_of_many_pixels_tells_what_single_ones_do_not(parameters, name, shade):
    colors = ColorTable(COLORS, parameters.max_color_distance)
    noise = np.random.default_rng(0).normal(0, 4, (300, 3))
    pixels = np.clip(np.array(COLORS[name]) * shade + noise, 0, 255).astype(np.uint8)
    assert len(set(colors.classify(pixels).tolist())) > 1
    assert colors.names[colors.of_mean(pixels)] == name


def test_a_palette_has_colors():
    with pytest.raises(ValueError, match='palette of 0 colours'):
        ColorTable({}, 10.0)
