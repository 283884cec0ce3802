"""What is used of toppra, without matplotlib: 0.8 s of a node's start and 36 MB.

toppra imports it to draw its inner workings, which nobody asks for here. While toppra is imported
there are empty modules in its place; whoever else wants matplotlib gets the real one.
"""

from __future__ import annotations

import sys
from types import ModuleType

_PLOTS = ('matplotlib', 'matplotlib.pyplot')

_empty = {name: ModuleType(name) for name in _PLOTS if name not in sys.modules}
sys.modules.update(_empty)
try:
    from toppra.algorithm import TOPPRA
    from toppra.algorithm.algorithm import ParameterizationAlgorithm, ParameterizationReturnCode
    from toppra.constraint import DiscretizationType, LinearConstraint
    from toppra.constraint.linear_constraint import canlinear_colloc_to_interpolate
    from toppra.solverwrapper import seidelWrapper
finally:
    for _name in _empty:
        del sys.modules[_name]

__all__ = [
    'TOPPRA',
    'DiscretizationType',
    'LinearConstraint',
    'ParameterizationAlgorithm',
    'ParameterizationReturnCode',
    'canlinear_colloc_to_interpolate',
    'seidelWrapper',
]
