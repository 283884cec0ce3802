"""Names for colours: the nearest entry of a palette in CIELAB, whatever the shading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cap_perception.types import ByteImage

NO_COLOR = 255
_BITS = 6  # per channel of the look-up table; a cell is 4/255 wide, about the camera's noise
# Lit surfaces are brighter or darker than the paint, in proportion on all three channels.
_SHADES = np.linspace(0.35, 1.25, 31)


class ColorTable:
    """A look-up table from RGB to the index of the nearest palette colour under some shading.

    Args:
        palette: sRGB, 0 to 255, by name.
        max_distance: CIELAB distance (CIE 1976) beyond which a pixel has no colour name.
    """

    def __init__(self, palette: Mapping[str, Sequence[int]], max_distance: float) -> None:
        if not 0 < len(palette) < NO_COLOR:
            raise ValueError(f'a palette of {len(palette)} colours')
        self.names = tuple(palette)
        rgb = np.array(list(palette.values()), float)
        shaded = np.clip(rgb[:, None] * _SHADES[:, None], 0, 255)
        self._max_distance = max_distance
        self._tree = cKDTree(_lab(shaded.reshape(-1, 3)))
        steps = np.arange(2**_BITS) * 2 ** (8 - _BITS) + 2 ** (8 - _BITS) / 2 - 0.5
        cells = np.stack(np.meshgrid(steps, steps, steps, indexing='ij'), axis=-1).reshape(-1, 3)
        self._table = self._nearest(cells)

    def _nearest(self, rgb: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Index of each colour (N, 3), or NO_COLOR."""
        distance, nearest = self._tree.query(_lab(rgb), distance_upper_bound=self._max_distance)
        index = np.where(np.isfinite(distance), nearest // len(_SHADES), NO_COLOR)
        return index.astype(np.uint8)

    def classify(self, rgb: ByteImage) -> NDArray[np.uint8]:
        """Index into `names` of each pixel (..., 3), or NO_COLOR."""
        cell = rgb >> np.uint8(8 - _BITS)
        index = cell[..., 0].astype(np.int32)
        index <<= _BITS
        index |= cell[..., 1]
        index <<= _BITS
        index |= cell[..., 2]
        return self._table[index]

    def of_mean(self, pixels: ByteImage) -> int:
        """Index of the mean colour of pixels (N, 3), not rounded to a cell; or NO_COLOR."""
        return int(self._nearest(pixels.mean(axis=0, keepdims=True))[0])


def _lab(rgb: NDArray[np.float64]) -> NDArray[np.float32]:
    """CIELAB (N, 3) of sRGB (N, 3) in 0 to 255."""
    image = (rgb / 255.0).astype(np.float32).reshape(1, -1, 3)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[0], np.float32)
