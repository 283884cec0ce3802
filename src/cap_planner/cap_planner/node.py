"""planner_node: instructions in, answers out."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from cap_common.ears import Ears
from cap_common.heartbeat import Beat, BeatMonitor
from cap_common.parameters import load_parameters
from cap_common.spin import run_node
from cap_interfaces.action import ExecuteInstruction
from cap_interfaces.srv import Instruct
from cap_planner.budget import Limits
from cap_planner.domains import DOMAINS, Domain
from cap_planner.engine import Engine, Report, Request
from cap_planner.evidence import EvidenceStore
from cap_planner.evidence_reader import evidence_path
from cap_planner.instruction_run import Parts, Progress
from cap_planner.labels import InstructionError, Label
from cap_planner.lease_watch import LeaseWatch
from cap_planner.models.base import LanguageModel, ModelUnavailableError
from cap_planner.models.registry import open_model
from cap_planner.models.unavailable import UnavailableModel
from cap_planner.places import Table
from cap_planner.ros_eyes import RosEyes
from cap_planner.ros_scene import SceneCache
from cap_planner.ros_skills import RosSkills
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import SandboxConfig, SandboxUnavailableError


@dataclass(frozen=True)
class PlannerParameters:
    """See config/planner.yaml."""

    model: str
    stronger_model: str
    domain: str
    evidence: str
    frame: str
    table: tuple[float, ...]
    max_instruction_chars: int
    budget: Limits
    sandbox: SandboxConfig
    action_deadline_s: float
    node_silence_s: float
    scene_silence_s: float
    scene_wait_s: float
    lease_silence_s: float
    settle_s: float
    placement_tolerance_m: float


class PlannerNode(Node):
    """Offers execute_instruction and instruct; runs one instruction at a time."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('planner', **kwargs)
        p = load_parameters(self, PlannerParameters)
        self._evidence = EvidenceStore(evidence_path(p.evidence))
        orphans = self._close_orphans()
        self._ears = Ears(self)
        listen = self._ears.listen
        self._beats = beats = BeatMonitor(listen)
        self._lease = LeaseWatch(
            listen, lambda: beats.lost('guard', p.lease_silence_s), p.lease_silence_s
        )
        self._sandbox = self._start_sandbox(p.sandbox)
        self._scenes = SceneCache(
            self._ears, self.get_logger(), p.frame, p.scene_silence_s, p.scene_wait_s
        )
        model = self._open_model(p.model)
        models = {p.model: model}
        parts = Parts(
            domain=self._domain(p.domain),
            model=model,
            stronger=self._open_model(p.stronger_model, models) if p.stronger_model else None,
            allow_unverified=os.environ.get('CAP_ALLOW_UNVERIFIED') == '1'
            and not p.sandbox.allow_missing,
            sandbox=self._sandbox,
            scenes=self._scenes,
            eyes=RosEyes(self),
            skills=RosSkills(
                self, p.frame, beats, p.action_deadline_s, p.node_silence_s, p.settle_s
            ),
            table=Table(*p.table),
            evidence=self._evidence,
            limits=p.budget,
            settle_s=p.settle_s,
            placement_tolerance_m=p.placement_tolerance_m,
        )
        self._engine = Engine(parts, p.max_instruction_chars, arm_may_hide=bool(orphans))
        self._busy = threading.Lock()
        self._server = ActionServer(
            self,
            ExecuteInstruction,
            'execute_instruction',
            execute_callback=self._on_execute,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )
        self.create_service(
            Instruct, 'instruct', self._on_instruct, callback_group=ReentrantCallbackGroup()
        )
        self._ears.start()
        self._beat = Beat(self, lambda: self._lease.is_heard and self._scenes.is_seen)

    def close(self) -> None:
        """End the sandbox and the listening threads."""
        self._ears.close()
        self._beats.close()
        self._sandbox.stop()

    def _close_orphans(self) -> list[str]:
        orphans = self._evidence.close_orphans()
        if orphans is None:
            self.get_logger().warning(
                f'another planner writes to {self._evidence.path}, too: records without an end '
                'may be its own and stay open'
            )
            return []
        for record_id in orphans:
            self.get_logger().warning(f'instruction {record_id} was cut off by the last exit')
        return orphans

    def _domain(self, name: str) -> Domain:
        if name not in DOMAINS:
            raise ValueError(f'no domain {name!r}; there are {", ".join(DOMAINS)}')
        return DOMAINS[name]

    def _open_model(self, spec: str, others: Mapping[str, LanguageModel] = {}) -> LanguageModel:
        try:
            return open_model(spec, others)
        except ModelUnavailableError as error:
            # Every instruction will say so; the node stays, for those who ask it.
            self.get_logger().error(str(error))
            return UnavailableModel(str(error))

    def _start_sandbox(self, config: SandboxConfig) -> Sandbox:
        sandbox = Sandbox(config)
        try:
            sandbox.start()
        except SandboxUnavailableError as error:
            # Every instruction will say so; the node stays, for those who ask it.
            self.get_logger().error(f'no program will run: {error}')
        return sandbox

    # ── execute_instruction ──────────────────────────────────────────────────────────────────

    def _on_execute(self, handle: ServerGoalHandle) -> ExecuteInstruction.Result:
        goal = handle.request

        def on_progress(progress: Progress) -> None:
            handle.publish_feedback(_feedback(progress))

        report = self._run(
            _request(goal),
            on_progress,
            lambda: handle.is_cancel_requested or not handle.is_active,
        )
        result = ExecuteInstruction.Result()
        _fill(result, report)
        result.outcome = report.outcome
        # Canceled is what a cancellation has ended: it may also have come too late.
        if report.label is None:
            handle.succeed()
        elif report.label is Label.STOPPED and handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        return result

    def _run(
        self,
        request: Request,
        on_progress: Callable[[Progress], None],
        canceled: Callable[[], bool],
        on_begun: Callable[[str], None] = lambda _: None,
    ) -> Report:
        """Carry out an instruction, if none is. Never raises: somebody waits for the report."""

        def stopped() -> InstructionError | None:
            if canceled():
                return InstructionError(Label.STOPPED, 'canceled by the caller')
            return self._lease.refusal()

        # Every goal is accepted, and here one gets through: a rejection could not say why.
        if not self._busy.acquire(blocking=False):
            return Report.refused(Label.BUSY, 'another instruction is being carried out')
        try:
            return self._engine.run(request, on_progress, stopped, on_begun)
        except Exception as bug:
            self.get_logger().error(traceback.format_exc())
            return Report.refused(
                Label.INTERNAL_ERROR, f'internal error: {type(bug).__name__}: {bug}'
            )
        finally:
            self._busy.release()

    # ── instruct ─────────────────────────────────────────────────────────────────────────────

    def _on_instruct(
        self, request: Instruct.Request, response: Instruct.Response
    ) -> Instruct.Response:
        begun = threading.Event()
        ended = threading.Event()
        reports: list[Report] = []
        ids: list[str] = []

        def on_begun(evidence_id: str) -> None:
            ids.append(evidence_id)
            begun.set()

        def run() -> None:
            try:
                reports.append(
                    self._run(
                        _request(request),
                        lambda _: None,
                        lambda: False,
                        on_begun,
                    )
                )
            finally:
                begun.set()
                ended.set()

        threading.Thread(target=run, name='instruct', daemon=True).start()
        limit_s = self._engine.parts.limits.longest_s
        in_time = (ended if request.wait else begun).wait(limit_s)
        if reports:
            _fill(response, reports[0])
            response.outcome = reports[0].outcome
            return response
        response.evidence_id = ids[0] if ids else ''
        response.outcome = 'running'
        if not in_time:
            response.error_code = ExecuteInstruction.Result.BUDGET_EXCEEDED
            response.error_msg = f'it has not {"ended" if ids else "begun"} after {limit_s:g} s'
        return response


def _request(message: ExecuteInstruction.Goal | Instruct.Request) -> Request:
    return Request(
        message.instruction,
        message.session,
        message.mode,
        program=message.program,
        skip_verifier=message.skip_verifier,
    )


def _fill(message: ExecuteInstruction.Result | Instruct.Response, report: Report) -> None:
    message.program = report.program
    message.answer = report.answer
    message.evidence_id = report.evidence_id
    message.error_msg = report.error
    message.error_code = (
        int(getattr(ExecuteInstruction.Result, report.label.name)) if report.label else 0
    )


def _feedback(progress: Progress) -> ExecuteInstruction.Feedback:
    return ExecuteInstruction.Feedback(
        state=progress.state,
        program=progress.program,
        line=progress.line,
        call=progress.call,
        spoken_text=progress.spoken,
    )


def main() -> int:
    """Entry point."""
    return run_node(PlannerNode, threads=8)
