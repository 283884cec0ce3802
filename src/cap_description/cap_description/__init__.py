"""The robot cell as one xacro, and what can be read from its URDF. No ROS."""

from cap_description.cell import (
    ARM_JOINTS,
    Capsule,
    JointLimit,
    LinkTree,
    board_size,
    capsules,
    cell_urdf,
    fixed_transforms,
    joint_limits,
    resting_transforms,
    transform,
)

__all__ = [
    'ARM_JOINTS',
    'Capsule',
    'JointLimit',
    'LinkTree',
    'board_size',
    'capsules',
    'cell_urdf',
    'fixed_transforms',
    'joint_limits',
    'resting_transforms',
    'transform',
]
