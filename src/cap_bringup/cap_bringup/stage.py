"""One instruction in a simulated system of its own, with pictures, video and evidence in a folder.

`./cap demo`, `run` and `replay` are this, and what each makes of the ending.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import sqlite3
import time
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imageio.v3 as iio
from rich.console import Console
from rich.status import Status
from rich.text import Text

from cap_bringup.client import Client
from cap_bringup.node_list import tabletop
from cap_bringup.progress import ProgressView, failure_text
from cap_bringup.supervisor import Supervisor, node_environment
from cap_bringup.video import VideoRecorder
from cap_common.domain import free_domain_id
from cap_common.errors import CapError
from cap_eval.state import WorldState
from cap_planner.evidence_reader import EvidenceReader, NoEvidenceError

_READY_S = 90.0
_EVIDENCE = 'evidence.db'
_MADE = ('before.png', 'after.png', 'video.mp4', 'program.py', 'evidence.json')


class StageError(CapError):
    """The system did not start, or cannot write; the text says why."""


@dataclass(frozen=True)
class Order:
    """What is asked for; see ExecuteInstruction."""

    instruction: str
    program: str = ''
    skip_verifier: bool = False
    session: str = ''


@dataclass
class Ending:
    """How it went.

    Attributes:
        before, after: the true state of the world; None: it could not be seen.
        result: the planner's; None: there was none.
        error: what the planner reports, or why it does not; empty on success.
        unseen: why `after` is None.
        duration_s: of it all, by a wall clock.
        made: names of the files in the folder.
    """

    before: WorldState
    result: Any = None
    error: str = ''
    after: WorldState | None = None
    unseen: str = ''
    duration_s: float = 0.0
    made: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """What was said."""
        return str(self.result.answer) if self.result else ''


class Stage:
    """A folder, and the system that will be started for it.

    Args:
        arguments: values of launch arguments by name; without a seed, one is drawn.

    Attributes:
        evidence: the file that the planner will write.

    Raises:
        StageError: the folder cannot be written, or another run writes to it.
    """

    def __init__(self, out: Path, arguments: dict[str, str]) -> None:
        self._out = out
        weakref.finalize(self, os.close, _only_one(out))
        self._clear()
        self._arguments = {
            'seed': str(random.randrange(1_000_000)),
            'evidence': str(out.absolute() / _EVIDENCE),
            **arguments,
        }
        self.evidence = Path(self._arguments['evidence'])

    def _clear(self) -> None:
        """Nothing of an earlier run is taken for what this one has made."""
        out = self._out
        try:
            for path in (*(out / name for name in _MADE), *out.glob(f'{_EVIDENCE}*')):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StageError(f'cannot write to {out}: {error}') from error

    @property
    def seed(self) -> str:
        """Of the world."""
        return self._arguments['seed']

    def perform(self, order: Order, console: Console) -> Ending:
        """Start the system, carry out the order, end the system.

        Raises:
            StageError: it did not start.
        """
        environment = node_environment(free_domain_id())
        os.environ.update(environment)
        specs = tabletop(self._arguments)
        started = time.monotonic()
        with (
            Supervisor(specs, self._out / 'log', environment, restart=False) as nodes,
            Client(watch_world=True) as client,
        ):
            with console.status('starting the nodes'):
                ending = self._begin(nodes, client)
            console.print(f'nodes ready after {time.monotonic() - started:.1f} s')
            recorder = VideoRecorder(client, self._out / 'video.mp4')
            with recorder, console.status('') as status:
                self._carry_out(order, client, status, ending)
        ending.duration_s = time.monotonic() - started
        ending.made = [name for name in _MADE if (self._out / name).exists()]
        return ending

    def _begin(self, nodes: Supervisor, client: Client) -> Ending:
        try:
            client.wait_ready(_READY_S, meanwhile=nodes.require_all)
            ending = Ending(client.world())
            iio.imwrite(self._out / 'before.png', client.picture())
        except CapError as error:
            raise StageError(f'the system did not start: {error}') from error
        return ending

    def _carry_out(self, order: Order, client: Client, status: Status, ending: Ending) -> None:
        """Send the order, and write down what came of it."""
        view = ProgressView(status.console, status)
        try:
            ending.result = client.execute(
                order.instruction,
                program=order.program,
                skip_verifier=order.skip_verifier,
                session=order.session,
                on_feedback=view.show,
            )
        except CapError as error:
            ending.error = str(error)
        else:
            view.show_answer(ending.result.answer)
            if ending.result.error_code:
                ending.error = failure_text(ending.result)
            self._keep(ending)
        try:
            ending.after = client.world()
            iio.imwrite(self._out / 'after.png', client.picture())
        except CapError as error:
            ending.unseen = str(error)

    def _keep(self, ending: Ending) -> None:
        """Write program and evidence. A disk that takes neither takes no verdict along."""
        result, out = ending.result, self._out
        try:
            (out / 'program.py').write_text(result.program, encoding='utf-8')
            if result.evidence_id:
                with EvidenceReader.open(self.evidence) as reader:
                    evidence = reader.export(result.evidence_id)
                (out / 'evidence.json').write_text(json.dumps(evidence, indent=1), encoding='utf-8')
        except (OSError, sqlite3.Error, NoEvidenceError) as error:
            ending.error = ending.error or f'the evidence could not be written: {error}'


def tell_planner(console: Console, ending: Ending) -> None:
    """What the planner says of it."""
    if ending.error:
        console.print('the planner reports:', Text(ending.error, 'red'))
    else:
        console.print('the planner reports: success')


def _only_one(out: Path) -> int:
    """The folder, open and locked until it is closed: two runs would delete each other's evidence.

    Raises:
        StageError: another run has it, or it cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StageError(f'another run writes to {out}: name another folder with --out') from None
    except OSError as error:
        raise StageError(f'cannot write to {out}: {error}') from error
    return folder
