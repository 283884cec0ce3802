"""How the skills move, and what one goal brings along. No ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cap_skills.model import Joints
from cap_skills.phases import Phases
from cap_skills.robot import Check


@dataclass(frozen=True)
class SkillConfig:
    """How the skills move; SI units.

    Attributes:
        park_joints: positions [rad] that hide nothing of the work area from the overhead camera.
        hover: of the tool above what it will touch, before going down.
        clearance: above the expected contact, where slow guarded motion begins.
        depth: below the expected contact, where guarded motion gives up.
        early_contact: so far above the expected contact it is one with something else.
        moved: a target seen so far from where it was has been moved.
        near_speed: of the tool, near objects.
        carry_scale: of all speeds but the guarded one while something is held: it would slip.
        min_speed_scale: slowest that a call may ask for.
        contact_force: that counts as contact.
        min_force_limit, force_limit: least and most that a call may allow to push at the tool.
        payload_force: pull on the tool above which a load is too heavy.
        scene_age_s: oldest scene to act on.
        nudge: how far aside of its target a thing may be put where that is half taken.
        max_height: of move_to above its target.
        unknown_size: edge of the cube that is assumed of something held that nobody knows.
    """

    park_joints: tuple[float, ...]
    hover: float
    clearance: float
    depth: float
    early_contact: float
    moved: float
    near_speed: float
    carry_scale: float
    min_speed_scale: float
    contact_force: float
    min_force_limit: float
    force_limit: float
    payload_force: float
    scene_age_s: float
    nudge: float
    max_height: float
    unknown_size: float

    @property
    def park(self) -> Joints:
        """Joint positions, shape (6,) [rad]."""
        return np.array(self.park_joints)


@dataclass(frozen=True)
class Call:
    """What one goal brings along: limits, and its line to the caller.

    Attributes:
        tell: called with the name of each phase.
        force_limit: that the tool may be pushed with [N]; 0: the configured.
        effort: that fingers may press with [N]; 0: the configured.
        phases: how long each took.
    """

    check: Check
    tell: Callable[[str], None]
    speed_scale: float = 1.0
    force_limit: float = 0.0
    effort: float = 0.0
    phases: Phases = field(default_factory=Phases)

    def step(self, text: str) -> None:
        """A new phase."""
        self.phases.begin(text)
        self.tell(text)
