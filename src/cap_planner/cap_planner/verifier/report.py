"""What the verifier says of a program."""

from __future__ import annotations

from dataclasses import dataclass

from cap_planner.labels import Label


@dataclass(frozen=True, order=True)
class Violation:
    """One thing that keeps a program from running.

    Attributes:
        line: 1-based; 0: the text as a whole.
        column: 0-based, in characters.
        rule: short name, such as `import` or `endless_loop`.
        message: what is wrong, naming it.
        advice: what to write instead; may be empty.
        label: MODEL_MALFORMED, VERIFIER_REJECTED, UNKNOWN_API or WRONG_ARGUMENTS.
        source: the text of the line.
    """

    line: int
    column: int
    rule: str
    message: str
    advice: str = ''
    label: Label = Label.VERIFIER_REJECTED
    source: str = ''

    def __str__(self) -> str:
        text = f'line {self.line}, column {self.column + 1}: ' if self.line else ''
        text += self.message
        if self.advice:
            text += f' ({self.advice})'
        return f'{text}\n    {self.source}' if self.source else text


@dataclass(frozen=True)
class Undefined:
    """A function that the program calls and nobody has defined.

    Attributes:
        signature: the assignment that the call is the right side of, or the call, as in the paper.
    """

    name: str
    signature: str
    line: int


@dataclass(frozen=True)
class Report:
    """All violations in the order of the text, and the undefined functions in that order."""

    violations: tuple[Violation, ...] = ()
    undefined: tuple[Undefined, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the program may run."""
        return not self.violations

    def __str__(self) -> str:
        return '\n'.join(map(str, self.violations))
