"""From the instruction to the arm's first motion, the language model's time taken out.

./cap bench first_motion                 # 40 instructions, each in a world of its own
"""

import argparse
import itertools
import time
from dataclasses import dataclass

import numpy as np

from cap_bringup.campaign import draw_seeds
from cap_bringup.testing import ArmWatch, evidence_folder, running_system
from cap_eval.tasks import InfeasibleError, sample, world_for

# Those that begin with a motion and are soon over.
FAMILIES = ('block_on_block', 'block_in_bowl', 'beside_bowl', 'move_a_bit', 'extreme_in_bowl')
PHASES = ('goal to planner', 'writing and checking', 'to the skill call', 'skill call to motion')


@dataclass(frozen=True)
class Sample:
    """Seconds on the wall; `phases` add up to `total` and hold no model's time."""

    total: float
    model: float
    phases: tuple[float, ...]


def measure(system, arm: ArmWatch, family: str, seed: int) -> Sample:
    """One instruction in one world."""
    colors = world_for(family, seed)
    system.client.reset_world(seed, colors.blocks, colors.bowls)
    task = sample(family, seed, system.client.world())
    arm.wait(moving=False, timeout_s=10.0)
    arm.forget()
    sent = time.time()
    result = system.client.execute(task.instruction, session=str(seed), timeout_s=120.0)
    if result.error_code:
        raise SystemExit(f'{task.instruction!r} failed, seed {seed}: {result.error_msg}')
    evidence = system.evidence.export(result.evidence_id)
    moved = arm.moved_at
    skill = next(c for c in evidence['calls'] if c['name'] == 'put_first_on_second')
    first_call = evidence['calls'][0]['started']

    def model_between(start: float, end: float) -> float:
        asked = [c for c in evidence['completions'] if start <= c['started'] < end]
        return sum(c['duration_s'] for c in asked)

    moments = (sent, evidence['started'], first_call, skill['started'], moved)
    phases = tuple(
        end - start - model_between(start, end) for start, end in itertools.pairwise(moments)
    )
    return Sample(sum(phases), model_between(sent, moved), phases)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--runs', type=int, default=40)
    options = parser.parse_args()
    samples = []
    with evidence_folder('first-motion') as folder, running_system(folder) as system:
        arm = ArmWatch(system.client)
        for seed in draw_seeds(10 * options.runs):
            family = FAMILIES[len(samples) % len(FAMILIES)]
            try:
                found = measure(system, arm, family, seed)
            except InfeasibleError:
                continue
            samples.append(found)
            print(f'seed {seed:<11d} {family:17s} {1000 * found.total:6.0f} ms', flush=True)
            if len(samples) == options.runs:
                break
    print(f'\n{len(samples)} instructions; milliseconds: median, 95th percentile')
    rows = [('instruction to first motion', [s.total for s in samples])]
    rows += [(f'  {name}', [s.phases[i] for s in samples]) for i, name in enumerate(PHASES)]
    rows += [("the model's time, taken out", [s.model for s in samples])]
    for name, seconds in rows:
        p95 = np.percentile(seconds, 95)
        print(f'{name:30s} {1000 * np.median(seconds):7.1f} {1000 * p95:7.1f}')


if __name__ == '__main__':
    main()
