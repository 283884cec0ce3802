"""What a colour and depth camera adds to, and leaves out of, a clean picture. No ROS, no MuJoCo.

Depth is that of a stereo or structured-light camera: triangulated over a baseline, so that its
error grows with the square of the distance; blind where its second eye (or projector) sees another
surface; ragged at edges. What is zero in CameraNoise does nothing: with all of it zero, the clean
picture comes back bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Depth = NDArray[np.float32]
Holes = NDArray[np.bool_]
_Field = NDArray[np.float32]

# A field of noise is larger than a picture by so many rows and columns: each picture takes another
# part of it, which costs far less than drawing anew.
_SPARE = 160
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_GAPS = np.ones((1, 5), np.uint8)


@dataclass(frozen=True)
class CameraNoise:
    """How far a camera is from a perfect one.

    Attributes:
        read_noise: standard deviation of a colour channel in the dark [levels of 0 to 255].
        shot_noise: what its variance grows by with each level [levels]: with `read_noise`, the
            affine model of Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting
            for single-image raw-data" (IEEE TIP 2008).
        depth_noise_m: standard deviation of depth that is the same at all distances [m].
        baseline_m: between the two eyes, or eye and projector [m]; the second is at the picture's
            right: left of a near thing, a strip of what is behind has no depth.
        disparity_noise_px: standard deviation of disparity [px]; of depth z it is
            z^2 / (focal length * baseline) times this: Khoshelham and Elberink, "Accuracy and
            Resolution of Kinect Depth Data" (Sensors 2012).
        disparity_step_px: disparity is a multiple of this [px]: 1/8 in that paper.
        depth_step_m: depth is a multiple of this [m]: 0.001 where a driver sends 16-bit integers.
        correlation_px: over so many pixels neighbours share what `disparity_noise_px` and
            `edge_jitter_px` do to them: standard deviation of a Gaussian [px]. A camera matches
            windows, not pixels.
        edge_jitter_px: standard deviation of where a pixel's depth is taken [px], along each axis:
            Handa et al., "A Benchmark for RGB-D Visual Odometry, 3D Reconstruction and SLAM" (ICRA
            2014).
        edge_step_m: between neighbours, this is an edge [m].
        edge_holes: share of the pixels next to edges that have no depth.
        patches: how many patches without depth a picture has, on average: gloss, dirt.
        patch_radius_px: their average radius [px].
    """

    read_noise: float = 0.0
    shot_noise: float = 0.0
    depth_noise_m: float = 0.0
    baseline_m: float = 0.0
    disparity_noise_px: float = 0.0
    disparity_step_px: float = 0.0
    depth_step_m: float = 0.0
    correlation_px: float = 0.0
    edge_jitter_px: float = 0.0
    edge_step_m: float = 0.0
    edge_holes: float = 0.0
    patches: float = 0.0
    patch_radius_px: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value < float('inf'):
                raise ValueError(f'{field.name} of a camera is 0 or more, not {value}')
        if self.edge_holes > 1:
            raise ValueError(f'edge_holes of a camera is a share, not {self.edge_holes}')
        if not self.baseline_m and (self.disparity_noise_px or self.disparity_step_px):
            raise ValueError('a camera with noise or steps of disparity needs a baseline_m')


class NoiseSource:
    """The noise of one camera, picture after picture; the same for the same seed. For one thread.

    Args:
        focal_px: focal length of the camera [px].
        shape: rows and columns of its pictures.
    """

    def __init__(
        self, noise: CameraNoise, focal_px: float, seed: int, shape: tuple[int, int] = (480, 640)
    ) -> None:
        self._noise, self._shape = noise, shape
        self._depth_disparity = np.float32(focal_px * noise.baseline_m)  # depth times disparity
        self._rng = np.random.default_rng(seed)
        levels = np.arange(256)
        self._sigmas = np.sqrt(noise.read_noise**2 + noise.shot_noise * levels).astype(np.float32)
        rows, columns = shape
        self._white = self._field((rows + _SPARE, columns + _SPARE, 3))
        self._smooth = self._field((rows + _SPARE, columns + _SPARE), noise.correlation_px)
        self._columns: _Field = np.arange(columns, dtype=np.float32)
        self._rows: _Field = np.arange(rows, dtype=np.float32)[:, None]
        # Fresh arrays of that size cost more than what is done to them.
        self._planes = np.empty((3, rows, columns), np.float32)
        # What the second eye sees: disparities; and which of its pixels each of the picture's is.
        self._seen = np.empty((rows, columns + 1), np.float32)
        self._pixel = np.empty((rows, columns), np.intp)
        self._row_starts = (np.arange(rows) * (columns + 1))[:, None]

    def apply(self, rgb: Rgb, depth: Depth) -> tuple[Rgb, Depth]:
        """The picture as the camera gives it.

        Args:
            rgb: (h, w, 3).
            depth: (h, w), along the camera's axis [m].

        Returns:
            The same; depth is NaN where the camera has no measurement (REP-118).

        Raises:
            ValueError: a picture of another size than told.
        """
        if depth.shape != self._shape or rgb.shape[:2] != self._shape:
            raise ValueError(
                f'noise for pictures of {self._shape} pixels, not {rgb.shape[:2]}, {depth.shape}'
            )
        return self._color(rgb), self._depth(depth)

    def _color(self, rgb: Rgb) -> Rgb:
        if not self._sigmas.any():
            return rgb
        noise = cv2.LUT(rgb, self._sigmas, dst=self._planes.reshape(rgb.shape))
        np.multiply(noise, self._part(self._white), out=noise)
        return np.asarray(cv2.add(rgb, noise, dtype=cv2.CV_8U), dtype=np.uint8)

    def _depth(self, depth: Depth) -> Depth:
        noise = self._noise
        if noise.edge_jitter_px:
            depth = self._jitter(depth)
        holes = self._holes(depth)
        if noise.disparity_noise_px or noise.disparity_step_px:
            depth = self._triangulate(depth)
        if noise.depth_noise_m:
            depth = depth + np.float32(noise.depth_noise_m) * self._part(self._smooth)
        if noise.depth_step_m:
            depth = _round(depth / np.float32(noise.depth_step_m), noise.depth_step_m)
        if holes is not None:
            depth = np.where(holes, np.float32(np.nan), depth)
        return depth

    def _jitter(self, depth: Depth) -> Depth:
        """Each pixel's depth from near it, so that edges are ragged."""
        sigma = np.float32(self._noise.edge_jitter_px)
        u, v, _ = self._planes
        for place, here in ((u, self._columns), (v, self._rows)):
            np.multiply(self._part(self._smooth), sigma, out=place)
            np.add(place, here, out=place)
        moved = cv2.remap(depth, u, v, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, dtype=np.float32)

    def _triangulate(self, depth: Depth) -> Depth:
        """Depth from a disparity with an error, of whole steps."""
        noise = self._noise
        disparity = self._depth_disparity / depth
        if noise.disparity_noise_px:
            disparity += np.float32(noise.disparity_noise_px) * self._part(self._smooth)
        if noise.disparity_step_px:
            disparity /= np.float32(noise.disparity_step_px)
            disparity = _round(disparity, noise.disparity_step_px)
        disparity[disparity <= 0] = np.nan
        return np.asarray(np.divide(self._depth_disparity, disparity, out=disparity))

    def _holes(self, depth: Depth) -> Holes | None:
        """Where there is no measurement; None: nowhere."""
        noise = self._noise
        parts = []
        if noise.baseline_m:
            parts.append(self._shadows(depth))
        if noise.edge_holes:
            steps = cv2.morphologyEx(depth, cv2.MORPH_GRADIENT, _NEIGHBOURS)
            at_most = 1 - noise.edge_holes
            limit = NormalDist().inv_cdf(at_most) if 0 < at_most < 1 else -np.inf
            parts.append((steps > noise.edge_step_m) & (self._part(self._smooth) > limit))
        if noise.patches and noise.patch_radius_px:
            parts.append(self._patches())
        return None if not parts else np.logical_or.reduce(parts)

    def _shadows(self, depth: Depth) -> Holes:
        """What the second eye does not see, for something comes before it there."""
        disparity, column, _ = self._planes
        pixel, seen = self._pixel, self._seen
        np.divide(self._depth_disparity, depth, out=disparity)
        # Column 0 of that eye's picture is for all that lies left of it.
        np.subtract(self._columns + np.float32(1.5), disparity, out=column)
        np.maximum(column, 0, out=column)
        pixel[...] = column
        pixel += self._row_starts
        seen.fill(0)
        np.maximum.at(seen.reshape(-1), pixel.reshape(-1), disparity.reshape(-1))
        # That eye sees some slopes wider: their pixels leave gaps, through which nothing is seen.
        closed = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, _GAPS)
        closed[:, 0] = 0
        nearest = np.take(closed, pixel, out=column, mode='clip')
        disparity += 1
        return np.asarray(nearest > disparity)

    def _patches(self) -> Holes:
        """Ellipses anywhere, of random size and turn."""
        rows, columns = self._shape
        canvas = np.zeros(self._shape, np.uint8)
        for _ in range(self._rng.poisson(self._noise.patches)):
            center = int(self._rng.integers(columns)), int(self._rng.integers(rows))
            radii = self._rng.uniform(0.5, 1.5, 2) * self._noise.patch_radius_px
            axes = int(np.ceil(radii[0])), int(np.ceil(radii[1]))
            cv2.ellipse(canvas, center, axes, self._rng.uniform(0, 180), 0, 360, 1, cv2.FILLED)
        return canvas.view(np.bool_)

    def _field(self, shape: tuple[int, ...], blur_px: float = 0.0) -> _Field:
        """Standard normal noise."""
        field = self._rng.standard_normal(shape, dtype=np.float32)
        if blur_px:
            field = np.asarray(cv2.GaussianBlur(field, (0, 0), blur_px), dtype=np.float32)
            field /= field.std()
        return field

    def _part(self, field: _Field) -> _Field:
        """As much of it as a picture needs, from anywhere."""
        row, column = self._rng.integers(_SPARE + 1, size=2)
        rows, columns = self._shape
        return field[row : row + rows, column : column + columns]


def _round(steps: _Field, size: float) -> _Field:
    """Whole steps of that size, in place."""
    np.rint(steps, out=steps)
    steps *= np.float32(size)
    return steps
