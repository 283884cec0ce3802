"""The codec of the pipe: length-bounded frames of JSON, with arrays and shapes as tagged data.

Never pickle. Both directions refuse NaN and infinities (Python's parser reads 1e999 as one), deep
nesting, numbers beyond 64 bits and text that is no UTF-8. A tag is an object with the key `~`:

    {"~": "array", "dtype": "float64", "shape": [2, 3], "data": "<base64>"}
    {"~": "scalar", ...}              a numpy scalar, as an array of shape []
    {"~": "text", "shape": [2], "data": ["a", "b"]}      an array of strings
    {"~": "shape", "wkb": "<hex>"}    a shapely geometry
    {"~": "tuple" | "set", "items": [...]}
    {"~": "dict", "items": [[key, value], ...]}          a dict with keys that are not plain strings
"""

from __future__ import annotations

import binascii
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from shapely.geometry.base import BaseGeometry

from cap_common.errors import CapError
from cap_planner.sandbox import wkb

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32
DTYPES = {
    name: np.dtype(name).newbyteorder('<')
    for name in (
        *('bool', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'),
        *('float32', 'float64', 'complex128'),
    )
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
HEADER_BYTES = 4
_TAG = '~'
_MAX_AXES = 8
INT_BITS = 64
_NUMPY = (np.ndarray, np.generic)
_FEW = 64  # elements
_MAX_KEYS = 4096
_CHARACTER_BYTES = np.dtype('U1').itemsize


class FrameError(CapError):
    """A value that the pipe does not carry, or bytes that are no frame."""

    name = 'INVALID_FRAME'


def pack(value: Any) -> bytes:
    """A whole frame: four bytes of length, big-endian, and the payload.

    Raises:
        FrameError: naming what cannot be carried.
    """
    return framed(dumps(value))


def framed(payload: bytes) -> bytes:
    """A frame of a payload.

    Raises:
        FrameError: it is too long.
    """
    _require_size(len(payload))
    return len(payload).to_bytes(HEADER_BYTES, 'big') + payload


def payload_size(header: bytes) -> int:
    """Length of the payload that follows a header.

    Raises:
        FrameError: longer than MAX_BYTES.
    """
    size = int.from_bytes(header, 'big')
    if size > MAX_BYTES:
        raise FrameError(f'a frame of {size} bytes; at most {MAX_BYTES} are allowed')
    return size


def dumps(value: Any) -> bytes:
    """The payload of a frame.

    Raises:
        FrameError: as for `pack`.
    """
    text = _ENCODE(to_plain(value))
    _require_size(len(text))
    return text.encode('ascii')


def loads(payload: bytes) -> Any:
    """The value of a payload.

    Raises:
        FrameError: it is not what `dumps` makes.
    """
    _require_size(len(payload))
    try:
        text = payload.decode('utf-8')
        plain, end = _DECODE(text)
        if end != len(text):
            raise ValueError(f'more data after character {end}')
        return from_plain(plain)
    except (ValueError, RecursionError, MemoryError) as error:
        raise FrameError(f'not a frame: {type(error).__name__}: {error}'[:300]) from error


def _require_size(count: int) -> None:
    if count > MAX_BYTES:
        raise FrameError(f'{count} bytes of data; at most {MAX_BYTES} are allowed')


def to_plain(value: Any, depth: int = 0) -> Any:  # noqa: PLR0911
    """The value in the terms of JSON, tagged.

    Raises:
        FrameError: naming the type that cannot be carried.
    """
    if check := _PLAIN.get(type(value)):
        return check(value)
    if depth > MAX_DEPTH:
        raise FrameError(f'nested deeper than {MAX_DEPTH} levels')
    if type(value) is list:
        return [to_plain(item, depth + 1) for item in value]
    if type(value) is dict:
        return _dict_to_plain(value, depth + 1)
    if isinstance(value, _NUMPY):
        return _array_to_plain(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return _bounded(int(value))
    if isinstance(value, float):
        return _finite(float(value))
    if isinstance(value, BaseGeometry):
        return _geometry_to_plain(value)
    return _container_to_plain(value, depth + 1)


def _geometry_to_plain(value: BaseGeometry) -> Any:
    try:
        return {_TAG: 'shape', 'wkb': wkb.to_hex(value)}
    except ValueError as error:
        raise FrameError(str(error)) from error


def _container_to_plain(value: Any, depth: int) -> Any:
    if isinstance(value, list):
        return [to_plain(item, depth) for item in value]
    if isinstance(value, tuple):
        return {_TAG: 'tuple', 'items': [to_plain(item, depth) for item in value]}
    if isinstance(value, set | frozenset):
        return {_TAG: 'set', 'items': [to_plain(item, depth) for item in _few(list(value))]}
    if isinstance(value, dict):
        return _dict_to_plain(value, depth)
    raise FrameError(f'a value of type {type(value).__name__} is no data')


def _dict_to_plain(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    plain = {}
    for key, item in value.items():
        if type(key) is not str or key == _TAG:
            pairs = _few(list(value.items()))
            items = [[to_plain(k, depth), to_plain(v, depth)] for k, v in pairs]
            return {_TAG: 'dict', 'items': items}
        plain[_text(key)] = to_plain(item, depth)
    return plain


def _array_to_plain(value: np.ndarray[Any, Any] | np.generic) -> Any:
    array = np.asarray(value)
    shape = list(array.shape)
    if len(shape) > _MAX_AXES:
        raise FrameError(f'an array with {len(shape)} axes; at most {_MAX_AXES} are allowed')
    if array.dtype.kind == 'U':
        if isinstance(value, np.generic):
            return _text(str(value))
        if array.nbytes > MAX_BYTES:
            raise FrameError(f'an array of {array.nbytes} bytes; at most {MAX_BYTES} are allowed')
        return {_TAG: 'text', 'shape': shape, 'data': [_text(str(item)) for item in array.flat]}
    name = _NAMES.get(array.dtype) or array.dtype.name
    dtype = DTYPES.get(name)
    if dtype is None:
        raise FrameError(f'an array of {name}; these are carried: {", ".join(DTYPES)}')
    _check_finite(array)
    if array.nbytes > MAX_BYTES:
        raise FrameError(f'an array of {array.nbytes} bytes; at most {MAX_BYTES} are allowed')
    data = binascii.b2a_base64(array.astype(dtype, copy=False).tobytes(), newline=False)
    tag = 'array' if isinstance(value, np.ndarray) else 'scalar'
    return {_TAG: tag, 'dtype': name, 'shape': shape, 'data': data.decode('ascii')}


def _check_finite(array: np.ndarray[Any, Any]) -> None:
    if array.dtype.kind not in 'fc':
        return
    if array.size <= _FEW and array.dtype.kind == 'f':
        finite = all(map(math.isfinite, array.ravel().tolist()))  # numpy takes longer to begin
    else:
        finite = bool(np.isfinite(array).all())
    if not finite:
        raise FrameError('an array with NaN or infinity')


def from_plain(plain: Any, depth: int = 0) -> Any:
    """The value that `to_plain` tagged.

    Raises:
        FrameError: a tag, type or number that it does not make.
    """
    if check := _PLAIN.get(type(plain)):
        return check(plain)
    if depth > MAX_DEPTH + 1:
        raise FrameError(f'nested deeper than {MAX_DEPTH} levels')
    if isinstance(plain, list):
        return [from_plain(item, depth + 1) for item in plain]
    if _TAG not in plain:
        return {_text(key): from_plain(item, depth + 1) for key, item in plain.items()}
    return _tagged(plain, depth + 1)


def _tagged(plain: dict[str, Any], depth: int) -> Any:  # noqa: PLR0911
    match plain:
        case {
            '~': 'array' | 'scalar' as tag,
            'dtype': str(name),
            'shape': shape,
            'data': str(data),
        }:
            array = _array(name, shape, data)
            if tag == 'array':
                return array
            if array.shape != ():
                raise FrameError('a scalar with a shape')
            return array[()]
        case {'~': 'text', 'shape': shape, 'data': list(data)}:
            return _text_array(shape, data)
        case {'~': 'shape', 'wkb': str(digits)}:
            return _shape(digits)
        case {'~': 'tuple', 'items': list(items)}:
            return tuple(from_plain(item, depth) for item in items)
        case {'~': 'set', 'items': list(items)}:
            return {_key(from_plain(item, depth)) for item in _few(items)}
        case {'~': 'dict', 'items': list(items)}:
            return dict(_pair(item, depth) for item in _few(items))
    raise FrameError(f'not a tag: {str(plain)[:80]}')


def _few(items: list[Any]) -> list[Any]:
    """As many keys as can be told apart in short time, even if all were made to have one hash."""
    if len(items) > _MAX_KEYS:
        raise FrameError(f'{len(items)} items in a set or dict; at most {_MAX_KEYS} are carried')
    return items


def _text_array(shape: Any, data: list[Any]) -> np.ndarray[Any, Any]:
    texts = [_checked_text(item) for item in data]
    # Each item takes the room of the longest.
    size = _CHARACTER_BYTES * len(texts) * max(map(len, texts), default=0)
    if size > MAX_BYTES:
        raise FrameError(f'an array of {size} bytes; at most {MAX_BYTES} are allowed')
    return np.array(texts, np.str_).reshape(_axes(shape))


def _pair(item: Any, depth: int) -> tuple[Any, Any]:
    if not (isinstance(item, list) and len(item) == 2):
        raise FrameError('a dict of items that are no pairs')
    return _key(from_plain(item[0], depth)), from_plain(item[1], depth)


def _key(value: Any) -> Any:
    try:
        hash(value)
    except TypeError as error:
        raise FrameError(str(error)) from error
    return value


def _array(name: str, shape: Any, data: str) -> np.ndarray[Any, Any]:
    dtype = DTYPES.get(name)
    if dtype is None:
        raise FrameError(f'an array of {name[:40]!r}; these are carried: {", ".join(DTYPES)}')
    axes = _axes(shape)
    try:
        raw = binascii.a2b_base64(data, strict_mode=True)
    except ValueError as error:  # binascii.Error is one; so is text beyond ASCII
        raise FrameError(f'array data: {error}') from error
    if len(raw) != math.prod(axes) * dtype.itemsize:
        raise FrameError(f'{len(raw)} bytes of array data for shape {list(axes)} of {name}')
    if dtype.kind == 'b' and raw.strip(b'\0\1'):
        raise FrameError('an array of bool with other bytes than 0 and 1')
    # Of a bytearray, so that a program can change it.
    array = np.frombuffer(bytearray(raw), dtype).reshape(axes)
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder('='))
    _check_finite(array)
    return array


def _axes(shape: Any) -> tuple[int, ...]:
    good = isinstance(shape, list) and len(shape) <= _MAX_AXES
    if not (good and all(type(n) is int and 0 <= n <= MAX_BYTES for n in shape)):
        raise FrameError(f'not the shape of an array: {str(shape)[:80]}')
    return tuple(shape)


def _shape(digits: str) -> BaseGeometry:
    try:
        return wkb.from_hex(digits)
    except ValueError as error:
        raise FrameError(f'not a geometry: {error}'[:200]) from error


def _checked_text(value: Any) -> str:
    if not isinstance(value, str):
        raise FrameError('an array of strings with other items')
    return _text(value)


def _text(value: str) -> str:
    if value.isascii():
        return str(value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise FrameError('text with half of a surrogate pair') from error
    return str(value)


def _bounded(value: int) -> int:
    if value.bit_length() > INT_BITS:
        raise FrameError(f'an integer of {value.bit_length()} bits; at most {INT_BITS} are carried')
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise FrameError(f'the number {value}; only finite numbers are carried')
    return value


def _whole(digits: str) -> int:
    if len(digits) > 21:
        raise FrameError(f'an integer of {len(digits)} digits')
    return int(digits)


def _refuse(constant: str) -> None:
    raise FrameError(f'the number {constant}; only finite numbers are carried')


def _itself(value: Any) -> Any:
    return value


def _made_once(encoder: json.JSONEncoder) -> Callable[[Any], str]:
    """Its `encode`, which makes a new encoder in C for each value: that takes longer than to use
    it, and in a child fifty pages of memory.
    """
    make = getattr(json.encoder, 'c_make_encoder', None)
    if make is None:
        return encoder.encode
    quoted = json.encoder.encode_basestring_ascii
    encode = make(None, encoder.default, quoted, None, ':', ',', False, False, False)
    return lambda value: ''.join(encode(value, 0))


# What most values are, and what is asked of them.
_PLAIN: dict[type, Callable[[Any], Any]] = {
    str: _text,
    int: _bounded,
    float: _finite,
    bool: _itself,
    type(None): _itself,
    np.ndarray: _array_to_plain,
}
# `to_plain` has made the tree, so that it is one.
_ENCODER = json.JSONEncoder(allow_nan=False, check_circular=False, separators=(',', ':'))
_ENCODE = _made_once(_ENCODER)
_DECODE = json.JSONDecoder(parse_constant=_refuse, parse_int=_whole).raw_decode
