import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_common.frames import (
    FrameTree,
    UnknownFrameError,
    matrix_from_quaternion,
    matrix_from_rpy,
    quaternion_from_matrix,
    transform_points,
)

LENGTH = st.floats(-5, 5)
ANGLE = st.floats(-3, 3)
POSES = st.builds(
    matrix_from_rpy, st.tuples(LENGTH, LENGTH, LENGTH), st.tuples(ANGLE, ANGLE, ANGLE)
)


@given(POSES)
def test_quaternion_and_matrix_are_inverse(matrix):
    again = matrix_from_quaternion(matrix[:3, 3], quaternion_from_matrix(matrix))
    np.testing.assert_allclose(again, matrix, atol=1e-9)


@given(POSES, POSES, POSES)
def test_lookup_goes_over_the_common_root(world_from_a, world_from_b, b_from_c):
    tree = FrameTree()
    tree.add('world', 'a', world_from_a)
    tree.add('world', 'b', world_from_b)
    tree.add('b', 'c', b_from_c)
    point_c = np.array([[0.3, -0.2, 0.1]])
    in_world = transform_points(world_from_b @ b_from_c, point_c)
    in_world_over_a = transform_points(
        world_from_a, transform_points(tree.lookup('a', 'c'), point_c)
    )
    np.testing.assert_allclose(in_world_over_a, in_world, atol=1e-9)


def test_rotation_about_z_is_counter_clockwise():
    matrix = matrix_from_rpy((0, 0, 0), (0, 0, np.pi / 2))
    np.testing.assert_allclose(
        transform_points(matrix, np.array([1.0, 0, 0])), [0, 1, 0], atol=1e-12
    )


def test_unconnected_frames_are_named():
    tree = FrameTree()
    tree.add('world', 'a', np.eye(4))
    tree.add('moon', 'b', np.eye(4))
    with pytest.raises(UnknownFrameError, match=r"'b' to 'a'.*moon"):
        tree.lookup('a', 'b')


def test_a_loop_ends():
    tree = FrameTree()
    tree.add('a', 'b', np.eye(4))
    tree.add('b', 'a', np.eye(4))
    with pytest.raises(UnknownFrameError, match='loop'):
        tree.lookup('a', 'b')
