"""A Robot without physics: follows trajectories exactly, in virtual time, above a table with boxes.

Contact is a rule: the cup, or what hangs on it, may not go below the highest surface under it;
pressing harder is a spring. For tests and for rehearsing a program before it moves the real thing.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cap_skills.kinematics import ArmKinematics
from cap_skills.model import GripperReading, Held, Item, Joints, Trajectory
from cap_skills.robot import Check, Until
from cap_skills.surfaces import surface_below

AMBIENT_PA = 101_325.0
SEALED_PA = 40_000.0
_STIFFNESS = 400.0
_STROKE = 0.012
_STEP_S = 0.008
_SEAL_FORCE = 0.5
_WEIGHT = 0.3


class KinematicRobot:
    """Conforms to Robot.

    Attributes:
        items: the objects by name, as they are now; `scene()` gives them.
        time_s: the virtual clock [s].
        seals: False: the cup is torn, and nothing can be held.
    """

    def __init__(self, kinematics: ArmKinematics, joints: Joints, items: Iterable[Item]) -> None:
        self._kinematics = kinematics
        self._joints = np.array(joints, float)
        self._on = False
        self._held: Held | None = None
        self._pressed = 0.0
        self.items = {item.name: item for item in items}
        self.time_s = 0.0
        self.seals = True

    def joints(self) -> Joints:
        """See Robot."""
        return self._joints.copy()

    def gripper(self) -> GripperReading:
        """See Robot."""
        force = self._pressed * _STIFFNESS - (_WEIGHT if self._held else 0.0)
        return GripperReading(force, SEALED_PA if self._held else AMBIENT_PA)

    def execute(self, trajectory: Trajectory, check: Check, until: Until | None = None) -> bool:
        """See Robot."""
        elapsed = 0.0
        while True:
            check()
            self._joints = np.array(
                [np.interp(elapsed, trajectory.times, q) for q in trajectory.positions.T]
            )
            self._touch()
            if until is not None and until(self.gripper()):
                return True
            if elapsed >= trajectory.duration - 1e-9:
                return False
            advance = min(_STEP_S, trajectory.duration - elapsed)
            elapsed += advance
            self.time_s += advance

    def grip(self, opening: float, effort: float = 0.0) -> None:
        """See Robot."""
        self._on = opening <= 0.0
        if not self._on and self._held is not None:
            self._drop()
        self._touch()

    def gripped(self, timeout_s: float, check: Check) -> bool:
        """See Robot: it always is, at once."""
        check()
        return True

    def wait(self, until: Until, timeout_s: float, check: Check) -> bool:
        """See Robot."""
        end = self.time_s + timeout_s
        while not until(self.gripper()):
            check()
            if self.time_s >= end:
                return False
            self.time_s += _STEP_S
        return True

    def drop(self) -> None:
        """Lose what is held, as if it had slipped off."""
        if self._held is not None:
            self._drop()
            self.seals = False

    def _touch(self) -> None:
        tcp = self._kinematics.forward(self._joints)
        if self._held is not None:
            item = self._held.item
            carried = item.at(tcp @ self._held.tcp_from_object)
            low = float(carried.center[2]) - carried.half_height
            floor = surface_below(carried.center[:2], carried.radius / 2, self._others(item.name))
            self.items[item.name] = carried
            self._pressed = float(np.clip(floor.height - low, 0.0, _STROKE))
            return
        floor = surface_below(tcp[:2, 3], 0.0, self._others(''))
        self._pressed = float(np.clip(floor.height - tcp[2, 3], 0.0, _STROKE))
        pushed = self._pressed * _STIFFNESS >= _SEAL_FORCE
        if self._on and self.seals and pushed and floor.item is not None:
            pose = np.linalg.inv(tcp) @ floor.item.pose
            # The cup springs out by what it was pushed in; tcp's z points down.
            pose[2, 3] += self._pressed
            self._held = Held(floor.item, pose)

    def _drop(self) -> None:
        assert self._held is not None
        item = self.items[self._held.item.name]
        floor = surface_below(item.center[:2], item.radius / 2, self._others(item.name))
        pose = item.pose.copy()
        pose[2, 3] = floor.height + item.half_height
        self.items[item.name] = item.at(pose)
        self._held = None

    def _others(self, name: str) -> list[Item]:
        return [item for item in self.items.values() if item.name != name]
