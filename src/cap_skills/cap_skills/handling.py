"""Picking and placing, step by step, over the arm and the scene. No ROS.

Whatever ends a step is a CapError. HALTS leave everything as it is: the arm stands, and what is
held stays held. After any other error the table is left tidy, by `tidily`: what is held is put
back, the arm parks, and the error is raised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from cap_common.errors import (
    CanceledError,
    CapError,
    GraspFailedError,
    NoPathError,
    PerceptionLostError,
    PlaceFailedError,
    RobotFaultError,
    SkillTimeoutError,
    StoppedError,
)
from cap_common.frames import Matrix
from cap_skills.arm import UNKNOWN, Arm
from cap_skills.call import Call, SkillConfig
from cap_skills.force_watch import OverloadError, PushedError
from cap_skills.grasp_choice import GraspChoice
from cap_skills.model import Free, Held, Item, Leg, Place, SceneView, Straight, Surroundings
from cap_skills.poses import TABLE, raised
from cap_skills.scene_memory import SceneMemory
from cap_skills.surfaces import overlapping
from cap_skills.targets import Area, Spot, find_object, find_spot, free_spot

T = TypeVar('T')

# These leave the arm where it stands.
HALTS = (CanceledError, StoppedError, PerceptionLostError, RobotFaultError, SkillTimeoutError)
# Between two looks for a new scene [s].
_LOOK_S = 0.02


class MissedError(PlaceFailedError):
    """Where something was to be put down, things are not as they were seen; it is still held."""


class Handling:
    """The steps of picking and placing with one arm. One call at a time.

    Args:
        area: where things may be picked and placed.

    Attributes:
        scene: what is there.
        grasps: how to take hold of it.
    """

    def __init__(self, arm: Arm, scene: SceneMemory, config: SkillConfig, area: Area) -> None:
        self._arm = arm
        self._config = config
        self._area = area
        self.scene = scene
        self.grasps = GraspChoice(arm, config, area)

    def others(self) -> list[Item]:
        """All but what is held, fresh or not."""
        return self._without_held(self.scene.latest())

    def _without_held(self, scene: SceneView) -> list[Item]:
        held = self._arm.held.item.name if self._arm.held else ''
        return [item for item in scene.items if item.name != held]

    # Checks --------------------------------------------------------------------------------------

    def require_target(self, item: Item, target: Place, scene: SceneView) -> None:
        """Refuse a target that there is not, or that has no room for the object."""
        find_spot(target, item, scene, self._config.nudge)

    def _find_spot(self, target: Place, held: Held, scene: SceneView) -> Spot:
        beside = self._arm.hand.beside(held)
        return find_spot(target, held.item, scene, self._config.nudge, beside)

    def require_room(self, held: Held, target: Place, scene: SceneView) -> None:
        """Refuse a target out of reach, outside the area, or where something is in the way."""
        spot = self._find_spot(target, held, scene)
        others = [item for item in scene.items if item.name != held.item.name]
        try:
            self._arm.poses.place(held, spot, others, str(target))
        except NoPathError:
            self._area.require(spot.xy, 'the target')
            raise
        self._area.require(spot.xy, 'the target')

    # Steps ---------------------------------------------------------------------------------------

    def pick(self, item: Item, call: Call) -> Matrix:
        """Grasp and verify; once more after another look. Returns base_from_tcp at the grasp.

        What is no longer where it was seen is not felt, or is in the tool's way.
        """
        for attempt in (1, 2):
            try:
                return self._grasp(item, call)
            except (GraspFailedError, PushedError) as error:
                self._arm.abandon()
                self.park(call)
                if attempt == 2:
                    raise
                self._look_again(error, call)
                item = find_object(Place(item.name), self.scene.require())
        raise AssertionError

    def _grasp(self, item: Item, call: Call) -> Matrix:
        config, arm = self._config, self._arm
        scene = self.scene.require()
        grasp, above = self.grasps.choose(item, scene)
        z = float(grasp.position[2])
        before = arm.poses.slow_from(raised(above, z), z, [item.top], above)
        call.step(f'approach {item.name}')
        arm.make_ready(grasp, call)
        legs: list[Leg] = [
            *arm.rise(scene.items),
            Free(arm.poses.down(above)),
            Straight(before, config.near_speed),
        ]
        arm.move(legs, Surroundings(scene.items, touch=frozenset({item.name, TABLE})), call)
        call.step(f'grasp {item.name}')
        at_contact = raised(above, z)
        arm.wanted = Held(item, np.linalg.inv(at_contact) @ item.pose, grasp.width)
        arm.hand.begin(arm.robot)
        beyond = raised(above, z - config.depth) if arm.hand.feels else at_contact
        around = self.grasps.around(grasp, item, scene)
        touched = arm.guarded(beyond, around, call, arm.hand.holds)
        if touched and not arm.hand.feels:
            raise GraspFailedError(
                f'{item.name!r}: the fingers met something '
                f'{(arm.poses.tcp()[2, 3] - z) * 1000:.0f} mm above where they were to close'
            )
        # A cup is sprung: it touches the surface wherever the arm stopped.
        at = raised(arm.poses.tcp(), z) if arm.hand.feels else arm.poses.tcp()
        if not arm.take(item, at, call):
            x, y, _ = grasp.position
            found = ('felt nothing', 'touched something')[touched]
            raise GraspFailedError(
                f'{item.name!r}: the gripper {found} at x={x:.3f}, y={y:.3f} m of base_link, '
                'and does not hold it'
            )
        return arm.poses.tcp()

    def lift(self, call: Call) -> None:
        """Straight up, with what is held, off what is around it."""
        held = self._arm.held
        assert held is not None
        call.step(f'lift {held.item.name}')
        others = self.others()
        legs = self._arm.rise(others)
        if legs:
            below = overlapping(held.item.center[:2], held.item.radius, others)
            touch = frozenset({TABLE, *(item.name for item in below)})
            self._arm.move(legs, Surroundings(others, held, touch=touch), call)

    def place(self, target: Place, call: Call) -> Matrix:
        """Carry what is held to the target, set it down and let go; returns base_from_tcp then.

        What is no longer where it was seen is looked for once more.
        """
        try:
            return self._place(target, call)
        except MissedError as error:
            self.park(call)
            self._look_again(error, call)
            return self._place(target, call)

    def _place(self, target: Place, call: Call) -> Matrix:
        held = self._arm.held
        assert held is not None
        scene = self.scene.require()
        spot = self._find_spot(target, held, scene)
        self._area.require(spot.xy, 'the target')
        onto = [item for item in scene.items if item.name in spot.supports]
        early = self._config.early_contact
        rims = [item.top for item in onto if item.hollow]
        if rims:
            # It may lie on the wall, but not on its upper half; on what is in there, as it comes.
            empty = len(onto) == 1 and not held.item.hollow
            early = max(early, (rims[0] - spot.height) / 2) if empty else math.inf
        return self._set_down(spot, call, self._config.depth, early, onto)

    def _set_down(
        self, spot: Spot, call: Call, depth: float, early: float, onto: Sequence[Item] = ()
    ) -> Matrix:
        """Carry what is held to a spot, feel for it, and let go.

        Args:
            depth, early: how far below and above the expected contact it may come [m].
            onto: what it goes to, as it was seen: it has to be there still.
        """
        config, held = self._config, self._arm.held
        assert held is not None
        others = self._without_held(self.scene.require())
        down = self._arm.poses.place(held, spot, others, 'its place')
        above = self._arm.poses.carry(held, down, others)
        tops = [item.top for item in others if item.name in spot.supports]
        before = self._arm.poses.slow_from(down, min(spot.height, down[2, 3]), tops, above)
        call.step(f'carry {held.item.name}')
        legs: list[Leg] = [
            *self._arm.rise(others, above[2, 3]),
            Free(self._arm.poses.down(above)),
            Straight(before, config.near_speed),
        ]
        self._arm.move(legs, Surroundings(others, held, touch=spot.supports | {TABLE}), call)
        self._require_unmoved(onto)
        call.step(f'place {held.item.name}')
        if held.item.hollow and spot.supports:
            # Bowls nest: how deep is for contact to find.
            depth += 2 * held.item.half_height
        around = Surroundings(others, ignore=spot.supports | {TABLE})
        try:
            touched = self._arm.guarded(raised(down, down[2, 3] - depth), around, call)
        except NoPathError:
            # Deep among other things there is no room for the hand.
            touched = self._arm.guarded(
                raised(down, down[2, 3] - config.early_contact), around, call
            )
        self._require_unmoved(onto)
        x, y = spot.xy
        if not touched:
            raise MissedError(
                f'{held.item.name!r} met nothing below at x={x:.3f}, y={y:.3f} m of base_link'
            )
        above_mm = (self._arm.poses.tcp()[2, 3] - down[2, 3]) * 1000
        if above_mm > early * 1000:
            raise MissedError(
                f'{held.item.name!r} met something {above_mm:.0f} mm too high at '
                f'x={x:.3f}, y={y:.3f} m of base_link'
            )
        placed = self._let_go(Surroundings(others, touch=spot.supports | {TABLE}), call)
        self._require_unmoved(onto, PlaceFailedError)
        return placed

    def _require_unmoved(
        self, onto: Sequence[Item], failure: type[PlaceFailedError] = MissedError
    ) -> None:
        """Refuse to set something down where its target was; what the arm hides is still there."""
        scene = self.scene.latest()
        for item in onto:
            now = scene.find(item.name)
            if now is None:
                raise failure(f'{item.name!r} went while something was brought to it')
            away = float(np.hypot(*(now.center - item.center)[:2]))
            if away > self._config.moved:
                raise failure(
                    f'{item.name!r} was moved by {away * 1000:.0f} mm while something was brought '
                    'to it'
                )

    def _look_again(self, error: CapError, call: Call) -> None:
        """Wait for a picture from after now, as long as a scene may be old."""
        call.step(f'look again: {error}')
        waited = 0.0
        with call.phases.waiting():
            while waited < self._config.scene_age_s and self.scene.latest().age_s >= waited:
                self._arm.robot.wait(lambda _: False, _LOOK_S, call.check)
                waited += _LOOK_S

    def _let_go(self, around: Surroundings, call: Call) -> Matrix:
        """Release what stands, and rise off it; returns base_from_tcp at the release."""
        held = self._arm.held
        assert held is not None
        call.step(f'release {held.item.name}')
        call.check()
        placed = self._arm.poses.tcp()
        if not self._arm.let_go(call):
            raise PlaceFailedError(f'{held.item.name!r} did not come off the gripper')
        self.scene.placed = held.item.at(placed @ held.tcp_from_object)
        call.step('retreat')
        self._arm.retreat(around, call)
        return placed

    def park(self, call: Call) -> None:
        """Out of the camera's sight, from wherever the arm is."""
        call.step('park')
        others = self.others()
        self._arm.move(
            [*self._arm.rise(others), Free(self._config.park)],
            Surroundings(others, self._arm.held),
            call,
        )
        self.scene.placed = None

    def clear_off(self, call: Call) -> None:
        """Park, without what nobody knows."""
        if self._arm.held is not None and self._arm.held.item.name == UNKNOWN:
            call.step('put down')
            self.put_down(call)
        self.park(call)

    def put_down(self, call: Call) -> None:
        """Set down what is held: where it was, or where there is room."""
        held = self._arm.held
        assert held is not None
        scene = self.scene.require()
        unknown = held.item.name == UNKNOWN
        try:
            home = Place(position=(float(held.item.center[0]), float(held.item.center[1]), 0.0))
            spot = find_spot(home, held.item, scene, 0.0)
            self._area.require(spot.xy, held.item.name)
            if unknown or spot.supports:
                spot = free_spot(spot.xy, held.item, scene, self._area)
        except CapError:
            spot = free_spot(held.item.center[:2], held.item, scene, self._area)
        # Of a stranger not even the height is known; and down it must, on whatever there is.
        self._set_down(spot, call, 0.1 if unknown else self._config.depth, math.inf)

    def _lower(self, call: Call) -> None:
        """Set down what is held right below: for what cannot be carried anywhere."""
        held = self._arm.held
        assert held is not None
        call.step(f'lower {held.item.name}')
        others = self._without_held(self.scene.require())
        tcp = self._arm.poses.tcp()
        below = {item.name for item in overlapping(tcp[:2, 3], held.item.radius, others)} | {TABLE}
        around = Surroundings(others, ignore=frozenset(below))
        self._arm.guarded(raised(tcp, -self._config.depth), around, call)
        self._let_go(Surroundings(others, touch=frozenset(below)), call)

    # After a failure -----------------------------------------------------------------------------

    def tidily(self, step: Callable[[], T], call: Call) -> T:
        """Run a step; after a failure put back what is held and park, then raise the failure."""
        try:
            return step()
        except HALTS:
            raise
        except CapError as error:
            notes = self._recover(call, error)
            raise type(error)(f'{error}{notes}') from error

    def _recover(self, call: Call, error: CapError) -> str:
        call.step(f'recover: {error}')
        notes = ''
        if self._arm.held is not None and not self._arm.holds():
            notes = f'; {self._arm.held.item.name!r} fell off the gripper'
            self._arm.abandon()
        if self._arm.held is not None:
            name = self._arm.held.item.name
            try:
                if isinstance(error, OverloadError):
                    self._lower(call)
                else:
                    self.put_down(call)
                notes = f'; {name!r} was put down again'
            except HALTS:
                raise
            except CapError as second:
                return f'; {name!r} is still held: {second}'
        try:
            self.park(call)
        except HALTS:
            raise
        except CapError as second:
            notes += f'; the arm could not park: {second}'
        return notes
