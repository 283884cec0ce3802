"""sensor_msgs to arrays. Duck-typed: it needs the messages' fields, not the messages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cap_common.frames import Matrix
from cap_perception.types import ByteImage, FloatImage


class UnsupportedImageError(ValueError):
    """A picture that cannot be read; the text names its encoding and those that can."""


def rgb_from_image(image: Any) -> ByteImage:
    """(H, W, 3) of a sensor_msgs/Image.

    Raises:
        UnsupportedImageError: neither rgb8 nor bgr8, or too few bytes.
    """
    if image.encoding not in ('rgb8', 'bgr8'):
        raise UnsupportedImageError(f'colour image is {image.encoding!r}, not rgb8 or bgr8')
    pixels: ByteImage = _rows(image, np.dtype(np.uint8), 3).reshape(image.height, image.width, 3)
    return pixels if image.encoding == 'rgb8' else pixels[..., ::-1]


def depth_from_image(image: Any) -> FloatImage:
    """(H, W) [m] of a sensor_msgs/Image as REP-118 has it: 32FC1 metres or 16UC1 millimetres.

    Raises:
        UnsupportedImageError: another encoding, or too few bytes.
    """
    order = '>' if image.is_bigendian else '<'
    if image.encoding == '32FC1':
        return _rows(image, np.dtype(f'{order}f4'), 1).astype(np.float32, copy=False)
    if image.encoding == '16UC1':
        return _rows(image, np.dtype(f'{order}u2'), 1).astype(np.float32) * np.float32(1e-3)
    raise UnsupportedImageError(f'depth image is {image.encoding!r}, not 32FC1 or 16UC1')


def _rows(image: Any, dtype: np.dtype[Any], channels: int) -> NDArray[Any]:
    """Rows of a picture, without the padding that `step` may have."""
    width = image.width * channels * dtype.itemsize
    data = np.frombuffer(image.data, np.uint8)
    if image.step < width or data.size < image.step * image.height:
        raise UnsupportedImageError(
            f'{image.width} x {image.height} {image.encoding} needs {width} bytes a row; '
            f'step is {image.step}, data has {data.size} bytes'
        )
    rows = data[: image.step * image.height].reshape(image.height, image.step)[:, :width]
    return np.ascontiguousarray(rows).view(dtype)


def intrinsics_from_info(info: Any) -> Matrix:
    """3x3 matrix [px] of a sensor_msgs/CameraInfo.

    Raises:
        UnsupportedImageError: not calibrated, or the picture is distorted.
    """
    intrinsics = np.array(info.k, float).reshape(3, 3)
    if intrinsics[0, 0] <= 0 or intrinsics[1, 1] <= 0:
        raise UnsupportedImageError('camera_info has no focal length: the camera is not calibrated')
    if any(info.d):
        raise UnsupportedImageError(
            f'camera_info has distortion {list(info.d)}: subscribe to the rectified pictures'
        )
    return intrinsics
