"""The whiteboard API: names and meanings of the paper's drawing domain.

Coordinates are metres in the frame `whiteboard`, which lies on the board: +x to the right and +y to
its top as the operator sees it.
"""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import Any

from cap_common.errors import (
    LimitError,
    PerceptionLostError,
    RobotFaultError,
    UnreachableError,
)
from cap_planner.api.spec import Kind, Points, declare
from cap_planner.api.tabletop import (
    denormalize_xy,
    detect_obj,
    find_all_objects,
    find_object,
    get_bbox,
    get_color,
    get_color_rgb,
    get_corner_name,
    get_corner_positions,
    get_obj_names,
    get_obj_pos,
    get_segmask,
    get_visible_obj_names,
    is_obj_visible,
    parse_obj_name,
    parse_question,
    say,
)

__all__ = [
    'denormalize_xy',
    'detect_obj',
    'draw',
    'erase',
    'find_all_objects',
    'find_object',
    'get_bbox',
    'get_color',
    'get_color_rgb',
    'get_corner_name',
    'get_corner_positions',
    'get_obj_names',
    'get_obj_pos',
    'get_segmask',
    'get_visible_obj_names',
    'is_obj_visible',
    'parse_obj_name',
    'parse_question',
    'parse_shape_pts',
    'say',
    'transform_shape_pts',
]

_DRAWING_ERRORS = (UnreachableError, LimitError, PerceptionLostError, RobotFaultError)


@declare(Kind.ACTION, *_DRAWING_ERRORS)
def draw(pts_2d: Points, speed: float = 1.0, force: float | None = None) -> None:
    """Draw a line through the points in their order, with straight pieces between them.

    `speed` is a share of the robot's full speed; `force` is the most that it may press with [N], if
    less than it is set up for.
    """
    ...


@declare(Kind.ACTION, *_DRAWING_ERRORS)
def erase(pts_2d: Points, speed: float = 1.0, force: float | None = None) -> None:
    """Wipe along the points in their order, such as those of a shape that was drawn.

    `speed` and `force` are those of `draw`.
    """
    ...


@declare(Kind.LMP)
def parse_shape_pts(description: str, context: str = '', **variables: Any) -> Any:
    """Points, shape (N, 2), of the shape that a description means, such as 'a 5 cm hexagon'."""
    ...


@declare(Kind.LMP)
def transform_shape_pts(description: str, context: str = '', **variables: Any) -> Any:
    """Points, shape (N, 2), of the shape `shape_pts=` after a change such as 'make it bigger'."""
    ...
