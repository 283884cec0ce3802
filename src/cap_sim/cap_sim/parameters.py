"""What can be set about the simulated cell. The values are in config/sim.yaml; no ROS here."""

from __future__ import annotations

from dataclasses import dataclass

from cap_sim.camera_noise import CameraNoise
from cap_sim.variation import Variation


@dataclass(frozen=True)
class Parameters:
    """Parameters of the sim node."""

    # Simulated seconds per real second; 0 = as fast as the machine can.
    real_time_factor: float

    # The first world: `blocks` (blocks and bowls) or `fruits` (fruits, bottles and plates); with a
    # whiteboard, `whiteboard` (blocks and fruits on it). Empty: the first that the cell can have.
    world: str
    seed: int
    blocks: int
    bowls: int
    # All its objects and their places, as placement.py writes them; empty: they are drawn.
    objects: str
    # Joint positions at start and after a reset [rad], base to tool.
    home_joints: tuple[float, ...]

    # Deceleration of the fastest joint when a motion is canceled [rad/s^2].
    brake_deceleration: float
    # How far a trajectory's first point at time 0 may be from where the arm is [rad].
    start_tolerance_rad: float
    # Tolerances of a goal that names none: distance on the path and at its end [rad], lateness [s].
    path_tolerance_rad: float
    goal_tolerance_rad: float
    goal_time_tolerance_s: float

    # Pull of the cup when its whole lip is on a face and the vacuum is full [N].
    suction_force_n: float
    # The part of the lip that may be open until the pump holds no vacuum at all.
    leak_fraction: float
    # What the fingers of a jaw press with when a command names no effort [N].
    jaw_force_n: float

    joint_rate_hz: float
    clock_rate_hz: float
    truth_rate_hz: float

    # Cameras of colour and depth, overhead and at the wrist: 640 x 480; rates in simulated time;
    # vertical field of view; 16UC1 or 32FC1. Pictures are taken while somebody subscribes.
    camera_rate_hz: float
    wrist_camera_rate_hz: float
    camera_fovy_deg: float
    depth_encoding: str
    camera_noise: CameraNoise
    wrist_camera_noise: CameraNoise
    # How the cell differs from its description, drawn by `seed`.
    variation: Variation

    # The view for people.
    operator_rate_hz: float
    operator_width: int
    operator_height: int
