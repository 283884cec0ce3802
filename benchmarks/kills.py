"""kill -9 and `stop` at random moments of motion: when the arm brakes, and what comes after.

./cap bench kills                         # 200 kills and 30 stops
./cap bench kills --trials 10 --stops 2   # a few

The arm carries a block to and fro. At a random moment at which it moves, one process gets SIGKILL:
the sandbox's process that runs the program, planner, skills, guard or perception, in turn; or the
`stop` service is called. This process reads what the simulator publishes 125 times a simulated
second, with the times at which it did; cap_bringup/braking.py tells braking from a plan that slows
down anyway. In each trial it is asked whether

- braking is seen, or the plan has ended and no other was begun, within the bound after the kill, or
  after `stop` was called (wall);
- every joint is below 0.01 rad/s within v/a + 50 ms of simulated time after the last sample that
  was on the plan: v is the fastest joint's speed in that sample, a the configured deceleration;
- what the cup held, by its vacuum, it held until the next instruction;
- the caller of the instruction was told an error;
- the next instruction, once the system is ready again, moves a block where it is to be.

A trial whose motion already ended by itself at the moment of the kill (contact was felt) says
nothing of the kill, and is done again. The exit status is 0 if nothing was otherwise in any trial.
"""

import argparse
import itertools
import os
import pickle
import random
import select
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from ament_index_python.packages import get_package_share_directory

from cap_bringup.braking import STILL_RAD_S
from cap_bringup.campaign import draw_seeds
from cap_bringup.client import NotReadyError
from cap_bringup.testing import (
    MotionRecorder,
    RunningSystem,
    ScriptedModelServer,
    evidence_folder,
    running_system,
)
from cap_common.errors import CapError
from cap_eval.wilson import wilson_interval

VICTIMS = ('child', 'planner', 'skills', 'guard', 'perception')
STOP = 'stop'
BEGIN_S = {**dict.fromkeys(VICTIMS, 0.200), STOP: 0.060}
REST_S = 0.050
FALL_M = 0.005  # what was set down settles by less
TOLD_S = 30.0
MOTION_S = 6.0  # of one instruction: the kill comes somewhere in it
CORNERS = ((-0.2, -0.7), (0.2, -0.7))
NEXT = ((-0.2, -0.22), (0.2, -0.22))


def configured(node: str, name: str) -> float:
    """A parameter as config/<node>.yaml has it."""
    share = Path(get_package_share_directory('cap_bringup'))
    text = (share / 'config' / f'{node}.yaml').read_text(encoding='utf-8')
    values = yaml.safe_load(text)[f'/**/{node}']['ros__parameters']
    for key in name.split('.'):
        values = values[key]
    return values


DECELERATION = configured('sim', 'brake_deceleration')
SEALED_PA = configured('skills', 'suction.sealed_below')


@dataclass
class Trial:
    """What came of one kill. Seconds on the wall, but for `over`, which is simulated.

    Attributes:
        struck_at: when the signal was sent or `stop` called, of the wall clock.
        gone: from then until the kernel had ended the process.
        speed: of the fastest joint, then [rad/s].
        planned: the plan came to its end before braking was seen.
        begin: until braking was seen.
        over: from the begin of braking to rest, beyond v/a.
        held, dropped: whether something was on the cup, and fell from it afterwards.
        told: until the caller had its answer.
        load: of the machine, then: how many threads want a core.
        next_error: why the next instruction did not work.
    """

    victim: str
    struck_at: float = 0.0
    gone: float = 0.0
    speed: float = 0.0
    planned: bool = False
    begin: float = float('inf')
    over: float = float('inf')
    held: bool = False
    dropped: bool = False
    told: float = float('inf')
    answer: str = ''
    load: float = 0.0
    next_error: str = 'not asked'

    @property
    def failures(self) -> list[str]:
        """What is not as it should be."""
        return [
            name
            for name, failed in (
                ('begin', self.begin > BEGIN_S[self.victim]),
                ('rest', self.over > REST_S),
                ('dropped', self.dropped),
                ('told', self.told > TOLD_S),
                ('next', bool(self.next_error)),
            )
            if failed
        ]

    def __str__(self) -> str:
        return (
            f'{self.struck_at:.3f} {self.victim:10s} {self.speed:5.2f} rad/s '
            f'gone {1000 * self.gone:3.0f} ms '
            f'{"plan ends" if self.planned else "brakes":9s} {1000 * self.begin:5.0f} ms  '
            f'v/a {1000 * self.over:+5.0f} ms  {"held" if self.held else "":4s}  '
            f'told {self.told:5.2f} s  load {self.load:4.1f}  {" ".join(self.failures) or "ok"}'
            f'  [{self.answer}{"; next: " if self.next_error else ""}{self.next_error}]'
        )


class Caller:
    """Somebody who has sent an instruction and waits for what comes of it."""

    def __init__(self, system: RunningSystem) -> None:
        self._system = system
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.error = ''
        self.ended_at = float('inf')
        self._thread.start()

    def _run(self) -> None:
        try:
            self.error = self._system.client.execute('do it', timeout_s=120.0).error_msg
        except CapError as error:
            self.error = str(error)
        self.ended_at = time.time()

    def wait(self, timeout_s: float) -> None:
        """Until it is told, or not."""
        self._thread.join(timeout_s)

    @property
    def waits(self) -> bool:
        """Whether nothing came yet."""
        return self._thread.is_alive()


class Bench:
    """A running system and what is done to it."""

    def __init__(
        self, system: RunningSystem, model: ScriptedModelServer, recorder: MotionRecorder
    ) -> None:
        self._system, self._model, self._recorder = system, model, recorder

    def trial(self, victim: str, chance: random.Random) -> Trial | None:
        """One, with the next instruction; None: it said nothing."""
        trial = Trial(victim)
        try:
            return trial if self._carry_out(trial, chance) else None
        except CapError as error:
            # A system that does not come up again, too, is a result.
            trial.next_error = str(error)
            self._system.wait_ready()
            return trial

    def _carry_out(self, trial: Trial, chance: random.Random) -> bool:
        """Fill it in; returns whether it says something of the kill."""
        victim = trial.victim
        caller = self._begin_motion(victim, chance)
        if caller is None:
            return False
        self._strike(trial)
        caller.wait(TOLD_S)
        if not caller.waits and caller.error:
            trial.told, trial.answer = caller.ended_at - trial.struck_at, caller.error
        self._rest()
        if victim == STOP:
            self._system.client.resume('kills')
        self._system.wait_ready()
        # Only now: nothing may have set the arm in motion again.
        says_something = self._judge(trial)
        trial.next_error = self._next(chance)
        return says_something or bool(trial.next_error)

    def _begin_motion(self, victim: str, chance: random.Random) -> Caller | None:
        """Until a moment at which the arm moves; None: the instruction was over before."""
        (block,) = self._system.client.world().blocks
        corners = sorted(CORNERS, key=lambda c: abs(c[0] - block.position[0]), reverse=True)
        program = '\n'.join(put(block.name, corner) for corner in corners * 2)
        self._model.answer = lambda _: program
        self._recorder.forget()
        caller = Caller(self._system)
        self._wait(lambda: self._recorder.plans or not caller.waits, 30.0)
        pause = threading.Event()
        pause.wait(chance.uniform(0.0, MOTION_S))
        self._wait(lambda: self._can_strike(victim) or not caller.waits, 30.0)
        if not caller.waits:
            print(f'over before the kill: {caller.error or "carried out"}', flush=True)
            self._system.wait_ready()
            return None
        return caller

    def _can_strike(self, victim: str) -> bool:
        if victim == 'child':
            try:
                self._system.pid(victim)
            except LookupError:
                # Before the first program the arm may move out of the camera's sight.
                return False
        return self._recorder.samples[-1].speed > 2 * STILL_RAD_S

    def _strike(self, trial: Trial) -> None:
        trial.load = os.getloadavg()[0]
        trial.struck_at = time.time()
        if trial.victim == STOP:
            answer = self._system.client.stop('kills', 'a benchmark')
            if answer.state != answer.STOPPED:
                print(f'stop says {answer.state}: {answer.why}', flush=True)
            return
        process = os.pidfd_open(self._system.pid(trial.victim))
        trial.struck_at = time.time()
        signal.pidfd_send_signal(process, signal.SIGKILL)
        select.select([process], [], [])
        trial.gone = time.time() - trial.struck_at
        os.close(process)

    def _rest(self) -> None:
        """Until the arm has stood for a quarter of a second."""
        samples = self._recorder.samples
        self._wait(lambda: max(s.speed for s in samples[-31:]) < STILL_RAD_S, 20.0)

    def _judge(self, trial: Trial) -> bool:
        """Fill in what the simulator has shown; returns whether it says something of the kill."""
        try:
            found = self._recorder.braking(trial.struck_at, timeout_s=1.0)
        except TimeoutError:
            return True
        if found.planned and found.told.wall_s - trial.struck_at < BEGIN_S[trial.victim]:
            # Until then it need not brake, and from then on nobody can tell: its plan ended.
            return False
        trial.planned = found.planned
        trial.speed = found.left.speed
        trial.begin = found.seen.wall_s - trial.struck_at
        trial.over = found.rest.time_s - found.left.time_s - trial.speed / DECELERATION
        before = [pa for at, pa in self._recorder.pressures if at <= trial.struck_at]
        after = [pa for at, pa in self._recorder.pressures if at > trial.struck_at]
        trial.held = before[-1] < SEALED_PA
        trial.dropped = trial.held and max(after) > SEALED_PA and self._fell(trial.struck_at)
        return trial.begin > 0.0

    def _fell(self, after_wall_s: float) -> bool:
        """Whether the block came down once it was let go; what was set down before lies still."""
        lost = min(
            at for at, pa in self._recorder.pressures if at > after_wall_s and pa > SEALED_PA
        )
        heights = self._recorder.heights
        before = [z for at, z in heights if at <= lost]
        return not before or before[-1] - heights[-1][1] > FALL_M

    def _next(self, chance: random.Random) -> str:
        """Why the next instruction did not work; empty: it did."""
        goal = chance.choice(NEXT)
        (block,) = self._system.client.world().blocks
        self._model.answer = lambda _: put(block.name, goal)
        try:
            result = self._system.client.execute('do it', timeout_s=60.0)
            if result.error_code:
                return str(result.error_msg)
            x, y, _ = self._system.client.world().get(block.name).position
        except CapError as error:
            return str(error)
        off = max(abs(x - goal[0]), abs(y - goal[1]))
        return '' if off < 0.02 else f'{block.name} is {off:.3f} m off'

    def _wait(self, done, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        pause = threading.Event()
        while not done():
            if time.monotonic() > deadline:
                raise NotReadyError(f'waited in vain for {timeout_s:g} s')
            pause.wait(0.005)


def put(block: str, where: tuple[float, float]) -> str:
    """A call, as a program makes it."""
    return f'put_first_on_second({block!r}, np.array({where}))'


def report(trials: list[Trial]) -> None:
    """Print the table."""
    print('\nbraking: ms of wall time from the kill; rest: ms of simulated time beyond v/a')
    print(
        f'{"victim":11s}{"n":>4s}{"brake: median":>15s}{"p95":>6s}{"max":>6s}{"rest: max":>11s}'
        f'{"held":>6s}{"dropped":>9s}{"told":>6s}{"told: max":>11s}{"next works":>12s}'
        f'{"all well":>10s}  95 % (Wilson)'
    )
    kills = [t for t in trials if t.victim != STOP]
    groups = [(name, [t for t in trials if t.victim == name]) for name in (*VICTIMS, STOP)]
    for name, group in [*groups, ('all kills', kills)]:
        if not group:
            continue
        begins = [1000 * t.begin for t in group]
        p95 = np.percentile(begins, 95)
        well = sum(not t.failures for t in group)
        low, high = wilson_interval(well, len(group))
        print(
            f'{name:11s}{len(group):4d}{np.median(begins):15.0f}{p95:6.0f}'
            f'{max(begins):6.0f}{1000 * max(t.over for t in group):+11.0f}'
            f'{sum(t.held for t in group):6d}{sum(t.dropped for t in group):9d}'
            f'{sum(t.told <= TOLD_S for t in group):6d}{max(t.told for t in group):9.2f} s'
            f'{sum(not t.next_error for t in group):12d}{well:10d}'
            f'  {100 * low:.1f} to {100 * high:.1f} %'
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--trials', type=int, default=200, help='kills, the victims in turn')
    parser.add_argument('--stops', type=int, default=30, help='calls of `stop`, in between')
    parser.add_argument('--seed', type=int, default=draw_seeds(1)[0])
    options = parser.parse_args()
    chance = random.Random(options.seed)
    turns = list(itertools.islice(itertools.cycle(VICTIMS), options.trials))
    turns += [STOP] * options.stops
    chance.shuffle(turns)
    print(f'seed {options.seed}', flush=True)
    trials: list[Trial] = []
    with (
        ScriptedModelServer() as model,
        evidence_folder('kills', lambda: any(trial.failures for trial in trials)) as folder,
        running_system(
            folder,
            environment=model.environment,
            restart=True,
            model='openai:scripted',
            seed=str(options.seed % 1000),
            blocks='1',
            bowls='0',
        ) as system,
        MotionRecorder() as recorder,
    ):
        bench = Bench(system, model, recorder)
        try:
            while turns:
                trial = bench.trial(turns[0], chance)
                if trial is None:
                    continue
                del turns[0]
                trials.append(trial)
                print(f'{len(trials):4d}  {trial}', flush=True)
                if trial.failures:
                    recording = (trial, recorder.samples, recorder.plans, recorder.pressures)
                    (folder / f'trial{len(trials)}.pickle').write_bytes(pickle.dumps(recording))
        finally:  # a campaign that breaks off has still measured something
            report(trials)
    return 1 if any(trial.failures for trial in trials) else 0


if __name__ == '__main__':
    sys.exit(main())
