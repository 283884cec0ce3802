"""Detector of blocks and bowls by colour and by their geometry in the depth picture.

Pixels are named by colour. Within one colour, block tops are flat patches of the right size whose
surroundings lie lower; what is left and lies on a circle of the right size is a bowl's rim. Shapes
are decided by depth alone, so a block in a bowl of its own colour is two objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from cap_common.palette import PALETTE
from cap_perception.boxes import MAX_TILT, is_square_or_cut, share_lower_around, stands_out_hollow
from cap_perception.color_table import NO_COLOR, ColorTable
from cap_perception.deproject import window_points, workspace_heights, workspace_image
from cap_perception.parameters import PerceptionParameters
from cap_perception.phrases import answered, check_known, parse_phrases
from cap_perception.segment import box_around
from cap_perception.shapes import (
    Models,
    Points,
    Rectangle,
    fit_circle,
    fit_plane,
    fit_rectangle,
)
from cap_perception.types import CameraFrame, Detection, FloatImage, Mask

CLASSES = ('block', 'bowl')
_JUMP = 0.025  # [m] of depth between neighbours that are not one surface
_TOP_BAND = 0.006  # [m] about a block's top: depth noise after denoising
_MIN_LOWER = 0.4  # share of a block's surroundings that must lie lower
_MIN_COVERAGE = 0.4  # share of a rim that must be seen
_CROSS = np.ones((3, 3), np.uint8)
_Window = tuple[slice, slice]
ByteMask = NDArray[np.uint8]


@dataclass(frozen=True)
class ColorConfig:
    """What to look for.

    Attributes:
        max_color_distance: CIELAB distance beyond which a pixel has no colour name.
        min_height, max_height: z in workspace [m] between which objects are looked for.
        max_flat_rms: how far from its plane a block's top may be measured [m], root mean square.
    """

    max_color_distance: float
    min_height: float
    max_height: float
    max_flat_rms: float
    models: Models


@dataclass(frozen=True, eq=False)
class _Patch:
    """A rectangular part of the picture with pixels of one colour; points (h, w, 3) [m]."""

    window: _Window
    mask: Mask
    points: FloatImage


class ColorDetector:
    """See the module. Frames must be denoised (`deproject.denoise`)."""

    def __init__(self, config: ColorConfig) -> None:
        self._config = config
        self._colors = ColorTable(PALETTE, config.max_color_distance)

    def detect(self, frame: CameraFrame, phrases: Sequence[str]) -> list[Detection]:
        """Blocks and bowls of the palette's colours; see Detector."""
        asked = parse_phrases(phrases)
        check_known(asked, CLASSES, 'color')
        labels = self._labels(frame)
        pixel = _pixel_size(frame)
        found: list[Detection] = []
        # NO_COLOR, the largest number, becomes 0: what find_objects leaves out.
        windows = find_objects(labels + np.uint8(1), len(self._colors.names))
        for index, (color, window) in enumerate(zip(self._colors.names, windows, strict=True)):
            if window is None:
                continue
            for class_name, part, score in self._of_color(
                frame, window, labels[window] == index, pixel
            ):
                if phrase := answered(asked, color, class_name):
                    mask = np.zeros(labels.shape, bool)
                    mask[window] = part
                    u0, v0, u1, v1 = box_around(part)
                    u, v = window[1].start, window[0].start
                    box = (u + u0, v + v0, u + u1, v + v1)
                    found.append(Detection(phrase.text, class_name, color, box, mask, score))
        return found

    def _of_color(
        self, frame: CameraFrame, window: _Window, colored: Mask, pixel: float
    ) -> Iterator[tuple[str, Mask, float]]:
        """Class, mask in the window, and score of each object of one colour."""
        smallest = int((0.25 * self._config.models.block_size / pixel) ** 2)
        mask = np.asarray(
            cv2.morphologyEx(colored.view(np.uint8), cv2.MORPH_OPEN, _CROSS), np.uint8
        )
        rest = mask.astype(bool)
        for patch in _patches(frame, window, mask, smallest):
            for block, score in self._blocks(frame, patch, pixel):
                full = np.zeros(rest.shape, bool)
                full[patch.window] = block
                rest &= ~full
                yield 'block', full, score
        for bowl, score in self._bowls(frame, window, rest, pixel):
            yield 'bowl', bowl, score

    def _labels(self, frame: CameraFrame) -> NDArray[np.uint8]:
        """Colour index (H, W) of what stands on the table; NO_COLOR elsewhere."""
        heights = workspace_heights(frame)
        near = cv2.erode(np.where(np.isnan(frame.depth), np.float32(1e3), frame.depth), _CROSS)
        stands = (heights > self._config.min_height) & (heights < self._config.max_height)
        stands &= frame.depth - near < _JUMP  # the far side of an edge mixes two surfaces
        labels = np.full(stands.shape, NO_COLOR, np.uint8)
        labels[stands] = self._colors.classify(frame.rgb[stands])
        return labels

    def _blocks(
        self, frame: CameraFrame, patch: _Patch, pixel: float
    ) -> Iterator[tuple[Mask, float]]:
        """Masks, in the patch, of the blocks in it, the highest first."""
        mask = patch.mask.copy()
        heights = patch.points[..., 2]
        # However a block lies, its top is no lower than on the table.
        lowest = (1 - self._config.models.tolerance) * self._config.models.block_size
        if not (heights[mask] > lowest).any():
            return
        window = max(3, int(0.4 * self._config.models.block_size / pixel) | 1)
        flat = _flat(heights, mask, window, self._config.max_flat_rms)
        # Along a bowl's wall chance makes lines of flat windows; on a block's top they fill areas.
        image = cv2.morphologyEx(flat.view(np.uint8), cv2.MORPH_OPEN, _CROSS)
        _, seeds, stats, _ = cv2.connectedComponentsWithStats(image)
        level = {i: float(heights[seeds == i].mean()) for i in range(1, len(stats))}
        for i in sorted((i for i in level if level[i] > lowest), key=lambda i: -level[i]):
            seed = (seeds == i) & mask
            if seed.sum() < 3:
                continue
            top = self._top(frame, patch, mask, seed, pixel)
            if top is None:
                continue
            local = top.local(patch.points[mask].astype(float))
            half = 0.5 * self._config.models.block_size + 0.004
            inside = (np.abs(local[:, :2]) < half).all(axis=1) & (np.abs(local[:, 2]) < 2 * half)
            block = np.zeros_like(mask)
            block[mask] = inside
            mask &= ~block
            sides = np.array(top.sides) / self._config.models.block_size
            yield block, float(np.clip(sides, 0.0, 1.0).prod())

    def _top(
        self, frame: CameraFrame, patch: _Patch, mask: Mask, seed: Mask, pixel: float
    ) -> Rectangle | None:
        """The square top that a flat seed lies on, if it is a block's."""
        models = self._config.models
        points = patch.points[mask].astype(float)
        level = seed
        for _ in range(2):  # windows at an edge tilt the first plane; its neighbours right it
            plane = fit_plane(patch.points[level].astype(float))
            if plane.normal[2] < np.cos(MAX_TILT):
                return None
            level = np.zeros_like(mask)
            level[mask] = np.abs(plane.heights(points)) < _TOP_BAND
            level = _connected(level, seed)
            if not level.any():
                return None
        # What is coplanar by chance (a bowl's rim beside it) is thin: it goes with an opening.
        for share in (0.0, 0.25, 0.45, 0.6):
            around = _connected(_opened(level, share * models.block_size / pixel), seed)
            if around.sum() < 6:
                return None
            rectangle = fit_rectangle(patch.points[around].astype(float), plane)
            if max(rectangle.sides) < (1 + models.tolerance) * models.block_size:
                break
        else:
            return None
        if share_lower_around(frame, rectangle) < _MIN_LOWER:
            return None
        return rectangle if is_square_or_cut(frame, rectangle, models) else None

    def _bowls(
        self, frame: CameraFrame, window: _Window, rest: Mask, pixel: float
    ) -> Iterator[tuple[Mask, float]]:
        """Masks, in the window, of the bowls among its pixels that belong to no block."""
        models = self._config.models
        radius = 0.5 * models.bowl_diameter
        # A rim is a pixel wide or more.
        least = _MIN_COVERAGE * np.pi * models.bowl_diameter / pixel
        lowest = (1 - models.tolerance) * models.bowl_height
        for _ in range(8):
            if rest.sum() < least:
                return
            points = window_points(frame, window, rest)
            level = _rim_level(points, models)
            rim = np.abs(points[:, 2] - level) < 0.2 * models.bowl_height
            if level < lowest or rim.sum() < least:
                return
            circle = fit_circle(points[rim], radius, 0.12 * radius)
            if (
                circle is None
                or circle.coverage < _MIN_COVERAGE
                or not models.fits(circle.radius, radius)
            ):
                return
            distance = np.linalg.norm(points[:, :2] - (circle.x, circle.y), axis=1)
            if np.mean(distance[rim] < 0.6 * radius) > 0.3:
                return  # a disc, not a rim
            if not stands_out_hollow(frame, circle):
                return
            below_rim = points[:, 2] < circle.z + 0.2 * models.bowl_height
            bowl = np.zeros_like(rest)
            bowl[rest] = (distance < 1.12 * radius) & below_rim
            rest = rest & ~bowl
            yield bowl, circle.coverage


def from_parameters(parameters: PerceptionParameters) -> ColorDetector:
    """The detector as configured."""
    return ColorDetector(
        ColorConfig(
            max_color_distance=parameters.max_color_distance,
            min_height=parameters.min_height,
            max_height=parameters.region_high[2],
            max_flat_rms=parameters.max_flat_rms,
            models=parameters.models,
        )
    )


def _pixel_size(frame: CameraFrame) -> float:
    """Width [m] of one pixel at the scene's median depth; NaN where none was measured."""
    for step in (8, 1):
        depth = frame.depth[::step, ::step]
        if not np.isnan(depth).all():
            return float(np.nanmedian(depth) / frame.intrinsics[0, 0])
    return float('nan')


def _patches(
    frame: CameraFrame, around: _Window, mask: ByteMask, smallest: int
) -> Iterator[_Patch]:
    """Connected pixels of one colour, each cut out of a window of the frame with that mask."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    for i, (column, row, width, height, area) in enumerate(stats[1:], start=1):
        if area >= smallest:
            window = np.s_[row : row + height, column : column + width]
            v, u = around[0].start + row, around[1].start + column
            points = workspace_image(frame, np.s_[v : v + height, u : u + width])
            yield _Patch(window, labels[window] == i, points)


def _flat(heights: FloatImage, mask: Mask, window: int, max_rms: float) -> Mask:
    """Pixels whose whole window is in the mask and on one plane (any tilt).

    Over a few centimetres the picture's perspective is nearly linear, so heights over pixels serve
    as well as heights over metres.
    """
    whole = cv2.erode(
        mask.view(np.uint8),
        np.ones((window, window), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    if not whole.any():
        return whole.astype(bool)
    z = heights - heights[mask].mean()
    ramp = (np.arange(window) - window // 2).astype(np.float32)
    ones = np.ones(window, np.float32)
    n = window * window
    ramp_squared = float((ramp**2).sum()) * window
    mean = cv2.sepFilter2D(z, -1, ones, ones) / n
    across = cv2.sepFilter2D(z, -1, ramp, ones)
    down = cv2.sepFilter2D(z, -1, ones, ramp)
    variance = (
        cv2.sepFilter2D(z * z, -1, ones, ones) / n
        - mean**2
        - (across**2 + down**2) / (ramp_squared * n)
    )
    return np.asarray((variance < max_rms**2) & whole.astype(bool), bool)


def _connected(mask: Mask, seed: Mask) -> Mask:
    """The connected part of a mask that most of the seed lies in; nothing if it lies outside."""
    _, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)
    names = labels[seed & mask]
    if not len(names):
        return np.zeros_like(mask)
    return np.asarray(labels == np.bincount(names).argmax())


def _opened(mask: Mask, width: float) -> Mask:
    """The mask without what is thinner than `width` [px]."""
    size = int(width)
    if size < 2:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, disc).astype(bool)


def _rim_level(points: Points, models: Models) -> float:
    """Height of the rim: that of a bowl on the table where that has points, else the topmost."""
    table = np.abs(points[:, 2] - models.bowl_height) < 0.2 * models.bowl_height
    if table.sum() >= 40:
        return models.bowl_height
    return float(np.percentile(points[:, 2], 90))
