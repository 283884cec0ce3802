"""The types of compat/ are the real packages' types, by their RIHS01 hashes and constants.

Three looks at them: the definitions, for every distro on any machine; what the colcon build
installed; and what a publisher of this process announces on the graph.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from ament_index_python.packages import get_package_share_directory
from rclpy.context import Context
from rclpy.node import Node
from rosidl_adapter import convert_to_idl
from rosidl_generator_type_description import generate_type_hash

COMPAT = Path(__file__).parents[1]
PINS: dict[str, Any] = yaml.safe_load((COMPAT / 'type_hashes.yaml').read_text())
PACKAGES = ('control_msgs', 'tf2_msgs', 'vision_msgs')
DISTROS = ('jazzy', 'kilted')
DEPENDENCIES = (
    'action_msgs',
    'builtin_interfaces',
    'geometry_msgs',
    'service_msgs',
    'std_msgs',
    'trajectory_msgs',
    'unique_identifier_msgs',
)


def pins(distro: str, package: str = '') -> dict[str, str]:
    every = {**PINS['hashes']['both'], **PINS['hashes'][distro]}
    return {name: pin for name, pin in every.items() if name.startswith(package)}


def read_hashes(folder: Path, package: str) -> dict[str, str]:
    """Type name to hash, of the package's own types, from the generator's json files."""
    return {
        entry['type_name']: entry['hash_string']
        for file in sorted(folder.rglob('*.json'))
        for entry in json.loads(file.read_text()).get('type_hashes', [])
        if entry['type_name'].startswith(f'{package}/')
    }


def definitions(package: str, distro: str) -> list[tuple[Path, Path]]:
    """(root, path below it) of each interface file that CMake takes for this distro."""
    roots = [COMPAT / package, COMPAT / package / 'distro' / distro]
    return [
        (root, path.relative_to(root))
        for root in roots
        for kind in ('msg', 'action')
        for path in sorted((root / kind).glob(f'*.{kind}'))
    ]


@pytest.mark.parametrize('distro', DISTROS)
@pytest.mark.parametrize('package', PACKAGES)
def test_the_definitions_hash_to_the_pins_of_each_distro(
    package: str, distro: str, tmp_path: Path
) -> None:
    idl_root, output = tmp_path / 'idl', tmp_path / 'out'
    files = definitions(package, distro)
    for root, path in files:
        convert_to_idl(root, package, path, idl_root)
    arguments = tmp_path / 'arguments.json'
    shares = [f'{name}:{get_package_share_directory(name)}' for name in DEPENDENCIES]
    arguments.write_text(
        json.dumps(
            {
                'package_name': package,
                'output_dir': str(output),
                'idl_tuples': [f'{idl_root}:{path.with_suffix(".idl")}' for _, path in files],
                'include_paths': shares,
            }
        )
    )
    generate_type_hash(str(arguments))
    assert read_hashes(output, package) == pins(distro, package)


@pytest.fixture(scope='module')
def distro() -> str:
    """Of the ROS 2 that runs here: the environment's word, or what PyPI installed."""
    for name in DISTROS:
        if os.environ.get('ROS_DISTRO') == name:
            return name
    if 'ROS_DISTRO' not in os.environ:
        installed = {distribution.metadata['Name'] for distribution in metadata.distributions()}
        for name in DISTROS:
            if f'ros-{name}-rclpy' in installed:
                return name
    pytest.skip(f'no pins for ROS_DISTRO={os.environ.get("ROS_DISTRO")!r}; there are {DISTROS}')


@pytest.mark.parametrize('package', PACKAGES)
def test_the_installed_package_has_the_pinned_types(package: str, distro: str) -> None:
    installed = read_hashes(Path(get_package_share_directory(package)), package)
    wanted = pins(distro, package)
    assert {name: installed.get(name) for name in wanted} == wanted


def python_type(name: str) -> Any:
    """The class of 'package/msg/Type' or 'package/action/Type_Part'."""
    package, kind, type_name = name.split('/')
    module = import_module(f'{package}.{kind}')
    if kind == 'action':
        action, part = type_name.split('_', 1)
        interface = getattr(module, action)
        return getattr(interface, part, None) or getattr(interface.Impl, part)
    return getattr(module, type_name)


@pytest.fixture(scope='module')
def node() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context)
    node = Node('type_hashes', context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.mark.parametrize(
    'name',
    [
        'control_msgs/action/FollowJointTrajectory_FeedbackMessage',
        'control_msgs/action/GripperCommand_FeedbackMessage',
        'tf2_msgs/msg/TFMessage',
        'vision_msgs/msg/Detection3DArray',
    ],
)
def test_a_publisher_announces_the_pinned_hash(node: Node, distro: str, name: str) -> None:
    topic = 'announced/' + name.lower()
    publisher = node.create_publisher(python_type(name), topic, 1)
    deadline = time.monotonic() + 5.0
    while not (seen := node.get_publishers_info_by_topic(topic)) and time.monotonic() < deadline:
        rclpy.spin_once(node, timeout_sec=0.05)
    announced = seen[0].topic_type_hash
    assert f'RIHS0{announced.version}_{bytes(announced.value).hex()}' == pins(distro)[name]
    node.destroy_publisher(publisher)


@pytest.mark.parametrize('name', PINS['constants'])
def test_the_constants_are_the_documented_ones(name: str) -> None:
    wanted = PINS['constants'][name]
    assert {constant: getattr(python_type(name), constant) for constant in wanted} == wanted
