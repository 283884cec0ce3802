"""The texts that a child executes, and the first frame, which carries them compiled.

Both sides of the pipe compile alike. What the host has compiled to find faults need not be compiled
again in pages of memory that a child first has to copy. The first frame goes from the host to the
child alone: `marshal` reads what it trusts, as the child trusts its host.
"""

from __future__ import annotations
import __future__

import marshal
from types import CodeType
from typing import Any, NamedTuple

from cap_planner.sandbox import frames

PROGRAM = '<program>'
"""How the program is named in its traces."""

# Annotations stay text: programs may name types that are not in their scope.
_FLAGS = __future__.annotations.compiler_flag

Text = tuple[str, str, CodeType | None]
"""A source, how it is named in traces, and its code; None: the child compiles it."""


class Start(NamedTuple):
    """What a child begins with.

    Attributes:
        functions: of the session and of the program, by name.
        variables: of the session.
        seed: of random numbers.
    """

    program: Text
    functions: dict[str, Text]
    imports: list[Text]
    variables: dict[str, Any]
    seed: int


def code_of(source: str, name: str) -> CodeType:
    """The text, compiled.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python.
    """
    code: CodeType = compile(source, name, 'exec', _FLAGS, dont_inherit=True, optimize=0)
    return code


def pack(start: Start) -> bytes:
    """The first frame.

    Raises:
        FrameError: a variable that cannot be carried, or more than a frame.
    """
    variables = frames.dumps(start.variables) if start.variables else b''
    return frames.framed(marshal.dumps((*start[:3], variables, start.seed)))


def load(payload: bytes) -> Start:
    """What `pack` has packed."""
    program, functions, imports, variables, seed = marshal.loads(payload)
    values = frames.loads(variables) if variables else {}
    return Start(program, functions, imports, values, seed)
