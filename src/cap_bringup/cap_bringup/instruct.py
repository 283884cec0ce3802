"""`./cap instruct`: an instruction, or a program, to the system that runs."""

from __future__ import annotations

import os
import signal
from typing import Any

from rich.console import Console

from cap_bringup.client import Client
from cap_bringup.progress import ProgressView, failure_text
from cap_bringup.supervisor import node_environment
from cap_common.domain import has_participant
from cap_common.errors import CapError

INSTRUCTION_S = 900.0
_READY_S = 10.0
# Two processes take up to some seconds to find each other.
_LISTEN_S = 5.0


def system_domain() -> str:
    """The ROS domain of this environment."""
    return os.environ.get('ROS_DOMAIN_ID') or '0'


def system_is_up() -> bool:
    """Whether a system runs in this ROS domain."""
    if not has_participant(int(system_domain())):
        return False
    with connect() as client:
        return client.hears_system(_LISTEN_S)


def connect() -> Client:
    """A client in the environment of the nodes."""
    os.environ.update(node_environment())
    return Client()


def run_instruct(
    instruction: str,
    session: str,
    console: Console,
    *,
    program: str = '',
    skip_verifier: bool = False,
) -> int:
    """Returns the exit status: 0 only if the planner reports success."""
    canceled = False

    def cancel(*_: object) -> None:
        nonlocal canceled
        canceled = True

    with connect() as client, console.status('') as status:
        # Ctrl-C takes the instruction back, and the robot's answer to that is waited for.
        signal.signal(signal.SIGINT, cancel)
        signal.signal(signal.SIGTERM, cancel)
        try:
            client.wait_ready(_READY_S)
            result = client.execute(
                instruction,
                session=session,
                program=program,
                skip_verifier=skip_verifier,
                timeout_s=INSTRUCTION_S,
                on_feedback=ProgressView(console, status).show,
                canceled=lambda: canceled,
            )
        except CapError as error:
            console.print(f'{type(error).__name__}: {error}', style='red')
            return 1
    return _tell(console, result)


def _tell(console: Console, result: Any) -> int:
    if result.error_code:
        console.print(f'{result.outcome}: {failure_text(result)}', style='red')
    else:
        console.print(result.outcome, style='green')
    if result.evidence_id:
        console.print(f'evidence {result.evidence_id}')
    return 1 if result.error_code else 0
