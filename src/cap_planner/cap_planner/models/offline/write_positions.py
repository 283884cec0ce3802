"""parse_position: from a described position to a program that finds it. No ROS."""

from __future__ import annotations

import math

import numpy as np

from cap_planner.models.offline.code import Code, Refusal, quoted
from cap_planner.models.offline.meaning import (
    Anchor,
    Beside,
    Between,
    ExtremePlace,
    FromTowards,
    Group,
    NearTo,
    Place,
    Position,
    Pronoun,
    Segment,
    Shape,
    Things,
)

_VECTOR = {'left': (-1, 0), 'right': (1, 0), 'top': (0, 1), 'bottom': (0, -1)}
_LINE = {'horizontal': [1, 0], 'vertical': [0, 1], 'diagonal': [1, 1]}
SIDES = {
    'triangle': 3,
    'square': 4,
    'diamond': 4,
    'pentagon': 5,
    'hexagon': 6,
    'heptagon': 7,
    'octagon': 8,
}
BESIDE = 0.1
FAR = 0.25
POLYGON_RADIUS = 0.1414
"""Metres between centres; the same values are in prompts/tabletop.md."""


class PositionsWriter:
    """Writes one program."""

    def __init__(self) -> None:
        self._code = Code()

    def write(self, position: Position) -> str:
        """The program: `ret_val` is a position or a list of positions."""
        match position:
            case Place():
                # Several things stand on a table: the place itself may be taken.
                self._returns(f'get_free_pos_near(pos=get_obj_pos({position.name!r}))')
            case Beside():
                self._beside(position)
            case NearTo():
                around = self._where(position.anchor)
                self._returns(f'get_free_pos_around(pos={around}, distance={BESIDE})')
            case Between():
                self._between(position)
            case ExtremePlace():
                self._extreme(position)
            case FromTowards():
                start, goal = self._where(position.start), self._where(position.goal)
                self._code.add(f'start_pos, goal_pos = {start}, {goal}')
                self._code.add('way = goal_pos - start_pos')
                self._returns(f'start_pos + {position.distance:g} * way / np.linalg.norm(way)')
            case Shape():
                self._shape(position)
            case Segment():
                start, end = self._where(position.start), self._where(position.end)
                self._returns(
                    f'interpolate_positions(start={start}, end={end}, num_points={position.points})'
                )
            case Things() | Pronoun():
                self._returns(self._where(position))
        return str(self._code)

    def _returns(self, expression: str) -> None:
        self._code.add(f'ret_val = {expression}')

    def _where(self, anchor: Anchor | ExtremePlace) -> str:
        """An expression for the position of something; asks for its name where it has one."""
        if isinstance(anchor, ExtremePlace):
            return self._extreme_where(anchor)
        if isinstance(anchor, Place):
            return f'get_obj_pos({anchor.name!r})'
        if isinstance(anchor, Pronoun):
            raise Refusal(f'I do not know what "{anchor.text}" is here; name it.')
        plural = isinstance(anchor, Group) or anchor.plural
        head = anchor.head if isinstance(anchor, Things) else ''
        name = self._code.variable(f'{head or "object"}_name{"s" * plural}')
        self._code.add(f'{name} = {self._code.ask("parse_obj_name", quoted(anchor.text))}')
        if plural:
            return f'np.mean([get_obj_pos(name) for name in {name}], axis=0)'
        return f'get_obj_pos({name})'

    def _beside(self, position: Beside) -> None:
        where = self._where(position.anchor)
        x, y = _VECTOR[position.direction]
        if isinstance(position.distance, float):
            d = position.distance
            self._returns(f'{where} + np.array([{x * d:g}, {y * d:g}])')
            return
        distance = FAR if position.distance == 'a lot' else BESIDE
        self._returns(
            f'get_free_pos_beside(pos={where}, direction=[{x}, {y}], distance={distance})'
        )

    def _between(self, position: Between) -> None:
        if len(position.anchors) == 1 and isinstance(position.anchors[0], Group | Things):
            self._returns(self._where(position.anchors[0]))
            return
        parts = [self._where(anchor) for anchor in position.anchors]
        self._returns(f'({" + ".join(parts)}) / {len(parts)}')

    def _extreme(self, position: ExtremePlace) -> None:
        self._returns(f'get_free_pos_near(pos={self._extreme_where(position)})')

    def _extreme_where(self, position: ExtremePlace) -> str:
        where = self._where(position.anchor)
        which = 'farthest' if position.farthest else 'closest'
        positions = f'{position.kind}_positions'
        self._code.add(
            f'{positions} = get_{position.kind}_positions()\n'
            f'idx = get_{which}_idx(points={positions}, point={where})'
        )
        return f'{positions}[idx]'

    def _shape(self, shape: Shape) -> None:
        center = "get_obj_pos('middle')"
        if isinstance(shape.where, Beside):
            distance = shape.where.distance
            offset = distance if isinstance(distance, float) else BESIDE
            x, y = _VECTOR[shape.where.direction]
            # 'A vertical line 10 cm below the bowl' begins there.
            along = abs(np.dot(_LINE.get(shape.kind, [0, 0]), (x, y)))
            offset += along * (shape.size or 0.0) / 2
            where = self._where(shape.where.anchor)
            center = f'{where} + np.array([{x * offset:g}, {y * offset:g}])'
        elif isinstance(shape.where, NearTo):
            center = self._where(shape.where.anchor)
        elif isinstance(shape.where, Place | Things):
            center = self._where(shape.where)
        elif shape.where is not None:
            raise Refusal('I can put a shape around an object or a named place only.')
        number = f'num_points={shape.points}'
        if sides := SIDES.get(shape.kind):
            side = shape.size or 2 * POLYGON_RADIUS * math.sin(math.pi / sides)
            angle = 45 if shape.kind == 'diamond' else 0
            self._returns(
                f'get_polygon_positions(center={center}, {number}, num_sides={sides}, '
                f'side_length={side:.4g}, angle_deg={angle})'
            )
        elif shape.kind == 'circle':
            radius = f', radius={shape.size:g}' if shape.size else ', radius=0.12'
            self._returns(f'get_circle_positions(center={center}, {number}{radius})')
        elif shape.size:
            x, y = _LINE[shape.kind]
            half = shape.size / 2 / (x * x + y * y) ** 0.5
            self._code.add(f'center = {center}\nhalf = np.array([{x * half:.4g}, {y * half:.4g}])')
            self._returns(
                f'interpolate_positions(start=center - half, end=center + half, {number})'
            )
        else:
            direction = _LINE[shape.kind]
            self._returns(
                f'get_free_line_positions({number}, direction={direction}, center={center})'
            )
