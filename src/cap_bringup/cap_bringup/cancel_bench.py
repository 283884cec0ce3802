"""Goals that are canceled in each of their phases, in the simulated cell: what `bench cancel` runs.

A goal is carried out once as it is, and then, in the same world, canceled at some moment: physics
repeats to the last bit, so the arm has begun to brake where the two runs part. No ROS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cap_bringup.braking import STILL_RAD_S
from cap_bringup.cell_robot import BenchCell
from cap_common.errors import CanceledError, CapError
from cap_sim.cell import Cell
from cap_sim.layout import Layout, random_layout
from cap_skills.call import Call
from cap_skills.model import Joints, Place, Vector

# config/sim.yaml: brake_deceleration [rad/s^2].
DECELERATION = 8.0
# As asked for [s]: until braking begins, and to rest beyond v / DECELERATION.
MOST_UNTIL_BRAKING_S, MOST_BEYOND_S = 0.020, 0.050
_BLOCKS, _BOWLS = 4, 3
_SETTLE_STEPS, _AFTER_STEPS = 250, 300
_HEXAGON = 0.06 * np.column_stack(
    [np.cos(np.arange(7) * np.pi / 3), np.sin(np.arange(7) * np.pi / 3)]
)


@dataclass(frozen=True)
class Step:
    """The arm after one step of the physics.

    Attributes:
        q: where it is to be, (6,) [rad].
        follows: a plan: it neither stands, nor brakes for contact.
        qd: how fast it is, (6,) [rad/s].
    """

    time_s: float
    q: Joints
    follows: bool
    qd: Vector

    @property
    def speed(self) -> float:
        """Of the fastest joint [rad/s]."""
        return float(np.abs(self.qd).max())


@dataclass(frozen=True)
class Phase:
    """One phase of a goal, in simulated time [s]."""

    name: str
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Cancel:
    """What a cancellation led to.

    Attributes:
        phase: in which it came.
        speed: of the fastest joint when braking began [rad/s].
        until_s: from the cancellation until braking began; 0: the arm stood.
        beyond_s: from there to rest, beyond what that speed takes.
        held: what was held; empty: nothing.
        why: it did not go well; empty: it did.
    """

    phase: str
    speed: float
    until_s: float
    beyond_s: float
    held: str
    why: str

    @property
    def good(self) -> bool:
        """Whether it went as asked for."""
        in_time = self.until_s <= MOST_UNTIL_BRAKING_S and self.beyond_s <= MOST_BEYOND_S
        return in_time and not self.why


class _NotedCell(Cell):
    """A cell that notes each step of its arm."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.steps: list[Step] = []
        self._brakes = False

    def step(self, count: int) -> None:
        """See Cell."""
        for _ in range(count):
            super().step(1)
            to_be = self.reference()
            stands = not to_be.qd.any()
            self._brakes &= not stands
            follows = not (stands or self._brakes)
            self.steps.append(Step(self.time_s, to_be.q, follows, self.state().qd))

    def brake(self, *args: Any) -> None:
        """See Cell."""
        super().brake(*args)
        self._brakes = True


class _Run:
    """A world, one goal in it, and how the arm moves.

    Args:
        cancel_s: when the goal is canceled, in simulated time [s].
    """

    def __init__(self, seed: int, tool: str, config: Path, cancel_s: float = np.inf) -> None:
        draws = tool == 'marker'
        layout = Layout(()) if draws else random_layout(seed, _BLOCKS, _BOWLS)
        self.bench = BenchCell(layout, config, tool, cell_type=_NotedCell)
        self.bench.cell.step(_SETTLE_STEPS)
        self.phases: list[Phase] = []
        self._cancel_s = cancel_s
        names = sorted(item.name for item in self.bench.scene().items)
        self._block = next((name for name in names if name.endswith('block')), '')
        self._bowl = next((name for name in names if name.endswith('bowl')), '')
        self.goal: Callable[[Call], object] = self._draw if draws else self._pick_and_place

    def carry_out(self) -> bool:
        """Carry the goal out; whether it was canceled."""
        try:
            self.goal(Call(self._check, self._tell))
        except CanceledError:
            return True
        finally:
            self._tell('')
        return False

    def next_goal(self) -> str:
        """Carry another goal out; why it did not work, or ''."""
        self._cancel_s = np.inf
        try:
            if self._block:
                call = Call(self._check, self._tell)
                self.bench.skills.pick_place(Place(self._block), Place(self._bowl), call)
                self.wait()
                block, bowl = self.bench.item(self._block), self.bench.item(self._bowl)
                away = float(np.hypot(*(block.center - bowl.center)[:2]))
                return '' if away < bowl.radius / 2 else f'it is {away:.3f} m off its bowl'
            self._draw(Call(self._check, self._tell))
        except CapError as error:
            return f'{type(error).__name__}: {error}'
        return ''

    def wait(self) -> None:
        """Half a second and more."""
        self.bench.cell.step(_AFTER_STEPS)

    @property
    def steps(self) -> list[Step]:
        """All so far."""
        assert isinstance(self.bench.cell, _NotedCell)
        return self.bench.cell.steps

    def held(self) -> str:
        """Name of what the tool holds; empty: nothing."""
        return self.bench.cell.state().tool.held

    def _pick_and_place(self, call: Call) -> None:
        self.bench.skills.pick(Place(self._block), call)
        self.bench.skills.place(Place(self._bowl), call)

    def _draw(self, call: Call) -> None:
        assert self.bench.drawing is not None
        self.bench.drawing.draw(_HEXAGON, call)
        self.bench.drawing.erase(_HEXAGON, call)

    def _check(self) -> None:
        if self.bench.cell.time_s >= self._cancel_s:
            raise CanceledError('canceled by the benchmark')

    def _tell(self, text: str) -> None:
        now = self.bench.cell.time_s
        if self.phases:
            last = self.phases[-1]
            self.phases[-1] = Phase(last.name, last.begin_s, now)
        self.phases.append(Phase(text, now, now))


class CancelBench:
    """One world, in which a goal is canceled again and again.

    Attributes:
        phases: of the goal, those in which time goes by.
    """

    def __init__(self, seed: int, tool: str, config: Path) -> None:
        self._seed, self._tool, self._config = seed, tool, config
        whole = _Run(seed, tool, config)
        if whole.carry_out():
            raise AssertionError('a goal that nobody cancels was canceled')
        self._steps = whole.steps
        self.phases = [phase for phase in whole.phases if phase.end_s > phase.begin_s]

    def cancel(self, phase: Phase, share: float) -> Cancel:
        """Cancel the goal when so much of a phase is over, 0 to 1."""
        at_s = phase.begin_s + share * (phase.end_s - phase.begin_s)
        run = _Run(self._seed, self._tool, self._config, at_s)
        why = '' if run.carry_out() else 'it was not canceled'
        held = run.held()
        run.wait()
        begin, rest = braking(self._steps, run.steps, at_s)
        stood = run.steps[-1].q
        # A release that has begun goes on: what is let go stands where it was put.
        lets_go = phase.name.startswith('release')
        if not why and held and not lets_go and run.held() != held:
            why = f'{held} was held, and then {run.held() or "nothing"}'
        if not why and np.abs(run.bench.cell.state().q - stood).max() > 0.01:
            why = 'the arm does not stay where it stands'
        why = why or run.next_goal()
        return Cancel(
            phase.name.split()[0],
            begin.speed,
            max(begin.time_s - at_s, 0.0),
            max(rest.time_s - begin.time_s, 0.0) - begin.speed / DECELERATION,
            held,
            why,
        )


def braking(whole: Sequence[Step], steps: Sequence[Step], at_s: float) -> tuple[Step, Step]:
    """The first step in which the arm braked, or stood, and the first one at rest for good.

    Args:
        whole: of the run that nobody canceled.
        steps: of one that was, until the arm stood.
        at_s: when [s].
    """
    rest = len(steps) - 1
    while rest > 0 and steps[rest - 1].speed <= STILL_RAD_S:
        rest -= 1
    begin = next(index for index, step in enumerate(steps) if step.time_s >= at_s - 1e-9)
    while whole[begin].follows and np.array_equal(whole[begin].q, steps[begin].q):
        begin += 1
    return steps[begin], steps[max(begin, rest)]
