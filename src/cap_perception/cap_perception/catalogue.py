"""What things there are, by name, colour and size: the list that a detector of known things has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

_BOX = 'box'


@dataclass(frozen=True)
class Thing:
    """One kind of thing.

    Attributes:
        color: its only one; empty: any.
        size: length, width and height [m], the length not less than the width.
        is_box: seen from above it is a rectangle; else about an ellipse.
    """

    class_name: str
    color: str
    size: tuple[float, float, float]
    is_box: bool = False

    @property
    def is_round(self) -> bool:
        """Whether it looks the same however it is turned."""
        return self.size[0] == self.size[1]


@cache
def parse_things(texts: tuple[str, ...]) -> dict[str, Thing]:
    """Things by class name, each from a text such as 'egg white 0.056 0.044 0.032'.

    The colour is `any` where it does not matter. What has the outline of a box says so at its end.

    Raises:
        ValueError: a text is not of this form, or a class comes twice.
    """
    things: dict[str, Thing] = {}
    for text in texts:
        words = text.split()
        try:
            class_name, color = words[:2]
            is_box = words[-1] == _BOX
            length, width, height = map(float, words[2 : len(words) - is_box])
        except ValueError:
            raise ValueError(
                f'{text!r} is no thing: class, colour or any, length, width and height in metres, '
                f'and {_BOX!r} if it has the outline of one'
            ) from None
        if class_name in things or not length >= width > 0 < height:
            raise ValueError(f'{text!r}: a class twice, or not length >= width > 0 and height > 0')
        size = (length, width, height)
        things[class_name] = Thing(class_name, '' if color == 'any' else color, size, is_box)
    return things
