"""What one session keeps between instructions: data, never a process. No ROS."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from cap_planner.lmp import SessionTurn

_KEPT_TURNS = 32


@dataclass
class Session:
    """Earlier instructions, and what their programs left.

    Attributes:
        variables: by name, as JSON-ready data (see sandbox/frames.py for arrays and shapes).
        functions: sources by name.
    """

    name: str
    turns: list[SessionTurn] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)

    def remember(self, turn: SessionTurn) -> None:
        """Add an instruction that was carried out."""
        self.turns = [*self.turns, turn][-_KEPT_TURNS:]

    def as_data(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Session:
        """The opposite of `as_data`."""
        turns = [SessionTurn(**turn) for turn in data['turns']]
        return cls(data['name'], turns, data['variables'], data['functions'])
