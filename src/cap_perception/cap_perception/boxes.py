"""From masks to oriented boxes: deprojection, then the fit of the class's shape."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from cap_perception.catalogue import Thing
from cap_perception.deproject import pixels_of, workspace_points
from cap_perception.shapes import (
    Circle,
    Models,
    Plane,
    Points,
    Rectangle,
    fit_circle,
    fit_plane,
    fit_rectangle,
)
from cap_perception.solid import measure
from cap_perception.types import CameraFrame, Detection, Look, Mask, Observation

MAX_TILT = np.deg2rad(50.0)  # of a block's top; steeper, another face is the top
_BESIDE = 0.008  # [m] outside a box's top edge; nearer, a side face seen at a slant is no lower
_STEP = 0.01  # [m] of depth that is another surface
_CROSS = np.ones((3, 3), np.uint8)
_WHOLE = 0.85  # share of length and width of a thing that is not half hidden


def observe(
    frame: CameraFrame, detections: Iterable[Detection], models: Models
) -> list[Observation]:
    """The oriented boxes of all detections that have enough measured depth."""
    found = []
    for detection in detections:
        assert detection.mask is not None, 'segment.with_masks'
        points = workspace_points(frame, detection.mask)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) < 12:
            continue
        if detection.class_name == 'block':
            fit = _block(frame, points, models)
        elif detection.class_name == 'bowl':
            fit = _bowl(points, models)
        elif (thing := models.thing(detection.class_name)) is not None:
            fit = _plate(points, thing) if thing.class_name == 'plate' else _thing(points, thing)
        else:
            fit = _any_box(frame, detection.mask)
        if fit is None:
            continue
        matrix, size, complete = fit
        found.append(
            Observation(
                detection.class_name,
                detection.color,
                matrix,
                size,
                detection.score,
                complete,
                is_plain=is_plain(models, detection.class_name),
                look=look_at(frame, detection.mask),
            )
        )
    return found


def look_at(frame: CameraFrame, mask: Mask) -> Look:
    """What a frame shows of an object: its pixels (H, W), cut out, and their mean colour."""
    u, v, width, height = cv2.boundingRect(mask.view(np.uint8))
    window = np.s_[v : v + height, u : u + width]
    inner = cv2.erode(mask[window].view(np.uint8), _CROSS)
    # At its edge the colours of two things mix.
    shown = mask[window] if not inner.any() else inner.astype(bool)
    red, green, blue = map(float, frame.rgb[window][shown].mean(axis=0) / 255)
    u, v = u + frame.origin[0], v + frame.origin[1]
    return Look((red, green, blue), (u, v, u + width, v + height), mask[window].copy())


def is_plain(models: Models, class_name: str) -> bool:
    """Whether a thing is called by its class alone: it has but one colour."""
    thing = models.thing(class_name)
    return thing is not None and bool(thing.color)


def upright(points: Points) -> Rectangle:
    """The smallest level rectangle around points (N, 3), at no particular height."""
    return fit_rectangle(points, Plane(np.array([0.0, 0.0, 1.0]), 0.0))


_Fit = tuple[np.ndarray, tuple[float, float, float], bool]


def _block(frame: CameraFrame, points: Points, models: Models) -> _Fit | None:
    """A cube by its top face."""
    side = models.block_size
    top = points[on_top(points)]
    if len(top) < 12:
        return None
    plane = fit_plane(top)
    rectangle = fit_rectangle(top, plane)
    hidden = _hidden_beside(frame, rectangle)
    least = 1.0 - models.tolerance if max(hidden) < 0.1 else 0.95
    complete = (
        min(rectangle.sides) > least * side
        and max(rectangle.sides) < (1.0 + models.tolerance) * side
    )
    if not complete:
        rectangle = _grown(rectangle, hidden, side)
    matrix = rectangle.workspace_from_rectangle.copy()
    matrix[:3, 3] -= 0.5 * side * matrix[:3, 2]
    return _turned_least(matrix), (side, side, side), complete


def _bowl(points: Points, models: Models) -> _Fit | None:
    """A bowl by its rim."""
    radius = 0.5 * models.bowl_diameter
    level = float(np.percentile(points[:, 2], 90))
    rim = points[np.abs(points[:, 2] - level) < 0.2 * models.bowl_height]
    circle = fit_circle(rim, radius, 0.12 * radius)
    if circle is None:
        return None
    matrix = np.eye(4)
    matrix[:3, 3] = circle.x, circle.y, circle.z - 0.5 * models.bowl_height
    size = (models.bowl_diameter, models.bowl_diameter, models.bowl_height)
    return matrix, size, circle.coverage > 0.7


def _plate(points: Points, plate: Thing) -> _Fit | None:
    """A plate by points of its edge; it stands on the table or on something."""
    circle = fit_circle(points, plate.size[0] / 2, 0.006)
    if circle is None:
        return None
    matrix = np.eye(4)
    matrix[:3, 3] = circle.x, circle.y, max(circle.z, plate.size[2]) - plate.size[2] / 2
    return matrix, plate.size, circle.coverage > 0.7


def _thing(points: Points, thing: Thing) -> _Fit | None:
    """A thing of known size by what is seen of it from above; it stands upright."""
    length, width, height = thing.size
    top = float(np.percentile(points[:, 2], 90))
    # Of a tall thing one side is seen too; its top alone is about its middle.
    is_tall = height > 1.5 * width
    rectangle = upright(points[points[:, 2] > top - 0.2 * height] if is_tall else points)
    sides = np.array(rectangle.sides)
    matrix = np.eye(4)
    if not thing.is_round:
        # The smallest rectangle around an ellipse may lie askew; its second moments do not.
        _, axes = np.linalg.eigh(np.cov(points[:, :2].T))
        cos, sin = axes[:, 1] * (1.0 if axes[0, 1] >= 0 else -1.0)
        matrix[:2, :2] = (cos, -sin), (sin, cos)
    matrix[:2, 3] = rectangle.workspace_from_rectangle[:2, 3]
    matrix[2, 3] = max(top, height) - height / 2
    whole = (np.sort(sides)[::-1] > _WHOLE * np.array([length, width])).all()
    return matrix, thing.size, bool(is_tall or whole)


def _any_box(frame: CameraFrame, mask: Mask) -> _Fit | None:
    """The upright box around a thing without a model."""
    solid = measure(frame, mask)
    return None if solid is None else (solid.workspace_from_box, solid.size, solid.complete)


def on_top(points: Points, band: float = 0.006, tries: int = 40) -> np.ndarray:
    """Which of (N, 3) points lie on the largest plane that looks up: RANSAC, the same every time.

    Args:
        band: distance from the plane that counts as on it [m].
    """
    rng = np.random.default_rng(0)
    a, b, c = points[rng.integers(len(points), size=(3, tries))]
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=1)
    normals, a = normals[length > 1e-6], a[length > 1e-6]
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    up = np.abs(normals[:, 2]) > np.cos(MAX_TILT)
    # A level plane through a high point is the likeliest; it is always among the candidates.
    normals = np.vstack([normals[up], [0.0, 0.0, 1.0]])
    offsets = np.append((normals[:-1] * a[up]).sum(axis=1), np.percentile(points[:, 2], 80))
    # A share of the points decides between the planes: enough of them, in a fraction of the time.
    few = points[:: 1 + len(points) // 150]
    near = np.abs(few @ normals.T - offsets) < band
    best = int(near.sum(axis=0).argmax())
    plane = fit_plane(points[np.abs(points @ normals[best] - offsets[best]) < band])
    return np.asarray(np.abs(plane.heights(points)) < band)


def _beside(rectangle: Rectangle, count: int = 8) -> Points:
    """Points (4 * count, 3) just outside a rectangle, at its level: beside +x, -x, +y, -y."""
    half_x, half_y = 0.5 * rectangle.sides[0], 0.5 * rectangle.sides[1]
    along, one = np.linspace(-0.8, 0.8, count), np.ones(count)
    x = np.concatenate([(half_x + _BESIDE) * one, -(half_x + _BESIDE) * one, *[half_x * along] * 2])
    y = np.concatenate([*[half_y * along] * 2, (half_y + _BESIDE) * one, -(half_y + _BESIDE) * one])
    matrix = rectangle.workspace_from_rectangle
    return np.asarray(np.column_stack([x, y]) @ matrix[:3, :2].T + matrix[:3, 3])


def _farther(frame: CameraFrame, points: Points) -> np.ndarray:
    """How much farther than each point the camera sees something on its ray [m]; NaN: unknown."""
    pixels, depth = pixels_of(frame, points)
    u, v = np.nan_to_num(np.rint(pixels), nan=-1.0).astype(int).T
    height, width = frame.depth.shape
    inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
    seen = np.full(len(points), np.nan)
    seen[inside] = frame.depth[v[inside], u[inside]]
    return np.asarray(seen - depth)


def share_lower_around(frame: CameraFrame, rectangle: Rectangle) -> float:
    """Share of a rectangle's surroundings that lie lower than it."""
    return float(np.mean(_farther(frame, _beside(rectangle)) > _STEP))


def stands_out_hollow(frame: CameraFrame, circle: Circle) -> bool:
    """Lies what is around a level circle lower than it, and most of what is inside, too?

    Where something nearer hides the surroundings they count for neither; inside, up to half may be
    filled to the rim.
    """
    angles = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
    ring = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(24)])
    centre = np.array([circle.x, circle.y, circle.z])
    for radius, least in ((circle.radius + _BESIDE, 0.6), (0.62 * circle.radius, 0.4)):
        farther = _farther(frame, centre + radius * ring)
        open_to_view = farther > -_STEP
        if not open_to_view.any() or np.mean(farther[open_to_view] > _STEP) < least:
            return False
    return True


def _hidden_beside(frame: CameraFrame, rectangle: Rectangle) -> list[float]:
    """Share of each side's surroundings, +x -x +y -y, where something nearer is in front."""
    nearer = _farther(frame, _beside(rectangle)) < -_STEP
    return [float(share) for share in nearer.reshape(4, -1).mean(axis=1)]


def is_square_or_cut(frame: CameraFrame, rectangle: Rectangle, models: Models) -> bool:
    """Has it the size of a block's top, or is it smaller because something nearer hides a part?"""
    side, hidden = models.block_size, None
    for axis in range(2):
        if models.fits(rectangle.sides[axis], side):
            continue
        hidden = hidden or _hidden_beside(frame, rectangle)
        longer = rectangle.sides[axis] > side
        if longer or rectangle.sides[axis] < 0.3 * side or max(hidden[2 * axis :][:2]) < 0.3:
            return False
    return True


def _grown(rectangle: Rectangle, hidden: list[float], side: float) -> Rectangle:
    """A cut rectangle, grown to a square on the sides where something nearer hides the rest."""
    shift = np.zeros(2)
    for axis in range(2):
        plus, minus = hidden[2 * axis], hidden[2 * axis + 1]
        if plus != minus:
            shift[axis] = 0.5 * (side - rectangle.sides[axis]) * (1.0 if plus > minus else -1.0)
    matrix = rectangle.workspace_from_rectangle.copy()
    matrix[:3, 3] += matrix[:3, :2] @ shift
    return Rectangle(matrix, (side, side))


def _turned_least(matrix: np.ndarray) -> np.ndarray:
    """The same cube, its x axis within 45 degrees of the workspace's."""
    yaw = np.arctan2(matrix[1, 0], matrix[0, 0])
    quarter = -np.round(yaw / (np.pi / 2)) * np.pi / 2
    cos, sin = np.cos(quarter), np.sin(quarter)
    turned = matrix.copy()
    turned[:3, :3] = matrix[:3, :3] @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
    return turned
