"""Parameters of skills_node, and what they become; the values are in config/skills.yaml. No ROS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cap_common.frames import Matrix, transform_points
from cap_description import board_size, transform
from cap_skills.arm import Arm
from cap_skills.call import SkillConfig
from cap_skills.drawing import BOARD, Board, DrawConfig, Drawing
from cap_skills.hand import Hand, JawConfig, JawHand, SuctionConfig, SuctionHand
from cap_skills.model import DishShape, Item, Vector
from cap_skills.planner import PlannerConfig
from cap_skills.robot_model import RobotModel
from cap_skills.targets import Area
from cap_skills.timing import MotionLimits


@dataclass(frozen=True)
class SkillsParameters:
    """As in config/skills.yaml, which says what each one means."""

    robot_description: str

    area: tuple[float, ...]
    keep_out_radius: float
    joint_velocity: tuple[float, ...]
    joint_acceleration: tuple[float, ...]
    tool_speed: float
    sample_period: float

    bowl: DishShape
    plate: DishShape
    round_classes: tuple[str, ...]
    steps: SkillConfig
    suction: SuctionConfig
    jaw: JawConfig
    drawing: DrawConfig
    planning: PlannerConfig

    scene_silence_s: float
    # How long a goal waits for a guard or a perception that has just been started [s, steady].
    settle_s: float
    lease_silence_s: float
    robot_silence_s: float
    slowest_real_time_factor: float
    max_say_chars: int

    def item(self, name: str, class_name: str, pose: Matrix, size: Vector) -> Item:
        """An object of the scene, with what its class tells beside its box."""
        dish = {'bowl': self.bowl, 'plate': self.plate}.get(class_name)
        return Item(name, class_name, pose, size, dish, class_name in self.round_classes)


def motion_limits(parameters: SkillsParameters, robot: RobotModel) -> MotionLimits:
    """The configured speeds, or the robot's own where those are lower."""
    return MotionLimits(
        velocity=np.minimum(parameters.joint_velocity, robot.velocity),
        acceleration=np.array(parameters.joint_acceleration),
        tool_speed=parameters.tool_speed,
        sample_period=parameters.sample_period,
    )


def make_hand(parameters: SkillsParameters, robot: RobotModel) -> Hand:
    """The gripper that the robot's description has."""
    if robot.fingers:
        return JawHand(parameters.jaw)
    return SuctionHand(parameters.suction, robot.cup_radius)


def make_drawing(
    parameters: SkillsParameters,
    robot: RobotModel,
    arm: Arm,
    items: Callable[[], Sequence[Item]],
) -> Drawing | None:
    """draw and erase; None where the description has no board."""
    size = board_size(robot.urdf)
    if size is None:
        return None
    return Drawing(
        arm,
        Board(transform(robot.urdf, 'base_link', BOARD), size),
        transform(robot.urdf, 'tcp', 'eraser'),
        items,
        parameters.steps,
        parameters.drawing,
    )


def work_area(parameters: SkillsParameters, base_from_workspace: Matrix) -> Area:
    """Where things are picked and placed, in base_link."""
    x_min, y_min, x_max, y_max = parameters.area
    corners: Vector = np.array([[x_min, y_min, 0.0], [x_max, y_max, 0.0]])
    in_base = transform_points(base_from_workspace, corners)[:, :2]
    return Area(in_base.min(axis=0), in_base.max(axis=0), parameters.keep_out_radius)
