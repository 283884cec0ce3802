"""`./cap up`: the system, until Ctrl-C."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from cap_bringup.client import Client
from cap_bringup.instruct import system_is_up
from cap_bringup.node_list import tabletop
from cap_bringup.supervisor import Supervisor, node_environment
from cap_common.domain import own_domain_id
from cap_common.errors import CapError

_READY_S = 90.0
_POLL_S = 0.2
_DID_NOT_RUN = 4


def run_up(arguments: Mapping[str, str], log: Path, console: Console) -> int:
    """Returns the exit status when it has ended.

    Args:
        arguments: values of launch arguments by name.
        log: folder for the nodes' logs.
    """
    if system_is_up():
        console.print(
            f'A system already runs in ROS domain {own_domain_id()}. For a second one, set '
            'ROS_DOMAIN_ID to another number, in every terminal that is to talk to it.',
            style='red',
        )
        return _DID_NOT_RUN
    environment = node_environment()
    os.environ.update(environment)
    with Client() as client, Supervisor(tabletop(arguments), log, environment, True) as nodes:
        console.print(f'nodes started; their logs are in {log}/')

        try:
            # What ends before it was of use would end again.
            client.wait_ready(_READY_S, meanwhile=nodes.require_all)
            objects = client.object_names()
            console.print(f'ready. On the table: {", ".join(objects) or "nothing"}')
            console.print(f'In another terminal: ./cap instruct "{example(objects)}"')
            console.print('Ctrl-C ends')
            while True:
                for event in nodes.poll():
                    console.print(event, style='yellow')
                time.sleep(_POLL_S)
        except CapError as error:
            console.print(str(error), style='red')
            return _DID_NOT_RUN
        except KeyboardInterrupt:
            return 0


def example(objects: Sequence[str]) -> str:
    """An instruction that the world on the table allows."""
    blocks = [name for name in objects if name.endswith('block')]
    bowls = [name for name in objects if name.endswith('bowl')]
    if blocks and bowls:
        return f'put the {blocks[0]} in the {bowls[-1]}'
    return 'what do you see?'
