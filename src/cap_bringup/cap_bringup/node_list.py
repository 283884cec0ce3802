"""Which nodes make up the system: one list for `./cap up`, `./cap demo` and the launch file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from cap_description import cell_urdf

# Its pseudo-parameters are arguments of the robot's description, in config/cell.yaml.
CELL = 'cell'
# Its pseudo-parameters choose among files of config/.
FILES = 'files'


@dataclass(frozen=True)
class Argument:
    """One launch argument: a node's parameter of the same name. `./cap up` has it as an option.

    Without it the node has what config/<node>.yaml says.

    Attributes:
        choices: the values that there are; empty: too many to be listed. Among files, the first
            is what there is without it.
    """

    name: str
    node: str
    kind: type[int] | type[float] | type[str]
    description: str
    choices: tuple[str, ...] = ()

    @property
    def default(self) -> str:
        """What there is without it, in words."""
        return self.choices[0] if self.node == FILES else f'as in config/{self.node}.yaml'

    def value(self, text: str) -> int | float | str:
        """The parameter's value.

        Raises:
            ValueError: the text is not of that kind, or none of the choices.
        """
        if self.choices and text not in self.choices:
            raise ValueError(f'no {self.name} {text!r}; there are {", ".join(self.choices)}')
        try:
            return self.kind(text)
        except ValueError:
            raise ValueError(f'{self.name} is no {self.kind.__name__}: {text!r}') from None


@dataclass(frozen=True)
class NodeSpec:
    """One process.

    Attributes:
        config: files below config/; what a later one says counts.
        parameters: on top of those.
        uses_sim_time: asks for ROS time. The simulator makes it, perception takes the stamps of its
            images, the guard has deadlines only: these are spared 50 wakes a second.
        cell: arguments of the robot's description on top of config/cell.yaml; None: it needs none.
        niceness: of its process. What thinks gives way to what moves and to what stops it. Not what
            sees: where its threads come late to the network, pictures are lost.
        needs_stop_file: gets a path that stays the same when it is started again, and is another
            one in the next run.
    """

    package: str
    executable: str
    name: str
    config: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    uses_sim_time: bool = True
    cell: Mapping[str, str] | None = None
    niceness: int = 0
    needs_stop_file: bool = False


_ENVIRONMENT = {
    'RMW_IMPLEMENTATION': 'rmw_fastrtps_cpp',
    # Each topic as the Fast DDS profile has it, and no shared memory (docs/decisions/0015).
    'RMW_FASTRTPS_PUBLICATION_MODE': 'AUTO',
    'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4',
    'MUJOCO_GL': 'egl',
    # Threads of a linear algebra library fight for the cores that the physics needs.
    'OPENBLAS_NUM_THREADS': '1',
    'OMP_NUM_THREADS': '1',
    'PYTHONUNBUFFERED': '1',
}
# Jazzy knows the first, from Kilted on it is the second.
_FASTDDS_PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')

# A node must not outlive what has started it, however that ends.
DIE_WITH_PARENT = ('setpriv', '--pdeathsig', 'TERM')

SYSTEMS = ('tabletop',)
TABLETOP_ARGUMENTS = (
    Argument(
        'world',
        'sim',
        str,
        'the simulated world: blocks (and bowls), fruits or whiteboard; else by the domain',
        ('blocks', 'fruits', 'whiteboard'),
    ),
    Argument('seed', 'sim', int, 'seed of the simulated world'),
    Argument('blocks', 'sim', int, 'number of blocks'),
    Argument('bowls', 'sim', int, 'number of bowls'),
    Argument(
        'objects', 'sim', str, 'all objects with their places: "red block 0.1 -0.4; blue bowl ..."'
    ),
    Argument(
        'tool',
        CELL,
        str,
        'what the arm carries: suction or jaw; in the domain whiteboard it is a marker',
        ('suction', 'jaw', 'marker'),
    ),
    Argument(
        'camera',
        FILES,
        str,
        'the simulated one: clean (and its room), or noisy, as in config/noisy.yaml',
        ('clean', 'noisy'),
    ),
    Argument('camera_rate_hz', 'sim', float, 'pictures of the simulated camera in a second'),
    Argument('real_time_factor', 'sim', float, 'speed of the simulation; 0.0: as fast as it can'),
    Argument(
        'source',
        'perception',
        str,
        'what perception looks at: camera or ground_truth',
        ('camera', 'ground_truth'),
    ),
    Argument('detector', 'perception', str, 'what finds objects in pictures; else by the world'),
    Argument(
        'domain',
        'planner',
        str,
        'what programs are for: tabletop or whiteboard',
        ('tabletop', 'whiteboard'),
    ),
    Argument(
        'model',
        'planner',
        str,
        'language model: offline, openai:NAME, replay:FILE, record:FILE=MODEL or cache:FILE=MODEL',
    ),
    Argument(
        'stronger_model', 'planner', str, 'asked once when the tries of the other are used up'
    ),
    Argument('evidence', 'planner', str, 'SQLite file of the evidence'),
)

# Worlds where something else is looked for than config/perception.yaml says, by another detector.
PERCEPTION: dict[str, dict[str, Any]] = {
    'fruits': {
        'detector': 'color_size',
        'phrases': [
            *('apple', 'orange', 'lemon', 'banana', 'plum', 'egg', 'bottle', 'block', 'plate'),
        ],
    }
}

# Domains that need another configuration than the tabletop's, and another tool.
_WHITEBOARD = 'whiteboard'
_CONFIGS = {_WHITEBOARD: 'whiteboard.yaml'}
_TOOLS = {_WHITEBOARD: 'marker'}
_CAMERAS: dict[str, tuple[str, ...]] = {'clean': (), 'noisy': ('noisy.yaml',)}

_TABLETOP = (
    NodeSpec('cap_sim', 'sim_node', 'sim', ('sim.yaml',), uses_sim_time=False, cell={}),
    NodeSpec(
        *('cap_perception', 'perception_node', 'perception', ('perception.yaml',)),
        uses_sim_time=False,
    ),
    NodeSpec('cap_skills', 'skills_node', 'skills', ('skills.yaml',), cell={}),
    NodeSpec(
        *('cap_planner', 'guard_node', 'guard', ('guard.yaml',)),
        uses_sim_time=False,
        needs_stop_file=True,
    ),
    NodeSpec('cap_planner', 'planner_node', 'planner', ('planner.yaml',), niceness=5),
)


def process_environment(share: Path) -> dict[str, str]:
    """What every process has in its environment, beside what sourcing the workspace sets.

    Args:
        share: the folder of cap_bringup with config/.
    """
    # Kilted reads both variables, and takes a link for another file with the same profiles.
    profile = str((share / 'config/fastdds.xml').resolve())
    return _ENVIRONMENT | dict.fromkeys(_FASTDDS_PROFILE_VARIABLES, profile)


def tabletop(arguments: Mapping[str, str]) -> list[NodeSpec]:
    """The tabletop system.

    Args:
        arguments: texts of launch arguments by name, those that were given; '' is not given.

    Raises:
        ValueError: a text that is not a number where one is needed.
    """
    names = (CELL, FILES, *(spec.name for spec in _TABLETOP))
    given: dict[str, dict[str, Any]] = {name: {} for name in names}
    for argument in TABLETOP_ARGUMENTS:
        if text := arguments.get(argument.name):
            given[argument.node][argument.name] = argument.value(text)
    for name, value in PERCEPTION.get(arguments.get('world', ''), {}).items():
        given['perception'].setdefault(name, value)
    domain = arguments.get('domain', '')
    if tool := _TOOLS.get(domain):
        given[CELL].setdefault('tool', tool)
    if given[CELL].get('tool') == 'jaw':
        given['perception']['hide_robot'] = True  # fingers look like blocks, a cup does not
    more = (_CONFIGS[domain],) if domain in _CONFIGS else ()
    of_sim = _CAMERAS[given[FILES].get('camera', 'clean')]
    return [
        replace(
            spec,
            config=(*spec.config, *more, *(of_sim if spec.name == 'sim' else ())),
            parameters=given[spec.name],
            cell=None if spec.cell is None else given[CELL],
        )
        for spec in _TABLETOP
    ]


def robot_description(spec: NodeSpec, config: Path) -> str:
    """The URDF for a node; empty if it needs none.

    Args:
        config: the folder with cell.yaml.
    """
    if spec.cell is None:
        return ''
    text = (config / f'{CELL}.yaml').read_text(encoding='utf-8')
    return cell_urdf(**{**yaml.safe_load(text), **spec.cell})
