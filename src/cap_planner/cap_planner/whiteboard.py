"""What the actions of the whiteboard API do. No ROS.

`WhiteboardRobot` has a method for every query and action that api/whiteboard.py declares.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cap_common.errors import CapError
from cap_planner.api.spec import Points
from cap_planner.robot import Manner, SceneRobot


class WhiteboardRobot(SceneRobot):
    """The whiteboard for one instruction."""

    def draw(  # noqa: D102 - declared in api/whiteboard.py
        self, pts_2d: Points, speed: float = 1.0, force: float | None = None
    ) -> None:
        with self._stroke('draw', pts_2d) as what:
            self._skills.draw(pts_2d, Manner(speed, force))
        self._has_changed(f'drew {what}')

    def erase(  # noqa: D102
        self, pts_2d: Points, speed: float = 1.0, force: float | None = None
    ) -> None:
        with self._stroke('erase', pts_2d) as what:
            self._skills.erase(pts_2d, Manner(speed, force))
        self._has_changed(f'erased {what}')

    @contextmanager
    def _stroke(self, action: str, points: Points) -> Iterator[str]:
        """One along the points, in words."""
        (x_min, y_min), (x_max, y_max) = points.min(axis=0), points.max(axis=0)
        what = (
            f'{len(points)} points within [{x_min:.3f}, {y_min:.3f}] and [{x_max:.3f}, {y_max:.3f}]'
        )
        try:
            with self._attempt(action, what):
                yield what
        except CapError:
            # How far it came, the skill does not say.
            self._has_changed(f'may have begun to {action} {what}')
            raise
        finally:
            self.has_moved()
