"""Which of the ways to take hold of an object can be reached, and has room. No ROS."""

from __future__ import annotations

from cap_common.errors import GraspFailedError, NoPathError, UnreachableError
from cap_common.frames import Matrix
from cap_skills.arm import Arm
from cap_skills.call import SkillConfig
from cap_skills.hand import Grasp
from cap_skills.model import Item, SceneView, Surroundings
from cap_skills.poses import TABLE, raised
from cap_skills.surfaces import overlapping, surface_below
from cap_skills.targets import Area

# Sides of an object are as wide as each other within this [m].
_AS_WIDE = 0.004


class GraspChoice:
    """Chooses among the grasps of the arm's hand.

    Args:
        area: where things may be picked.
    """

    def __init__(self, arm: Arm, config: SkillConfig, area: Area) -> None:
        self._arm = arm
        self._config = config
        self._area = area

    def choose(self, item: Item, scene: SceneView) -> tuple[Grasp, Matrix]:
        """A grasp that can be reached and has room, and base_from_tcp over it.

        Raises:
            GraspFailedError: this hand cannot take hold of such a thing.
            LimitError, UnreachableError, NoPathError: it is outside, out of reach, or hemmed in.
        """
        self._require_uncovered(item, scene)
        near = self._arm.robot.joints()
        options: list[tuple[tuple[int, float], Grasp, Matrix]] = []
        error: UnreachableError | None = None
        grasps = self._arm.hand.grasps(item)
        if not grasps:
            size = ' x '.join(f'{extent:.3f}' for extent in item.size)
            raise GraspFailedError(
                f'this gripper cannot take hold of {item.name!r}, which is {size} m'
            )
        narrowest = grasps[0].width or 0.0
        for grasp in grasps:
            try:
                above = self._arm.poses.hover(grasp.position, grasp.yaw, near, scene.items)
                joints = self._arm.planner.kinematics.down(raised(above, grasp.position[2]), near)
            except UnreachableError as failure:
                error = failure
                continue
            wider = int((grasp.width or 0.0) > narrowest + _AS_WIDE)
            options.append(((wider, abs(float(joints[5] - near[5]))), grasp, above))
        self._area.require(item.center[:2], repr(item.name))
        if not options:
            raise UnreachableError(f'{item.name!r} is out of reach: {error}')
        options.sort(key=lambda option: option[0])
        for _, grasp, above in options:
            if not self._blocked(grasp, above, item, scene):
                return grasp, above
        _, grasp, above = options[0]
        names = sorted({b for _, b in self._blocked(grasp, above, item, scene)})
        raise NoPathError(
            f'there is no room for the gripper around {item.name!r}: it would touch '
            f'{", ".join(names)}'
        )

    def _blocked(
        self, grasp: Grasp, above: Matrix, item: Item, scene: SceneView
    ) -> frozenset[tuple[str, str]]:
        """What fingers would touch at a grasp; a cup goes where nothing is above."""
        if grasp.width is None:
            return frozenset()
        around = self.around(grasp, item, scene)
        joints = self._arm.poses.down(raised(above, grasp.position[2]))
        return self._arm.planner.touching(joints, around)

    def around(self, grasp: Grasp, item: Item, scene: SceneView) -> Surroundings:
        """What the last way down to a grasp must not touch."""
        below = {
            thing.name
            for thing in overlapping(grasp.position[:2], self._arm.hand.radius, scene.items)
            if thing.name != item.name
        }
        near = frozenset({item.name, TABLE, *below})
        if self._arm.hand.feels:
            return Surroundings(scene.items, ignore=near)
        return Surroundings(
            scene.items,
            touch=near,
            ignore=frozenset({item.name}),
            opening=self._arm.hand.opening(grasp.width),
        )

    def _require_uncovered(self, item: Item, scene: SceneView) -> None:
        """Refuse what lies below something else."""
        grasps = self._arm.hand.grasps(item)
        if not grasps:
            return
        contact, radius = grasps[0].position, self._arm.hand.face_radius
        for thing in overlapping(
            contact[:2], radius, [other for other in scene.items if other.name != item.name]
        ):
            inside = surface_below(contact[:2], radius, [thing]).height
            higher = inside > max(contact[2], item.center[2]) + self._config.clearance / 2
            if higher or thing.center[2] - thing.half_height > item.center[2]:
                raise NoPathError(
                    f'{thing.name!r} is on or in {item.name!r}, so the gripper cannot get at it'
                )
