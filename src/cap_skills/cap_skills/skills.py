"""pick_place and move_to as lists of steps, over MotionPlanner, Robot and the scene. No ROS.

Whatever ends a step is a CapError. Cancel, a lost lease, a lost scene and a robot fault leave
everything as it is: the arm stands, and what is held stays held. After any other error of
pick_place the table is left tidy: what is held is put back, the arm parks, and the error is raised.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from cap_common.errors import (
    CanceledError,
    CapError,
    GraspFailedError,
    InvalidGoalError,
    LimitError,
    NoPathError,
    PerceptionLostError,
    PlaceFailedError,
    RobotFaultError,
    SkillTimeoutError,
    StoppedError,
    UnreachableError,
)
from cap_common.frames import Matrix
from cap_skills.arm import UNKNOWN, Arm, Call, OverloadError, SkillConfig, raised
from cap_skills.kinematics import tool_down
from cap_skills.model import (
    Free,
    Held,
    Item,
    Place,
    SceneView,
    Straight,
    Surroundings,
)
from cap_skills.planner import MotionPlanner
from cap_skills.robot import Robot
from cap_skills.surfaces import grasp_height, overlapping, surface_below
from cap_skills.targets import (
    Area,
    Spot,
    find_object,
    find_spot,
    free_spot,
    require_finite,
)

T = TypeVar('T')

# These leave the arm where it stands.
HALTS = (CanceledError, StoppedError, PerceptionLostError, RobotFaultError, SkillTimeoutError)
# The link that things stand on. A guarded motion feels for it, so it may expect to touch it.
_TABLE = 'table'
# The name that move_to takes for the pose in which the arm hides nothing from the camera.
PARK = 'park'


class Skills:
    """The skills of one arm. One call at a time.

    Args:
        scene: what is known of the world now, in base_link.
        area: where things may be picked and placed.
    """

    def __init__(
        self,
        robot: Robot,
        planner: MotionPlanner,
        scene: Callable[[], SceneView],
        config: SkillConfig,
        area: Area,
    ) -> None:
        self._arm = Arm(robot, planner, config)
        self._read_scene = scene
        self._config = config
        self._area = area
        self._placed: Item | None = None

    @property
    def held(self) -> Held | None:
        """What hangs on the cup, as far as it is known."""
        return self._arm.held

    def pick_place(self, object_: Place, target: Place, call: Call) -> tuple[Matrix, Matrix]:
        """Pick an object and put it on, in or at a target.

        Returns:
            base_from_tcp at the grasp and at the release.

        Raises:
            CapError: see the errors of PickPlace.action.
        """
        call.step('check')
        self._placed = None
        call = self._allowed(call)
        scene = self.require_scene()
        self._arm.notice()
        item = self._held_item(object_) or find_object(object_, scene)
        grasp = self._require_possible(item, target, scene)
        if self._arm.held is not None and self._arm.held.item.name != item.name:
            call.step('put down')
            self._tidily(lambda: self._put_down(call), call)
            scene = self.require_scene()
            item = find_object(Place(item.name), scene)
        if self._arm.held is None:
            grasp = self._tidily(lambda: self._pick(item, call), call)
        placed = self._tidily(lambda: self._place(target, call), call)
        self._park(call)
        return grasp, placed

    def move_to(self, target: Place, height: float, call: Call) -> Matrix:
        """Bring the tool, pointing down, above a target or to PARK; returns base_from_tcp.

        What nobody knows is put down on the way to PARK: only there the camera sees what it is.
        """
        call.step('check')
        self._placed = None
        call = self._allowed(call)
        if not math.isfinite(height):
            raise InvalidGoalError(f'height {height} is not a finite number')
        if not 0 <= height <= self._config.max_height:
            raise LimitError(
                f'height {height:.3f} m is not between 0 and {self._config.max_height:.2f} m'
            )
        scene = self.require_scene()
        self._arm.notice()
        if target.name == PARK:
            self._tidily(lambda: self._clear_off(call), call)
            return self._arm.tcp()
        require_finite(target, 'the target')
        held = self._arm.held.item.name if self._arm.held else ''
        others = [item for item in scene.items if item.name != held]
        if target.name:
            item = find_object(target, scene)
            xy, top = item.center[:2], item.top
        else:
            xy = np.array(target.position[:2])
            top = surface_below(xy, 0.0, others).height
        self._area.require(xy, str(target))
        pose = tool_down(np.array([*xy, top + height]))
        joints = self._arm.planner.kinematics.down(pose, self._arm.robot.joints(), free_yaw=True)
        call.step('move')
        surroundings = Surroundings(others, self._arm.held)
        self._arm.move([*self._arm.rise(others), Free(joints)], surroundings, call)
        return self._arm.tcp()

    # Steps ---------------------------------------------------------------------------------------

    def _pick(self, item: Item, call: Call) -> Matrix:
        """Grasp and verify; once more after another look."""
        for attempt in (1, 2):
            try:
                return self._grasp(item, call)
            except GraspFailedError as error:
                self._arm.robot.suction(False)
                self._arm.wanted = None
                self._park(call)
                if attempt == 2:
                    raise
                call.step(f'look again: {error}')
                item = find_object(Place(item.name), self.require_scene())
        raise AssertionError

    def _grasp(self, item: Item, call: Call) -> Matrix:
        config = self._config
        scene = self.require_scene()
        contact = np.array([*item.center[:2], grasp_height(item)])
        above = self._arm.hover(contact, self._arm.robot.joints(), scene.items)
        before = raised(above, contact[2] + config.clearance)
        call.step(f'approach {item.name}')
        legs: list[Free | Straight] = [
            *self._arm.rise(scene.items),
            Free(self._arm.down(above, free_yaw=False)),
            Straight(before, config.near_speed),
        ]
        self._arm.move(legs, Surroundings(scene.items, touch=frozenset({item.name, _TABLE})), call)
        call.step(f'grasp {item.name}')
        at_contact = raised(above, contact[2])
        self._arm.wanted = Held(item, np.linalg.inv(at_contact) @ item.pose)
        self._arm.robot.suction(True)
        beyond = raised(above, contact[2] - config.depth)
        cup = self._arm.planner.cup_radius
        below = [thing.name for thing in overlapping(contact[:2], cup, scene.items)]
        touched = self._arm.guarded(
            beyond,
            Surroundings(scene.items, ignore=frozenset({item.name, _TABLE, *below})),
            call,
            self._arm.sealed,
        )
        sealed = self._arm.robot.wait(self._arm.sealed, config.seal_s, call.check)
        if not sealed:
            raise GraspFailedError(
                f'{item.name!r}: the cup {"touched something" if touched else "felt nothing"} at '
                f'x={contact[0]:.3f}, y={contact[1]:.3f} m of base_link, and it did not seal'
            )
        grasp = self._arm.tcp()
        # The cup is sprung: it touches the surface wherever the arm stopped.
        at_contact = raised(grasp, contact[2])
        self._arm.held = Held(item, np.linalg.inv(at_contact) @ item.pose)
        return grasp

    def _place(self, target: Place, call: Call) -> Matrix:
        """Carry what is held to the target, set it down and let go."""
        assert self._arm.held is not None
        scene = self.require_scene()
        spot = find_spot(target, self._arm.held.item, scene, self._config.nudge)
        self._area.require(spot.xy, 'the target')
        # In a bowl it may lie on the wall.
        in_bowl = any(item.hollow and item.name in spot.supports for item in scene.items)
        early = math.inf if in_bowl else self._config.early_contact
        return self._set_down(spot, call, self._config.depth, early)

    def _set_down(self, spot: Spot, call: Call, depth: float, early: float) -> Matrix:
        """Carry what is held to a spot, feel for it, and let go.

        Args:
            depth, early: how far below and above the expected contact it may come [m].
        """
        config, held = self._config, self._arm.held
        assert held is not None
        others = [item for item in self.require_scene().items if item.name != held.item.name]
        down = self._arm.place_pose(held, spot)
        above = self._arm.carry_pose(held, down, others)
        call.step(f'carry {held.item.name}')
        legs: list[Free | Straight] = [
            *self._arm.rise(others, above[2, 3]),
            Free(self._arm.down(above)),
            Straight(raised(down, down[2, 3] + config.clearance), config.near_speed),
        ]
        self._arm.move(legs, Surroundings(others, held, touch=spot.supports | {_TABLE}), call)
        call.step(f'place {held.item.name}')
        if held.item.hollow and spot.supports:
            # Bowls nest: how deep is for contact to find.
            depth += 2 * held.item.half_height
        touched = self._arm.guarded(
            raised(down, down[2, 3] - depth),
            Surroundings(others, None, ignore=spot.supports | {_TABLE}),
            call,
            lambda reading: False,
        )
        if not touched:
            raise PlaceFailedError(
                f'{held.item.name!r} met nothing below at x={spot.xy[0]:.3f}, y={spot.xy[1]:.3f} m '
                'of base_link'
            )
        above = self._arm.tcp()[2, 3] - down[2, 3]
        if above > early:
            raise PlaceFailedError(
                f'{held.item.name!r} met something {above * 1000:.0f} mm too high at '
                f'x={spot.xy[0]:.3f}, y={spot.xy[1]:.3f} m of base_link'
            )
        return self._let_go(Surroundings(others, touch=spot.supports | {_TABLE}), call)

    def _let_go(self, around: Surroundings, call: Call) -> Matrix:
        """Release what stands, and rise off it; returns base_from_tcp at the release."""
        held = self._arm.held
        assert held is not None
        call.step(f'release {held.item.name}')
        call.check()
        placed = self._arm.tcp()
        self._arm.robot.suction(False)
        # What is still pulled at on one side tips over when the cup rises.
        if not self._arm.robot.wait(self._arm.open, self._config.release_s, call.check):
            raise PlaceFailedError(f'{held.item.name!r} did not come off the cup')
        self._arm.held = self._arm.wanted = None
        self._placed = held.item.at(placed @ held.tcp_from_object)
        call.step('retreat')
        self._arm.retreat(around, call)
        return placed

    def _park(self, call: Call) -> None:
        """Out of the camera's sight, from wherever the arm is."""
        call.step('park')
        held = self._arm.held.item.name if self._arm.held else ''
        others = [item for item in self._view().items if item.name != held]
        self._arm.move(
            [*self._arm.rise(others), Free(self._config.park)],
            Surroundings(others, self._arm.held),
            call,
        )
        self._placed = None

    def _clear_off(self, call: Call) -> None:
        """Park, without what nobody knows."""
        if self._arm.held is not None and self._arm.held.item.name == UNKNOWN:
            call.step('put down')
            self._put_down(call)
        self._park(call)

    def _lower(self, call: Call) -> None:
        """Set down what is held right below: for what cannot be carried anywhere."""
        held = self._arm.held
        assert held is not None
        call.step(f'lower {held.item.name}')
        others = [item for item in self.require_scene().items if item.name != held.item.name]
        tcp = self._arm.tcp()
        below = {item.name for item in overlapping(tcp[:2, 3], held.item.radius, others)} | {_TABLE}
        around = Surroundings(others, ignore=frozenset(below))
        self._arm.guarded(raised(tcp, -self._config.depth), around, call, lambda reading: False)
        self._let_go(Surroundings(others, touch=frozenset(below)), call)

    def _put_down(self, call: Call) -> None:
        """Set down what is held: where it was, or where there is room."""
        held = self._arm.held
        assert held is not None
        scene = self.require_scene()
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

    def _tidily(self, step: Callable[[], T], call: Call) -> T:
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
        if self._arm.held is not None and not self._arm.sealed(self._arm.robot.gripper()):
            self._arm.robot.suction(False)
            self._arm.held = self._arm.wanted = None
        if self._arm.held is not None:
            name = self._arm.held.item.name
            try:
                if isinstance(error, OverloadError):
                    self._lower(call)
                else:
                    self._put_down(call)
                notes = f'; {name!r} was put down again'
            except HALTS:
                raise
            except CapError as second:
                return f'; {name!r} is still held: {second}'
        try:
            self._park(call)
        except HALTS:
            raise
        except CapError as second:
            notes += f'; the arm could not park: {second}'
        return notes

    # Checks --------------------------------------------------------------------------------------

    def _allowed(self, call: Call) -> Call:
        """The call with its defaults filled in, after a look at its limits."""
        config = self._config
        for name, value, least, most, unit in (
            ('speed_scale', call.speed_scale, config.min_speed_scale, 1.0, ''),
            ('force_limit', call.force_limit, config.min_force_limit, config.force_limit, ' N'),
        ):
            if not math.isfinite(value):
                raise InvalidGoalError(f'{name} {value} is not a finite number')
            # 0: the default.
            if value and not least <= value <= most:
                raise LimitError(
                    f'{name} {value:g}{unit} is not between {least:g} and {most:g}{unit}'
                )
        call.check()
        return replace(
            call,
            speed_scale=call.speed_scale or 1.0,
            force_limit=call.force_limit or config.force_limit,
        )

    def _require_possible(self, item: Item, target: Place, scene: SceneView) -> Matrix:
        """Refuse before anything moves what cannot end well; returns the pose of the grasp."""
        spot = find_spot(target, item, scene, self._config.nudge)
        if self._arm.held is not None and self._arm.held.item.name == item.name:
            self._require_room(self._arm.held, spot, target, scene)
            return self._arm.tcp()
        contact = np.array([*item.center[:2], grasp_height(item)])
        others = [other for other in scene.items if other.name != item.name]
        cup = self._arm.planner.cup_radius
        for thing in overlapping(contact[:2], cup, others):
            inside = surface_below(contact[:2], cup, [thing]).height
            higher = inside > contact[2] + self._config.clearance / 2
            if higher or thing.center[2] - thing.half_height > item.center[2]:
                raise NoPathError(
                    f'{thing.name!r} is on or in {item.name!r}, so the cup cannot get at it'
                )
        near = self._arm.robot.joints()
        try:
            grasp = raised(self._arm.hover(contact, near, scene.items), contact[2])
            self._arm.planner.kinematics.down(grasp, near)
        except UnreachableError as error:
            raise UnreachableError(f'{item.name!r} is out of reach: {error}') from error
        self._area.require(item.center[:2], repr(item.name))
        self._require_room(Held(item, np.linalg.inv(grasp) @ item.pose), spot, target, scene)
        return grasp

    def _require_room(self, held: Held, spot: Spot, target: Place, scene: SceneView) -> None:
        """Refuse a spot out of reach, outside the area, or where something else is in the way."""
        down = self._arm.place_pose(held, spot)
        self._area.require(spot.xy, 'the target')
        others = [other for other in scene.items if other.name != held.item.name]
        before = self._arm.down(raised(down, down[2, 3] + self._config.clearance))
        around = Surroundings(others, held, touch=spot.supports | {_TABLE})
        blocked = self._arm.planner.touching(before, around)
        if blocked:
            raise NoPathError(
                f'{held.item.name!r} cannot be set down on {target}: '
                + ', '.join(f'{a} would touch {b}' for a, b in sorted(blocked))
            )

    def require_scene(self) -> SceneView:
        """The scene, if it is fresh enough to act on.

        Raises:
            PerceptionLostError: it is not.
        """
        scene = self._view()
        if scene.age_s > self._config.scene_age_s:
            raise PerceptionLostError(
                f'the scene is {scene.age_s:.1f} s old: '
                f'{self._config.scene_age_s:.1f} s is the most'
            )
        return scene

    def _view(self) -> SceneView:
        """The scene, with what the arm has put down and hides from the camera until it parks."""
        scene = self._read_scene()
        placed = self._placed
        if placed is None:
            return scene
        seen = tuple(item for item in scene.items if item.name != placed.name)
        return replace(scene, items=(*seen, placed))

    def _held_item(self, object_: Place) -> Item | None:
        held = self._arm.held
        return held.item if held is not None and held.item.name == object_.name else None
