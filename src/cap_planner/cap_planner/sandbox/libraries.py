"""The libraries that programs may use, as facades that hold the allowed names and nothing else.

numpy is an allow-list by hand, because it has functions that read and write files and new releases
add more; the others have none, so their public functions are taken as they are. A facade holds the
real functions: it keeps honest programs honest and is no boundary.
"""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.char
import numpy.fft
import numpy.linalg
import numpy.ma  # loaded by numpy on first use, which is too late in a child without files
import numpy.polynomial
import numpy.random
import numpy.rec
import numpy.strings
import shapely
import shapely.affinity
import shapely.geometry
import shapely.geometry.polygon
import shapely.ops
import shapely.prepared
import shapely.validation
from transforms3d import (
    affines,
    axangles,
    euler,
    quaternions,
    reflections,
    shears,
    taitbryan,
    zooms,
)

_NUMPY = """
    abs absolute acos acosh add all allclose amax amin angle any append apply_along_axis
    apply_over_axes arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin
    argpartition argsort argwhere around array array2string array_equal array_equiv array_split
    asanyarray asarray asarray_chkfinite ascontiguousarray asin asinh atan atan2 atanh atleast_1d
    atleast_2d atleast_3d average bincount bitwise_and bitwise_invert bitwise_not bitwise_or
    bitwise_xor block bool bool_ broadcast_arrays broadcast_shapes broadcast_to c_ cbrt ceil choose
    clip column_stack compress concat concatenate conj conjugate convolve copy copysign corrcoef
    correlate cos cosh count_nonzero cov cross cumprod cumsum cumulative_prod cumulative_sum
    deg2rad degrees delete diag diag_indices diagflat diagonal diff digitize divide divmod dot
    double dstack dtype e ediff1d einsum empty empty_like equal errstate euler_gamma exp exp2
    expand_dims expm1 extract eye fabs fill_diagonal finfo fix flatnonzero flip fliplr flipud
    float32 float64 float_power floating floor floor_divide fmax fmin fmod frexp fromfunction
    fromiter full full_like gcd generic geomspace gradient greater greater_equal heaviside
    histogram histogram2d hsplit hstack hypot identity iinfo imag indices inexact inf inner insert
    int16 int32 int64 int8 int_ integer interp intersect1d invert isclose iscomplex iscomplexobj
    isfinite isin isinf isnan isneginf isposinf isreal isrealobj isscalar issubdtype iterable ix_
    kron lcm ldexp less less_equal lexsort linspace log log10 log1p log2 logaddexp logical_and
    logical_not logical_or logical_xor logspace matmul matrix_transpose max maximum mean median
    meshgrid mgrid min minimum mod modf moveaxis multiply nan nan_to_num nanargmax nanargmin
    nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum
    nanvar ndarray ndenumerate ndim ndindex negative newaxis nextafter nonzero not_equal number
    ogrid ones ones_like outer pad partition percentile permute_dims pi piecewise place poly
    poly1d polyadd polyder polydiv polyfit polyint polymul polysub polyval positive pow power prod
    ptp put_along_axis putmask quantile r_ rad2deg radians ravel ravel_multi_index real
    real_if_close reciprocal remainder repeat reshape resize result_type rint roll rollaxis roots
    rot90 round s_ searchsorted select setdiff1d setxor1d shape sign signbit sin sinc sinh size
    sort split sqrt square squeeze stack std str_ subtract sum swapaxes take take_along_axis tan
    tanh tensordot tile trace transpose trapezoid tri tril tril_indices trim_zeros triu
    triu_indices true_divide trunc uint16 uint32 uint64 uint8 union1d unique unravel_index
    unwrap vander var vdot vectorize vsplit vstack where zeros zeros_like
"""
_NUMPY_RANDOM = """
    beta binomial choice default_rng exponential gamma geometric lognormal multivariate_normal
    normal permutation poisson rand randint randn random random_sample seed shuffle
    standard_normal triangular uniform
"""
_SHAPELY_DENIED = frozenset({'setup_signal_checks'})  # changes how the process takes signals
_TRANSFORMS3D = (affines, axangles, euler, quaternions, reflections, shears, taitbryan, zooms)


def _facade(name: str, members: Mapping[str, object]) -> types.ModuleType:
    module = types.ModuleType(name, f'What programs may use of {name}.')
    vars(module).update(members)
    vars(module)['__all__'] = sorted(members)
    return module


def _pick(module: types.ModuleType, names: Iterable[str]) -> dict[str, object]:
    """The names that this release of the library has."""
    return {name: getattr(module, name) for name in names if hasattr(module, name)}


def _public(module: types.ModuleType) -> dict[str, object]:
    names = (name for name in vars(module) if not name.startswith('_'))
    members = {name: getattr(module, name) for name in names}
    return {k: v for k, v in members.items() if not isinstance(v, types.ModuleType)}


@functools.cache
def libraries() -> Mapping[str, types.ModuleType]:
    """The importable facades by dotted name, such as `shapely.geometry`."""
    found: dict[str, types.ModuleType] = {
        'math': _facade('math', _public(math)),
        'numpy.linalg': _facade('numpy.linalg', _pick(np.linalg, np.linalg.__all__)),
        'numpy.fft': _facade('numpy.fft', _pick(np.fft, np.fft.__all__)),
        'numpy.random': _facade('numpy.random', _pick(np.random, _NUMPY_RANDOM.split())),
        'shapely.geometry': _facade(
            'shapely.geometry', _pick(shapely.geometry, shapely.geometry.__all__)
        ),
        'shapely.affinity': _facade(
            'shapely.affinity', _pick(shapely.affinity, shapely.affinity.__all__)
        ),
        'shapely.ops': _facade('shapely.ops', _pick(shapely.ops, shapely.ops.__all__)),
    }
    for module in _TRANSFORMS3D:
        own = {k: v for k, v in _public(module).items() if _is_from(v, 'transforms3d')}
        found[module.__name__] = _facade(module.__name__, own)
    roots = {
        'numpy': _pick(np, _NUMPY.split()),
        'shapely': {k: v for k, v in _public(shapely).items() if k not in _SHAPELY_DENIED},
        'transforms3d': {},
    }
    for root, members in roots.items():
        parts = {k.split('.')[1]: v for k, v in found.items() if k.startswith(f'{root}.')}
        found[root] = _facade(root, members | parts)
    return found


def _is_from(value: object, package: str) -> bool:
    return callable(value) and str(getattr(value, '__module__', '')).startswith(package)


@functools.cache
def preloaded() -> Mapping[str, object]:
    """What every program finds in its scope without an import, by name.

    As in the paper's domains: numpy as np, everything of shapely.geometry and shapely.affinity.
    """
    found = libraries()
    scope: dict[str, object] = {
        'np': found['numpy'],
        'numpy': found['numpy'],
        'math': found['math'],
        'shapely': found['shapely'],
        'transforms3d': found['transforms3d'],
    }
    for name in ('shapely.geometry', 'shapely.affinity'):
        scope.update(_pick(found[name], vars(found[name])['__all__']))
    return scope


@functools.cache
def modules() -> frozenset[str]:
    """Those of the preloaded names that stand for a library, such as `np`."""
    found = preloaded().items()
    return frozenset(name for name, value in found if isinstance(value, types.ModuleType))


@functools.cache
def callables() -> frozenset[int]:
    """Identities of everything that can be called in a library."""
    every = (value for module in libraries().values() for value in vars(module).values())
    return frozenset(id(value) for value in every if callable(value))


# What writes files, pickles or hands out raw memory, and format strings that walk attributes (the
# verifier looks at `format` itself).
_METHODS_DENIED = frozenset(
    {
        *('tofile', 'dump', 'dumps', 'ctypes', 'data', 'setflags', 'setfield', 'byteswap'),
        *('bit_generator', 'format_map', 'maketrans', 'obj', 'with_traceback', 'add_note', 'mro'),
    }
)


@functools.cache
def method_names() -> frozenset[str]:
    """Attributes that programs may use on values: the public ones of the types they can meet."""
    rng = np.random.default_rng
    kinds: list[object] = [
        *(str, list, dict, set, frozenset, tuple, int, float, complex, range, slice),
        *(np.ndarray, np.float64, np.int64, np.bool_, np.str_, np.dtype, np.ufunc, np.poly1d),
        *(np.finfo(float), np.iinfo(int), rng(0), np.linalg.LinAlgError, np.vectorize),
        *(np.ndenumerate, np.ndindex),
        *(getattr(shapely.geometry, name) for name in ('Point', 'LineString', 'LinearRing')),
        *(shapely.geometry.Polygon, shapely.geometry.GeometryCollection, shapely.STRtree),
        *(shapely.geometry.MultiPoint, shapely.geometry.MultiLineString),
        *(shapely.geometry.MultiPolygon, shapely.prepared.PreparedGeometry),
        shapely.geometry.Point(0.0, 0.0).coords,
    ]
    names = {'args', 'eigenvalues', 'eigenvectors', 'U', 'S', 'Vh', 'Q', 'R', 'sign', 'logabsdet'}
    names |= {name for kind in kinds for name in dir(kind) if not name.startswith('_')}
    return frozenset(names - _METHODS_DENIED)


def _load_lazy_parts() -> None:
    """Use once what numpy and shapely load on first use: a child cannot open a file."""
    values = np.array([[2.0, 1.0], [1.0, 3.0]])
    np.linalg.svd(values), np.linalg.eig(values), np.linalg.inv(values)
    np.fft.fft(values[0]), np.einsum('ij,jk', values, values), repr(values), f'{values}'
    np.polyfit([0.0, 1.0, 2.0], [0.0, 1.0, 4.0], 1), np.percentile(values, 50)
    np.unique(values), np.median(values), np.histogram(values), np.array(['a', 'b'])
    np.random.default_rng(0).normal(), np.random.uniform(), np.pad(values, 1)
    shape = shapely.geometry.Point(0.0, 0.0).buffer(1.0)
    shapely.affinity.rotate(shape, 10.0), shapely.ops.unary_union([shape, shape]), repr(shape)
    shapely.STRtree([shape]).query(shape), shape.wkt, shape.wkb, shape.centroid.coords[0]
    shapely.ops.nearest_points(shape, shapely.geometry.Point(3.0, 0.0))
    'a'.encode('ascii', 'replace'), 'a'.encode('latin-1')


_load_lazy_parts()
