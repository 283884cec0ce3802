"""What the actions of the whiteboard API do. No ROS.

`WhiteboardRobot` has a method for every query and action that api/whiteboard.py declares.
"""

from __future__ import annotations

from cap_planner.api.spec import Points
from cap_planner.robot import SceneRobot


class WhiteboardRobot(SceneRobot):
    """The whiteboard for one instruction."""

    def draw(self, pts_2d: Points) -> None:  # noqa: D102 - declared in api/whiteboard.py
        self._draw_or_erase('drew', pts_2d)

    def erase(self, pts_2d: Points) -> None:  # noqa: D102
        self._draw_or_erase('erased', pts_2d)

    def _draw_or_erase(self, what: str, points: Points) -> None:
        try:
            (self._skills.draw if what == 'drew' else self._skills.erase)(points)
        finally:
            self.has_moved()
        (x_min, y_min), (x_max, y_max) = points.min(axis=0), points.max(axis=0)
        self.done.append(
            f'{what} {len(points)} points within [{x_min:.3f}, {y_min:.3f}] and '
            f'[{x_max:.3f}, {y_max:.3f}]'
        )
