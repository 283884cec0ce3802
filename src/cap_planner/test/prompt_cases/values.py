"""Values that cases are told in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from prompt_cases.desk import Program, matches


def xy(*numbers: float) -> np.ndarray:
    return np.array(numbers)


def points(*rows: tuple[float, float]) -> np.ndarray:
    return np.array(rows)


def positions(*rows: tuple[float, float]) -> Callable[[Any], bool]:
    """A list of arrays, in this order."""
    return lambda value: matches(value, [np.array(row) for row in rows])


def turned(shape: np.ndarray, degrees: float, center: np.ndarray) -> np.ndarray:
    """Counter-clockwise, as complex numbers turn."""
    turn = np.exp(1j * np.radians(degrees))
    around = ((shape - center) @ np.array([1, 1j])) * turn
    return center + np.stack([around.real, around.imag], axis=1)


def array(shape: np.ndarray) -> Program:
    return Program(f'ret_val = np.array({shape.tolist()})')


def closed(shape: np.ndarray) -> bool:
    return np.allclose(shape[0], shape[-1])


def sides(shape: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(shape, axis=0), axis=1)
