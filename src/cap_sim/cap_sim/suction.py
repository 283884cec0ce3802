"""The suction cup: a vacuum that needs its lip on a face, and a pull through contact alone.

It hangs on a level compensator, a spring-loaded slide, which gives way when it is pushed.
"""

from __future__ import annotations

import mujoco
import numpy as np

from cap_sim.ink import Ink
from cap_sim.parameters import Parameters
from cap_sim.shapes import HIDDEN_GROUP
from cap_sim.slide import add_spring
from cap_sim.stick import Stick
from cap_sim.tool import ToolKind, ToolState, body_in

_TIP = 'cup_link'
_SLIDE_JOINT = 'cup_slide_joint'
_LIPS_BODY = 'cup_lips'
_LIPS = 8
_ADHESION = 'suction'
_LIP_RADIUS = 0.0015
_LIP_RING_RADIUS = 0.0115
# A lip that has sealed follows the face until it is this far away [m].
_LIP_REACH = 0.0005
# Level compensator: spring [N/m], preload [N], and what moves with it, cup and rod [kg]; 2.0 N to
# leave its stop, 6.8 N pushed in.
_SLIDE_SPRING = (400.0, 2.0, 0.042)

AMBIENT_PA = 101325.0
# Depth of the full vacuum below ambient.
_DEPTH_PA = 75000.0
# Below this pull the cup has let go [N].
_GONE_N = 0.1
# Whatever the pump reaches, it has reached by then [s].
_PUMPED_S = 0.4
# From this part of the full vacuum on, something closes the cup.
_STANDS = 0.5
# Time constants of pumping down and of venting.
_PUMP_S = 0.04
_VENT_S = 0.02
# A lip seals once it touches [m], and stays so within _LIP_REACH: were the reach enough, the vacuum
# would pull at what it does not touch, and at one side first.
_TOUCH = 0.0001
# A lip seals when the surface faces it: cosine of the angle to the cup's axis.
_FACING = 0.85


class Suction:
    """The vacuum of the cup in a MuJoCo model; see Tool.

    The pull is MuJoCo's adhesion on the lips: it acts at their contacts and nowhere else, so
    nothing is held that the cup does not touch. With the whole lip sealed the full force holds;
    each open eighth lets air in. Sides of the cup never seal. What is held slips once a force along
    the face is more than the lips' friction.
    """

    ink: Ink | None = None

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, parameters: Parameters) -> None:
        self._leak_fraction = parameters.leak_fraction
        self._held = -1  # the body that closes the cup
        self._model = model
        self.attach(model, data)
        self._on = False
        self._since_s = 0.0
        self._vacuum = 0.0
        self._sealed = 0.0  # the part of the lip that lies on it

    def attach(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """See Tool."""
        self._held = body_in(self._model, self._held, model)
        self._model, self._data = model, data
        self._lips_body = model.body(_LIPS_BODY).id
        self._body_of: list[int] = model.geom_bodyid.tolist()
        lips = np.flatnonzero(model.geom_bodyid == self._lips_body)
        self._stick = Stick(model, data, self._lips_body, lips, normal=2)
        self._actuator = model.actuator(_ADHESION).id
        self._force = float(model.actuator_gainprm[self._actuator, 0])
        self._pulled = data.moment_rownnz  # how many joints the adhesion pulls at, by contacts

    def command(self, position: float, max_effort: float) -> None:
        """See Tool: at position 0 the pump runs; its pull cannot be chosen."""
        self._on = position <= 0.0
        self._since_s = 0.0

    def settled(self) -> bool:
        """See Tool."""
        if self._on:
            return self._holding or self._since_s > _PUMPED_S
        return self._force * self._vacuum < _GONE_N

    @property
    def pull_n(self) -> float:
        """See Tool: the cup's face is drawn onto what it touches."""
        return self._force * self._vacuum if self._pulled[self._actuator] else 0.0

    @property
    def _holding(self) -> bool:
        """Whether the vacuum stands: something closes the cup."""
        return self._on and self._vacuum > _STANDS

    @property
    def state(self) -> ToolState:
        """See Tool."""
        held = self._holding and self._held >= 0
        return ToolState(
            effort_n=self._force * self._vacuum,
            pressure_pa=AMBIENT_PA - self._vacuum * _DEPTH_PA,
            holding=self._holding,
            held=str(self._model.body(self._held).name) if held else '',
        )

    def step(self, dt: float) -> None:
        """See Tool."""
        self._since_s += dt
        leak = (1.0 - self._sealed) / self._leak_fraction
        target = max(0.0, 1.0 - leak) if self._on else 0.0
        constant = _PUMP_S if target > self._vacuum else _VENT_S
        self._vacuum += (target - self._vacuum) * min(dt / constant, 1.0)
        self._data.ctrl[self._actuator] = self._vacuum

    def look(self) -> None:
        """See Tool: what closes the cup."""
        self._sealed, self._held = 0.0, -1
        if self._data.ncon and (self._on or self._force * self._vacuum > _GONE_N):
            lips = self._lips_on_bodies()
            if lips:
                self._held = max(lips, key=lambda body: (len(lips[body]), body))
                self._sealed = len(lips[self._held]) / _LIPS
        self._stick.hold(self._held if self._holding else -1)

    def _lips_on_bodies(self) -> dict[int, set[int]]:
        """The lips that lie on a body's face, by body."""
        contact, body_of = self._data.contact, self._body_of
        facing = contact.frame[:, :3].dot(self._data.xmat[self._lips_body, 2::3]).tolist()
        reach = _LIP_REACH if self._vacuum > _STANDS else _TOUCH
        lips: dict[int, set[int]] = {}
        for (one, other), dist, part in zip(
            contact.geom.tolist(), contact.dist.tolist(), facing, strict=True
        ):
            lip, body = one, body_of[other]
            if body_of[one] != self._lips_body:
                lip, body = other, body_of[one]
                if body_of[other] != self._lips_body:
                    continue
            if abs(part) > _FACING and dist < reach:
                lips.setdefault(body, set()).add(lip)
        return lips


def _add(spec: mujoco.MjSpec, parameters: Parameters) -> None:
    add_spring(spec.joint(_SLIDE_JOINT), *_SLIDE_SPRING)
    _add_lips(spec, parameters.suction_force_n)


def _add_lips(spec: mujoco.MjSpec, force_n: float) -> None:
    """The cup's face: a ring of small soft spheres, pulled onto what they touch by adhesion."""
    cup = spec.body(_TIP)
    lips = cup.add_body(name=_LIPS_BODY)
    for index in range(_LIPS):
        turn = 2 * np.pi * index / _LIPS
        lips.add_geom(
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=[_LIP_RADIUS, 0, 0],
            pos=[
                _LIP_RING_RADIUS * np.cos(turn),
                _LIP_RING_RADIUS * np.sin(turn),
                -_LIP_RADIUS,
            ],
            mass=0.0002,
            group=HIDDEN_GROUP,
            friction=[1.0, 0.005, 0.0001],
            condim=4,
            solref=[0.01, 1.0],
            solimp=[0.9, 0.98, 0.001, 0.5, 2.0],
            gap=_LIP_REACH,  # contacts within it are known, and carry no force
            priority=1,
        )
    pull = spec.add_actuator(
        name=_ADHESION, trntype=mujoco.mjtTrn.mjTRN_BODY, target=_LIPS_BODY, ctrlrange=[0, 1]
    )
    pull.ctrllimited = True
    pull.set_to_adhesion(gain=force_n)


SUCTION = ToolKind(_TIP, _add, Suction)
