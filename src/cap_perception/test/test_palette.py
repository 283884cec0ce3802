"""Names of colours under any light."""

import numpy as np
import pytest

from cap_perception.palette import NO_COLOR, Palette


@pytest.fixture(scope='module')
def palette(parameters):
    rgb = np.reshape(parameters.color_rgb, (-1, 3)).tolist()
    return Palette(parameters.color_names, rgb, parameters.max_color_distance)


@pytest.mark.parametrize('shade', [0.45, 0.6, 0.8, 1.0, 1.1])
def test_every_color_keeps_its_name_in_light_and_shade(palette, parameters, shade):
    rng = np.random.default_rng(0)
    for i, rgb in enumerate(np.reshape(parameters.color_rgb, (-1, 3))):
        seen = np.clip(rgb * shade + rng.normal(0, 3, (500, 3)), 0, 255).astype(np.uint8)
        # Single pixels may err in deep shade, most must not.
        assert np.mean(palette.classify(seen) == i) > (0.9 if shade > 0.5 else 0.7), (i, shade)


@pytest.mark.parametrize('rgb', [(0, 255, 0), (255, 0, 255), (0, 0, 255)])
def test_other_colors_have_no_name(palette, rgb):
    assert palette.classify(np.array([[rgb]], np.uint8)) == NO_COLOR


def test_names_and_colors_must_agree_in_number():
    with pytest.raises(ValueError, match='2 colour names for 1 colours'):
        Palette(('red', 'blue'), [(255, 0, 0)], 10.0)
