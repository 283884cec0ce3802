"""Messages in any frame of the cell, and what the skills make of them: all in base_link."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from geometry_msgs.msg import Pose, PoseStamped
from numpy.typing import NDArray

from cap_common.conversions import matrix_from_pose, pose_from_matrix
from cap_common.errors import CapError, InvalidGoalError, PerceptionLostError
from cap_common.frames import FrameTree, Matrix, UnknownFrameError, transform_points
from cap_description.cell import fixed_transforms
from cap_interfaces.msg import Scene, Target
from cap_skills.drawing import BOARD
from cap_skills.model import Item, Place, Vector

WORKSPACE = 'workspace'
_BASE = 'base_link'


class CellFrames:
    """The frames of a cell that do not move.

    Attributes:
        base_from_workspace: shape (4, 4).
    """

    def __init__(self, urdf: str) -> None:
        self._tree = FrameTree()
        for parent, child, parent_from_child in fixed_transforms(urdf):
            self._tree.add(parent, child, parent_from_child)
        self.base_from_workspace = self._tree.lookup(_BASE, WORKSPACE)
        self._workspace_from_base = self._tree.lookup(WORKSPACE, _BASE)

    def items(
        self, scene: Scene, make: Callable[[str, str, Matrix, Vector], Item]
    ) -> tuple[Item, ...]:
        """The objects of a scene, each made of name, class, pose and size.

        Raises:
            PerceptionLostError: it is in a frame that the cell has not.
        """
        base_from_scene = self._base_from(scene.header.frame_id, PerceptionLostError)
        return tuple(
            make(
                object_.name,
                object_.class_name,
                base_from_scene @ matrix_from_pose(object_.pose),
                np.array([object_.size.x, object_.size.y, object_.size.z]),
            )
            for object_ in scene.objects
        )

    def place(self, target: Target, what: str) -> Place:
        """What a goal acts on.

        Raises:
            InvalidGoalError: it has neither a name nor a pose, or an unknown frame.
        """
        if target.name:
            return Place(target.name)
        if not target.pose.header.frame_id:
            raise InvalidGoalError(f'{what} has neither a name nor a pose with a frame')
        base_from_frame = self._base_from(target.pose.header.frame_id, InvalidGoalError)
        p = target.pose.pose.position
        x, y, z = transform_points(base_from_frame, np.array([p.x, p.y, p.z]))
        return Place('', (float(x), float(y), float(z)))

    def on_board(self, path: Sequence[PoseStamped]) -> NDArray[np.float64]:
        """The points of a path in the board's frame, (n, 2); their height over it is dropped.

        Raises:
            InvalidGoalError: they are in several frames, or in an unknown one.
        """
        frames = {pose.header.frame_id for pose in path}
        if len(frames) > 1:
            raise InvalidGoalError(f'the path is in several frames: {", ".join(sorted(frames))}')
        points = np.array(
            [(p.pose.position.x, p.pose.position.y, p.pose.position.z) for p in path]
        ).reshape(-1, 3)
        for frame in frames - {BOARD}:
            base_from_frame = self._base_from(frame, InvalidGoalError)
            base_from_board = self._base_from(BOARD, InvalidGoalError)
            points = transform_points(np.linalg.inv(base_from_board) @ base_from_frame, points)
        return points[:, :2]

    def in_workspace(self, base_from_thing: Matrix) -> Pose:
        """A pose for the wire."""
        return pose_from_matrix(self._workspace_from_base @ base_from_thing)

    def _base_from(self, frame: str, error: type[CapError]) -> Matrix:
        try:
            return self._tree.lookup(_BASE, frame)
        except UnknownFrameError as unknown:
            raise error(str(unknown)) from unknown
