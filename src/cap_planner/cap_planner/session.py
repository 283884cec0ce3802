"""What one session keeps between instructions: data, never a process. No ROS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cap_planner.api.spec import Api
from cap_planner.lmp import SessionTurn
from cap_planner.sandbox import frames
from cap_planner.sandbox.program import Session as Left
from cap_planner.sandbox.scope import protected_names
from cap_planner.verifier import defined_functions, verify

MAX_TURNS = 50
"""Earlier instructions that are kept; how many of them a prompt has: window.py."""


class UnreadableSessionError(Exception):
    """What was kept of a session is damaged, or of another release."""


def session_key(domain: str, name: str) -> str:
    """Under which a session is kept: what one domain's programs leave, no other's can use."""
    return f'{domain}/{name}'


@dataclass
class Session:
    """Earlier instructions, and what their programs left behind."""

    name: str
    turns: list[SessionTurn] = field(default_factory=list)
    left: Left = field(default_factory=Left)

    def remember(self, turn: SessionTurn, left: Left) -> None:
        """Add an instruction that was carried out, or did something before it failed."""
        self.turns = [*self.turns, turn][-MAX_TURNS:]
        self.left = left

    @property
    def names(self) -> set[str]:
        """Variables and functions that a program finds."""
        return {*self.left.variables, *defined_functions(*self.left.functions.values())}

    def verified(self, api: Api) -> Session:
        """Without what no program may leave behind by now: it was kept by another release."""
        imports, names = self.left.imports, self.names
        functions = {
            name: text
            for name, text in self.left.functions.items()
            if verify(text, api, known=names, imports=imports).ok
        }
        protected = protected_names(api)
        variables = {
            name: value for name, value in self.left.variables.items() if name not in protected
        }
        left = replace(self.left, variables=variables, functions=functions)
        return replace(self, left=left)

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
        """The opposite of `as_data`.

        Raises:
            UnreadableSessionError: it is not what `as_data` makes.
        """
        try:
            left = Left(
                variables=dict(frames.from_plain(data['variables'])),
                functions={name: _text(text) for name, text in data['functions'].items()},
                imports=tuple(map(_text, data['imports'])),
            )
            return cls(_text(data['name']), [_turn(turn) for turn in data['turns']], left)
        except (LookupError, TypeError, ValueError, AttributeError, frames.FrameError) as error:
            raise UnreadableSessionError(f'{type(error).__name__}: {error}') from error


def _turn(data: Mapping[str, Any]) -> SessionTurn:
    return SessionTurn(
        _text(data['query']),
        _text(data['context']),
        _text(data['program']),
        dropped=tuple(map(_text, data.get('dropped', ()))),
        done=tuple(map(_text, data.get('done', ()))),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f'{value!r:.100} is no text')
    return value
