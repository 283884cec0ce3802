"""How a shape is to change: bigger, turned, mirrored, moved. No ROS."""

from __future__ import annotations

from cap_planner.models.offline.meaning import Change, Flip, Rotate, Scale
from cap_planner.models.offline.parser import Readings
from cap_planner.models.offline.targets import Targets

BIGGER = 1.5
SMALLER = 2 / 3
"""Factors; the same values are in prompts/whiteboard.md."""

_TIMES = {'twice': 2.0, 'double': 2.0, 'three times': 3.0, 'triple': 3.0, 'half': 0.5}
_SIZED = 'as big|as large|the size|as long|as wide|its size|as high'


class Changes(Targets):
    """Rules for changes; the shape itself stands in the midst of them."""

    def made(self, i: int) -> Readings[Change]:
        """'(Make it) bigger'."""
        for j in self.maybe(i, 'a little bit|a little|a bit|slightly|somewhat'):
            little = j > i
            for k in self.take(j, 'bigger|longer|wider|taller|higher'):
                yield from self._by_factor(1.2 if little else BIGGER, k, grows=True)
            for k in self.take(j, 'smaller|shorter|narrower'):
                yield from self._by_factor(1 / 1.2 if little else SMALLER, k, grows=False)
        for j in self.take(i, 'much bigger|a lot bigger'):
            yield Scale(2.0), j
        for j in self.take(i, 'much smaller|a lot smaller'):
            yield Scale(0.5), j
        for phrase, factor in _TIMES.items():
            for j in self.take(i, phrase):
                for k in self.take(j, _SIZED):
                    yield Scale(factor), k
        for number, j in self.number(i):
            for k in self.take(j, 'times'):
                for end in self.take(k, f'{_SIZED}|bigger'):
                    if number:
                        yield Scale(number), end

    def _by_factor(self, otherwise: float, i: int, *, grows: bool) -> Readings[Change]:
        """'By 50 percent', 'by a factor of 2'."""
        for j in self.take(i, 'by a factor of|by factor'):
            for number, k in self.number(j):
                if number:
                    yield Scale(number if grows else 1 / number), k
        for j in self.take(i, 'by'):
            for number, k in self.number(j):
                for end in self.take(k, 'percent'):
                    part = number / 100 if grows else -number / 100
                    if part > -1:
                        yield Scale(1 + part), end
        yield Scale(otherwise), i

    def _scaled(self, i: int) -> Readings[Change]:
        """'(Scale it) up by 50 percent', '(scale it) by 2'."""
        for j in self.take(i, 'up'):
            yield from self._by_factor(BIGGER, j, grows=True)
        for j in self.take(i, 'down'):
            yield from self._by_factor(SMALLER, j, grows=False)
        for j in self.take(i, 'by a factor of|by'):
            for number, k in self.number(j):
                if number:
                    yield Scale(number), k

    def turned(self, i: int) -> Readings[Change]:
        """'(Rotate it) by 45 degrees clockwise'."""
        for j in self.maybe(i, 'clockwise|counterclockwise|counter clockwise|anticlockwise'):
            said = self.text(i, j)
            for k in self.maybe(j, 'by'):
                for angle, end in self._angle(k):
                    for last in self.maybe(
                        end,
                        'clockwise|counterclockwise|counter clockwise|anticlockwise|to the left|'
                        'to the right',
                    ):
                        way = self.text(end, last) or said
                        sign = -1 if way in ('clockwise', 'to the right') else 1
                        yield Rotate(sign * angle), last

    def _angle(self, i: int) -> Readings[float]:
        for number, j in self.number(i):
            for k in self.take(j, 'degrees|degree|deg'):
                yield number, k
        for j in self.take(i, 'a quarter turn|a quarter'):
            yield 90.0, j
        for j in self.take(i, 'upside down|half a turn'):
            yield 180.0, j

    def flipped(self, i: int) -> Readings[Change]:
        """'(Flip it) horizontally'."""
        for j in self.take(i, 'horizontally|left to right|sideways|around the vertical axis'):
            yield Flip(horizontally=True), j
        for j in self.take(i, 'vertically|upside down|top to bottom|around the horizontal axis'):
            yield Flip(horizontally=False), j

    def after_verb(self, verb: str, i: int) -> Readings[Change]:
        """What a verb of change says when the thing that it changes stands before `i`."""
        match verb:
            case 'make':
                yield from self.made(i)
            case 'enlarge' | 'grow' | 'scale up' | 'stretch':
                yield from self._by_factor(BIGGER, i, grows=True)
            case 'shrink' | 'reduce' | 'scale down':
                yield from self._by_factor(SMALLER, i, grows=False)
            case 'scale':
                yield from self._scaled(i)
            case 'rotate' | 'turn' | 'spin':
                yield from self.turned(i)
            case 'flip' | 'mirror':
                yield from self.flipped(i)
            case _:
                yield from self.shift(i)


CHANGE_VERBS = (
    'make|enlarge|grow|scale up|stretch|shrink|reduce|scale down|scale|rotate|turn|spin|flip|'
    'mirror|move|shift'
)
