"""The words of the programs' Python: what the verifier allows and what the child's scope holds.

Kept once, so that the check before the run and the scope at the run cannot drift apart.
"""

from __future__ import annotations

import builtins
import functools
import inspect
from collections.abc import Mapping

import cap_common.errors
from cap_common.errors import CapError
from cap_planner.api.spec import WrongArgumentsError

# Modules whose imports in published prompts name functions of the API (or functions that are still
# to be written): the import binds what the scope already holds.
HINT_MODULES = frozenset(
    {
        'action_utils',
        'ctrl_utils',
        'env_utils',
        'perception_utils',
        'plan_utils',
        'robot_api',
        'robot_utils',
        'utils',
        'vision_utils',
    }
)

# Builtins of programs. `print` and `type` are the child's own: print is captured, type takes one
# argument and so makes no classes.
_BUILTINS = """
    abs all any ascii bin bool callable chr complex dict divmod enumerate filter float format
    frozenset hash hex int isinstance issubclass iter len list map max min next oct ord pow print
    range repr reversed round set slice sorted str sum tuple type zip
    True False None NotImplemented Ellipsis
"""
BUILTINS = frozenset(_BUILTINS.split())

_BUILTIN_ERRORS = """
    ArithmeticError AssertionError AttributeError Exception FloatingPointError IndexError KeyError
    LookupError MemoryError NameError NotImplementedError OverflowError RecursionError RuntimeError
    StopIteration TimeoutError TypeError UnboundLocalError ValueError ZeroDivisionError
"""
BUILTIN_ERRORS = frozenset(_BUILTIN_ERRORS.split())


@functools.cache
def api_errors() -> Mapping[str, type[CapError]]:
    """The typed errors that a program may see, catch and raise, by class name."""
    classes = inspect.getmembers(cap_common.errors, inspect.isclass)
    found = {name: cls for name, cls in classes if issubclass(cls, CapError)}
    return found | {WrongArgumentsError.__name__: WrongArgumentsError}


ERRORS = BUILTIN_ERRORS | frozenset(api_errors())

# Names that a model may reach for although they are no part of the language, and what to do.
FORBIDDEN_BUILTINS = frozenset(name for name in dir(builtins) if name not in BUILTINS | ERRORS)
