"""The domains: which functions programs may call, who answers them, and which language-model
programs there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cap_planner.api import TABLETOP, WHITEBOARD
from cap_planner.api.spec import Api, Kind
from cap_planner.lmp import Lmp, load_lmp
from cap_planner.robot import SceneRobot
from cap_planner.tabletop import TabletopRobot
from cap_planner.whiteboard import WhiteboardRobot

_LOOKS = frozenset({Kind.QUERY, Kind.LMP})


@dataclass(frozen=True)
class Domain:
    """One kind of work.

    Attributes:
        api: what its programs may call.
        robot: makes what answers the calls of one instruction; see SceneRobot.
        ui: the LMP that takes instructions.
        lmps: those that a program may call, by name.
        fgen: the LMP that writes functions.
        decompose: the LMP that splits an instruction.
    """

    name: str
    api: Api
    robot: Callable[..., SceneRobot]
    ui: Lmp
    lmps: Mapping[str, Lmp]
    fgen: Lmp
    decompose: Lmp

    @property
    def prompts(self) -> dict[str, Lmp]:
        """All LMPs by name."""
        everyone = (self.ui, *self.lmps.values(), self.fgen, self.decompose)
        return {lmp.name: lmp for lmp in everyone}


def _domain(name: str, api: Api, robot: Callable[..., SceneRobot], ui: str) -> Domain:
    """Every API function of the kind LMP is one; ui, fgen and decompose are asked by the engine."""
    return Domain(
        name=name,
        api=api,
        robot=robot,
        ui=load_lmp(ui, name, maintain_session=True),
        lmps={
            function.name: load_lmp(function.name, name, returns='ret_val', calls=_LOOKS)
            for function in api.values()
            if function.kind is Kind.LMP
        },
        fgen=load_lmp('fgen', name, include_context=False, query_prefix='define function: '),
        decompose=load_lmp('decompose', name, returns='ret_val', calls=frozenset()),
    )


DOMAINS: dict[str, Domain] = {
    domain.name: domain
    for domain in (
        _domain('tabletop', TABLETOP, TabletopRobot, 'tabletop_ui'),
        _domain('whiteboard', WHITEBOARD, WhiteboardRobot, 'draw_ui'),
    )
}
"""By name."""
