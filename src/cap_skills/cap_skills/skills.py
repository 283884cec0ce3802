"""pick_place and move_to as lists of steps, over MotionPlanner, Robot and the scene. No ROS.

Whatever ends a step is a CapError. Cancel, a lost lease, a lost scene and a robot fault leave
everything as it is: the arm stands, and what is held stays held. After any other error the skill
leaves the table tidy: what is held is put back, the arm parks, and the error is raised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cap_common.errors import (
    CanceledError,
    CapError,
    GraspFailedError,
    InvalidGoalError,
    LimitError,
    NoPathError,
    ObjectLostError,
    PerceptionLostError,
    PlaceFailedError,
    RobotFaultError,
    SkillTimeoutError,
    StoppedError,
    UnreachableError,
)
from cap_common.frames import Matrix
from cap_skills.kinematics import tool_down
from cap_skills.model import (
    Free,
    GripperReading,
    Held,
    Item,
    Joints,
    Place,
    SceneView,
    Straight,
    Surroundings,
    Vector,
)
from cap_skills.planner import MotionPlanner
from cap_skills.robot import Check, Robot
from cap_skills.surfaces import grasp_height, surface_below
from cap_skills.targets import (
    Area,
    Spot,
    find_object,
    find_spot,
    free_spot,
    require_finite,
    tool_poses,
)

# These leave the arm where it stands.
HALTS = (CanceledError, StoppedError, PerceptionLostError, RobotFaultError, SkillTimeoutError)
# Joints closer than this to their goal are there [rad].
_THERE = 0.002
# The link that things stand on. A guarded motion feels for it, so it may expect to touch it.
_TABLE = 'table'
_CUP_RADIUS = 0.013
_UNKNOWN = 'what hangs on the cup'


@dataclass(frozen=True)
class SkillConfig:
    """How the skills move; SI units.

    Attributes:
        park: joint positions that hide nothing of the work area from the overhead camera.
        hover: of the cup above what it will touch, before going down.
        clearance: above the expected contact, where slow guarded motion begins.
        depth: below the expected contact, where guarded motion gives up.
        near_speed, guarded_speed: of the tool, near objects and until contact.
        carry_scale: of all speeds while something is held, so that it does not slip on the cup.
        contact_force: that counts as contact.
        force_limit: that nothing may exceed.
        payload_force: pull on the cup above which a load is too heavy.
        sealed_below: pressure in the cup that means something is held [Pa].
        seal_s, release_s: how long these may take.
        scene_age_s: oldest scene to act on.
        nudge: how far aside of its target a thing may be put where that is half taken.
        unknown_size: edge of the cube that is assumed of something held that nobody knows.
    """

    park: Joints
    area: Area
    hover: float
    clearance: float
    depth: float
    near_speed: float
    guarded_speed: float
    carry_scale: float
    contact_force: float
    force_limit: float
    payload_force: float
    sealed_below: float
    seal_s: float
    release_s: float
    scene_age_s: float
    nudge: float
    max_height: float
    unknown_size: float


@dataclass(frozen=True)
class Call:
    """What one goal brings along: limits, and its line to the caller."""

    check: Check
    step: Callable[[str], None]
    speed_scale: float = 1.0
    force_limit: float = 0.0


class Skills:
    """The skills of one arm. One call at a time."""

    def __init__(
        self,
        robot: Robot,
        planner: MotionPlanner,
        scene: Callable[[], SceneView],
        config: SkillConfig,
    ) -> None:
        self._robot = robot
        self._planner = planner
        self._read_scene = scene
        self._config = config
        self._held: Held | None = None
        # What the cup was going for: if the call ends in between, this is what it holds.
        self._wanted: Held | None = None

    @property
    def held(self) -> Held | None:
        """What hangs on the cup, as far as it is known."""
        return self._held

    def pick_place(self, object_: Place, target: Place, call: Call) -> tuple[Matrix, Matrix]:
        """Pick an object and put it on, in or at a target.

        Returns:
            base_from_tcp at the grasp and at the release.

        Raises:
            CapError: see the errors of PickPlace.action.
        """
        call.step('check')
        call = self._allowed(call)
        scene = self._scene()
        self._notice(scene)
        item = self._held_item(object_) or find_object(object_, scene)
        grasp = self._require_possible(item, target, scene)
        if self._held is not None and self._held.item.name != item.name:
            call.step('put down')
            self._tidily(lambda: self._put_down(call), call)
            scene = self._scene()
            item = find_object(Place(item.name), scene)
        if self._held is None:
            grasp = self._tidily(lambda: self._pick(item, call), call)
        placed = self._tidily(lambda: self._place(target, call), call)
        self._park(call)
        return grasp, placed

    def move_to(self, target: Place, height: float, call: Call) -> Matrix:
        """Bring the tool above a target, pointing down, and stay; returns base_from_tcp."""
        call.step('check')
        call = self._allowed(call)
        if not math.isfinite(height):
            raise InvalidGoalError(f'height {height} is not a finite number')
        if not 0 <= height <= self._config.max_height:
            raise LimitError(
                f'height {height:.3f} m is not between 0 and {self._config.max_height:.2f} m'
            )
        scene = self._scene()
        self._notice(scene)
        require_finite(target, 'the target')
        held = self._held.item.name if self._held else ''
        others = [item for item in scene.items if item.name != held]
        if target.name:
            item = find_object(target, scene)
            xy, top = item.center[:2], item.top
        else:
            xy = np.array(target.position[:2])
            top = surface_below(xy, 0.0, others).height
        self._config.area.require(xy, str(target))
        pose = tool_down(np.array([*xy, top + height]))
        joints = self._planner.kinematics.down(pose, self._robot.joints(), free_yaw=True)
        call.step('move')
        surroundings = Surroundings(others, self._held)
        self._move([*self._raise(others), Free(joints)], surroundings, call)
        return self._tcp()

    # Steps ---------------------------------------------------------------------------------------

    def _pick(self, item: Item, call: Call) -> Matrix:
        """Grasp and verify; once more after another look."""
        for attempt in (1, 2):
            try:
                return self._grasp(item, call)
            except GraspFailedError as error:
                self._robot.suction(False)
                self._wanted = None
                self._park(call)
                if attempt == 2:
                    raise
                call.step(f'look again: {error}')
                item = find_object(Place(item.name), self._scene())
        raise AssertionError

    def _grasp(self, item: Item, call: Call) -> Matrix:
        config = self._config
        scene = self._scene()
        contact = np.array([*item.center[:2], grasp_height(item)])
        above = self._hover(contact, self._robot.joints(), scene.items)
        before = _raised(above, contact[2] + config.clearance)
        call.step(f'approach {item.name}')
        legs: list[Free | Straight] = [
            *self._raise(scene.items),
            Free(self._down(above, free_yaw=False)),
            Straight(before, config.near_speed),
        ]
        self._move(legs, Surroundings(scene.items, touch=frozenset({item.name, _TABLE})), call)
        call.step(f'grasp {item.name}')
        at_contact = _raised(above, contact[2])
        self._wanted = Held(item, np.linalg.inv(at_contact) @ item.pose)
        self._robot.suction(True)
        beyond = _raised(above, contact[2] - config.depth)
        touched = self._guarded(
            beyond,
            Surroundings(scene.items, ignore=frozenset({item.name, _TABLE})),
            call,
            self._sealed,
        )
        sealed = self._robot.wait(self._sealed, config.seal_s, call.check)
        if not sealed:
            raise GraspFailedError(
                f'{item.name!r}: the cup {"touched something" if touched else "felt nothing"} at '
                f'x={contact[0]:.3f}, y={contact[1]:.3f} m of base_link, and it did not seal'
            )
        grasp = self._tcp()
        # The cup is sprung: it touches the surface wherever the arm stopped.
        at_contact = _raised(grasp, contact[2])
        self._held = Held(item, np.linalg.inv(at_contact) @ item.pose)
        return grasp

    def _place(self, target: Place, call: Call) -> Matrix:
        """Carry what is held to the target, set it down and let go."""
        assert self._held is not None
        spot = find_spot(target, self._held.item, self._scene(), self._config.nudge)
        self._config.area.require(spot.xy, 'the target')
        return self._set_down(spot, call)

    def _set_down(self, spot: Spot, call: Call, give_up_below: float | None = None) -> Matrix:
        config, held = self._config, self._held
        assert held is not None
        others = [item for item in self._scene().items if item.name != held.item.name]
        down = self._place_pose(held, spot)
        above = self._carry_pose(held, down, others)
        call.step(f'carry {held.item.name}')
        legs: list[Free | Straight] = [
            *self._raise(others, above[2, 3]),
            Free(self._down(above)),
            Straight(_raised(down, down[2, 3] + config.clearance), config.near_speed),
        ]
        self._move(legs, Surroundings(others, held, touch=spot.supports | {_TABLE}), call)
        call.step(f'place {held.item.name}')
        depth = config.depth if give_up_below is None else give_up_below
        if held.item.hollow and spot.supports:
            # Bowls nest: how deep is for contact to find.
            depth += 2 * held.item.half_height
        touched = self._guarded(
            _raised(down, down[2, 3] - depth),
            Surroundings(others, None, ignore=spot.supports | {_TABLE}),
            call,
            lambda reading: False,
        )
        if not touched:
            raise PlaceFailedError(
                f'{held.item.name!r} met nothing below at x={spot.xy[0]:.3f}, y={spot.xy[1]:.3f} m '
                'of base_link'
            )
        call.step(f'release {held.item.name}')
        placed = self._tcp()
        self._robot.suction(False)
        if not self._robot.wait(
            lambda reading: not self._sealed(reading), config.release_s, call.check
        ):
            raise PlaceFailedError(f'{held.item.name!r} did not come off the cup')
        self._held = self._wanted = None
        return placed

    def _park(self, call: Call) -> None:
        """Out of the camera's sight, from wherever the arm is."""
        call.step('park')
        items = self._view().items
        held = self._held.item.name if self._held else ''
        others = [item for item in items if item.name != held]
        self._move(
            [*self._raise(others), Free(self._config.park)], Surroundings(others, self._held), call
        )

    def _put_down(self, call: Call) -> None:
        """Set down what is held: where it was, or where there is room."""
        held = self._held
        assert held is not None
        scene = self._scene()
        unknown = held.item.name == _UNKNOWN
        try:
            home = Place(position=(float(held.item.center[0]), float(held.item.center[1]), 0.0))
            spot = find_spot(home, held.item, scene, 0.0)
            self._config.area.require(spot.xy, held.item.name)
            if unknown or spot.supports:
                spot = free_spot(spot.xy, held.item, scene, self._config.area)
        except CapError:
            spot = free_spot(held.item.center[:2], held.item, scene, self._config.area)
        # Of a stranger not even the height is known.
        self._set_down(spot, call, 0.1 if unknown else None)

    def _tidily(self, step: Callable[[], Matrix | None], call: Call) -> Matrix:
        """Run a step; after a failure put back what is held and park, then raise the failure."""
        try:
            return step()  # type: ignore[return-value]
        except HALTS:
            raise
        except CapError as error:
            notes = self._recover(call, error)
            raise type(error)(f'{error}{notes}') from error

    def _recover(self, call: Call, error: CapError) -> str:
        call.step(f'recover: {error}')
        notes = ''
        if self._held is not None and not self._sealed(self._robot.gripper()):
            self._robot.suction(False)
            self._held = None
        if self._held is not None:
            name = self._held.item.name
            try:
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
        for name, value in (('speed_scale', call.speed_scale), ('force_limit', call.force_limit)):
            if not math.isfinite(value):
                raise InvalidGoalError(f'{name} {value} is not a finite number')
        if not 0 <= call.speed_scale <= 1:
            raise LimitError(f'speed_scale {call.speed_scale:g} is not in (0, 1]')
        if not 0 <= call.force_limit <= self._config.force_limit:
            raise LimitError(
                f'force_limit {call.force_limit:g} N is not between 0 and '
                f'{self._config.force_limit:g} N'
            )
        call.check()
        return replace(
            call,
            speed_scale=call.speed_scale or 1.0,
            force_limit=call.force_limit or self._config.force_limit,
        )

    def _require_possible(self, item: Item, target: Place, scene: SceneView) -> Matrix:
        """Refuse before anything moves what cannot end well; returns the pose of the grasp."""
        spot = find_spot(target, item, scene, self._config.nudge)
        if self._held is not None and self._held.item.name == item.name:
            self._require_room(self._held, spot, target, scene)
            return self._tcp()
        contact = np.array([*item.center[:2], grasp_height(item)])
        others = [other for other in scene.items if other.name != item.name]
        over = surface_below(contact[:2], _CUP_RADIUS, others)
        if over.item is not None and over.height > contact[2] + self._config.clearance / 2:
            raise NoPathError(
                f'{over.item.name!r} is on or in {item.name!r}, so the cup cannot get at it'
            )
        near = self._robot.joints()
        try:
            grasp = _raised(self._hover(contact, near, scene.items), contact[2])
            self._planner.kinematics.down(grasp, near)
        except UnreachableError as error:
            raise UnreachableError(f'{item.name!r} is out of reach: {error}') from error
        self._config.area.require(item.center[:2], repr(item.name))
        self._require_room(Held(item, np.linalg.inv(grasp) @ item.pose), spot, target, scene)
        return grasp

    def _require_room(self, held: Held, spot: Spot, target: Place, scene: SceneView) -> None:
        """Refuse a spot out of reach, outside the area, or where something else is in the way."""
        down = self._place_pose(held, spot)
        self._config.area.require(spot.xy, 'the target')
        others = [other for other in scene.items if other.name != held.item.name]
        before = self._down(_raised(down, down[2, 3] + self._config.clearance))
        around = Surroundings(others, held, touch=spot.supports | {_TABLE})
        blocked = self._planner.touching(before, around)
        if blocked:
            raise NoPathError(
                f'{held.item.name!r} cannot be set down on {target}: '
                + ', '.join(f'{a} would touch {b}' for a, b in sorted(blocked))
            )

    def _scene(self) -> SceneView:
        """The scene, if it is fresh enough to act on."""
        scene = self._view()
        if scene.age_s > self._config.scene_age_s:
            raise PerceptionLostError(
                f'the scene is {scene.age_s:.1f} s old: '
                f'{self._config.scene_age_s:.1f} s is the most'
            )
        return scene

    def _view(self) -> SceneView:
        return self._read_scene()

    def _sealed(self, reading: GripperReading) -> bool:
        return reading.pressure < self._config.sealed_below

    def _notice(self, scene: SceneView) -> None:
        """Bring what is believed to be held in line with what the cup feels."""
        if not self._sealed(self._robot.gripper()):
            self._held = None
        elif self._held is None and self._wanted is not None:
            self._held = self._wanted
        elif self._held is None:
            # Held since before this process was there. Its name would be a guess.
            size = self._config.unknown_size
            tcp_from_object = np.eye(4)
            tcp_from_object[2, 3] = size / 2
            tcp_from_object[:3, :3] = np.diag([1.0, -1.0, -1.0])
            stranger = Item(_UNKNOWN, 'block', self._tcp() @ tcp_from_object, np.array([size] * 3))
            self._held = Held(stranger, tcp_from_object)

    def _held_item(self, object_: Place) -> Item | None:
        held = self._held
        return held.item if held is not None and held.item.name == object_.name else None

    # Poses ---------------------------------------------------------------------------------------

    def _tcp(self) -> Matrix:
        return self._planner.kinematics.forward(self._robot.joints())

    def _down(self, pose: Matrix, free_yaw: bool = False) -> Joints:
        return self._planner.kinematics.down(pose, self._robot.joints(), free_yaw)

    def _hover(self, contact: Vector, near: Joints, items: tuple[Item, ...]) -> Matrix:
        """base_from_tcp over a contact point, above everything if that can be reached.

        The last joint stays as it is in `near`.
        """
        highest = max([contact[2], *(item.top for item in items)])
        for height in (highest + self._config.hover, contact[2] + self._config.hover, contact[2]):
            pose = tool_down(np.array([*contact[:2], height]))
            try:
                joints = self._planner.kinematics.down(pose, near, free_yaw=True)
            except UnreachableError:
                if height == contact[2]:
                    raise
                continue
            return self._planner.kinematics.forward(joints)
        raise AssertionError

    def _carry_pose(self, held: Held, down: Matrix, others: list[Item]) -> Matrix:
        """Over the place, so high that what is held clears all, as far as the arm reaches."""
        below = float(held.tcp_from_object[2, 3]) + held.item.half_height
        over_all = max([0.0, *(item.top for item in others)]) + below + self._config.hover / 2
        for height in (
            over_all,
            down[2, 3] + self._config.hover,
            down[2, 3] + self._config.clearance,
        ):
            pose = _raised(down, max(height, down[2, 3] + self._config.clearance))
            try:
                self._down(pose)
            except UnreachableError:
                continue
            return pose
        return _raised(down, down[2, 3] + self._config.clearance)

    def _place_pose(self, held: Held, spot: Spot) -> Matrix:
        """base_from_tcp when the object stands on the spot, with the least turning of the wrist."""
        near = self._robot.joints()
        tcp = self._tcp_holding(held)
        options = tool_poses(held.item.at(tcp @ held.tcp_from_object), tcp, spot)
        reached = []
        error = UnreachableError('')
        for pose in options:
            try:
                reached.append((self._planner.kinematics.down(pose, near), pose))
            except UnreachableError as failure:
                error = failure
        if not reached:
            raise UnreachableError(f'the target is out of reach: {error}')
        return min(reached, key=lambda option: abs(option[0][5] - near[5]))[1]

    def _tcp_holding(self, held: Held) -> Matrix:
        return held.item.pose @ np.linalg.inv(held.tcp_from_object)

    # Motions -------------------------------------------------------------------------------------

    def _raise(
        self, items: list[Item] | tuple[Item, ...], height: float | None = None
    ) -> list[Straight]:
        """Straight up first, where the tool is low among things."""
        tcp = self._tcp()
        if height is None:
            below = 0.0
            if self._held is not None:
                below = float(self._held.tcp_from_object[2, 3]) + self._held.item.half_height
            height = max([0.0, *(item.top for item in items)]) + below + self._config.hover / 2
        up = _raised(tcp, height)
        if tcp[2, 3] > height - 0.01 or not self._planner.kinematics.solutions(up):
            return []
        return [Straight(up, self._config.near_speed)]

    def _move(self, legs: Sequence[Free | Straight], around: Surroundings, call: Call) -> None:
        """One motion. Ends where the cup feels more than it may, or loses what it holds."""
        config = self._config
        start = self._robot.joints()
        if all(isinstance(leg, Free) and np.abs(leg.goal - start).max() < _THERE for leg in legs):
            return
        holding = self._held is not None
        scale = call.speed_scale * (config.carry_scale if holding else 1.0)
        trajectory = self._planner.plan(start, legs, around, scale)

        def trouble(reading: GripperReading) -> bool:
            if reading.force > call.force_limit or -reading.force > config.payload_force:
                return True
            return holding and not self._sealed(reading)

        if not self._robot.execute(trajectory, call.check, trouble):
            return
        reading = self._robot.gripper()
        if self._held is not None and not self._sealed(reading):
            name = self._held.item.name
            self._robot.suction(False)
            self._held = None
            raise ObjectLostError(f'{name!r} fell off the cup on the way')
        raise LimitError(
            f'the cup felt more than it may, {call.force_limit:g} N pushed or '
            f'{config.payload_force:g} N pulled: last {reading.force:.1f} N'
        )

    def _guarded(
        self,
        goal: Matrix,
        around: Surroundings,
        call: Call,
        also: Callable[[GripperReading], bool],
    ) -> bool:
        """Slowly to a pose, until contact or `also`; returns whether that came."""
        config = self._config
        trajectory = self._planner.plan(
            self._robot.joints(), [Straight(goal, config.guarded_speed)], around, call.speed_scale
        )
        rest = self._robot.gripper().force
        enough = min(config.contact_force, call.force_limit)
        holding = self._held is not None

        def met(reading: GripperReading) -> bool:
            lost = holding and not self._sealed(reading)
            return reading.force - rest > enough or lost or also(reading)

        met_something = self._robot.execute(trajectory, call.check, met)
        if self._held is not None and not self._sealed(self._robot.gripper()):
            name = self._held.item.name
            self._robot.suction(False)
            self._held = None
            raise ObjectLostError(f'{name!r} came off the cup while it was set down')
        return met_something


def _raised(pose: Matrix, height: float) -> Matrix:
    """The same pose at another height [m]."""
    raised = pose.copy()
    raised[2, 3] = height
    return raised
