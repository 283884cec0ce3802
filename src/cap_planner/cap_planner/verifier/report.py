"""What the verifier says of a program."""

from __future__ import annotations

from dataclasses import dataclass

from cap_planner.labels import Label

# Of one report a model is told so much: the first faults often bring about the rest.
_MOST_TOLD = 20
_MOST_SOURCE = 80
_MOST_TEXT = 400


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
        source: the text of the line, around the column; see `excerpt`.
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
        text += shortened(self.message, _MOST_TEXT)
        if self.advice:
            text += f' ({shortened(self.advice, _MOST_TEXT)})'
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

    @property
    def told(self) -> list[str]:
        """The first violations as texts, and how many more there are: what a model can use."""
        more = len(self.violations) - _MOST_TOLD
        texts = [str(violation) for violation in self.violations[:_MOST_TOLD]]
        return [*texts, f'and {more} more'] if more > 0 else texts

    def __str__(self) -> str:
        return '\n'.join(self.told)


def excerpt(line: str, column: int) -> str:
    """What of a line stands around a column (0-based): a line may be as long as a program."""
    first = max(0, min(column - _MOST_SOURCE // 2, len(line) - _MOST_SOURCE))
    text = line[first : first + _MOST_SOURCE].strip()
    before = '...' if line[:first].strip() else ''
    after = '...' if line[first + _MOST_SOURCE :].strip() else ''
    return f'{before}{text}{after}'


def shortened(text: str, most: int) -> str:
    """The text, cut to so many characters."""
    return text if len(text) <= most else f'{text[: most - 3]}...'
