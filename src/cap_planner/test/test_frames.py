import json
import math
import struct

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from shapely.geometry import GeometryCollection, LineString, MultiPoint, Point, Polygon

from cap_planner.sandbox import frames, wkb
from cap_planner.sandbox.frames import FrameError
from cap_planner.sandbox.text import for_people

TEXT = st.text(st.characters(exclude_categories=['Cs']), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(TEXT | st.integers(0, 9), inner, max_size=4)
        | st.sets(SCALARS, max_size=4)
    ),
    max_leaves=12,
)
DTYPES = st.sampled_from(['bool', 'int8', 'uint16', 'int32', 'uint64', 'float32', 'float64'])
ARRAYS = DTYPES.flatmap(
    lambda name: hnp.arrays(
        name,
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
        elements={'allow_nan': False, 'allow_infinity': False} if name[0] == 'f' else None,
    )
)


def same(value):
    return frames.loads(frames.dumps(value))


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_data_comes_back_with_its_types(value):
    back = same(value)
    assert back == value
    assert repr(back) == repr(value) or isinstance(value, set | dict | list | tuple)
    assert type(back) is type(value)


@given(ARRAYS)
@settings(max_examples=100, deadline=None)
def test_arrays_come_back_bit_by_bit(array):
    back = same(array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_arrays_of_other_layouts_come_back():
    big_endian = np.arange(6, dtype='>i4').reshape(2, 3)
    assert np.array_equal(same(big_endian), big_endian)
    assert np.array_equal(same(big_endian.T), big_endian.T)
    back = same(np.array([1.0, 2.0]))
    back[0] = 5.0  # a program changes its arrays
    assert same(np.array(['blue', 'a']))[0] == 'blue'


def test_numpy_scalars_stay_numpy_scalars():
    for value in (np.float64(0.1), np.int32(3), np.bool_(True)):
        assert type(same(value)) is type(value)
        assert same(value) == value


@pytest.mark.parametrize(
    'shape',
    [
        Point(1, 2),
        Point(1, 2, 3),
        Point(),
        LineString([(0, 0), (1, 1)]),
        Polygon([(0, 0), (4, 0), (4, 4)], [[(2, 1), (3, 1), (3, 2)]]),
        MultiPoint([(0, 0), (1, 2)]),
        GeometryCollection([Point(0, 0), LineString([(0, 0), (1, 1)])]),
    ],
)
def test_shapes_come_back(shape):
    assert same({'a': [shape]})['a'][0].equals_exact(shape)
    assert same(shape).geom_type == shape.geom_type


@pytest.mark.parametrize(
    'value',
    [
        math.nan,
        math.inf,
        [1, -math.inf],
        np.array([1.0, np.nan]),
        np.float32(np.inf),
        np.array([object()]),
        np.array([1], 'M8[s]'),
        np.zeros(5 * 2**20, np.uint8),
        2**65,
        '\ud800',
        {'\ud800': 1},
        object(),
        print,
        b'bytes',
        LineString([(0, 0), (math.inf, 1)]),
        np.zeros((1,) * 9),
        np.array(['a' * 1000] + [''] * 4999),
        set(range(5000)),
        dict.fromkeys(range(5000)),
    ],
)
def test_what_is_no_data_is_refused(value):
    with pytest.raises(FrameError):
        frames.pack({'value': value})


def test_depth_is_bounded_both_ways():
    deep: list = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(FrameError, match='nested deeper'):
        frames.dumps(deep)
    with pytest.raises(FrameError, match='nested deeper'):
        frames.loads(json.dumps(deep).encode())
    with pytest.raises(FrameError):
        frames.loads(b'[' * 1_000_000)


ARRAY = {'~': 'array', 'dtype': 'float64', 'shape': [1], 'data': 'AAAAAAAA8D8='}


def test_the_good_frame_of_the_next_test_is_good():
    assert frames.loads(json.dumps(ARRAY).encode()) == [1.0]


@pytest.mark.parametrize(
    'payload',
    [
        b'1e999',
        b'-1e999',
        b'NaN',
        b'Infinity',
        b'9' * 5000,
        b'"\\ud800"',
        b'\xff',
        b'\x80\x04\x95',  # a pickle
        b'',
        b'{"a": 1} {"b": 2}',
        *(
            json.dumps(tag).encode()
            for tag in (
                ARRAY | {'dtype': 'object'},
                ARRAY | {'dtype': 'O8'},
                ARRAY | {'shape': [2]},
                ARRAY | {'shape': [-1]},
                ARRAY | {'shape': [1.0]},
                ARRAY | {'shape': [True]},
                ARRAY | {'shape': [0, 10**18]},
                ARRAY | {'shape': [2**22, 2**22, 2**22]},
                ARRAY | {'shape': [1] * 9},
                ARRAY | {'shape': 1},
                ARRAY | {'dtype': 'float32'},
                ARRAY | {'dtype': 'float65'},
                ARRAY | {'data': '????'},
                ARRAY | {'data': 'AAAAAAAA8D8'},  # no padding
                ARRAY | {'data': 'AAAA\nAAAA8D8='},
                ARRAY | {'data': 'AAAAAAAA8D8=AAAA'},
                ARRAY | {'data': 'é'},
                ARRAY | {'data': 1},
                ARRAY | {'data': 'AAAAAAAA8H8='},  # infinity
                ARRAY | {'~': 'scalar'},
                {'~': 'array', 'dtype': 'bool', 'shape': [1], 'data': 'Ag=='},
                {'~': 'shape', 'wkb': '00'},
                {'~': 'shape', 'wkb': 'zz'},
                {'~': 'pickle', 'data': ''},
                {'~': 'set', 'items': [[]]},
                {'~': 'dict', 'items': [[1]]},
                {'~': 'text', 'shape': [1], 'data': [1]},
                {'~': 'text', 'shape': [2], 'data': ['a']},
                {'~': 'text', 'shape': [5000], 'data': ['a' * 1000] + [''] * 4999},
                {'~': 'set', 'items': list(range(5000))},
                {'~': 'dict', 'items': [[i, 0] for i in range(5000)]},
                {'~': ['array']},
            )
        ),
    ],
)
def test_hostile_payloads_are_refused(payload):
    with pytest.raises(FrameError):
        frames.loads(payload)


def test_long_frames_are_refused_by_their_header():
    assert frames.payload_size(struct.pack('>I', frames.MAX_BYTES)) == frames.MAX_BYTES
    with pytest.raises(FrameError, match='at most'):
        frames.payload_size(struct.pack('>I', frames.MAX_BYTES + 1))


@pytest.mark.parametrize('kind', [4, 7])
def test_nested_collections_never_reach_geos(kind):
    # GEOS recurses into each: a hundred thousand of them would end this process.
    raw = struct.pack('<BII', 1, kind, 1) * 100_000 + shapely.to_wkb(Point(0, 0), byte_order=1)
    with pytest.raises(ValueError, match='nested deeper'):
        wkb.from_hex(raw.hex())


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_random_bytes_are_no_geometry_or_a_good_one(raw):
    try:
        geometry = wkb.from_hex((b'\1' + raw).hex())
    except ValueError:
        return
    assert np.isfinite(shapely.get_coordinates(geometry)).all()


def test_people_see_what_is_there():
    assert for_people('a\x1b[31mb\x07c') == 'a[31mbc'
    assert for_people('x = 1 \u202e# \u2066') == 'x = 1 # '
    assert for_people('one\r\ntwo\u2028three\tfour') == 'one\ntwo\nthree\tfour'
    assert for_people('größer 積み木 é') == 'größer 積み木 é'
    assert for_people('abcdef', 4) == 'abc…'


@pytest.mark.parametrize('size', [0, 2, 64, 65, 1000])
def test_arrays_of_any_length_are_looked_through_for_infinity(size):
    array = np.zeros(size)
    assert same(array).tolist() == array.tolist()
    for odd in (np.nan, np.inf, -np.inf):
        with pytest.raises(FrameError, match='NaN or infinity'):
            frames.dumps(np.append(array, odd))
