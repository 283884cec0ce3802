"""Parameters of skills_node, and what they become; the values are in config/skills.yaml. No ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cap_common.frames import Matrix, transform_points
from cap_skills.arm import SkillConfig
from cap_skills.model import Vector
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
    max_height: float
    joint_velocity: tuple[float, ...]
    joint_acceleration: tuple[float, ...]
    tool_speed: float
    near_speed: float
    guarded_speed: float
    carry_scale: float
    contact_force: float
    force_limit: float
    payload_force: float

    park_joints: tuple[float, ...]
    hover: float
    clearance: float
    depth: float
    sealed_below: float
    seal_s: float
    release_s: float
    nudge: float
    unknown_size: float

    padding: float
    bowl_wall: float
    check_step: float
    rounding: float
    rrt_iterations: int
    rrt_tries: int
    sample_period: float

    scene_age_s: float
    scene_silence_s: float
    # How long a goal waits for a guard or a perception that has just been started [s, steady].
    settle_s: float
    lease_silence_s: float
    robot_silence_s: float
    slowest_real_time_factor: float
    max_say_chars: int


def motion_limits(parameters: SkillsParameters, robot: RobotModel) -> MotionLimits:
    """The configured speeds, or the robot's own where those are lower."""
    return MotionLimits(
        velocity=np.minimum(parameters.joint_velocity, robot.velocity),
        acceleration=np.array(parameters.joint_acceleration),
        tool_speed=parameters.tool_speed,
        sample_period=parameters.sample_period,
    )


def planner_config(parameters: SkillsParameters) -> PlannerConfig:
    """Of the embedded planner."""
    return PlannerConfig(
        padding=parameters.padding,
        bowl_wall=parameters.bowl_wall,
        check_step=parameters.check_step,
        rounding=parameters.rounding,
        rrt_iterations=parameters.rrt_iterations,
        rrt_tries=parameters.rrt_tries,
    )


def skill_config(parameters: SkillsParameters, base_from_workspace: Matrix) -> SkillConfig:
    """Of the skills, in base_link."""
    return SkillConfig(
        park=np.array(parameters.park_joints),
        area=_area(parameters, base_from_workspace),
        hover=parameters.hover,
        clearance=parameters.clearance,
        depth=parameters.depth,
        near_speed=parameters.near_speed,
        guarded_speed=parameters.guarded_speed,
        carry_scale=parameters.carry_scale,
        contact_force=parameters.contact_force,
        force_limit=parameters.force_limit,
        payload_force=parameters.payload_force,
        sealed_below=parameters.sealed_below,
        seal_s=parameters.seal_s,
        release_s=parameters.release_s,
        scene_age_s=parameters.scene_age_s,
        nudge=parameters.nudge,
        max_height=parameters.max_height,
        unknown_size=parameters.unknown_size,
    )


def _area(parameters: SkillsParameters, base_from_workspace: Matrix) -> Area:
    x_min, y_min, x_max, y_max = parameters.area
    corners: Vector = np.array([[x_min, y_min, 0.0], [x_max, y_max, 0.0]])
    in_base = transform_points(base_from_workspace, corners)[:, :2]
    return Area(in_base.min(axis=0), in_base.max(axis=0), parameters.keep_out_radius)
