"""Static friction of a gripper's surfaces, which keeps a place and not only a speed. No ROS."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

# How fast a drift is taken back [1/s]: in twice the time from one look to the next.
_RATE = 60.0
# Friction gives way by so much before what is held has slipped [m, rad].
_GIVES = 0.0005
_TURNS = 0.02


class Stick:
    """Keeps one body where surfaces of another have taken hold of it.

    A free body moves along chords while the arm moves along arcs, so friction that does no more
    than bring two speeds together lets it creep by half of the acceleration times the time step:
    6 mm/s in a fast swing. Here the surfaces carry it back, by MuJoCo's surface velocity: their
    contacts' friction acts as if they moved as a belt does, within its cone and no further.

    Args:
        frame: the body in whose frame what is held rests.
        geoms: its surfaces, whose axes are those of `frame`.
        normal: the axis of `frame` along which they press, which needs no friction.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        frame: int,
        geoms: NDArray[np.int_],
        normal: int,
    ) -> None:
        self._model, self._data, self._geoms, self._normal = model, data, geoms, normal
        self._field, self._surfaces = model.geom_surfacevel, data.geom_xpos
        self._axes, self._origin = data.xmat[frame].reshape(3, 3), data.xpos[frame]
        self._body = -1
        self._place, self._turn = np.zeros(3), np.eye(3)
        self._velocities = np.zeros((len(geoms), 6))

    def hold(self, body: int) -> None:
        """At each look of a tool: that body is held; -1: none is."""
        if body < 0:
            if self._body >= 0:
                self._field[self._geoms] = 0.0
            self._body = -1
            return
        axes, origin = self._axes, self._data.xpos[body]
        place = (origin - self._origin).dot(axes)
        turn = axes.T.dot(self._data.xmat[body].reshape(3, 3))
        drift = place - self._place
        drift[self._normal] = 0.0
        change = turn.dot(self._turn.T)
        spin = 0.5 * (change.T - change)  # a row vector times this is the cross product
        rates = spin[1, 2], spin[2, 0], spin[0, 1]
        if (
            body != self._body
            or max(map(abs, drift.tolist())) > _GIVES
            or max(map(abs, rates)) > _TURNS
        ):
            # MuJoCo passes over surface velocities of models that were made with none.
            self._model.flg_surfacevel = True
            # Taken hold of, or slipped: from here on it sticks where it is.
            self._body, self._place, self._turn = body, place, turn
            return
        surfaces = (self._surfaces[self._geoms] - origin).dot(axes)
        self._velocities[:, :3] = drift + surfaces.dot(spin)
        self._velocities[:, 3:] = rates
        self._field[self._geoms] = -_RATE * self._velocities
