"""From frames of the cell to base_link and back, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped

from cap_common.conversions import matrix_from_pose
from cap_common.errors import InvalidGoalError, PerceptionLostError
from cap_description.cell import cell_urdf
from cap_interfaces.msg import Scene, SceneObject, Target
from cap_skills.cell_frames import WORKSPACE, CellFrames
from cap_skills.parameters import SkillsParameters


@pytest.fixture(scope='module')
def frames() -> CellFrames:
    return CellFrames(cell_urdf(tool='marker'))


def posed(frame: str, *position: float) -> PoseStamped:
    stamped = PoseStamped()
    stamped.header.frame_id = frame
    p = stamped.pose.position
    p.x, p.y, p.z = position
    return stamped


def test_a_point_of_workspace_is_turned_to_base_link(frames: CellFrames) -> None:
    """x of base_link is -y of workspace, y is x."""
    place = frames.place(Target(pose=posed(WORKSPACE, 0.1, -0.5, 0.02)), 'the target')
    assert place.position == pytest.approx((0.5, 0.1, 0.02))
    assert frames.place(Target(name='red block'), 'the target').name == 'red block'


def test_there_and_back_again(frames: CellFrames) -> None:
    pose = np.eye(4)
    pose[:3, 3] = 0.3, -0.2, 0.1
    there = matrix_from_pose(frames.in_workspace(pose))
    assert np.allclose(frames.base_from_workspace @ there, pose)


@pytest.mark.parametrize(
    ('frame', 'text'), [('', 'neither a name nor a pose'), ('narnia', 'narnia')]
)
def test_what_is_nowhere_is_refused(frames: CellFrames, frame: str, text: str) -> None:
    with pytest.raises(InvalidGoalError, match=text):
        frames.place(Target(pose=posed(frame, 0.0, 0.0, 0.0)), 'the target')


def test_objects_of_a_scene(frames: CellFrames, parameters: SkillsParameters) -> None:
    seen = SceneObject(name='blue bowl', class_name='bowl')
    seen.pose.position.y = -0.5
    seen.size.x, seen.size.y, seen.size.z = 0.12, 0.12, 0.045
    scene = Scene(objects=[seen])
    scene.header.frame_id = WORKSPACE
    (bowl,) = frames.items(scene, parameters.item)
    assert bowl.hollow
    assert bowl.center == pytest.approx((0.5, 0.0, 0.0))
    scene.header.frame_id = 'narnia'
    with pytest.raises(PerceptionLostError, match='narnia'):
        frames.items(scene, parameters.item)


def test_points_of_a_path_on_the_board(frames: CellFrames) -> None:
    on_board = frames.on_board(
        [posed('whiteboard', 0.1, 0.05, 0.0), posed('whiteboard', 0.0, 0.0, 1.0)]
    )
    assert on_board == pytest.approx(np.array([(0.1, 0.05), (0.0, 0.0)]))
    origin = np.linalg.inv(frames.base_from_workspace) @ [0.5, 0.0, 0.0, 1.0]
    (point,) = frames.on_board([posed(WORKSPACE, *map(float, origin[:3]))])
    (same,) = frames.on_board([posed('base_link', 0.5, 0.0, 0.0)])
    assert point == pytest.approx(same)
    with pytest.raises(InvalidGoalError, match='several frames: base_link, whiteboard'):
        frames.on_board([posed('whiteboard', 0.0, 0.0, 0.0), posed('base_link', 0.0, 0.0, 0.0)])
