"""The sandbox as the planner uses it: start it, run one program at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import replace

from cap_planner.sandbox.confine import LAYERS
from cap_planner.sandbox.launch import Zygote, ZygoteError
from cap_planner.sandbox.program import (
    Call,
    NestedResult,
    Outcome,
    Program,
    Reply,
    SandboxConfig,
    SandboxUnavailableError,
    Status,
)
from cap_planner.sandbox.run import Listener, Run
from cap_planner.sandbox.start import FaultyProgramError, prepared

__all__ = ['Sandbox', 'SandboxConfig']


_END_SECONDS = 5.0


def _never() -> bool:
    return False


def _nothing(*_: object) -> None:
    pass


class Sandbox:
    """Runs programs, each in a confined process of its own, forked from one zygote.

    Raises:
        ValueError: `allow_missing` names a layer that does not exist.
    """

    def __init__(self, config: SandboxConfig) -> None:
        unknown = set(config.allow_missing) - set(LAYERS)
        if unknown:
            raise ValueError(f'no layer {sorted(unknown)}; the layers are {", ".join(LAYERS)}')
        self.config = config
        self._zygote: Zygote | None = None
        # Of the thread that runs a program: one of its calls may have a function tried.
        self._lock = threading.RLock()
        self._run: Run | None = None

    def start(self) -> None:
        """Start the zygote and see that a child of it gets all layers. `run` would do it, too.

        Raises:
            SandboxUnavailableError: naming each missing layer and why.
        """
        with self._lock:
            try:
                run = self._fork((), b'')
            except ZygoteError as error:
                raise SandboxUnavailableError(str(error)) from error
            try:
                run.wait_until_ready()
            finally:
                run.kill()
                run.close()

    def run(
        self,
        program: Program,
        on_call: Callable[[Call], Reply],
        *,
        wall_seconds: float,
        canceled: Callable[[], bool] = _never,
        on_nested_result: Callable[[Call, NestedResult], None] = _nothing,
        on_answered: Callable[[], None] = _nothing,
    ) -> Outcome:
        """Run a program to its end, on the caller's thread.

        Args:
            on_call: answers a call; may block for long, and its time does not count. What it raises
                ends the program and comes out of `run`.
            wall_seconds: of the child's own time, on the steady clock.
            canceled: asked every `poll_seconds` while the child computes.
            on_nested_result: told what a program given by `Nested` came to, for the record.
            on_answered: called when the answer of a call has been sent, or cannot be: the time for
                what the program need not wait for.
        """
        try:
            program, start, dropped = prepared(program)
        except FaultyProgramError as fault:
            text = fault.error.message
            return Outcome(Status.PROGRAM_ERROR, text, program.session, error=fault.error)
        with self._lock:
            try:
                run = self._fork(program.api, start)
            except (ZygoteError, SandboxUnavailableError) as error:
                return Outcome(Status.UNAVAILABLE, str(error), program.session)
            outer, self._run = self._run, run
            try:
                listener = Listener(on_call, on_answered, on_nested_result)
                outcome = run.execute(program, listener, wall_seconds, canceled)
                left = outcome.session
                for name in (*left.variables, *left.functions, *left.imports):
                    dropped.pop(name, None)  # the program has set it again
                return replace(outcome, dropped={**dropped, **outcome.dropped})
            finally:
                self._run = outer
                run.kill()
                run.close()

    def is_program_gone(self) -> bool:
        """Whether the process of the running program has ended: nobody waits for its call.

        For `on_call` and what it calls, on their thread.
        """
        return self._run is not None and self._run.has_ended()

    def stop(self) -> None:
        """End the zygote. A later run starts a new one."""
        with self._lock:
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None

    def _fork(self, api: Collection[str], start: bytes) -> Run:
        zygote = self._living_zygote()
        try:
            return Run(self.config, zygote, api, start)
        except ZygoteError:
            if not zygote.ends_within(_END_SECONDS):
                raise
        # It ended between two programs, or hung: none of them has to pay for that.
        return Run(self.config, self._living_zygote(), api, start)

    def _living_zygote(self) -> Zygote:
        if self._zygote is not None and not self._zygote.alive():
            self._zygote.close()
            self._zygote = None
        if self._zygote is None:
            self._zygote = Zygote(self.config.start_seconds)
        return self._zygote

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
