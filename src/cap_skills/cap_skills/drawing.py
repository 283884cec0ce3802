"""draw and erase: lines on a board, by a marker and an eraser that the tool carries. No ROS.

Both come down until they feel the board, follow the points at a set speed with the spring of the
tool pushed in, and lift off. All points are in the board's frame, metres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cap_common.errors import (
    CapError,
    InvalidGoalError,
    LimitError,
    PlaceFailedError,
    UnreachableError,
)
from cap_common.frames import Matrix, transform_points
from cap_skills.arm import Arm
from cap_skills.call import Call, SkillConfig
from cap_skills.model import Follow, Free, GripperReading, Item, Leg, Straight, Surroundings
from cap_skills.poses import TABLE
from cap_skills.skills import allowed

Points = NDArray[np.float64]  # shape (n, 2) [m]

# The frame on the surface, and its link.
BOARD = 'whiteboard'
# What a tool may be pressed against: the eraser's edge may come onto the frame, and what is below
# the board is no obstacle to feeling for it.
_BOARD = frozenset({BOARD, 'whiteboard_frame', TABLE})
# Points closer to each other than this are one [m].
_SAME = 1e-4
# Turns of a round tool that are tried, in this order [rad].
_TURNS = np.pi / 6 * np.array([0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6])


@dataclass(frozen=True)
class StrokeConfig:
    """How one of the tools is moved; SI units.

    Attributes:
        speed: along the board.
        press: how far the tool's spring is pushed in.
    """

    speed: float
    press: float


@dataclass(frozen=True)
class DrawConfig:
    """How lines are drawn; SI units.

    Attributes:
        hover: of the tool above the board, on the way to a line and off it.
        clearance: above the board, where slow guarded motion begins.
        depth: below the board's known height, where guarded motion gives up.
        edge: points so near to the board's edge are off it; for the eraser too, which may hang
            over it, and wipes whatever can be drawn.
        max_points: more make a line that takes seconds to plan.
        max_s: a line that takes longer is refused: its caller would not wait for it.
        lost_m: the tool may be off the board for so long a way.
        lost_force: below this push it is off.
    """

    hover: float
    clearance: float
    depth: float
    edge: float
    max_points: int
    max_s: float
    lost_m: float
    lost_force: float
    marker: StrokeConfig
    eraser: StrokeConfig


@dataclass(frozen=True)
class Board:
    """What is drawn on.

    Attributes:
        base_from_board: shape (4, 4); x right and y to the top on the surface, z out of it.
        size: width and height, around the frame's origin [m].
    """

    base_from_board: Matrix
    size: tuple[float, float]

    def require_on(self, points: Points, margin: float) -> None:
        """Raise LimitError for points (n, 2) off the board, or nearer to its edge than `margin`."""
        half = np.array(self.size) / 2 - margin
        off = np.abs(points) > half + 1e-9
        if off.any():
            index = int(off.any(axis=1).argmax())
            x, y = points[index]
            raise LimitError(
                f'point {index} at x={x:.3f}, y={y:.3f} m is off the board: it reaches from '
                f'{-half[0]:.3f} to {half[0]:.3f} in x, from {-half[1]:.3f} to {half[1]:.3f} in y'
            )


@dataclass(frozen=True)
class _Tool:
    """One of the two: its name, how it is moved, and where it is on the arm."""

    name: str
    stroke: StrokeConfig
    tool_from_tcp: Matrix


class Drawing:
    """draw and erase with one arm. One call at a time.

    Args:
        tcp_from_eraser: shape (4, 4); tcp is the marker's tip.
        items: the objects around, in base_link.
    """

    def __init__(
        self,
        arm: Arm,
        board: Board,
        tcp_from_eraser: Matrix,
        items: Callable[[], Sequence[Item]],
        steps: SkillConfig,
        config: DrawConfig,
    ) -> None:
        self._arm = arm
        self._board = board
        self._items = items
        self._steps = steps
        self._config = config
        self._marker = _Tool('marker', config.marker, np.eye(4))
        self._eraser = _Tool('eraser', config.eraser, _inverse(tcp_from_eraser))

    def draw(self, points: Points, call: Call) -> float:
        """Draw a line through points (n, 2); returns how far the marker was off it at most [m].

        Raises:
            CapError: see the errors of Draw.action.
        """
        return self._stroke(points, self._marker, call)

    def erase(self, points: Points, call: Call) -> float:
        """Wipe along points (n, 2); returns how far the eraser was off the line at most [m].

        Raises:
            CapError: see the errors of Erase.action.
        """
        return self._stroke(points, self._eraser, call)

    def _stroke(self, points: Points, tool: _Tool, call: Call) -> float:
        call.step('check')
        call = allowed(call, self._steps)
        line = self._checked(points, tool, call)
        items = self._items()
        orientation = self._orientation(line, tool)
        arm, config = self._arm, self._config
        above = self._poses(line[:1], config.hover, tool, orientation)[0]
        before = self._poses(line[:1], config.clearance, tool, orientation)[0]
        around = Surroundings(items, touch=_BOARD)
        call.step('approach the board')
        legs: list[Leg] = [
            *arm.rise(items),
            Free(arm.poses.down(above)),
            Straight(before, self._steps.near_speed),
        ]
        arm.move(legs, around, call)
        call.step('touch down')
        lowest = self._poses(line[:1], -config.depth, tool, orientation)[0]
        touching = Surroundings(items, ignore=_BOARD)
        if not arm.guarded(lowest, touching, call):
            x, y = line[0]
            raise PlaceFailedError(f'the {tool.name} met no board at x={x:.3f}, y={y:.3f} m')
        call.step('follow the line')
        # The board may be lower than it is known to be, but the tool does not feel it before.
        depth = min(float(self._place(tool)[2]), 0.0) - tool.stroke.press
        poses = self._poses(line, depth, tool, orientation)
        watch = _Watch(line, lambda: self._place(tool), self._config, tool)
        arm.follow([Follow(poses, tool.stroke.speed)], touching, call, watch.judge)
        call.step('lift')
        last = self._poses(line[-1:], config.hover, tool, orientation)[0]
        arm.move([Straight(last, self._steps.near_speed)], touching, call)
        call.step('park')
        arm.move([Free(self._steps.park)], Surroundings(items), call)
        return watch.worst

    # Checks --------------------------------------------------------------------------------------

    def _checked(self, points: Points, tool: _Tool, call: Call) -> Points:
        """The line without points that are there twice.

        Raises:
            InvalidGoalError: fewer than two points, or some that are no numbers.
            LimitError: too many, off the board, or too long a way.
        """
        if len(points) > self._config.max_points:
            raise LimitError(
                f'a line of {len(points)} points: {self._config.max_points} are the most'
            )
        if not np.isfinite(points).all():
            index = int((~np.isfinite(points)).any(axis=1).argmax())
            raise InvalidGoalError(f'point {index} of the line is not finite: {points[index]}')
        if len(points) < 2:
            raise InvalidGoalError(f'a line needs two points or more; this one has {len(points)}')
        self._board.require_on(points, self._config.edge)
        steps = np.hypot(*np.diff(points, axis=0).T)
        line = points[np.concatenate([[True], steps > _SAME])]
        if len(line) < 2:
            raise InvalidGoalError(f'all {len(points)} points of the line are one')
        takes_s = float(steps.sum()) / (tool.stroke.speed * call.speed_scale)
        if takes_s > self._config.max_s:
            raise LimitError(
                f'a line of {steps.sum():.1f} m takes {takes_s:.0f} s at this speed; '
                f'{self._config.max_s:.0f} s are the most: draw it in parts'
            )
        kept: Points = line
        return kept

    # Geometry ------------------------------------------------------------------------------------

    def _orientation(self, line: Points, tool: _Tool) -> Matrix:
        """Of the tool, its z into the board, so turned that the arm reaches all of the line.

        Raises:
            UnreachableError: it does with no turn.
        """
        low, high = line.min(axis=0), line.max(axis=0)
        corners = np.array([low, high, (low[0], high[1]), (high[0], low[1])])
        error = UnreachableError('')
        for turn in _TURNS:
            orientation = _into_board(float(turn))
            try:
                for height in (self._config.hover, -self._config.depth):
                    for pose in self._poses(corners, height, tool, orientation):
                        self._arm.poses.down(pose)
            except UnreachableError as failure:
                error = failure
                continue
            return orientation
        raise UnreachableError(f'the {tool.name} does not get to all of the line: {error}')

    def _poses(
        self, points: Points, height: float, tool: _Tool, board_from_tool: Matrix
    ) -> NDArray[np.float64]:
        """base_from_tcp, (n, 4, 4), with the tool over points (n, 2) at a height over the board."""
        places = np.column_stack([points, np.full(len(points), height)])
        poses = np.tile(
            self._board.base_from_board @ board_from_tool @ tool.tool_from_tcp, (len(points), 1, 1)
        )
        offset = poses[0, :3, 3] - self._board.base_from_board[:3, 3]
        poses[:, :3, 3] = transform_points(self._board.base_from_board, places) + offset
        return poses

    def _place(self, tool: _Tool) -> NDArray[np.float64]:
        """Where the tool is, in the board's frame, (3,) [m]; its spring as if it were out."""
        base_from_tool = self._arm.poses.tcp() @ _inverse(tool.tool_from_tcp)
        board_from_base = _inverse(self._board.base_from_board)
        return transform_points(board_from_base, base_from_tool[:3, 3])


class _Watch:
    """Looks at a stroke while it is made.

    Attributes:
        worst: distance of the tool from its line so far [m].
    """

    def __init__(
        self,
        line: Points,
        place: Callable[[], NDArray[np.float64]],
        config: DrawConfig,
        tool: _Tool,
    ) -> None:
        self._line = shapely.LineString(line)
        shapely.prepare(self._line)
        self._place = place
        self._config = config
        self._name = tool.name
        self._touched_at = line[0]
        self.worst = 0.0

    def judge(self, reading: GripperReading) -> CapError | None:
        """What is wrong now: the tool has been off the board for too long a way."""
        xy = self._place()[:2]
        self.worst = max(self.worst, float(self._line.distance(shapely.Point(xy))))
        if reading.force > self._config.lost_force:
            self._touched_at = xy
        off = float(np.hypot(*(xy - self._touched_at)))
        if off < self._config.lost_m:
            return None
        return PlaceFailedError(
            f'the {self._name} lost the board at x={xy[0]:.3f}, y={xy[1]:.3f} m'
        )


def _inverse(matrix: Matrix) -> Matrix:
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def _into_board(turn: float) -> Matrix:
    """board_from_tool of a tool that points into the board, turned about its axis."""
    c, s = np.cos(turn), np.sin(turn)
    matrix = np.eye(4)
    matrix[:3, :3] = ((c, s, 0), (s, -c, 0), (0, 0, -1))
    return matrix
