"""Fires attacks at the real sandbox and looks, from outside, at what they touched."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from unittest import mock

from cap_planner.api import TABLETOP
from cap_planner.budget import Limits
from cap_planner.labels import InstructionError
from cap_planner.sandbox import launch
from cap_planner.sandbox.host import Sandbox, SandboxConfig
from cap_planner.sandbox.program import Outcome, Program, Returned, Session
from cap_planner.sandbox.unlayered import UnlayeredSandbox
from escapes.attack import KERNEL_LAYERS, SCOPE_OFF, Attack, Goal, Layer
from escapes.canaries import Canaries, ipc_key
from escapes.numbers import system_calls
from escapes.switches import switched_off
from escapes.witness import Witness

CONFIG = SandboxConfig(cpu_seconds=1, memory_bytes=32 << 20, print_limit=1000, session_bytes=10_000)
CALLS = 40
WALL_SECONDS, SHORT_WALL_SECONDS = 20.0, 0.5
_MANY = 1 << 40

# An honest program whose answer is known, and depends on much of what an attack could poison.
NEXT = """
text = repr([len([1, 2]), 100 + 101, sorted([3, 1]), float(np.linalg.norm([3.0, 4.0])),
             int(np.add(1, 1)), round(math.pi, 6), Point(0.0, 0.0).buffer(1.0).is_valid,
             np.array([1.5]).tolist(), box(0, 0, 2, 2).area, float(np.sqrt(16.0))])
say(text)
"""
# The same in a fresh scope of the attacker's interpreter: what a runtime does that keeps one.
_NEXT_IN_THIS_PROCESS = f"""
found = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close']
modules = found[0].__init__.__globals__['sys'].modules
frame = modules['sys']._getframe()
while 'self' not in frame.f_locals: frame = frame.f_back
child = frame.f_locals['self']
scope = modules['cap_planner.sandbox.scope'].base_scope(child._stubs, child._printed)
modules['builtins'].exec({NEXT!r}, scope)
"""


@dataclass
class Trial:
    """What came of one attack.

    Attributes:
        ran: the nonce was heard: the attack came up to its attempt.
        touched: the goals whose canaries were touched, and how that shows.
        ended: how the sandbox says that the program ended.
    """

    ran: bool = False
    touched: dict[Goal, str] = field(default_factory=dict)
    ended: str = ''


class FiringRange:
    """The sandbox as it is, others whose layers can be switched off, and canaries around them."""

    def __init__(self) -> None:
        self._canaries = Canaries()
        self._real = Sandbox(CONFIG)
        self._weak = UnlayeredSandbox(CONFIG, ())
        self._exposed = UnlayeredSandbox(CONFIG, ())  # its zygote is given the host's environment
        self._facts = {os.uname().version, os.uname().release}
        self._expected = self._next_program(self._real, Session())

    def fire(self, attack: Attack, off: Collection[str], *, follow: bool = True) -> Trial:
        """Run an attack with these layers off, and look what it touched.

        Args:
            follow: run an honest program of the same session after it.
        """
        sandbox = self._sandbox(off)
        nonce = secrets.token_hex(8)
        told = {
            **self._canaries.variables(),
            **{'nonce': nonce, 'ipc_key': ipc_key(nonce), 'nr': _numbers(attack)},
        }
        limits = Limits(*[_MANY] * len(dataclasses.fields(Limits)))
        if Layer.CALLS not in off:
            limits = dataclasses.replace(limits, calls=CALLS)
        trial = Trial()
        with self._secret_in_environment(sandbox), switched_off(off):
            if sandbox._zygote is None or not sandbox._zygote.alive():
                sandbox.start()
            zygote = self._zygote(sandbox)
            witness = Witness(nonce, zygote, limits)
            outcome = self._run(sandbox, attack, off, witness, Session(told), trial)
        trial.ran = witness.child is not None
        self._look(trial, attack, sandbox, witness, outcome, told)
        if follow or Layer.FORK in off:
            self._look_at_the_next_program(trial, off, sandbox, witness, outcome, zygote)
        if not self._canaries.reset(nonce, self._processes(), witness.child):
            sandbox.stop()
            self._canaries.reset(nonce, self._processes(), witness.child)
        return trial

    def _run(
        self,
        sandbox: Sandbox,
        attack: Attack,
        off: Collection[str],
        witness: Witness,
        session: Session,
        trial: Trial,
    ) -> Outcome | None:
        before = SCOPE_OFF if Layer.SCOPE in off else ''
        after = _NEXT_IN_THIS_PROCESS if Layer.FORK in off else ''
        try:
            outcome = sandbox.run(
                Program(before + attack.program + after, TABLETOP, session),
                witness.call,
                wall_seconds=WALL_SECONDS if Layer.WALL in off else _wall_seconds(attack),
                on_nested_result=witness.nested_result,
            )
        except InstructionError as error:  # over a budget, by which the broker ends a program
            trial.ended = str(error)
            return None
        except Exception as error:
            trial.ended = f'the host raised {type(error).__name__}: {error}'[:200]
            trial.touched |= {Goal.FORGE: trial.ended, Goal.EXHAUST: trial.ended}
            return None
        trial.ended = f'{outcome.status}: {outcome.text}'
        return outcome

    def _look(
        self,
        trial: Trial,
        attack: Attack,
        sandbox: Sandbox,
        witness: Witness,
        outcome: Outcome | None,
        told: dict[str, object],
    ) -> None:
        zygote = self._zygote(sandbox)
        known = self._processes() | {witness.child or 0}
        trial.touched |= self._canaries.touched(witness.nonce, known)
        trial.touched |= witness.changes() | witness.forgeries()
        trial.touched |= witness.use(CONFIG, CALLS, Layer.WALL in attack.layers, outcome)
        said = witness.said()
        if outcome is not None:
            own = {k: v for k, v in outcome.session.variables.items() if k not in told}
            said += outcome.text + outcome.printed + repr(own)
        if any(word in said for word in (self._canaries.secret, *self._facts)):
            learned = attack.goal is Goal.INFORMATION
            trial.touched[Goal.INFORMATION if learned else Goal.READ_FILE] = 'a secret was heard'
        if sandbox._zygote is None or not sandbox._zygote.alive():
            trial.touched[Goal.SIGNAL] = f'the zygote {zygote} is gone'

    def _look_at_the_next_program(
        self,
        trial: Trial,
        off: Collection[str],
        sandbox: Sandbox,
        witness: Witness,
        outcome: Outcome | None,
        zygote: int,
    ) -> None:
        if Layer.FORK in off:
            answer = str(witness.calls[-1].args[0]) if witness.calls else ''
        else:
            answer = self._next_program(sandbox, outcome.session if outcome else Session())
            if self._zygote(sandbox) != zygote:  # the host mends that, so its answer does not tell
                trial.touched[Goal.NEXT_PROGRAM] = 'the next program needed a new zygote'
        if answer != self._expected:
            trial.touched[Goal.NEXT_PROGRAM] = f'the next program said {answer[:200]!r}'
            if self._next_program(sandbox, Session()) != self._expected:
                sandbox.stop()  # more than the session is poisoned

    def _next_program(self, sandbox: Sandbox, session: Session) -> str:
        """What the next program of the session says."""
        said: list[str] = []

        def on_call(call):
            said.append(str(call.args[0]))
            return Returned()

        program = Program(NEXT, TABLETOP, session)
        try:
            outcome = sandbox.run(program, on_call, wall_seconds=WALL_SECONDS)
        except Exception as error:
            return f'the host raised {type(error).__name__}: {error}'
        return ' | '.join(said) or outcome.text

    def _sandbox(self, off: Collection[str]) -> Sandbox:
        config = CONFIG
        if Layer.PRINTED in off:
            config = dataclasses.replace(config, print_limit=_MANY)
        if Layer.ROOM in off:
            config = dataclasses.replace(config, session_bytes=_MANY)
        skip = frozenset(off) & frozenset(KERNEL_LAYERS)
        if not skip and Layer.LAUNCH not in off:
            self._real.config = config
            return self._real
        sandbox = self._exposed if Layer.LAUNCH in off else self._weak
        sandbox.config, sandbox.skip = config, skip
        return sandbox

    @contextlib.contextmanager
    def _secret_in_environment(self, sandbox: Sandbox) -> Iterator[None]:
        secret = {'CANARY': self._canaries.secret}
        with mock.patch.dict(os.environ, secret), contextlib.ExitStack() as stack:
            if sandbox is self._exposed:
                stack.enter_context(mock.patch.dict(launch._ENVIRONMENT, os.environ))
            yield

    @staticmethod
    def _zygote(sandbox: Sandbox) -> int:
        return sandbox._zygote.pid if sandbox._zygote else 0

    def _processes(self) -> set[int]:
        return {self._zygote(s) for s in (self._real, self._weak, self._exposed)}

    def close(self) -> None:
        """End the zygotes and take the canaries away."""
        for sandbox in (self._real, self._weak, self._exposed):
            sandbox.stop()
        self._canaries.close()


def _numbers(attack: Attack) -> dict[str, int]:
    return {k: number for k, number in system_calls().items() if f"'{k}'" in attack.program}


def _wall_seconds(attack: Attack) -> float:
    return SHORT_WALL_SECONDS if Layer.WALL in attack.layers else WALL_SECONDS
