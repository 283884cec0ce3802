"""The same instruction in the same world, once seen by the camera and once as things are.

What `bench eyes_pairs` runs: what the camera costs shows in the pairs in which only one succeeds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cap_bringup.cell_system import CellSystem
from cap_common.config import read_config
from cap_eval.judge import judge_task
from cap_eval.report import Run
from cap_eval.state import WorldState
from cap_eval.tasks import InfeasibleError, Task, WorldColors, sample, world_for
from cap_planner.domains import DOMAINS
from cap_planner.engine import Engine, Request
from cap_planner.evidence import EvidenceStore
from cap_planner.instruction_run import Parts
from cap_planner.models.offline import OfflineModel
from cap_planner.node import PlannerParameters
from cap_planner.places import Table
from cap_planner.sandbox.host import Sandbox
from cap_sim.layout import LayoutError, random_layout, with_clutter
from cap_sim.parameters import Parameters

NOISY = ('sim', 'noisy')
_FIRST_LOOK_S = 1.0


@dataclass(frozen=True)
class Pair:
    """One instruction in one world: by the camera, and by the truth."""

    camera: Run
    truth: Run

    @property
    def difference(self) -> int:
        """-1: only the truth succeeded; 1: only the camera; 0: both or neither."""
        return bool(self.camera.carried_out) - bool(self.truth.carried_out)


class PairBench:
    """Runs pairs, one after the other.

    Args:
        config: folder of the parameters.
        folder: for the evidence.
        camera: see CellSystem.
    """

    def __init__(self, config: Path, folder: Path, camera: tuple[str, ...] = NOISY) -> None:
        self._config, self._camera = config, camera
        files = [config / f'{name}.yaml' for name in camera]
        self._clutter = read_config(files, 'sim', Parameters).variation.clutter
        self._planner = read_config(config / 'planner.yaml', 'planner', PlannerParameters)
        self._sandbox = Sandbox(self._planner.sandbox)
        self._evidence = EvidenceStore(folder / 'evidence.db')

    def pair(self, family: str, seed: int) -> Pair | None:
        """Both runs; None: no such instruction makes sense in the world of this seed."""
        colors = world_for(family, seed)
        try:
            truth = self._run(family, seed, colors, ())
            return Pair(self._run(family, seed, colors, self._camera), truth)
        except (InfeasibleError, LayoutError):
            return None

    def _run(self, family: str, seed: int, colors: WorldColors, camera: tuple[str, ...]) -> Run:
        layout = random_layout(
            seed, len(colors.blocks), len(colors.bowls), colors.blocks, colors.bowls
        )
        # In both: what has no name is in the way of who sees it as it is, too.
        layout = with_clutter(layout, seed, self._clutter)
        system = CellSystem(layout, self._config, camera, seed)
        try:
            before = system.rest(_FIRST_LOOK_S)
            return self._instruct(system, sample(family, seed, before), seed, before)
        finally:
            system.close()

    def _instruct(self, system: CellSystem, task: Task, seed: int, before: WorldState) -> Run:
        parts = Parts(
            domain=DOMAINS['tabletop'],
            model=OfflineModel(),
            sandbox=self._sandbox,
            scenes=system,
            eyes=system,
            skills=system,
            table=Table(*self._planner.table),
            evidence=self._evidence,
            limits=self._planner.budget,
            settle_s=0.0,
            placement_tolerance_m=self._planner.placement_tolerance_m,
        )
        started = time.monotonic()
        report = Engine(parts, self._planner.max_instruction_chars).run(
            Request(task.instruction), lambda _: None, lambda: None
        )
        verdict = judge_task(task, before, system.rest(), report.answer)
        return Run(
            family=task.family,
            seed=seed,
            instruction=task.instruction,
            reported=report.label is None,
            carried_out=verdict.carried_out,
            reason=report.error or verdict.reason,
            seconds=time.monotonic() - started,
        )

    def close(self) -> None:
        """End the sandbox."""
        self._sandbox.stop()
