"""The host's part in a run: it answers calls, and looks at the child whenever one comes."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from cap_planner.api import TABLETOP
from cap_planner.budget import Budget, Limits
from cap_planner.sandbox import frames
from cap_planner.sandbox.host import SandboxConfig
from cap_planner.sandbox.program import Call, NestedResult, Outcome, Returned
from escapes.attack import Goal
from escapes.child_state import look_at, use_of

# Far more than the largest frame and what is made of it.
_HOST_BYTES = 300 << 20


class Witness:
    """Of one run.

    Attributes:
        calls: all that were heard, the nonce's among them.
        child: its process, known once it has said the nonce.
        changed: what the kernel says of the child otherwise than at its nonce: before and after.
        memory, cpu_seconds: of the child, used since its nonce, at most.
    """

    def __init__(self, nonce: str, zygote: int, limits: Limits) -> None:
        self.nonce = nonce
        self.calls: list[Call] = []
        self.child: int | None = None
        self.changed: dict[str, tuple[Any, Any]] = {}
        self.memory, self.cpu_seconds = 0, 0.0
        self._nested: list[NestedResult] = []
        self._zygote = zygote
        self._before: dict[str, Any] = {}
        self._memory_before = 0
        self._budget = Budget(limits)
        with open('/proc/self/clear_refs', 'w') as file:
            file.write('5')  # the peak is from now on
        self._host_before, _ = use_of(os.getpid())

    def call(self, call: Call) -> Returned:
        """Answer a call; raises InstructionError over the budget, as the broker does."""
        self._budget.call()
        self.calls.append(call)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the child is gone
            if self.child is not None:
                self._compare(self.child)
            elif call.args == (self.nonce,):
                self.child = self._newest_child()
                self._before = look_at(self.child)
                self._memory_before, _ = use_of(self.child)
        return Returned()

    def nested_result(self, _: Call, result: NestedResult) -> None:
        """Hear the result of a nested program; none was ever given."""
        self._nested.append(result)

    def _newest_child(self) -> int:
        with open(f'/proc/{self._zygote}/task/{self._zygote}/children') as file:
            return int(file.read().split()[-1])

    def _compare(self, child: int) -> None:
        now, before = look_at(child), self._before
        names = {name for name in {*now, *before} if now.get(name) != before.get(name)}
        self.changed |= {name: (before.get(name), now.get(name)) for name in names}
        memory, cpu_seconds = use_of(child)
        self.memory = max(self.memory, memory - self._memory_before)
        self.cpu_seconds = max(self.cpu_seconds, cpu_seconds)

    def said(self) -> str:
        """All words that came out of the child by calls."""
        return repr([(call.args, call.kwargs) for call in self.calls])

    def changes(self) -> dict[Goal, str]:
        """What the child got that it was not given."""
        found = {}
        for name, (before, after) in self.changed.items():
            text = f'{name}: {before!r} became {after!r}'[:300]
            if name == 'threads':
                found[Goal.PROCESS] = text
            elif name == 'descriptors' and any('socket:' in d for d in _new(before, after)):
                found[Goal.SOCKET] = text
            else:
                found[Goal.PRIVILEGE] = text
        return found

    def forgeries(self) -> dict[Goal, str]:
        """Calls that no honest child makes."""
        found = {}
        for call in self.calls:
            if not isinstance(call.name, str) or call.name not in TABLETOP:
                found[Goal.FORGE] = f'a call of {call.name!r}'
            elif any(type(number) is not int for number in (call.id, call.line)):
                found[Goal.FORGE] = 'a call without a number'
            elif not all(isinstance(name, str) for name in call.kwargs):
                found[Goal.FORGE] = 'arguments without a name'
            elif problem := _not_carried([*call.args, dict(call.kwargs)]):
                found[Goal.FORGE] = problem
        if self._nested:
            found[Goal.FORGE] = 'the result of a program that nobody gave'
        return found

    def use(
        self, config: SandboxConfig, calls: int, ends: bool, outcome: Outcome | None
    ) -> dict[Goal, str]:
        """What was used beyond the limits.

        Args:
            ends: the program must be ended before it says another word.
        """
        over = []
        host = use_of(os.getpid())[0] - self._host_before
        if host > _HOST_BYTES:
            over.append(f'{host >> 20} MiB of memory of the host')
        if self.memory > config.memory_bytes:
            over.append(f'{self.memory >> 20} MiB of memory')
        if self.cpu_seconds > config.cpu_seconds + 0.2:
            over.append(f'{self.cpu_seconds:.1f} s of CPU time')
        if len(self.calls) > calls:
            over.append(f'{len(self.calls)} calls')
        if ends and self.child is not None and len(self.calls) > 1:
            over.append('as much time as it wanted')
        if any(len(repr(call.args)) > frames.MAX_BYTES for call in self.calls):
            over.append('a call of more than a frame')
        if outcome is not None:
            if len(outcome.printed) > config.print_limit:
                over.append(f'{len(outcome.printed)} characters printed')
            if _size(outcome.session.variables) > 2 * config.session_bytes:
                over.append('a session of more than its room')
        return {Goal.EXHAUST: ', '.join(over)} if over else {}


def _size(value: Any) -> int:
    try:
        return len(frames.dumps(value))
    except (frames.FrameError, ValueError, RecursionError):
        return 0


def _new(before: list[str], after: list[str]) -> set[str]:
    """What descriptors stand for now and did not before; a copy stands for the same."""
    return {d.partition(' ')[2] for d in after} - {d.partition(' ')[2] for d in before}


def _not_carried(value: Any) -> str:
    try:
        frames.dumps(value)
    except (frames.FrameError, ValueError, RecursionError) as error:
        return '' if 'bytes of data' in str(error) else f'a value that no frame carries: {error}'
    return ''
