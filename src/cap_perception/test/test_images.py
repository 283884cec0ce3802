"""Pictures from messages, the odd ones included."""

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from cap_perception.images import (
    UnsupportedImageError,
    check_depth,
    check_set,
    depth_from_image,
    intrinsics_from_info,
    rgb_from_image,
)


def image(array, encoding, padding=0, bigendian=False):
    rows = array.view(np.uint8).reshape(array.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    return Image(
        height=array.shape[0],
        width=array.shape[1],
        encoding=encoding,
        step=rows.shape[1],
        is_bigendian=bigendian,
        data=rows.tobytes(),
    )


RGB = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
DEPTH = np.array([[0.5, 1.0, np.nan], [2.0, 0.0, np.inf]], np.float32)


@pytest.mark.parametrize('padding', [0, 5])
def test_color(padding):
    assert (rgb_from_image(image(RGB, 'rgb8', padding)) == RGB).all()
    assert (rgb_from_image(image(RGB, 'bgr8', padding)) == RGB[..., ::-1]).all()


@pytest.mark.parametrize('padding', [0, 8])
def test_depth(padding):
    assert np.array_equal(depth_from_image(image(DEPTH, '32FC1', padding)), DEPTH, equal_nan=True)
    big = image(DEPTH.astype('>f4'), '32FC1', padding, bigendian=True)
    assert np.array_equal(depth_from_image(big), DEPTH, equal_nan=True)
    millimetres = image(np.array([[500, 1000]], np.uint16), '16UC1', padding)
    assert depth_from_image(millimetres) == pytest.approx(np.array([[0.5, 1.0]]))


def test_what_cannot_be_read_says_why():
    with pytest.raises(UnsupportedImageError, match=r"'mono8', not rgb8 or bgr8"):
        rgb_from_image(image(RGB, 'mono8'))
    with pytest.raises(UnsupportedImageError, match=r"'64FC1', not 32FC1 or 16UC1"):
        depth_from_image(image(DEPTH, '64FC1'))
    short = image(DEPTH, '32FC1')
    short.data = short.data[:-1]
    with pytest.raises(UnsupportedImageError, match='data has 23 bytes'):
        depth_from_image(short)
    long = image(RGB, 'rgb8')
    long.height -= 1
    with pytest.raises(UnsupportedImageError, match='data has 18 bytes'):
        rgb_from_image(long)


def test_depth_that_measures_nothing():
    check_depth(np.ones((8, 8), np.float32))
    for nothing in (np.nan, 0.0, np.inf, -1.0):
        with pytest.raises(UnsupportedImageError, match='a measurement at 0 of 4 pixels'):
            check_depth(np.full((8, 8), nothing, np.float32))


def test_a_set_shows_the_same_pixels():
    def part(kind, width=4, height=3, frame_id='camera'):
        return kind(header=Header(frame_id=frame_id), width=width, height=height)

    check_set(part(Image), part(Image), part(CameraInfo))
    for color, depth, info in (
        (part(Image, 8, 6), part(Image), part(CameraInfo)),
        (part(Image), part(Image, 3, 4), part(CameraInfo)),
        (part(Image), part(Image), part(CameraInfo, 0, 0)),
        (part(Image), part(Image, frame_id='depth'), part(CameraInfo)),
        (part(Image, 0, 3), part(Image, 0, 3), part(CameraInfo, 0, 3)),
    ):
        with pytest.raises(UnsupportedImageError, match=r'colour is .* depth is .* camera_info is'):
            check_set(color, depth, info)


def test_intrinsics():
    info = CameraInfo(k=[500.0, 0.0, 319.5, 0.0, 510.0, 239.5, 0.0, 0.0, 1.0])
    assert intrinsics_from_info(info)[1].tolist() == [0.0, 510.0, 239.5]
    with pytest.raises(UnsupportedImageError, match='rectified'):
        intrinsics_from_info(CameraInfo(k=info.k, d=[0.1, 0.0, 0.0, 0.0, 0.0]))
    with pytest.raises(UnsupportedImageError, match='not calibrated'):
        intrinsics_from_info(CameraInfo())
    for wrong in ([float('nan'), *info.k[1:]], [*info.k[:2], float('inf'), *info.k[3:]]):
        with pytest.raises(UnsupportedImageError, match='not calibrated'):
            intrinsics_from_info(CameraInfo(k=wrong))
