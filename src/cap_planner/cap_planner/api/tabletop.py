"""The tabletop API: names and meanings of the paper's simulated and real tabletop domains.

Coordinates are metres in the frame `workspace`: origin at the arm's base, +x to the right and +y to
the top of the table as the operator sees it; the top edge is the one nearest the robot.
"""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import Any

from cap_common.errors import (
    GraspFailedError,
    LimitError,
    LocationNotFoundError,
    ObjectNotFoundError,
    PerceptionLostError,
    PlaceFailedError,
    RobotFaultError,
    UnreachableError,
)
from cap_planner.api.spec import Kind, Mask, Point, Target, declare

_MOTION_ERRORS = (
    ObjectNotFoundError,
    LocationNotFoundError,
    UnreachableError,
    LimitError,
    PerceptionLostError,
    RobotFaultError,
)


@declare(Kind.QUERY, PerceptionLostError)
def get_obj_names() -> list[str]:
    """Names of all objects, each unique, such as 'blue block'; also of those that are hidden."""
    ...


@declare(Kind.QUERY, ObjectNotFoundError, PerceptionLostError)
def get_obj_pos(name: str) -> Point:
    """Centre of an object, seen from above, or of a named place.

    The places are 'middle', 'left side', 'top left corner', ...
    """
    ...


@declare(Kind.QUERY, ObjectNotFoundError, PerceptionLostError)
def get_bbox(name: str) -> list[float]:
    """Box around an object, seen from above, along the axes: [x_min, y_min, x_max, y_max]."""
    ...


@declare(Kind.QUERY, ObjectNotFoundError, PerceptionLostError)
def get_color(name: str) -> list[float]:
    """Colour of an object as [red, green, blue, alpha], each 0 to 1; gray if it is not known."""
    ...


@declare(Kind.QUERY, ObjectNotFoundError, PerceptionLostError)
def get_color_rgb(name: str) -> list[float]:
    """Mean colour of an object's pixels, as measured: [red, green, blue], each 0 to 1."""
    ...


@declare(Kind.QUERY, ObjectNotFoundError, PerceptionLostError)
def get_segmask(name: str) -> Mask:
    """Pixels of the camera's picture that show an object.

    One that is not seen in it raises ObjectNotFoundError.
    """
    ...


@declare(Kind.QUERY, PerceptionLostError, waits=True)
def get_visible_obj_names() -> list[str]:
    """Wait for the camera's next picture; names of the objects that are seen in it."""
    ...


@declare(Kind.QUERY, PerceptionLostError, waits=True)
def is_obj_visible(name: str) -> bool:
    """Wait for the camera's next picture; True if an object of that name is seen in it."""
    ...


@declare(Kind.QUERY, PerceptionLostError, waits=True)
def detect_obj(description: str) -> bool:
    """Wait for the camera's next picture; True if it shows what the description means."""
    ...


@declare(Kind.QUERY, ObjectNotFoundError, PerceptionLostError, waits=True)
def find_object(description: str, timeout: float = 5.0) -> str:
    """Wait for up to `timeout` seconds until what the description means is seen; its name.

    Functions of the robot take that name, also where `get_obj_names` has it not. What is not seen
    in that time raises ObjectNotFoundError.
    """
    ...


@declare(Kind.QUERY, ObjectNotFoundError, PerceptionLostError, waits=True)
def find_all_objects(description: str, timeout: float = 5.0) -> list[str]:
    """As `find_object`, all that one picture shows."""
    ...


@declare(Kind.QUERY)
def denormalize_xy(pos_normalized: Point) -> Point:
    """Position in the usable area: [0, 0] is its bottom left, [1, 1] its top right."""
    ...


@declare(Kind.QUERY)
def get_corner_positions() -> list[Point]:
    """The four corners: top left, top right, bottom left, bottom right."""
    ...


@declare(Kind.QUERY)
def get_side_positions() -> list[Point]:
    """The middles of the four sides: top, right, bottom, left."""
    ...


@declare(Kind.QUERY)
def get_corner_name(pos: Point) -> str:
    """Name of the corner nearest to a position, such as 'top left corner'."""
    ...


@declare(Kind.QUERY)
def get_side_name(pos: Point) -> str:
    """Name of the side nearest to a position, such as 'left side'."""
    ...


@declare(Kind.ACTION, *_MOTION_ERRORS, GraspFailedError, PlaceFailedError)
def put_first_on_second(
    first: Target, second: Target, speed: float = 1.0, force: float | None = None
) -> None:
    """Pick up an object and put it down on an object, in a bowl, at a named place or position.

    A position as the first takes what stands highest there. `speed` is a share of the robot's full
    speed, all the way; `force` is the most that it may press or grasp with [N].
    """
    ...


@declare(Kind.ACTION, *_MOTION_ERRORS, GraspFailedError)
def pick_up(obj: Target, speed: float = 1.0, force: float | None = None) -> None:
    """Pick up an object and hold it; `put_first_on_second` puts it down.

    Only for what is to be held: what is to go somewhere needs no `pick_up`. Before something else
    is picked, what is held is put back on the table.
    """
    ...


@declare(Kind.ACTION, *_MOTION_ERRORS)
def point_gripper_to(target: Target, speed: float = 1.0) -> None:
    """Bring the gripper above an object, a named place or a position, and touch nothing.

    `speed` is a share of the robot's full speed.
    """
    ...


@declare(Kind.ACTION)
def say(message: str) -> None:
    """Tell the person something, up to 1000 characters; the way to answer a question."""
    ...


@declare(Kind.LMP)
def parse_obj_name(description: str, context: str = '', **variables: Any) -> Any:
    """Name, or list of names, that a description means; the context is 'objects = [...]'."""
    ...


@declare(Kind.LMP)
def parse_position(description: str, context: str = '', **variables: Any) -> Any:
    """Position, or list of positions, that a description means, such as 'left of the red bowl'."""
    ...


@declare(Kind.LMP)
def parse_question(question: str, context: str = '', **variables: Any) -> Any:
    """Answer to a question about the scene: a number, string, True or False, or list of names."""
    ...
