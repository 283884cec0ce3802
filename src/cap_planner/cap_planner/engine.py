"""One instruction, from the words to its end: the whole of the planner. No ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cap_common.errors import CapError
from cap_planner.api.spec import Api
from cap_planner.broker import Broker
from cap_planner.budget import Budget, Limits
from cap_planner.evidence import Ending, EvidenceStore, Record
from cap_planner.labels import InstructionError, Label, label_of
from cap_planner.lmp import LMPS, SessionTurn
from cap_planner.models.base import LanguageModel
from cap_planner.places import Table
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.text import for_people
from cap_planner.scene import SceneSource
from cap_planner.session import Session
from cap_planner.tabletop import Skills, TabletopRobot
from cap_planner.writer import ProgramWriter, Written

_MODES = ('auto', 'confirm', 'rehearse')


@dataclass(frozen=True)
class Request:
    """What a person asks for."""

    instruction: str
    session: str = ''
    mode: str = ''


@dataclass(frozen=True)
class Progress:
    """How far it is. `line` is of the program, 1-based; 0: none."""

    state: str
    program: str = ''
    line: int = 0
    call: str = ''
    spoken: str = ''


@dataclass(frozen=True)
class Report:
    """How it ended. `label` is None on success."""

    outcome: str
    label: Label | None = None
    error: str = ''
    program: str = ''
    answer: str = ''
    evidence_id: str = ''

    @classmethod
    def refused(cls, label: Label, error: str) -> Report:
        """It was not begun."""
        return cls('failed', label, error)


class Engine:
    """Carries out instructions, one at a time.

    Args:
        skills: `stopped` of it is set to this instruction's.
    """

    def __init__(
        self,
        *,
        api: Api,
        model: LanguageModel,
        sandbox: Sandbox,
        scenes: SceneSource,
        skills: Skills,
        table: Table,
        evidence: EvidenceStore,
        limits: Limits,
        placement_tolerance_m: float,
        max_instruction_chars: int,
    ) -> None:
        self._api = api
        self._model = model
        self._sandbox = sandbox
        self._scenes = scenes
        self._skills = skills
        self._table = table
        self._evidence = evidence
        self.limits = limits
        self._placement_tolerance_m = placement_tolerance_m
        self._max_instruction_chars = max_instruction_chars
