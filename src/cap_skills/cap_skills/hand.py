"""Hand: how a gripper takes hold of things, and how it knows. Suction cup and jaw. No ROS."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cap_common.frames import Matrix
from cap_skills.model import Corners, GripperReading, Held, Item, Vector
from cap_skills.robot import Check, Robot
from cap_skills.surfaces import grasp_height

# Turns in which a jaw may grasp something round, of half a turn.
_TURNS = 8
# Of those of a rim, of a whole turn.
_RIM_TURNS = 16


@dataclass(frozen=True)
class Grasp:
    """One way to take hold of an object, from above.

    Attributes:
        position: of the tool when it does, in base_link, shape (3,) [m].
        yaw: of the tool then [rad]; None: any.
        width: of what is between the fingers [m]; None: the tool has none.
    """

    position: Vector
    yaw: float | None = None
    width: float | None = None


class Hand(Protocol):
    """How a gripper takes hold of things.

    Attributes:
        feels: it gives way, and comes down until it feels the object; else it is rigid, and comes
            down to a place where it has felt nothing.
        radius: of what it needs free around the middle of a grasp, seen from above [m].
        face_radius: of what must lie open there, where it takes hold by a face; 0: by sides [m].
    """

    feels: bool
    radius: float
    face_radius: float

    def touch_speed(self, force: float) -> float:
        """At which it may meet something, so that no more than a force [N] pushes at it [m/s]."""
        ...

    def grasps(self, item: Item) -> list[Grasp]:
        """Ways to take hold of an object, the best first; none: it cannot."""
        ...

    def opening(self, width: float | None) -> float | None:
        """Between the fingers around something so wide that is not held yet, or no more [m]."""
        ...

    def beside(self, held: Held) -> Corners:
        """What it needs free beside something when it lets go, in the object's frame."""
        ...

    def make_ready(self, robot: Robot, grasp: Grasp, check: Check) -> None:
        """Before the way to a grasp."""
        ...

    def begin(self, robot: Robot) -> None:
        """Before the last, slow piece of that way."""
        ...

    def take(self, robot: Robot, effort: float, check: Check) -> bool:
        """Take hold; returns whether it does.

        Args:
            effort: the most that the fingers may press with [N]; 0: the configured.
        """
        ...

    def let_go(self, robot: Robot, width: float | None, check: Check) -> bool:
        """Release; returns whether nothing is held any more."""
        ...

    def abandon(self, robot: Robot) -> None:
        """Release what is not held properly; does not wait."""
        ...

    def sense(self, robot: Robot, check: Check) -> bool:
        """Whether something is held, also since before this process was there."""
        ...

    def holds(self, reading: GripperReading) -> bool:
        """Whether something is held, as far as this process knows of it."""
        ...

    def true_place(self, tcp_from_object: Matrix) -> Matrix:
        """Where the object is in the hand, by what the hand does to it."""
        ...


@dataclass(frozen=True)
class SuctionConfig:
    """Of a suction cup.

    Attributes:
        guarded_speed: until contact [m/s].
        sealed_below: pressure in the cup that means something is held [Pa].
        open_above: pressure at which nothing is pulled at any more [Pa].
        seal_s, release_s: how long these may take.
    """

    guarded_speed: float
    sealed_below: float
    open_above: float
    seal_s: float
    release_s: float


class SuctionHand:
    """See Hand. The vacuum stands once the cup lies on a face: it is on before it gets there."""

    feels = True

    def __init__(self, config: SuctionConfig, cup_radius: float) -> None:
        self._config = config
        self.radius = self.face_radius = cup_radius

    def touch_speed(self, force: float) -> float:
        """See Hand: as configured; its spring is soft."""
        return self._config.guarded_speed

    def grasps(self, item: Item) -> list[Grasp]:
        """See Hand: in the middle of its top, or of a dish's floor."""
        return [Grasp(np.array([*item.center[:2], grasp_height(item)]))]

    def opening(self, width: float | None) -> float | None:
        """See Hand."""
        return None

    def beside(self, held: Held) -> Corners:
        """See Hand: nothing."""
        return np.zeros((0, 4, 2))

    def make_ready(self, robot: Robot, grasp: Grasp, check: Check) -> None:
        """See Hand."""

    def begin(self, robot: Robot) -> None:
        """See Hand."""
        robot.grip(0.0)

    def take(self, robot: Robot, effort: float, check: Check) -> bool:
        """See Hand."""
        return robot.wait(self.holds, self._config.seal_s, check)

    def let_go(self, robot: Robot, width: float | None, check: Check) -> bool:
        """See Hand."""
        robot.grip(1.0)
        # What is still pulled at on one side tips over when the cup rises.
        return robot.wait(
            lambda reading: reading.pressure > self._config.open_above,
            self._config.release_s,
            check,
        )

    def abandon(self, robot: Robot) -> None:
        """See Hand."""
        robot.grip(1.0)

    def sense(self, robot: Robot, check: Check) -> bool:
        """See Hand."""
        return self.holds(robot.gripper())

    def holds(self, reading: GripperReading) -> bool:
        """See Hand."""
        return reading.pressure < self._config.sealed_below

    def true_place(self, tcp_from_object: Matrix) -> Matrix:
        """See Hand: as it was seen."""
        return tcp_from_object


@dataclass(frozen=True)
class JawConfig:
    """Of two fingers that hold by friction; SI units.

    Attributes:
        stiffness: of what they meet, objects on a table, and of the arm behind them.
        reaction_s: from contact until the arm begins to brake.
        braking: of the tool, when it does.
        most: between the fingers at their widest.
        finger, breadth: of one, along and across the way that it closes, where it is thickest.
        margin: free on either side of an object on the way to it, and after it was let go.
        below_middle: how far the tips reach below the middle of what they hold.
        least_depth, most_depth: how far below its top they may reach.
        above_support: how far they stay above what it stands on.
        rim_depth: how far below the rim of a bowl.
        effort: the fingers press with.
        closed_below: an opening that means that there is nothing between them.
        slip: change of the opening that means that what they held is gone.
        close_s: how long closing and opening may take.
    """

    stiffness: float
    reaction_s: float
    braking: float
    most: float
    finger: float
    breadth: float
    margin: float
    below_middle: float
    least_depth: float
    most_depth: float
    above_support: float
    rim_depth: float
    effort: float
    closed_below: float
    slip: float
    close_s: float


class JawHand:
    """See Hand. Two parallel fingers close along the x axis of tcp; its origin is their tips'."""

    feels = False
    face_radius = 0.0

    def __init__(self, config: JawConfig) -> None:
        self._config = config
        # Of what is held; 0: nothing is; None: who knows, the fingers have not been moved yet.
        self._width: float | None = None
        self.radius = config.most / 2 + config.finger

    def touch_speed(self, force: float) -> float:
        """See Hand: what it goes on by after contact, v t + v^2 / 2a, is what pushes."""
        config = self._config
        way = force / config.stiffness
        t, a = config.reaction_s, config.braking
        return float(a * (np.sqrt(t * t + 2 * way / a) - t))

    def grasps(self, item: Item) -> list[Grasp]:
        """See Hand: across its sides, the narrower first; a bowl by its rim."""
        if item.dish is not None:
            return list(self._on_rim(item))
        config = self._config
        depth = np.clip(
            item.half_height + config.below_middle, config.least_depth, config.most_depth
        )
        bottom = item.top - 2 * item.half_height
        z = max(item.top - float(depth), bottom + config.above_support)
        position = np.array([*item.center[:2], z])
        if item.round:
            turns = item.yaw + np.arange(_TURNS) * np.pi / _TURNS
            sides = [(float(max(item.size[:2])), float(turn)) for turn in turns]
        else:
            sides = sorted(
                [(float(item.size[0]), item.yaw), (float(item.size[1]), item.yaw + np.pi / 2)]
            )
        # Either finger may be on either side.
        return [
            Grasp(position, turn + half, width)
            for width, turn in sides
            for half in (0.0, np.pi)
            if width + config.margin <= config.most
        ]

    def _on_rim(self, item: Item) -> Iterator[Grasp]:
        assert item.dish is not None
        config = self._config
        if 2 * item.half_height < config.rim_depth + config.above_support:
            return
        away = float(max(item.size[:2])) / 2 - item.dish.wall / 2
        for turn, half in itertools.product(
            np.arange(_RIM_TURNS) * 2 * np.pi / _RIM_TURNS, (0.0, np.pi)
        ):
            xy = item.center[:2] + away * np.array([np.cos(turn), np.sin(turn)])
            position = np.array([*xy, item.top - config.rim_depth])
            yield Grasp(position, float(turn + half), item.dish.wall)

    def opening(self, width: float | None) -> float | None:
        """See Hand."""
        assert width is not None
        return min(width + 2 * self._config.margin, self._config.most)

    def beside(self, held: Held) -> Corners:
        """See Hand: a finger on either side."""
        opening, breadth = self.opening(held.opening), self._config.breadth / 2
        assert opening is not None
        near, far = opening / 2, opening / 2 + self._config.finger
        finger = np.array([(near, -breadth), (far, -breadth), (far, breadth), (near, breadth)])
        object_from_tcp = np.linalg.inv(held.tcp_from_object)
        corners: Corners = (
            np.stack([finger, -finger]) @ object_from_tcp[:2, :2].T + object_from_tcp[:2, 3]
        )
        return corners

    def make_ready(self, robot: Robot, grasp: Grasp, check: Check) -> None:
        """See Hand."""
        opening = self.opening(grasp.width)
        assert opening is not None
        self._width = 0.0
        robot.grip(opening)
        robot.gripped(self._config.close_s, check)

    def begin(self, robot: Robot) -> None:
        """See Hand."""

    def take(self, robot: Robot, effort: float, check: Check) -> bool:
        """See Hand."""
        robot.grip(0.0, min(effort or np.inf, self._config.effort))
        robot.gripped(self._config.close_s, check)
        opening = robot.gripper().opening
        self._width = opening if opening > self._config.closed_below else 0.0
        return self._width > 0.0

    def let_go(self, robot: Robot, width: float | None, check: Check) -> bool:
        """See Hand."""
        now = robot.gripper().opening if width is None else width
        opening = self.opening(now)
        assert opening is not None
        robot.grip(opening)
        self._width = 0.0
        return robot.gripped(self._config.close_s, check) and (
            robot.gripper().opening > now + self._config.margin / 2
        )

    def abandon(self, robot: Robot) -> None:
        """See Hand."""
        self._width = 0.0
        robot.grip(self._config.most)

    def sense(self, robot: Robot, check: Check) -> bool:
        """See Hand: fingers that this process has not moved yet close, on whatever is there."""
        if self._width is None:
            return self.take(robot, 0.0, check)
        return self.holds(robot.gripper())

    def holds(self, reading: GripperReading) -> bool:
        """See Hand: the fingers are as far apart as they were when they had closed on it."""
        width = self._width or 0.0
        return width > 0.0 and abs(reading.opening - width) < self._config.slip

    def true_place(self, tcp_from_object: Matrix) -> Matrix:
        """See Hand: between two parallel fingers it is in the middle, however it was seen."""
        place = tcp_from_object.copy()
        place[0, 3] = 0.0
        return place
