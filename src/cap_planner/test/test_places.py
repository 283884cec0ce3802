"""The named places of the table."""

import numpy as np

from cap_planner.places import Table, nearest

TABLE = Table(-0.25, -0.75, 0.25, -0.25)


def test_denormalize_maps_the_unit_square_onto_the_table():
    assert np.allclose(TABLE.denormalize([0, 0]), [-0.25, -0.75])
    assert np.allclose(TABLE.denormalize([1, 1]), [0.25, -0.25])
    assert np.allclose(TABLE.denormalize([0.5, 0.25]), [0.0, -0.625])


def test_the_nine_places():
    places = TABLE.places
    assert len(places) == 9
    assert np.allclose(places['top left corner'], [-0.25, -0.25])
    assert np.allclose(places['right side'], [0.25, -0.5])
    assert np.allclose(places['middle'], [0.0, -0.5])


def test_the_order_is_that_of_the_declaration():
    assert list(TABLE.corners) == [
        f'{vertical} {side} corner' for vertical in ('top', 'bottom') for side in ('left', 'right')
    ]
    assert list(TABLE.sides) == ['top side', 'right side', 'bottom side', 'left side']


def test_the_nearest_place():
    assert nearest(TABLE.corners, np.array([0.1, -0.3])) == 'top right corner'
    assert nearest(TABLE.sides, np.array([-0.2, -0.5])) == 'left side'
