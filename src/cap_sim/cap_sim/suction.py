"""The suction cup: a vacuum that needs its lip on a face, and a pull through contact alone."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from cap_sim.world import ADHESION, LIP_REACH, LIPS, LIPS_BODY

AMBIENT_PA = 101325.0
# Depth of the full vacuum below ambient.
_DEPTH_PA = 75000.0
# From this part of the full vacuum on, something closes the cup.
_STANDS = 0.5
# Time constants of pumping down and of venting.
_PUMP_S = 0.04
_VENT_S = 0.02
# A lip seals once it touches [m], and stays so within LIP_REACH: were the reach enough, the vacuum
# would pull at what it does not touch, and at one side first.
_TOUCH = 0.0001
# A lip seals when the surface faces it: cosine of the angle to the cup's axis.
_FACING = 0.85
# The friction of a lip: how far it gives before it slips [m], and how hard it asks for the way back
# [1/s^2], which is what a contact's solref of 0.01 s asks.
_GIVES = 0.0005
_STIFFNESS = 1e4
_NONE = np.zeros(0, dtype=int)


class Suction:
    """The vacuum of the cup in a MuJoCo model.

    The pull is MuJoCo's adhesion on the lips: it acts at their contacts and nowhere else, so
    nothing is held that the cup does not touch. With the whole lip sealed the full force holds;
    each open eighth lets air in. Sides of the cup never seal. What is held slips once a force along
    the face is more than the lips' friction.

    Not thread-safe: whoever steps the physics calls it.
    """

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, leak_fraction: float) -> None:
        self._leak_fraction = leak_fraction
        self.attach(model, data)
        self.on = False
        self._vacuum = 0.0
        self._sealed = 0.0
        self._held = -1
        self._touching = False

    def attach(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """Go on in another model, which has the bodies of the one before, in their order."""
        self._model, self._data = model, data
        self._lips_body = model.body(LIPS_BODY).id
        self._first_lip = int(model.body_geomadr[self._lips_body])
        # Where each lip sticks to the body that closes the cup, in that body's frame; NaN: nowhere.
        self._places = np.full((LIPS, 3), np.nan)
        self._actuator = model.actuator(ADHESION).id
        self._force = float(model.actuator_gainprm[self._actuator, 0])

    @property
    def pressure_pa(self) -> float:
        """Absolute pressure in the cup [Pa]."""
        return AMBIENT_PA - self._vacuum * _DEPTH_PA

    @property
    def force_n(self) -> float:
        """The pull that it can exert now [N]."""
        return self._force * self._vacuum

    @property
    def pull_n(self) -> float:
        """The pull that acts now: the cup's face is drawn onto what it touches [N]."""
        return self.force_n if self._touching else 0.0

    @property
    def sealed(self) -> float:
        """The part of the lip that lies on one body's face, 0 to 1."""
        return self._sealed

    @property
    def holding(self) -> bool:
        """Whether the vacuum stands: something closes the cup."""
        return self.on and self._vacuum > _STANDS

    @property
    def held_body(self) -> str:
        """Name of the body that closes the cup; empty when none does."""
        return str(self._model.body(self._held).name) if self.holding and self._held >= 0 else ''

    def step(self, dt: float) -> None:
        """Advance the vacuum by dt from the contacts of now; after mj_step1, before mj_step2."""
        before = self._held
        rows, lips, self._held = self._seal()
        self._sealed = len(set(lips.tolist())) / LIPS
        if self._held != before or not self.holding:
            self._places[:] = np.nan
        if self.holding and self._held >= 0:
            carries = self._data.contact.efc_address[rows] >= 0
            self._stick(rows[carries], lips[carries])
        leak = (1.0 - self._sealed) / self._leak_fraction
        target = max(0.0, 1.0 - leak) if self.on else 0.0
        constant = _PUMP_S if target > self._vacuum else _VENT_S
        self._vacuum += (target - self._vacuum) * min(dt / constant, 1.0)
        self._data.ctrl[self._actuator] = self._vacuum

    def _stick(self, rows: NDArray[np.int_], lips: NDArray[np.int_]) -> None:
        """Let the friction of the lips hold a place, and not only a speed.

        A free body moves along chords while the arm moves along arcs, so friction that does no more
        than bring two speeds together lets it creep by half of the acceleration times the time
        step: 2 mm/s. The solver is asked for the way back, as it is for a joint that has left its
        limit. What it grants stays within the friction's cone.

        Args:
            rows: contacts of lips with the body that closes the cup.
            lips: their geoms.
        """
        contact, data = self._data.contact, self._data
        turn = data.xmat[self._held].reshape(3, 3)
        now = (data.geom_xpos[lips] - data.xpos[self._held]) @ turn
        places = self._places[lips - self._first_lip]
        moved = np.where(np.isnan(places), 0.0, now - places)
        tangents = contact.frame[rows].reshape(-1, 3, 3)[:, 1:]
        along = (tangents @ (moved @ turn.T)[:, :, None])[:, :, 0]
        kept = np.minimum(1.0, _GIVES / np.maximum(np.sqrt((along**2).sum(axis=1)), 1e-9))[:, None]
        self._places[:] = np.nan
        self._places[lips - self._first_lip] = now - moved * kept
        # A contact's frame points from its first geom to its second.
        signs = np.where(contact.geom[rows, 0] == lips, _STIFFNESS, -_STIFFNESS)[:, None]
        address = contact.efc_address[rows]
        pull = along * kept * signs
        data.efc_aref[address + 1] += pull[:, 0]
        data.efc_aref[address + 2] += pull[:, 1]

    def _seal(self) -> tuple[NDArray[np.int_], NDArray[np.int_], int]:
        """The contacts of the most lips that lie on one body, their lips, and that body."""
        contact = self._data.contact
        self._touching = False
        if not len(contact.geom):
            return _NONE, _NONE, -1
        bodies = self._model.geom_bodyid[contact.geom]
        of_lips = bodies == self._lips_body
        rows = np.flatnonzero(of_lips.any(axis=1))
        self._touching = len(rows) > 0
        if not len(rows):
            return _NONE, _NONE, -1
        axis = self._data.xmat[self._lips_body].reshape(3, 3)[:, 2]
        facing = np.abs(contact.frame[rows, :3] @ axis) > _FACING
        near = contact.dist[rows] < (LIP_REACH if self._vacuum > _STANDS else _TOUCH)
        rows = rows[facing & near]
        if not len(rows):
            return _NONE, _NONE, -1
        lips = np.where(of_lips[rows, 0], contact.geom[rows, 0], contact.geom[rows, 1])
        others = np.where(of_lips[rows, 0], bodies[rows, 1], bodies[rows, 0])
        touched = [(len(set(lips[others == body])), int(body)) for body in set(others.tolist())]
        body = max(touched)[1]
        return rows[others == body], lips[others == body], body
