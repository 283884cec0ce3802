"""Expands the cell's xacro, and reads limits and transforms out of a URDF."""

from __future__ import annotations

import functools
import xml.etree.ElementTree as ET
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xacro
from numpy.typing import NDArray
from transforms3d.affines import compose
from transforms3d.axangles import axangle2mat
from transforms3d.euler import euler2mat

Matrix = NDArray[np.float64]

# In the order of the chain, base to tool.
ARM_JOINTS = (
    'shoulder_pan_joint',
    'shoulder_lift_joint',
    'elbow_joint',
    'wrist_1_joint',
    'wrist_2_joint',
    'wrist_3_joint',
)


@dataclass(frozen=True)
class JointLimit:
    """Limits of one joint: rad, rad/s and N m, or m, m/s and N."""

    lower: float
    upper: float
    velocity: float
    effort: float


def cell_urdf(**xacro_args: str | float) -> str:
    """The URDF of the whole cell.

    Args:
        xacro_args: arguments of urdf/cell.urdf.xacro, such as `camera_height` [m].
    """
    return _expand(tuple(sorted((name, str(value)) for name, value in xacro_args.items())))


@functools.lru_cache(maxsize=8)
def _expand(mappings: tuple[tuple[str, str], ...]) -> str:
    document = xacro.process_file(str(_urdf_folder() / 'cell.urdf.xacro'), mappings=dict(mappings))
    return str(document.toprettyxml(indent='  '))


def _urdf_folder() -> Path:
    beside = Path(__file__).resolve().parent.parent / 'urdf'
    if beside.is_dir():
        return beside
    from ament_index_python import get_package_share_directory  # noqa: PLC0415  (installed copies)

    return Path(get_package_share_directory('cap_description')) / 'urdf'


def joint_limits(urdf: str) -> dict[str, JointLimit]:
    """The limits of every joint that has them, by name."""
    return {
        joint.attrib['name']: JointLimit(
            *(float(limit.get(key, '0')) for key in ('lower', 'upper', 'velocity', 'effort'))
        )
        for joint in ET.fromstring(urdf).findall('joint')
        if (limit := joint.find('limit')) is not None
    }


def fixed_transforms(urdf: str) -> list[tuple[str, str, Matrix]]:
    """(parent, child, parent_from_child) of every fixed joint."""
    return [
        (_link(joint, 'parent'), _link(joint, 'child'), _origin(joint))
        for joint in ET.fromstring(urdf).findall('joint')
        if joint.attrib['type'] == 'fixed'
    ]


def resting_transforms(urdf: str, moving: Collection[str]) -> list[tuple[str, str, Matrix]]:
    """(parent, child, parent_from_child) of every joint but those named in `moving`, at 0."""
    return [
        (_link(joint, 'parent'), _link(joint, 'child'), _origin(joint))
        for joint in ET.fromstring(urdf).findall('joint')
        if joint.attrib['name'] not in moving
    ]


def transform(
    urdf: str, target: str, source: str, positions: dict[str, float] | None = None
) -> Matrix:
    """target_from_source for given joint positions; joints not named are at 0.

    Raises:
        LookupError: a frame that the URDF does not have; the text lists those it has.
    """
    edges: dict[str, tuple[str, Matrix]] = {}
    for joint in ET.fromstring(urdf).findall('joint'):
        position = (positions or {}).get(joint.attrib['name'], 0.0)
        parent_from_child = _origin(joint) @ _motion(joint, position)
        edges[_link(joint, 'child')] = (_link(joint, 'parent'), parent_from_child)
    names = set(edges) | {parent for parent, _ in edges.values()}

    def root_from(frame: str) -> Matrix:
        if frame not in names:
            raise LookupError(f'no frame {frame!r} in the URDF; it has {sorted(names)}')
        matrix = np.eye(4)
        while frame in edges:
            frame, parent_from_child = edges[frame]
            matrix = parent_from_child @ matrix
        return matrix

    return np.linalg.inv(root_from(target)) @ root_from(source)


class LinkTree:
    """A URDF's links, for who needs their places again and again: it is read once."""

    def __init__(self, urdf: str) -> None:
        joints = {_link(joint, 'child'): joint for joint in ET.fromstring(urdf).findall('joint')}
        order: list[str] = []

        def add(link: str) -> None:
            if link in joints and link not in order:
                add(_link(joints[link], 'parent'))
                order.append(link)

        for link in joints:
            add(link)
        self._joints = [
            (link, _link(joints[link], 'parent'), joints[link], _origin(joints[link]))
            for link in order
        ]

    def poses(self, positions: Mapping[str, float]) -> dict[str, Matrix]:
        """root_from_link of every link but the root; joints not named are at 0."""
        poses: dict[str, Matrix] = {}
        for link, parent, joint, origin in self._joints:
            pose = poses[parent] @ origin if parent in poses else origin
            if position := positions.get(joint.attrib['name'], 0.0):
                pose = pose @ _motion(joint, position)
            poses[link] = pose
        return poses

    def edges(self, positions: Mapping[str, float]) -> list[tuple[str, str, Matrix]]:
        """(parent, child, parent_from_child) of each joint named."""
        return [
            (parent, link, origin @ _motion(joint, positions[joint.attrib['name']]))
            for link, parent, joint, origin in self._joints
            if joint.attrib['name'] in positions
        ]

    def moving(self) -> frozenset[str]:
        """Links with a joint between them and the root that is not fixed."""
        moving: set[str] = set()
        for link, parent, joint, _ in self._joints:
            if joint.attrib['type'] != 'fixed' or parent in moving:
                moving.add(link)
        return frozenset(moving)


@dataclass(frozen=True)
class Capsule:
    """What surrounds one shape that collides: ends (2, 3) of its axis in its link, radius [m]."""

    link: str
    ends: Matrix
    radius: float


def capsules(urdf: str) -> list[Capsule]:
    """Around every cylinder, sphere and box of a URDF's collision geometry."""
    found = []
    for link in ET.fromstring(urdf).findall('link'):
        for collision in link.findall('collision'):
            geometry = collision.find('geometry')
            assert geometry is not None, f'{link.attrib["name"]!r} collides without a shape'
            half, radius, axis = _capsule(geometry[0])
            pose = _origin(collision)
            ends = pose[:3, 3] + np.outer((-half, half), pose[:3, axis])
            found.append(Capsule(link.attrib['name'], ends, radius))
    return found


def _capsule(shape: ET.Element) -> tuple[float, float, int]:
    """Half of its axis' length, its radius [m], and which axis of the shape it is along."""
    if shape.tag == 'cylinder':
        return float(shape.attrib['length']) / 2, float(shape.attrib['radius']), 2
    if shape.tag == 'sphere':
        return 0.0, float(shape.attrib['radius']), 2
    extents = np.array(_numbers(shape.get('size')))
    axis = int(extents.argmax())
    return float(extents[axis]) / 2, float(np.hypot(*np.delete(extents, axis))) / 2, axis


def board_size(urdf: str) -> tuple[float, float] | None:
    """Width and height of what can be drawn on, along x and y of `whiteboard` [m]; None: none."""
    box = ET.fromstring(urdf).find("link[@name='whiteboard']/collision/geometry/box")
    if box is None:
        return None
    width, height, _ = _numbers(box.get('size'))
    return width, height


def _link(joint: ET.Element, role: str) -> str:
    element = joint.find(role)
    assert element is not None, f'joint {joint.attrib["name"]!r} has no {role}'
    return element.attrib['link']


def _numbers(text: str | None) -> list[float]:
    return [float(word) for word in (text or '0 0 0').split()]


def _origin(joint: ET.Element) -> Matrix:
    origin = joint.find('origin')
    if origin is None:
        return np.eye(4)
    rotation = euler2mat(*_numbers(origin.get('rpy')), axes='sxyz')
    return np.asarray(compose(_numbers(origin.get('xyz')), rotation, np.ones(3)))


def _motion(joint: ET.Element, position: float) -> Matrix:
    element = joint.find('axis')
    axis = np.array(_numbers(element.get('xyz') if element is not None else '1 0 0'))
    matrix = np.eye(4)
    if joint.attrib['type'] in ('revolute', 'continuous'):
        matrix[:3, :3] = axangle2mat(axis, position)
    elif joint.attrib['type'] == 'prismatic':
        matrix[:3, 3] = axis * position
    return matrix
