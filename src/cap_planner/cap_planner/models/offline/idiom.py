"""A family of functions that fgen knows to write. No ROS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Idiom:
    """A family of functions.

    Attributes:
        name: of the function; its named groups are filled into the body.
        roles: parameter of the idiom to the pattern of the names it has in calls, in order.
        body: with $parameters and $groups.
    """

    name: str
    roles: dict[str, str]
    body: str
