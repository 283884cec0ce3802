"""Well-known binary of shapely geometries, checked before GEOS reads it.

GEOS descends into nested collections by recursion, so hostile bytes of a child could overflow the
stack of the planner: the structure is walked here first, with a bound on its depth.
"""

from __future__ import annotations

import struct

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

_MAX_DEPTH = 8
_POINT, _LINE, _POLYGON = 1, 2, 3
_COLLECTIONS = (4, 5, 6, 7)
_HEAD = struct.Struct('<BI')
_COUNT = struct.Struct('<I')


def to_hex(geometry: BaseGeometry) -> str:
    """ISO well-known binary, little-endian, as hex digits.

    Raises:
        ValueError: coordinates that are not finite.
    """
    _check_finite(geometry)
    return str(shapely.to_wkb(geometry, hex=True, byte_order=1, flavor='iso'))


def from_hex(text: str) -> BaseGeometry:
    """The geometry that `to_hex` wrote.

    Raises:
        ValueError: anything else, or coordinates that are not finite.
    """
    raw = bytes.fromhex(text)
    try:
        end = _walk(raw, 0, 0)
    except struct.error as error:
        raise ValueError(f'a geometry cut short: {error}') from error
    if end != len(raw):
        raise ValueError(f'a geometry of {len(raw)} bytes that ends at byte {end}')
    try:
        geometry: BaseGeometry = shapely.from_wkb(raw)
    except shapely.errors.ShapelyError as error:
        raise ValueError(str(error)) from error
    _check_finite(geometry)
    return geometry


def _walk(raw: bytes, at: int, depth: int) -> int:
    """Where the geometry that starts at byte `at` ends."""
    if depth > _MAX_DEPTH:
        raise ValueError(f'a geometry nested deeper than {_MAX_DEPTH} levels')
    order, code = _HEAD.unpack_from(raw, at)
    at += _HEAD.size
    dimension, kind = divmod(code, 1000)
    if order != 1 or dimension > 3:
        raise ValueError(f'a geometry of byte order {order} and type {code}')
    point_size = 8 * (2, 3, 3, 4)[dimension]
    if kind == _POINT:
        return int(at + point_size)
    if kind not in (_LINE, _POLYGON, *_COLLECTIONS):
        raise ValueError(f'a geometry of type {code}')
    (count,) = _COUNT.unpack_from(raw, at)
    at += _COUNT.size
    if kind == _LINE:
        return int(at + count * point_size)
    if count > len(raw):
        raise ValueError(f'a geometry with {count} parts in {len(raw)} bytes')
    for _ in range(count):
        if kind == _POLYGON:
            (points,) = _COUNT.unpack_from(raw, at)
            at += _COUNT.size + points * point_size
        else:
            at = _walk(raw, at, depth + 1)
    return int(at)


def _check_finite(geometry: BaseGeometry) -> None:
    coordinates = shapely.get_coordinates(geometry, include_z=bool(geometry.has_z))
    if not np.isfinite(coordinates).all():
        raise ValueError(f'a {geometry.geom_type} with coordinates that are not finite')
