"""The parallel jaw: two fingers that one motor moves, and that hold by the friction of their pads.

Figures as published of Robotiq's 2F-85.
"""

from __future__ import annotations

import mujoco
import numpy as np

from cap_sim.ink import Ink
from cap_sim.parameters import Parameters
from cap_sim.stick import Stick
from cap_sim.tool import ToolJoint, ToolKind, ToolState, body_in

_TIP = 'jaw_link'
_JOINTS = ('left_finger_joint', 'right_finger_joint')
_PADS = ('left_pad_link', 'right_pad_link')
# The tendon whose length is how far the fingers have closed, and the motor that pulls at it.
_DRIVE = 'jaw'

# At which the gap closes [m/s]; 0.02 to 0.15 can be chosen on the real one.
_SPEED = 0.1
# The most that it presses with [N].
_STRONGEST_N = 235.0
# Of motor and gear, as each finger feels it [kg].
_REFLECTED_MASS = 0.5
# Of the motor's position control [N/m, N s/m]: 180 rad/s, critically damped with both fingers.
_STIFFNESS = 1e4
_DAMPING = 110.0
# The fingers are still below this speed of the gap [m/s] for so long [s].
_STILL = 5e-4
_STILL_S = 0.05
# A body is held when both pads press on it with more than this [N].
_TOUCH_N = 0.3


class Jaw:
    """The fingers in a MuJoCo model; see Tool.

    Nothing but contact holds: pads of rubber press, and what they hold slips once it is pulled at
    with more than their friction.
    """

    ink: Ink | None = None

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, parameters: Parameters) -> None:
        self._configured_n = self._effort = parameters.jaw_force_n
        self._wanted = self._driven = 0.0  # how far closed [m]
        self._still_s = 0.0
        self._held, self._press = -1, 0.0  # body; what the weaker pad presses on it with [N]
        self._model = model
        self.attach(model, data)

    def attach(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """See Tool."""
        self._held = body_in(self._model, self._held, model)
        self._model, self._data = model, data
        joints = [model.joint(name) for name in _JOINTS]
        first, dof = joints[0].qposadr[0], joints[0].dofadr[0]
        self._closed, self._rate = data.qpos[first : first + 2], data.qvel[dof : dof + 2]
        self._stroke = float(sum(joint.range[1] for joint in joints))
        self._frame = model.body(_TIP).id
        self._motor = model.actuator(_DRIVE).id
        pads = [model.body(name).id for name in _PADS]
        surfaces = np.flatnonzero(np.isin(model.geom_bodyid, pads) & (model.geom_contype > 0))
        self._stick = Stick(model, data, self._frame, surfaces, normal=0)
        # By geom: which pad it is, or -1; and the body that has it.
        self._pad_of = [pads.index(b) if b in pads else -1 for b in model.geom_bodyid.tolist()]
        self._body_of: list[int] = model.geom_bodyid.tolist()
        self._limit()

    def _limit(self) -> None:
        """Have the motor pull with no more than the effort."""
        self._model.actuator_forcerange[self._motor] = -self._effort, self._effort

    def command(self, position: float, max_effort: float) -> None:
        """See Tool."""
        self._wanted = min(max(self._stroke - position, 0.0), self._stroke)
        self._effort = min(max_effort if max_effort > 0.0 else self._configured_n, _STRONGEST_N)
        self._still_s = 0.0
        self._limit()

    def settled(self) -> bool:
        """See Tool."""
        return self._still_s > _STILL_S

    def step(self, dt: float) -> None:
        """See Tool."""
        closed, rate = sum(self._closed.tolist()), sum(self._rate.tolist())
        self._still_s = self._still_s + dt if abs(rate) < _STILL else 0.0
        # No further ahead of the fingers than the force needs: it must not have to come back first.
        ahead = self._effort / _STIFFNESS
        driven = self._driven + min(max(self._wanted - self._driven, -_SPEED * dt), _SPEED * dt)
        self._driven = min(max(driven, closed - ahead), closed + ahead)
        self._data.ctrl[self._motor] = self._driven

    def look(self) -> None:
        """See Tool."""
        self._held, self._press = self._grasp()
        self._stick.hold(self._held)

    def _grasp(self) -> tuple[int, float]:
        """The body that both pads press on, -1 if there is none, and how hard the weaker does."""
        data = self._data
        if not data.ncon:
            return -1, 0.0
        contact = data.contact
        presses: dict[int, list[float]] = {}
        pairs, addresses = contact.geom.tolist(), contact.efc_address.tolist()
        # Of the fingers' faces alone: their tips may stand on something.
        along = contact.frame[:, :3].dot(data.xmat[self._frame, 0::3]).tolist()
        for (one, other), address, part in zip(pairs, addresses, along, strict=True):
            pad, body = self._pad_of[one], self._body_of[other]
            if pad < 0:
                pad, body = self._pad_of[other], self._body_of[one]
            if pad >= 0 and address >= 0:
                press = presses.setdefault(body, [0.0, 0.0])
                press[pad] += float(data.efc_force[address]) * abs(part)
        held = max(presses, key=lambda body: min(presses[body]), default=-1)
        force = min(presses[held]) if held >= 0 else 0.0
        return (held, force) if force > _TOUCH_N else (-1, 0.0)

    @property
    def pull_n(self) -> float:
        """See Tool: it pulls at nothing."""
        return 0.0

    @property
    def state(self) -> ToolState:
        """See Tool."""
        return ToolState(
            effort_n=self._press,
            opening_m=self._stroke - float(self._closed.sum()),
            holding=self._held >= 0,
            held=str(self._model.body(self._held).name) if self._held >= 0 else '',
            joints=(
                ToolJoint(
                    _JOINTS[0],
                    float(self._closed[0]),
                    float(self._rate[0]),
                    float(self._data.actuator_force[self._motor]),
                ),
            ),
        )


def _add(spec: mujoco.MjSpec, parameters: Parameters) -> None:
    for name in _JOINTS:
        joint = spec.joint(name)
        joint.armature = _REFLECTED_MASS
        joint.solref_limit = [0.006, 1.0]
    _add_pads(spec)
    _add_drive(spec)


def _add_pads(spec: mujoco.MjSpec) -> None:
    """Rubber: grips by a coefficient of 0.9, also against turning on the spot."""
    for name in _PADS:
        for geom in spec.body(name).geoms:
            if geom.contype:
                geom.friction = [0.9, 0.003, 0.0001]
                geom.condim = 4
                geom.priority = 1
                # Soft at first, as rubber is, and pressed in by 0.3 mm at most. What is held moves
                # along chords (stick.py), and would leave stiffer pads for moments in a fast swing.
                geom.solref = [0.004, 1.0]
                geom.solimp = [0.9, 0.995, 0.0003, 0.5, 2.0]
    spec.add_exclude(name=_DRIVE, bodyname1=_PADS[0], bodyname2=_PADS[1])


def _add_drive(spec: mujoco.MjSpec) -> None:
    """One motor for both fingers, which the gear keeps at the same distance from the middle."""
    (coupling,) = spec.equalities  # of the description: one joint mimics the other
    coupling.solref = [0.004, 1.0]
    coupling.solimp = [0.99, 0.999, 0.001, 0.5, 2.0]
    tendon = spec.add_tendon(name=_DRIVE)
    for name in _JOINTS:
        tendon.wrap_joint(name, 1.0)
    motor = spec.add_actuator(name=_DRIVE, trntype=mujoco.mjtTrn.mjTRN_TENDON, target=_DRIVE)
    motor.set_to_position(kp=_STIFFNESS, kv=_DAMPING)
    motor.forcelimited = True
    motor.forcerange = [-_STRONGEST_N, _STRONGEST_N]


JAW = ToolKind(_TIP, _add, Jaw)
