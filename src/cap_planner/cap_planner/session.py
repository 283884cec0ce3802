"""What one session keeps between instructions: data, never a process. No ROS."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from cap_planner.lmp import SessionTurn
from cap_planner.sandbox import frames
from cap_planner.sandbox.program import Session as Left

_KEPT_TURNS = 32


@dataclass
class Session:
    """Earlier instructions, and what their programs left behind."""

    name: str
    turns: list[SessionTurn] = field(default_factory=list)
    left: Left = field(default_factory=Left)

    def remember(self, turn: SessionTurn, left: Left) -> None:
        """Add an instruction that was carried out."""
        self.turns = [*self.turns, turn][-_KEPT_TURNS:]
        self.left = left

    @property
    def names(self) -> set[str]:
        """Variables and functions that a program finds."""
        return {*self.left.variables, *self.left.functions}

    def as_data(self) -> dict[str, Any]:
        """JSON-ready; arrays and shapes as in sandbox/frames.py."""
        return {
            'name': self.name,
            'turns': [asdict(turn) for turn in self.turns],
            'variables': frames.to_plain(dict(self.left.variables)),
            'functions': dict(self.left.functions),
            'imports': list(self.left.imports),
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Session:
        """The opposite of `as_data`."""
        left = Left(
            variables=frames.from_plain(data['variables']),
            functions=data['functions'],
            imports=tuple(data['imports']),
        )
        return cls(data['name'], [SessionTurn(**turn) for turn in data['turns']], left)
