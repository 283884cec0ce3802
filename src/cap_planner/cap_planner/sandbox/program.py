"""What goes into the sandbox and what comes out of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cap_common.errors import CapError
from cap_planner.api.spec import Api


@dataclass(frozen=True)
class SandboxConfig:
    """How programs are confined.

    The numbers belong to the sandbox and not to a robot or a site, so they stand here and not in
    config/; the planner's parameters `sandbox.<name>` set others.

    Attributes:
        cpu_seconds: CPU time of one program.
        memory_bytes: memory of one program, beyond that of an idle child.
        start_seconds: until a zygote, or a child of it, must be ready.
        poll_seconds: how often `canceled` is asked.
        print_limit: characters of printed text that are kept.
        session_bytes: room for the variables that live on, as frames; as much again for functions
            and imports.
        allow_missing: layers without which programs run all the same (the operator's word).
    """

    cpu_seconds: int = 10
    memory_bytes: int = 512 * 1024 * 1024
    start_seconds: float = 30.0
    poll_seconds: float = 0.02
    print_limit: int = 10_000
    session_bytes: int = 1_000_000
    allow_missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Session:
    """What lives on between programs: data, and the source text of functions and imports."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """One program to run. The verifier has seen all of its text.

    Attributes:
        functions: sources by name, generated for this program; they join the session.
        seed: of numpy's global random numbers, so that a replay draws the same.
    """

    source: str
    api: Api
    session: Session = field(default_factory=Session)
    functions: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True)
class Call:
    """A call that the program makes.

    Attributes:
        line: of the top-level program, 1-based; 0 outside of it.
        depth: 0 for the program, 1 for a program that answers one of its calls, and so on.
    """

    id: int
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    line: int
    depth: int


@dataclass(frozen=True)
class Returned:
    """The call has this value, or None."""

    value: Any = None


@dataclass(frozen=True)
class Raised:
    """The call raises; the program can catch it by the name of its class."""

    type: str
    message: str

    @classmethod
    def of(cls, error: CapError) -> Raised:
        """The same error, in the program."""
        return cls(type(error).__name__, str(error))


@dataclass(frozen=True)
class Nested:
    """The call's value is what this verified program leaves in the variable `returns`.

    It runs in the child, over the API, the functions known so far and `variables`; keyword
    arguments of the call that the API does not name are variables, too.
    """

    source: str
    returns: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)


Reply = Returned | Raised | Nested


@dataclass(frozen=True)
class NestedResult:
    """What a nested program came to; `value` counts when `error` is None."""

    value: Any
    error: tuple[str, str] | None


class Status(enum.StrEnum):
    """How a run ended."""

    FINISHED = 'finished'
    PROGRAM_ERROR = 'program_error'
    """The program raised; see `Outcome.error`."""
    KILLED = 'killed'
    """Over a budget, or canceled; see `Outcome.budget`."""
    VIOLATION = 'violation'
    """It made a forbidden system call, or sent what is no frame."""
    UNAVAILABLE = 'sandbox_unavailable'
    """It did not run: a layer is missing, or the zygote cannot be started."""
    LOST = 'process_lost'
    """It ran, and its process is gone without a word why."""


class Budget(enum.StrEnum):
    """Why a program was killed."""

    WALL = 'wall'
    CPU = 'cpu'
    MEMORY = 'memory'
    FRAMES = 'frames'
    CANCELED = 'canceled'


@dataclass(frozen=True)
class Place:
    """A frame of a program's trace.

    Attributes:
        where: 'program', 'function NAME' (of the session) or 'LMP NUMBER' (a nested program).
        function: the function in it, or '<module>'.
        source: the line's text.
    """

    where: str
    function: str
    line: int
    source: str


@dataclass(frozen=True)
class ProgramError:
    """The exception that ended a program.

    Attributes:
        type: class name, such as ObjectNotFoundError or ZeroDivisionError.
        line: of the top-level program, 1-based; 0 if it was not running yet.
        trace: outermost first; only frames of program text.
    """

    type: str
    message: str
    line: int
    trace: tuple[Place, ...]

    def describe(self) -> str:
        """For a model's repair and a person: the failing line, then the error."""
        lines = [
            f'{place.where}, line {place.line}, in {place.function}: {place.source}'
            for place in self.trace
        ]
        return '\n'.join([*lines, f'{self.type}: {self.message}'])


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and what it leaves.

    Attributes:
        session: the new session if it finished, otherwise the old one.
        dropped: variables that do not live on, with the reason.
        text: one sentence for people.
        child_seconds: wall time without that spent inside `on_call`.
    """

    status: Status
    text: str
    session: Session
    dropped: Mapping[str, str] = field(default_factory=dict)
    printed: str = ''
    error: ProgramError | None = None
    budget: Budget | None = None
    child_seconds: float = 0.0
    cpu_seconds: float = 0.0


class SandboxUnavailableError(CapError):
    """Programs cannot be run safely here; the text says which layer is missing and why."""

    name = 'SANDBOX_UNAVAILABLE'
