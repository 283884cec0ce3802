"""Many instructions on one running system: draw a world, ask, look, judge."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

from cap_bringup.client import Client
from cap_common.errors import CapError
from cap_eval.judge import Verdict, judge_task
from cap_eval.report import Run
from cap_eval.state import WorldState
from cap_eval.tasks import FAMILIES, InfeasibleError, Task, sample, world_for

_INSTRUCTION_S = 300.0
_WORLDS_TRIED = 50


def draw_seeds(count: int) -> list[int]:
    """Seeds drawn now, for a campaign to print."""
    return [random.SystemRandom().randrange(1, 2**31) for _ in range(count)]


def run_campaign(
    client: Client,
    families: Iterable[str],
    seeds: int,
    on_run: Callable[[Run], None] = lambda _: None,
    recover: Callable[[], None] = lambda: None,
) -> list[Run]:
    """Run `seeds` instructions of each family, every one in a new world.

    Args:
        recover: called after a run that ended with an error.
    """
    runs = []
    for family in families:
        for _ in range(seeds):
            run = run_one(client, family)
            on_run(run)
            runs.append(run)
            if not run.reported:
                recover()
    return runs


def run_one(client: Client, family: str, seed: int | None = None) -> Run:
    """One instruction of a family; with a seed, in just that world."""
    for candidate in [seed] if seed is not None else draw_seeds(_WORLDS_TRIED):
        colors = world_for(family, candidate)
        try:
            client.reset_world(candidate, colors.blocks, colors.bowls)
            before = client.world()
            task = sample(family, candidate, before)
        except InfeasibleError:
            continue
        except CapError as error:
            # A world that the system does not get to see is a failure like any other.
            return Run(family, candidate, '', False, False, str(error))
        return _run_task(client, task, candidate, before)
    raise InfeasibleError(f'no world of {_WORLDS_TRIED} lets {family!r} be asked')


def _run_task(client: Client, task: Task, seed: int, before: WorldState) -> Run:
    started = time.monotonic()
    answer, error = '', ''
    try:
        result = client.execute(
            task.instruction, session=f'{task.family}-{seed}', timeout_s=_INSTRUCTION_S
        )
        answer, error = result.answer, result.error_msg
    except CapError as caught:
        error = str(caught)
    seconds = time.monotonic() - started
    try:
        verdict = judge_task(task, before, client.world(), answer)
    except CapError as unseen:
        verdict = Verdict(None, str(unseen), task.family)
    return Run(
        family=task.family,
        seed=seed,
        instruction=task.instruction,
        reported=not error,
        carried_out=verdict.carried_out,
        reason=error or verdict.reason,
        seconds=seconds,
    )


ALL_FAMILIES = tuple(FAMILIES)
