"""The suction cup: a vacuum that needs its lip on a face, and a pull through contact alone."""

from __future__ import annotations

import mujoco
import numpy as np

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


class Suction:
    """The vacuum of the cup in a MuJoCo model.

    The pull is MuJoCo's adhesion on the lips: it acts at their contacts and nowhere else, so
    nothing is held that the cup does not touch. With the whole lip sealed the full force holds;
    each open eighth lets air in. Sides of the cup never seal.

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
        self._sealed, self._held = self._seal()
        leak = (1.0 - self._sealed) / self._leak_fraction
        target = max(0.0, 1.0 - leak) if self.on else 0.0
        constant = _PUMP_S if target > self._vacuum else _VENT_S
        self._vacuum += (target - self._vacuum) * min(dt / constant, 1.0)
        self._data.ctrl[self._actuator] = self._vacuum

    def _seal(self) -> tuple[float, int]:
        """The largest part of the lip on one body, and that body."""
        contact = self._data.contact
        self._touching = False
        if not len(contact.geom):
            return 0.0, -1
        bodies = self._model.geom_bodyid[contact.geom]
        of_lips = bodies == self._lips_body
        rows = np.flatnonzero(of_lips.any(axis=1))
        self._touching = len(rows) > 0
        if not len(rows):
            return 0.0, -1
        axis = self._data.xmat[self._lips_body].reshape(3, 3)[:, 2]
        facing = np.abs(contact.frame[rows, :3] @ axis) > _FACING
        near = contact.dist[rows] < (LIP_REACH if self._vacuum > _STANDS else _TOUCH)
        rows = rows[facing & near]
        if not len(rows):
            return 0.0, -1
        lips = np.where(of_lips[rows, 0], contact.geom[rows, 0], contact.geom[rows, 1])
        others = np.where(of_lips[rows, 0], bodies[rows, 1], bodies[rows, 0])
        touched = [(len(set(lips[others == body])), int(body)) for body in set(others.tolist())]
        count, body = max(touched)
        return count / LIPS, body
