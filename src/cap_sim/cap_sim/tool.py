"""What the arm carries, as the rest of the cell sees it. No ROS."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import mujoco

from cap_sim.ink import Ink
from cap_sim.parameters import Parameters

# Steps from one look of a tool at its contacts to the next.
LOOK_EVERY = 4


@dataclass(frozen=True)
class ToolJoint:
    """A joint of a tool that has an encoder: m, m/s and N, or rad, rad/s and N m."""

    name: str
    position: float
    velocity: float
    effort: float


@dataclass(frozen=True)
class ToolState:
    """What a tool tells of itself; NaN where its kind has no such thing.

    Attributes:
        effort_n: pull of the vacuum, or what the fingers press with [N].
        pressure_pa: absolute, in the cup [Pa].
        opening_m: between the fingers' pads [m].
        holding: whether something closes the cup, or is between the fingers.
        held: name of that body; empty when there is none.
        joints: those that tell where they are.
    """

    effort_n: float = 0.0
    pressure_pa: float = math.nan
    opening_m: float = math.nan
    holding: bool = False
    held: str = ''
    joints: tuple[ToolJoint, ...] = ()


def body_in(model: mujoco.MjModel, body: int, other: mujoco.MjModel) -> int:
    """The number that a body of one model has in another; -1: it is not there, or is none."""
    if body < 0:
        return -1
    return int(mujoco.mj_name2id(other, mujoco.mjtObj.mjOBJ_BODY, model.body(body).name))


class Tool(Protocol):
    """A tool in a MuJoCo model. Not thread-safe: whoever steps the physics calls it."""

    def attach(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """Go on in another model, which differs in its objects; what is held may be gone."""
        ...

    def command(self, position: float, max_effort: float) -> None:
        """As control_msgs/GripperCommand: the gap [m], 0 to hold; its effort [N], 0: the most."""
        ...

    def step(self, dt: float) -> None:
        """Advance by dt from the contacts of now; after mj_step1, before mj_step2."""
        ...

    def look(self) -> None:
        """See what it touches, and how hard; after mj_step2, every LOOK_EVERY steps."""
        ...

    def settled(self) -> bool:
        """Whether the last command has come to its end: it holds, is open, or can go no further."""
        ...

    @property
    def pull_n(self) -> float:
        """A pull on what it touches that acts through contacts, which sensors miss [N]."""
        ...

    @property
    def ink(self) -> Ink | None:
        """What it draws with on the whiteboard; None: nothing."""
        ...

    @property
    def state(self) -> ToolState:
        """As of the last look."""
        ...


@dataclass(frozen=True)
class ToolKind:
    """A kind of tool.

    Attributes:
        tip: the link of its description that has it, and whose joint to the arm feels force.
        add: gives a spec, made from the description, what physics needs beyond that.
        make: the tool in the compiled model.
    """

    tip: str
    add: Callable[[mujoco.MjSpec, Parameters], None]
    make: Callable[[mujoco.MjModel, mujoco.MjData, Parameters], Tool]
