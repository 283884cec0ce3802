"""`./cap instruct`: an instruction, or a program, to the system that runs."""

from __future__ import annotations

import os
import signal
from typing import Any

from rich.console import Console

from cap_bringup.client import Client
from cap_bringup.progress import ProgressView, failure_text
from cap_bringup.supervisor import node_environment
from cap_common.domain import has_participant, own_domain_id
from cap_common.errors import CapError

FAILED, USAGE = 1, 2
_READY_S = 10.0
# Two processes take up to some seconds to find each other.
_LISTEN_S = 5.0


def system_is_up() -> bool:
    """Whether a system runs in this ROS domain.

    Raises:
        DomainIdError: there is no such domain.
    """
    if not has_participant(own_domain_id()):
        return False
    with connect() as client:
        return client.hears_system(_LISTEN_S)


def connect() -> Client:
    """A client in the environment of the nodes.

    Raises:
        DomainIdError: it has no ROS domain.
    """
    own_domain_id()
    os.environ.update(node_environment())
    return Client()


def run_instruct(
    instruction: str,
    session: str,
    console: Console,
    *,
    program: str = '',
    skip_verifier: bool = False,
    domain: str = '',
) -> int:
    """Returns the exit status: 0 only if the planner reports success.

    Args:
        domain: what the planner has to be for; empty: whatever it is for.
    """
    canceled = False

    def cancel(*_: object) -> None:
        nonlocal canceled
        canceled = True

    with connect() as client, console.status('') as status:
        # Ctrl-C takes the instruction back, and the robot's answer to that is waited for.
        signal.signal(signal.SIGINT, cancel)
        signal.signal(signal.SIGTERM, cancel)
        view = ProgressView(console, status)
        try:
            client.wait_ready(_READY_S)
            if domain and (has := client.planner_domain()) != domain:
                text = f'the system in ROS domain {own_domain_id()} has a planner for {has}, not '
                text += f'for {domain}: end it, or set ROS_DOMAIN_ID to another number'
                console.print(text, style='red')
                return USAGE
            result = client.execute(
                instruction,
                session=session,
                program=program,
                skip_verifier=skip_verifier,
                on_feedback=view.show,
                canceled=lambda: canceled,
            )
            view.show_answer(result.answer)
        except CapError as error:
            console.print(f'{type(error).__name__}: {error}', style='red')
            return FAILED
    return _tell(console, result)


def _tell(console: Console, result: Any) -> int:
    if result.error_code:
        console.print(f'{result.outcome}: {failure_text(result)}', style='red')
    else:
        console.print(result.outcome, style='green')
    if result.evidence_id:
        console.print(f'evidence {result.evidence_id}')
    return FAILED if result.error_code else 0
