"""sensor_msgs to arrays. Duck-typed: it needs the messages' fields, not the messages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix
from cap_perception.types import ByteImage, FloatImage

_LEAST_MEASURED = 0.01  # share of a depth image


class UnsupportedImageError(ValueError):
    """Pictures that give no scene; the text says what they are and what they should be."""


def check_set(color: Any, depth: Any, info: Any) -> None:
    """Do colour, depth and camera_info show the same pixels? Every pixel is looked up in all three.

    Raises:
        UnsupportedImageError: no pixels, or different sizes or frames.
    """
    parts = {'colour': color, 'depth': depth, 'camera_info': info}
    sizes = {f'{part.width} x {part.height}' for part in parts.values()}
    frames = {part.header.frame_id for part in parts.values()}
    if len(sizes) > 1 or len(frames) > 1 or not color.width * color.height:
        found = ', '.join(
            f'{name} is {part.width} x {part.height} in frame {part.header.frame_id!r}'
            for name, part in parts.items()
        )
        raise UnsupportedImageError(
            f'{found}: all must have the same size and frame (depth registered to colour)'
        )


def rgb_from_image(image: Any) -> ByteImage:
    """(H, W, 3) of a sensor_msgs/Image.

    Raises:
        UnsupportedImageError: neither rgb8 nor bgr8, or not as many bytes as it says.
    """
    if image.encoding not in ('rgb8', 'bgr8'):
        raise UnsupportedImageError(f'colour image is {image.encoding!r}, not rgb8 or bgr8')
    pixels: ByteImage = _rows(image, np.dtype(np.uint8), 3).reshape(image.height, image.width, 3)
    return pixels if image.encoding == 'rgb8' else pixels[..., ::-1]


def depth_from_image(image: Any) -> FloatImage:
    """(H, W) [m] of a sensor_msgs/Image as REP-118 has it: 32FC1 metres or 16UC1 millimetres.

    Raises:
        UnsupportedImageError: another encoding, or not as many bytes as it says.
    """
    order = '>' if image.is_bigendian else '<'
    if image.encoding == '32FC1':
        return _rows(image, np.dtype(f'{order}f4'), 1).astype(np.float32, copy=False)
    if image.encoding == '16UC1':
        return _rows(image, np.dtype(f'{order}u2'), 1).astype(np.float32) * np.float32(1e-3)
    raise UnsupportedImageError(f'depth image is {image.encoding!r}, not 32FC1 or 16UC1')


def check_depth(depth: FloatImage) -> None:
    """Was anything measured? Of (H, W) [m], every fourth pixel of every fourth row is looked at.

    Raises:
        UnsupportedImageError: next to nothing was.
    """
    sample = depth[::4, ::4]
    measured = np.count_nonzero(np.isfinite(sample) & (sample > 0))
    if measured < _LEAST_MEASURED * sample.size:
        raise UnsupportedImageError(
            f'depth image has a measurement at {measured} of {sample.size} pixels looked at: '
            'all others are NaN, infinite, zero or negative'
        )


def _rows(image: Any, dtype: np.dtype[Any], channels: int) -> NDArray[Any]:
    """Rows of a picture, without the padding that `step` may have."""
    width = image.width * channels * dtype.itemsize
    data = np.frombuffer(image.data, np.uint8)
    if image.step < width or data.size != image.step * image.height:
        raise UnsupportedImageError(
            f'{image.width} x {image.height} {image.encoding} needs {width} bytes a row, '
            f'and step * height bytes of data; '
            f'step is {image.step}, data has {data.size} bytes'
        )
    rows = data.reshape(image.height, image.step)[:, :width]
    return np.ascontiguousarray(rows).view(dtype)


def intrinsics_from_info(info: Any) -> Matrix:
    """3x3 matrix [px] of a sensor_msgs/CameraInfo.

    Raises:
        UnsupportedImageError: not calibrated, or the picture is distorted.
    """
    intrinsics = np.array(info.k, float).reshape(3, 3)
    if not (np.isfinite(intrinsics).all() and intrinsics[0, 0] > 0 and intrinsics[1, 1] > 0):
        raise UnsupportedImageError(
            f'camera_info has k = {intrinsics.ravel().tolist()}, which is no focal length and '
            'centre: the camera is not calibrated'
        )
    if any(info.d):
        raise UnsupportedImageError(
            f'camera_info has distortion {list(info.d)}: subscribe to the rectified pictures'
        )
    return intrinsics
