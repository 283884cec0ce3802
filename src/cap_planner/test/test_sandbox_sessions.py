"""Which imports of a program live on in its session."""

from __future__ import annotations

import pytest

from cap_planner.api import TABLETOP
from cap_planner.sandbox.program import Program
from cap_planner.sandbox.sessions import next_session

END = {'variables': {}, 'functions': {}, 'dropped': {}}


def kept(source: str) -> tuple[str, ...]:
    session, _ = next_session(Program(source, TABLETOP), END, {})
    return session.imports


@pytest.mark.parametrize(
    'source',
    [
        'import numpy as np',
        'import numpy',
        'import numpy.linalg',
        'import numpy as n',
        'import math as m',
        'from math import pi, tau as turn',
        'from shapely.geometry import *',
        'from utils import fly',
    ],
)
def test_imports_of_libraries_live_on(source: str) -> None:
    assert kept(source) == (source,)


@pytest.mark.parametrize(
    'source',
    [
        'import math as say',
        'import math as len',
        'import math as np',
        'from math import pi as say',
        'from math import pow',
        'from numpy import abs as ValueError',
        'from utils import fly as say',
        'import ctypes',
        'import os.path as path',
        'from os import path',
        'from .numpy import abs',
        'if True:\n    import math as say',
    ],
)
def test_no_import_gives_the_next_program_another_robot(source: str) -> None:
    assert kept(source) == ()


def test_what_is_told_of_dropped_variables_is_bounded() -> None:
    end = {**END, 'dropped': {f'{i}{"x" * 1000}': 'y' * 10_000 for i in range(4000)}}
    _, dropped = next_session(Program('x = 1', TABLETOP), end, {})
    assert len(dropped) <= 200
    assert all(len(name) <= 200 and len(why) <= 200 for name, why in dropped.items())
