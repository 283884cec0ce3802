"""Which nodes make up the system: one list for `./cap up`, `./cap demo` and the launch file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Argument:
    """One launch argument; `./cap up` has an option of the same name."""

    name: str
    default: str
    description: str


@dataclass(frozen=True)
class NodeSpec:
    """One process.

    Attributes:
        parameters: on top of config/<name>.yaml.
        uses_sim_time: asks for ROS time. The simulator makes it, perception takes the stamps of its
            images, the guard has deadlines only: these are spared 50 wakes a second.
    """

    package: str
    executable: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    uses_sim_time: bool = True
    needs_robot_description: bool = False


# What every process needs in its environment, beside what sourcing the workspace sets. The path of
# the Fast DDS profile is relative to the share folder of cap_bringup.
ENVIRONMENT = {
    'RMW_IMPLEMENTATION': 'rmw_fastrtps_cpp',
    'MUJOCO_GL': 'egl',
    # Threads of a linear algebra library fight for the cores that the physics needs.
    'OPENBLAS_NUM_THREADS': '1',
    'OMP_NUM_THREADS': '1',
    'PYTHONUNBUFFERED': '1',
}
FASTDDS_PROFILE = 'config/fastdds.xml'
# Jazzy knows the first, from Kilted on it is the second.
FASTDDS_PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')

TABLETOP_ARGUMENTS = (
    Argument('seed', '0', 'seed of the simulated world'),
    Argument('blocks', '3', 'number of blocks'),
    Argument('bowls', '3', 'number of bowls'),
    Argument('real_time_factor', '1.0', 'speed of the simulation; 0.0: as fast as it can'),
    Argument('source', 'camera', 'what perception looks at: camera or ground_truth'),
    Argument('model', 'offline', 'language model: offline, openai:NAME or replay:FILE'),
    Argument('evidence', '', 'SQLite file of the evidence; empty: ~/.local/share/cap/evidence.db'),
)


def tabletop(arguments: Mapping[str, str]) -> list[NodeSpec]:
    """The tabletop system, with the arguments' texts as `./cap up` and `ros2 launch` have them.

    Raises:
        ValueError: a text that is not a number where one is needed.
    """
    seed, blocks, bowls = (int(arguments[name]) for name in ('seed', 'blocks', 'bowls'))
    return [
        NodeSpec(
            'cap_sim',
            'sim_node',
            'sim',
            {
                'seed': seed,
                'blocks': blocks,
                'bowls': bowls,
                'real_time_factor': float(arguments['real_time_factor']),
            },
            uses_sim_time=False,
            needs_robot_description=True,
        ),
        NodeSpec(
            'cap_perception',
            'perception_node',
            'perception',
            {'source': arguments['source']},
            uses_sim_time=False,
        ),
        NodeSpec('cap_skills', 'skills_node', 'skills', needs_robot_description=True),
        NodeSpec('cap_planner', 'guard_node', 'guard', uses_sim_time=False),
        NodeSpec(
            'cap_planner',
            'planner_node',
            'planner',
            {'model': arguments['model'], 'evidence': arguments['evidence']},
        ),
    ]
