"""The tabletop system on a ROS 2 machine: `ros2 launch cap_bringup tabletop.launch.py`."""

import tempfile
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.logging import launch_config
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from cap_bringup.node_list import (
    DIE_WITH_PARENT,
    TABLETOP_ARGUMENTS,
    process_environment,
    robot_description,
    tabletop,
)
from launch import LaunchContext, LaunchDescription

SHARE = Path(get_package_share_directory('cap_bringup'))


def nodes(context: LaunchContext) -> list[Node]:
    """One Node for each entry of the node list, once the arguments have their values."""
    arguments = {a.name: LaunchConfiguration(a.name).perform(context) for a in TABLETOP_ARGUMENTS}
    actions = []
    for spec in tabletop(arguments):
        parameters = {**spec.parameters, 'use_sim_time': spec.uses_sim_time}
        if description := robot_description(spec, SHARE / 'config'):
            parameters['robot_description'] = description
        if spec.needs_stop_file:
            run = tempfile.mkdtemp(prefix=f'{spec.name}_', dir=launch_config.log_dir)
            parameters['stop_file'] = str(Path(run, 'stop'))
        actions.append(
            Node(
                package=spec.package,
                executable=spec.executable,
                name=spec.name,
                parameters=[*(str(SHARE / 'config' / name) for name in spec.config), parameters],
                # By itself launch leaves them running when it gets a SIGTERM.
                prefix=' '.join([*DIE_WITH_PARENT, 'nice', '-n', str(spec.niceness)]),
                exec_name=spec.name,  # in the log; else that of the prefix
                output='screen',
                respawn=True,
                respawn_delay=1.0,
            )
        )
    return actions


def generate_launch_description() -> LaunchDescription:
    """Entry point of `ros2 launch`."""
    environment = process_environment(SHARE)
    return LaunchDescription(
        [
            *(SetEnvironmentVariable(name, value) for name, value in environment.items()),
            *(
                DeclareLaunchArgument(
                    a.name,
                    default_value='',
                    description=f'{a.description}; empty: {a.default}',
                )
                for a in TABLETOP_ARGUMENTS
            ),
            OpaqueFunction(function=nodes),
        ]
    )
