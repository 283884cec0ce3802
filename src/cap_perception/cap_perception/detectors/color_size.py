"""Detector of known things by colour and size: fruits, bottles and plates.

What stands higher than a plate's rim is cut into pieces of one colour; gray and white are one until
a whole piece tells which. A piece is the thing of the catalogue that has its colour and, best, its
length, width, height and outline; one that fits none (a part of the arm, a thing half hidden) is
nothing. Plates are too low for that: theirs are circles of the right size around patches of one
colour near the table.

It tells apart what differs in colour, size or outline, and nothing else: it does not know an apple
from a red ball. `color` is the detector for blocks and bowls, whatever lies on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from cap_common.palette import COLORS
from cap_perception.boxes import upright
from cap_perception.catalogue import Thing, parse_things
from cap_perception.color_table import ColorTable
from cap_perception.deproject import workspace_heights, workspace_image
from cap_perception.parameters import PerceptionParameters
from cap_perception.phrases import answered, check_known, parse_phrases
from cap_perception.segment import box_around
from cap_perception.shapes import Points, fit_circle
from cap_perception.types import ByteImage, CameraFrame, Detection, FloatImage, Mask

_PLATE = 'plate'
_CLEAR = 0.006  # [m] above a plate's rim, where what stands there is cut off from it
_JUMP = 0.025  # [m] of depth between neighbours that are not one surface
_MISFIT = 0.3  # of length and width, and of the height, as shares of the thing's own
# Share of the rectangle around it that is filled by a thing's outline, of pixels: a box's, an
# ellipse's; and what a share that is off counts beside lengths that are.
_BOX_FILLED, _ROUND_FILLED = 0.93, 0.80
_OUTLINE = 2.5
_BAND = 0.006  # [m] about a plate's edge
_MIN_COVERAGE = 0.4  # share of a plate's edge that must be seen
_MIN_FILLED = 0.25  # share of a plate that must have its colour
_MIN_RIM = 0.5  # height of a plate's edge, as a share of the plate's; lower, it is a drawn circle
_MIN_PIXELS = 30
_MARGIN = 5
_LARGER = 1.15  # as which share of a thing's length and width a part of it may be measured
_CUT = 0.1  # share of a piece's surroundings that are nearer than the piece
_PLATES_OF_A_COLOR = 4
# White in the shade is gray: of single pixels noise would decide.
_GRAY, _WHITE = 'gray', 'white'
# The table itself is dark: what is black, or grayish and as dark as this [0 to 255], may be table.
_TABLE_COLOR = 'black'
_DARK = 100
_CROSS = np.ones((3, 3), np.uint8)


class ColorSizeDetector:
    """See the module. Frames must be denoised (`deproject.denoise`).

    Args:
        things: by class name.
        max_color_distance: CIELAB distance beyond which a pixel has no colour name.
        max_height: z in workspace [m] up to which things are looked for.
    """

    def __init__(
        self, things: dict[str, Thing], max_color_distance: float, max_height: float
    ) -> None:
        self._class_names = tuple(things)
        self._plate = things.get(_PLATE)
        self._things = [thing for name, thing in things.items() if name != _PLATE]
        self._colors = ColorTable(COLORS, max_color_distance)
        self._max_height = max_height
        self._low = (self._plate.size[2] if self._plate else 0.0) + _CLEAR

    def detect(self, frame: CameraFrame, phrases: Sequence[str]) -> list[Detection]:
        """Things of the catalogue; see Detector."""
        asked = parse_phrases(phrases)
        check_known(asked, self._class_names, 'color_size')
        heights = workspace_heights(frame)
        near = cv2.erode(np.where(np.isnan(frame.depth), np.float32(1e3), frame.depth), _CROSS)
        # The far side of an edge mixes two surfaces.
        stands = (heights > self._low) & (heights < self._max_height)
        stands &= frame.depth - near < _JUMP
        lies = heights < self._low
        labels = self._colors.classify(frame.rgb)
        names = self._colors.names
        labels[labels == names.index(_WHITE)] = names.index(_GRAY)
        found: list[tuple[str, str, Mask, float]] = []
        for index, color in enumerate(names):
            of_color = labels == index
            found += self._standing(color, of_color & stands, frame)
            if self._plate is None or color == _TABLE_COLOR:
                continue
            if color == _GRAY:
                of_color &= frame.rgb.max(axis=2) > _DARK
            found += self._plates(color, of_color & lies, frame)
        return [
            Detection(phrase.text, class_name, color, box_around(mask), mask, score)
            for class_name, color, mask, score in found
            if (phrase := answered(asked, color, class_name))
        ]

    def _standing(
        self, color: str, mask: Mask, frame: CameraFrame
    ) -> Iterator[tuple[str, str, Mask, float]]:
        """Pieces of one colour that stand on table or plate and fit a thing."""
        if mask.sum() < _MIN_PIXELS:
            return
        window = _around(mask)
        opened = cv2.morphologyEx(mask[window].view(np.uint8), cv2.MORPH_OPEN, _CROSS)
        points = workspace_image(frame, window)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
        for i in range(1, len(stats)):
            if stats[i, cv2.CC_STAT_AREA] < _MIN_PIXELS:
                continue
            piece = labels == i
            name = self._name(color, frame.rgb[window][piece])
            things = [thing for thing in self._things if thing.color in ('', name)]
            of_piece = points[piece].astype(float)
            if _is_cut(piece, frame.depth[window]):
                # What is left of a banana may have the size of a lemon.
                things = [thing for thing in things if _may_be_part(of_piece, thing)]
                if len(things) > 1:
                    continue
            thing, misfit = _best(of_piece, things)
            if thing is not None:
                yield thing.class_name, name, _whole(mask, window, piece), 1.0 - misfit

    def _plates(
        self, color: str, mask: Mask, frame: CameraFrame
    ) -> Iterator[tuple[str, str, Mask, float]]:
        """Circles of a plate's size around patches of one colour."""
        assert self._plate is not None
        radius = self._plate.size[0] / 2
        if mask.sum() < _MIN_PIXELS:
            return
        window = _around(mask)
        points = workspace_image(frame, window)
        opened = cv2.morphologyEx(mask[window].view(np.uint8), cv2.MORPH_OPEN, _CROSS)
        rest = np.asarray(opened, np.uint8).astype(bool)
        for _ in range(_PLATES_OF_A_COLOR):
            edge = rest & ~cv2.erode(rest.view(np.uint8), _CROSS).astype(bool)
            at = points[edge].astype(float)
            circle = fit_circle(at, radius, _BAND)
            if circle is None or circle.coverage < _MIN_COVERAGE:
                return
            away = np.hypot(points[..., 0] - circle.x, points[..., 1] - circle.y)
            inside = rest & (away < radius + _BAND)
            # Pixels of the disc, at the density of those that were found.
            disc = (away < radius).sum()
            rest = rest & ~inside
            if inside.sum() < _MIN_FILLED * disc:
                return
            if circle.z < _MIN_RIM * self._plate.size[2]:
                continue
            name = self._name(color, frame.rgb[window][inside])
            yield _PLATE, name, _whole(mask, window, edge & inside), circle.coverage

    def _name(self, color: str, pixels: ByteImage) -> str:
        """The colour of a piece (N, 3) that was cut out as one of `color`."""
        if color != _GRAY:
            return color
        index = self._colors.of_mean(pixels)
        return _WHITE if index == self._colors.names.index(_WHITE) else _GRAY


def _best(points: Points, things: Sequence[Thing]) -> tuple[Thing | None, float]:
    """The thing that a piece fits best, and how badly: 0 to _MISFIT."""
    length, width, top = _extents(points)
    filled = cv2.contourArea(cv2.convexHull(points[:, :2].astype(np.float32))) / (length * width)
    best, least = None, _MISFIT
    for thing in things:
        shares = (
            (filled - (_BOX_FILLED if thing.is_box else _ROUND_FILLED)) * _OUTLINE,
            length / thing.size[0] - 1.0,
            width / thing.size[1] - 1.0,
            # What stands on a plate or is carried is higher, and never lower.
            min(top / thing.size[2] - 1.0, 0.0) * 2,
            max(top / thing.size[2] - 1.3, 0.0) / 4,
        )
        misfit = max(map(abs, shares))
        if misfit < least:
            best, least = thing, misfit
    return best, least


def _may_be_part(points: Points, thing: Thing) -> bool:
    """Whether a piece is no larger than a thing."""
    length, width, _ = _extents(points)
    return length < _LARGER * thing.size[0] and width < _LARGER * thing.size[1]


def _extents(points: Points) -> tuple[float, float, float]:
    """Length, width and height of the top of a piece [m], noise of its highest points left out."""
    sides = upright(points).sides
    return max(sides), min(sides), float(np.percentile(points[:, 2], 80))


def _is_cut(piece: Mask, depth: FloatImage) -> bool:
    """Whether something nearer to the camera hides the rest of a piece."""
    # Two pixels out: the one between belongs to neither.
    image = piece.view(np.uint8)
    ring = cv2.dilate(image, _CROSS, iterations=3) > cv2.dilate(image, _CROSS)
    nearer = depth[ring] < np.median(depth[piece]) - _JUMP
    return bool(nearer.mean() > _CUT) if len(nearer) else False


def _around(mask: Mask) -> tuple[slice, slice]:
    """The part of a picture that a mask lies in, and a margin."""
    column, row, width, height = cv2.boundingRect(mask.view(np.uint8))
    left, top = max(column - _MARGIN, 0), max(row - _MARGIN, 0)
    return np.s_[top : row + height + _MARGIN, left : column + width + _MARGIN]


def _whole(mask: Mask, window: tuple[slice, slice], part: Mask) -> Mask:
    """A mask of the whole picture from one of a window."""
    full = np.zeros_like(mask)
    full[window] = part
    return full


def from_parameters(parameters: PerceptionParameters) -> ColorSizeDetector:
    """The detector as configured."""
    return ColorSizeDetector(
        parse_things(parameters.models.things),
        parameters.max_color_distance,
        parameters.region_high[2],
    )
