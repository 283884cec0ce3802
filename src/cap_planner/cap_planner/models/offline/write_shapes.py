"""parse_shape_pts and transform_shape_pts: from words to points. No ROS."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cap_planner.models.offline.code import Code, Refusal, quoted
from cap_planner.models.offline.meaning import Change, Flip, Rotate, Scale, Shift
from cap_planner.models.offline.meaning_of_drawing import (
    BoardPlace,
    Figure,
    Mark,
    MoveTo,
    ShapeRef,
    Spot,
)

SIDES = {'triangle': 3, 'square': 4, 'pentagon': 5, 'hexagon': 6, 'heptagon': 7, 'octagon': 8}
ACROSS = 0.1
LINE = 0.2
BESIDE = 0.12
MARGIN = 0.02
"""Metres, where nothing else is said; the first is in prompts/whiteboard.md."""

_VECTOR = {'left': (-1, 0), 'right': (1, 0), 'top': (0, 1), 'bottom': (0, -1)}
_ANGLE = {'horizontal': 0, 'vertical': 90, 'diagonal': 45}


class ShapesWriter:
    """Writes one program.

    Args:
        given: names of the variables that it is given.
    """

    def __init__(self, given: Sequence[str] = ()) -> None:
        self._code = Code()
        self._given = set(given)

    def write(self, figure: Figure) -> str:
        """The program: `ret_val` are the points of the figure."""
        spot = figure.spot
        if spot and spot.how in ('from to', 'through'):
            self._line(figure, spot)
        elif spot and spot.how == 'around':
            self._around(figure, spot.marks[0])
        elif spot and spot.how == 'on':
            self._on(figure, spot.marks[0])
        else:
            center, scale = self._center(spot), 0.5 if spot and spot.how == 'inside' else 1.0
            self._returns(_made(figure, center, scale))
        return str(self._code)

    def change(self, changes: Sequence[Change | MoveTo], pivot: str) -> str:
        """The program: `ret_val` are the points of `shape_pts` after the changes.

        Args:
            pivot: around what: a variable, 'bottom' or '' for the centre.
        """
        points = 'shape_pts'
        for change in changes:
            self._code.add(f'ret_val = {self._changed(change, points, pivot)}')
            points = 'ret_val'
        return str(self._code)

    def _changed(self, change: Change | MoveTo, points: str, pivot: str) -> str:
        if isinstance(change, Shift):
            x, y = (change.distance * part for part in _VECTOR[change.direction])
            return f'{points} + np.array([{x:g}, {y:g}])'
        if isinstance(change, MoveTo):
            goal = self._center(change.spot)
            return f'{points} + {goal} - get_center_of_pts(points={points})'
        center = pivot if pivot in self._given else f'get_center_of_pts(points={points})'
        if pivot == 'bottom':
            self._code.add(
                f'x_min, x_max = np.min({points}[:, 0]), np.max({points}[:, 0])\n'
                f'bottom_pos = np.array([(x_min + x_max) / 2, np.min({points}[:, 1])])'
            )
            center = 'bottom_pos'
        match change:
            case Scale(factor):
                return f'scale_pts(points={points}, factor={factor:.4g}, center={center})'
            case Rotate(angle):
                return f'rotate_pts(points={points}, angle_deg={angle:g}, center={center})'
            case Flip(horizontally):
                way = 'horizontally' if horizontally else 'vertically'
                return f'flip_pts_{way}(points={points}, center={center})'

    def _returns(self, expression: str) -> None:
        self._code.add(f'ret_val = {expression}')

    # ── where ────────────────────────────────────────────────────────────────────────────────

    def _center(self, spot: Spot | None) -> str:
        if spot is None:
            return 'denormalize_xy([0.5, 0.5])'
        where = [self._where(mark) for mark in spot.marks]
        if spot.how == 'between':
            return f'({where[0]} + {where[1]}) / 2'
        if spot.direction:
            distance = BESIDE if spot.distance is None else spot.distance
            x, y = (distance * part for part in _VECTOR[spot.direction])
            return f'{where[0]} + np.array([{x:g}, {y:g}])'
        return where[0]

    def _where(self, mark: Mark) -> str:
        if isinstance(mark, BoardPlace):
            return f'denormalize_xy([{mark.x:g}, {mark.y:g}])'
        if isinstance(mark, ShapeRef):
            return f'get_center_of_pts(points={self._points(mark)})'
        return f'get_obj_pos({self._name(mark)})'

    def _points(self, shape: ShapeRef) -> str:
        if f'{shape.base}_pts' not in self._given:
            raise Refusal(f'The points of the {shape.base} are not given.')
        return f'{shape.base}_pts'

    def _name(self, mark: Mark) -> str:
        head = getattr(mark, 'head', '') or 'object'
        name = self._code.variable(f'{head}_name')
        text = quoted(getattr(mark, 'text', ''))
        self._code.add(f'{name} = {self._code.ask("parse_obj_name", text)}')
        return name

    # ── figures that follow something ────────────────────────────────────────────────────────

    def _line(self, figure: Figure, spot: Spot) -> None:
        if spot.how == 'from to':
            start, end = (self._where(mark) for mark in spot.marks)
            self._returns(f'np.array([{start}, {end}])')
            return
        mark = spot.marks[0]
        if not isinstance(mark, ShapeRef):
            raise Refusal('I can halve only what was drawn.')
        points = self._points(mark)
        angle = _ANGLE[figure.way or 'vertical']
        self._code.add(
            f'center_pos = get_center_of_pts(points={points})\n'
            f'width, height = np.ptp({points}[:, 0]), np.ptp({points}[:, 1])'
        )
        reach = {0: 'width', 90: 'height', 45: 'np.hypot(width, height)'}[angle]
        length = f'{figure.size:g}' if figure.size else reach
        self._returns(f'make_line_pts(center=center_pos, length={length}, angle_deg={angle})')

    def _around(self, figure: Figure, mark: Mark) -> None:
        """Nothing of what it is drawn around is touched."""
        if isinstance(mark, ShapeRef):
            points = self._points(mark)
            self._code.add(
                f'center_pos = get_center_of_pts(points={points})\n'
                f'radius = np.max(np.linalg.norm({points} - center_pos, axis=1)) + {MARGIN}\n'
                f'width, height = 2 * np.max(np.abs({points} - center_pos), axis=0) + {2 * MARGIN}'
            )
        else:
            name = self._name(mark)
            self._code.add(
                f'x_min, y_min, x_max, y_max = get_bbox({name})\n'
                f'center_pos = get_obj_pos({name})\n'
                f'radius = get_radius_around_bbox(bbox=get_bbox({name}), margin={MARGIN})\n'
                f'width, height = x_max - x_min + {2 * MARGIN}, y_max - y_min + {2 * MARGIN}'
            )
        if figure.size:
            self._returns(_made(figure, 'center_pos', 1.0))
            return
        match figure.kind:
            case 'circle':
                call = 'make_circle_pts(center=center_pos, radius=radius)'
            case 'square':
                self._code.add('side = max(width, height)')
                call = 'make_rectangle_pts(center=center_pos, width=side, height=side)'
            case 'rectangle':
                call = 'make_rectangle_pts(center=center_pos, width=width, height=height)'
            case 'oval':
                call = (
                    'make_ellipse_pts(\n'
                    '    center=center_pos, width=1.42 * width, height=1.42 * height\n'
                    ')'
                )
            case kind if kind in SIDES:
                sides = SIDES[kind]
                call = (
                    f'make_regular_polygon_pts(\n'
                    f'    center=center_pos, num_sides={sides}, '
                    f'side_length={2 * math.tan(math.pi / sides):.4g} * radius\n'
                    f')'
                )
            case kind:
                raise Refusal(f'I do not know how a {kind} goes around something.')
        self._returns(call)

    def _on(self, figure: Figure, mark: Mark) -> None:
        """It stands with its lower edge on the upper edge of something, in its middle."""
        if isinstance(mark, ShapeRef):
            points = self._points(mark)
            x = f'(np.min({points}[:, 0]) + np.max({points}[:, 0])) / 2'
            self._code.add(f'base_pos = np.array([{x}, np.max({points}[:, 1])])')
        else:
            raise Refusal('Things that lie on the board are drawn around, not over.')
        self._code.add(f'points = {_made(figure, "base_pos", 1.0)}')
        middle = '(np.min(points[:, 0]) + np.max(points[:, 0])) / 2'
        self._code.add(f'foot_pos = np.array([{middle}, np.min(points[:, 1])])')
        self._returns('points + base_pos - foot_pos')


def _made(figure: Figure, center: str, scale: float) -> str:
    """A call that makes the points."""
    scale *= figure.scale
    across, side, radius = _sizes(figure, scale)
    arguments: dict[str, float] = {}
    match figure.kind:
        case 'line':
            made, length = 'line', figure.size or LINE * scale
            arguments = {'length': length, 'angle_deg': _ANGLE[figure.way or 'horizontal']}
        case 'circle':
            made, arguments = 'circle', {'radius': radius}
        case 'square' | 'diamond':
            made, arguments = 'rectangle', {'width': side, 'height': side}
        case 'rectangle' | 'oval':
            made = 'rectangle' if figure.kind == 'rectangle' else 'ellipse'
            arguments = {'width': across, 'height': figure.height or across * 0.6}
        case 'star':
            made, arguments = 'star', {'num_points': figure.count or 5, 'radius': radius}
        case 'spiral':
            made, arguments = 'spiral', {'radius': radius, 'num_turns': figure.count or 3}
        case 'wave':
            made = 'wave'
            arguments = {'width': across, 'height': across / 4, 'num_waves': figure.count or 3}
        case kind:
            made = 'regular_polygon'
            arguments = {'num_sides': SIDES[kind], 'side_length': side}
    listed = ''.join(f', {name}={value:.4g}' for name, value in arguments.items())
    call = f'make_{made}_pts(center={center}{listed})'
    if figure.kind == 'diamond':
        return f'rotate_pts(points={call}, angle_deg=45, center={center})'
    return call


def _sizes(figure: Figure, scale: float) -> tuple[float, float, float]:
    """How far across, how long a side, and what radius [m]."""
    sine = math.sin(math.pi / SIDES.get(figure.kind, 4))
    if figure.size is None:
        across = ACROSS * scale
        side = across if figure.kind in ('square', 'diamond', 'triangle') else across * sine
        return across, side, across / 2
    size = figure.size
    if figure.of == 'radius':
        return 2 * size, 2 * size * sine, size
    if figure.of == 'width':
        side = size if figure.kind in ('square', 'diamond', 'triangle') else size * sine
        return size, side, size / 2
    return size, size, size
