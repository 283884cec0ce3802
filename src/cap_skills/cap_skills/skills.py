"""pick, place, pick_place, move_to and home, over MotionPlanner, Robot, Hand and the scene. No ROS.

What a goal means and may is decided here, before anything moves; the steps are in handling.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cap_common.errors import (
    GraspFailedError,
    InvalidGoalError,
    LimitError,
    PlaceFailedError,
)
from cap_common.frames import Matrix
from cap_skills.arm import Arm
from cap_skills.call import Call, SkillConfig
from cap_skills.handling import Handling
from cap_skills.kinematics import tool_down
from cap_skills.model import Free, Held, Item, Place, SceneView, Surroundings
from cap_skills.poses import raised, tcp_holding
from cap_skills.scene_memory import SceneMemory
from cap_skills.surfaces import surface_below
from cap_skills.targets import Area, find_object, require_point

# The name that move_to takes for the pose in which the arm hides nothing from the camera.
PARK = 'park'


class Skills:
    """The skills of one arm with a gripper. One call at a time.

    Args:
        scene: what is known of the world now, in base_link.
        area: where things may be picked and placed.
    """

    def __init__(
        self, arm: Arm, scene: Callable[[], SceneView], config: SkillConfig, area: Area
    ) -> None:
        self._arm = arm
        self._scene = SceneMemory(scene, config.scene_age_s)
        self._handling = Handling(arm, self._scene, config, area)
        self._config = config
        self._area = area

    @property
    def held(self) -> Held | None:
        """What the gripper holds, as far as it is known."""
        return self._arm.held

    def require_scene(self) -> SceneView:
        """The scene, if it is fresh enough to act on.

        Raises:
            PerceptionLostError: it is not.
        """
        return self._scene.require()

    def pick_place(self, object_: Place, target: Place, call: Call) -> tuple[Matrix, Matrix]:
        """Pick an object and put it on, in or at a target; something else that is held goes first.

        Returns:
            base_from_tcp at the grasp and at the release.

        Raises:
            CapError: see the errors of PickPlace.action.
        """
        call, scene = self._begin(call)
        handling, arm = self._handling, self._arm
        item = self._held_item(object_) or find_object(object_, scene)
        grasp = self._require_possible(item, target, scene)
        if arm.held is not None and arm.held.item.name != item.name:
            call.step('put down')
            handling.tidily(lambda: handling.put_down(call), call)
            item = find_object(Place(item.name), self.require_scene())
        if arm.held is None:
            grasp = handling.tidily(lambda: handling.pick(item, call), call)
        placed = handling.tidily(lambda: handling.place(target, call), call)
        handling.park(call)
        return grasp, placed

    def pick(self, object_: Place, call: Call) -> Matrix:
        """Grasp an object and lift it; it stays held. Returns base_from_tcp at the grasp.

        Raises:
            CapError: see the errors of Pick.action; GraspFailedError also where something is held.
        """
        call, scene = self._begin(call)
        item = self._held_item(object_) or find_object(object_, scene)
        if self._arm.held is not None:
            if self._arm.held.item.name == item.name:
                return tcp_holding(self._arm.held)
            raise GraspFailedError(
                f'{item.name!r} cannot be picked: {self._arm.held.item.name!r} is held already; '
                'place it first'
            )
        self._handling.grasps.choose(item, scene)
        grasp = self._handling.tidily(lambda: self._handling.pick(item, call), call)
        self._handling.tidily(lambda: self._handling.lift(call), call)
        return grasp

    def place(self, target: Place, call: Call) -> Matrix:
        """Put what is held on, in or at a target; returns base_from_tcp at the release.

        Raises:
            CapError: see the errors of Place.action; PlaceFailedError also where nothing is held.
        """
        call, scene = self._begin(call)
        if self._arm.held is None:
            raise PlaceFailedError('nothing is held that could be placed; pick something first')
        self._handling.require_room(self._arm.held, target, scene)
        placed = self._handling.tidily(lambda: self._handling.place(target, call), call)
        self._handling.park(call)
        return placed

    def move_to(self, target: Place, height: float, call: Call) -> Matrix:
        """Bring the tool, pointing down, above a target or to PARK; returns base_from_tcp.

        What nobody knows is put down on the way to PARK: only there the camera sees what it is.
        """
        if not math.isfinite(height):
            raise InvalidGoalError(f'height {height} is not a finite number')
        if not 0 <= height <= self._config.max_height:
            raise LimitError(
                f'height {height:.3f} m is not between 0 and {self._config.max_height:.2f} m'
            )
        if target.name == PARK:
            return self.home(call)
        call, scene = self._begin(call)
        require_point(target, 'the target')
        others = self._handling.others()
        if target.name:
            item = find_object(target, scene)
            xy, top = item.center[:2], item.top
        else:
            xy = np.array(target.position[:2])
            top = surface_below(xy, 0.0, others).height
        self._area.require(xy, str(target))
        pose = tool_down(np.array([*xy, top + height]))
        joints = self._arm.poses.down(pose, free_yaw=True)
        call.step('move')
        surroundings = Surroundings(others, self._arm.held)
        self._arm.move([*self._arm.rise(others), Free(joints)], surroundings, call)
        return self._arm.poses.tcp()

    def home(self, call: Call) -> Matrix:
        """Park the arm where it hides nothing from the camera; returns base_from_tcp there.

        Raises:
            CapError: see the errors of Home.action.
        """
        call, _ = self._begin(call)
        self._handling.tidily(lambda: self._handling.clear_off(call), call)
        return self._arm.poses.tcp()

    # Checks --------------------------------------------------------------------------------------

    def _begin(self, call: Call) -> tuple[Call, SceneView]:
        """The call with its defaults, once it may begin, and the scene of now."""
        call.step('check')
        # From now on what was put down last is where the camera sees it.
        self._scene.placed = None
        call = allowed(call, self._config)
        scene = self.require_scene()
        self._arm.notice(call)
        return call, scene

    def _require_possible(self, item: Item, target: Place, scene: SceneView) -> Matrix:
        """Refuse before anything moves what cannot end well; returns the pose of the grasp."""
        held = self._held_item(Place(item.name))
        if held is not None:
            assert self._arm.held is not None
            self._handling.require_room(self._arm.held, target, scene)
            return self._arm.poses.tcp()
        self._handling.require_target(item, target, scene)
        grasp, above = self._handling.grasps.choose(item, scene)
        at = raised(above, float(grasp.position[2]))
        would_hold = Held(item, np.linalg.inv(at) @ item.pose, grasp.width)
        self._handling.require_room(would_hold, target, scene)
        return at

    def _held_item(self, object_: Place) -> Item | None:
        held = self._arm.held
        return held.item if held is not None and held.item.name == object_.name else None


def allowed(call: Call, config: SkillConfig) -> Call:
    """The call with its defaults filled in, after a look at its limits.

    Raises:
        InvalidGoalError, LimitError: a number that is none, or beyond what is configured.
        CapError: from its check.
    """
    for name, value, least, most, unit in (
        ('speed_scale', call.speed_scale, config.min_speed_scale, 1.0, ''),
        ('force_limit', call.force_limit, config.min_force_limit, config.force_limit, ' N'),
    ):
        if not math.isfinite(value):
            raise InvalidGoalError(f'{name} {value} is not a finite number')
        # 0: the default.
        if value and not least <= value <= most:
            raise LimitError(f'{name} {value:g}{unit} is not between {least:g} and {most:g}{unit}')
    call.check()
    return replace(
        call,
        speed_scale=call.speed_scale or 1.0,
        force_limit=call.force_limit or config.force_limit,
        effort=call.force_limit,
    )
