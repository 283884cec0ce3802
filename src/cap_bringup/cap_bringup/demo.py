"""`./cap demo`: one instruction, from a sentence to a judged world, with pictures and evidence."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import imageio_ffmpeg
from rich.console import Console
from rich.panel import Panel
from rich.status import Status
from rich.syntax import Syntax
from rich.text import Text

from cap_bringup.client import Client, pixels
from cap_bringup.node_list import tabletop
from cap_bringup.supervisor import Supervisor, node_environment
from cap_common.domain import free_domain_id
from cap_common.errors import CapError
from cap_eval.judge import Verdict, judge
from cap_eval.state import WorldState
from cap_planner.evidence import EvidenceStore
from cap_planner.evidence_reader import NoEvidenceError

_READY_S = 90.0
_INSTRUCTION_S = 900.0
_VIDEO_FPS = 5  # operator_rate_hz of config/sim.yaml: the video runs in simulated time
# Exit statuses. 2 is a command line that cannot be, as everywhere.
NOT_CARRIED_OUT, NOT_JUDGED, NOT_RUN = 1, 3, 4
_MADE = ('before.png', 'after.png', 'video.mp4', 'program.py', 'evidence.json')


@dataclass(frozen=True)
class DemoOptions:
    """What the command line says. `arguments`: values of launch arguments by name."""

    instruction: str
    out: Path
    arguments: dict[str, str]


@dataclass
class _Ending:
    """How it went. `error`: what the planner reports, empty on success."""

    before: WorldState
    error: str = ''
    answer: str = ''
    after: WorldState | None = None
    unseen: str = ''


def run_demo(options: DemoOptions, console: Console) -> int:
    """Returns the exit status: 0 only if the judge says that the instruction was carried out."""
    out = options.out
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path in (*(out / name for name in _MADE), *out.glob('evidence.db*')):
            path.unlink(missing_ok=True)
    except OSError as error:
        console.print(f'cannot write to {out}: {error}', style='red')
        return NOT_RUN
    arguments = {
        'seed': str(random.randrange(1_000_000)),
        'evidence': str(out.absolute() / 'evidence.db'),
        **options.arguments,
    }
    environment = node_environment(free_domain_id())
    os.environ.update(environment)
    console.print(Text(options.instruction, 'bold'), f'  (world of seed {arguments["seed"]})')
    started = time.monotonic()
    with (
        Supervisor(tabletop(arguments), out / 'log', environment, restart=False) as nodes,
        Client(watch_world=True) as client,
    ):
        with console.status('starting the nodes'):
            try:
                client.wait_ready(_READY_S, meanwhile=lambda: _fail_on_death(nodes))
                ending = _Ending(client.world())
                iio.imwrite(out / 'before.png', client.picture())
            except CapError as error:
                console.print(f'the system did not start: {error}', style='red')
                return NOT_RUN
        console.print(f'nodes ready after {time.monotonic() - started:.1f} s')
        with VideoRecorder(client, out / 'video.mp4'), console.status('') as status:
            _carry_out(options, Path(arguments['evidence']), client, status, ending)
    return _conclude(console, options, ending, time.monotonic() - started)


def _fail_on_death(nodes: Supervisor) -> None:
    for event in nodes.poll():
        name = event.split()[0]
        raise CapError(f'{event}\n{nodes.log_tail(name)}')


def _carry_out(
    options: DemoOptions, database: Path, client: Client, status: Status, ending: _Ending
) -> None:
    """Send the instruction, and write down what came of it."""
    out = options.out
    try:
        # A session of its own: nothing that an earlier world has left is in the prompt.
        result = client.execute(
            options.instruction,
            session=f'demo {uuid.uuid4().hex[:8]}',
            timeout_s=_INSTRUCTION_S,
            on_feedback=ProgressView(status.console, status).show,
        )
    except CapError as error:
        ending.error = str(error)
    else:
        _keep(result, database, out, ending)
    try:
        ending.after = client.world()
        iio.imwrite(out / 'after.png', client.picture())
    except CapError as error:
        ending.unseen = str(error)


def _keep(result: Any, database: Path, out: Path, ending: _Ending) -> None:
    """Write program and evidence. A disk that takes neither takes no verdict along."""
    ending.error, ending.answer = result.error_msg, result.answer
    try:
        (out / 'program.py').write_text(result.program, encoding='utf-8')
        if result.evidence_id:
            with EvidenceStore(database) as store:
                evidence = store.export(result.evidence_id)
            (out / 'evidence.json').write_text(json.dumps(evidence, indent=1), encoding='utf-8')
    except (OSError, sqlite3.Error, NoEvidenceError) as error:
        ending.error = ending.error or f'the evidence could not be written: {error}'


def _conclude(console: Console, options: DemoOptions, ending: _Ending, duration_s: float) -> int:
    if ending.error:
        console.print('the planner reports:', Text(ending.error, 'red'))
    else:
        console.print('the planner reports: success')
    if ending.after is None:
        verdict = Verdict(None, ending.unseen)
    else:
        verdict = judge(options.instruction, ending.before, ending.after, ending.answer)
    says = {
        True: Text('carried out', 'green'),
        False: Text('not carried out', 'red'),
        None: Text('not judged', 'yellow'),
    }
    console.print(
        Text.assemble('the simulator shows: ', says[verdict.carried_out], f': {verdict.reason}')
    )
    made = [name for name in _MADE if (options.out / name).exists()]
    console.print(f'{duration_s:.0f} s; in {options.out}/: {", ".join(made)}')
    if ending.error or verdict.carried_out is False:
        return NOT_CARRIED_OUT
    return 0 if verdict.carried_out else NOT_JUDGED


class ProgressView:
    """Prints what the action's feedback tells, each thing once."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status
        self._program = ''
        self._spoken = ''

    def show(self, feedback: Any) -> None:
        """One feedback message."""
        if feedback.program and feedback.program != self._program:
            self._program = feedback.program
            code = Syntax(feedback.program.strip(), 'python', theme='ansi_dark')
            self._console.print(Panel(code, title='program', title_align='left', expand=False))
        if feedback.spoken_text and feedback.spoken_text != self._spoken:
            self._spoken = feedback.spoken_text
            self._console.print(f'🔈 {feedback.spoken_text.splitlines()[-1]}')
        where = f'line {feedback.line}: ' if feedback.line else ''
        self._status.update(Text(f'{feedback.state}  {where}{feedback.call}'))


class VideoRecorder:
    """Writes what the operator's camera shows into an H.264 file, in simulated time."""

    def __init__(self, client: Client, path: Path) -> None:
        self._client = client
        self._path = path
        self._writer: Any = None
        self._open = False
        self._lock = threading.Lock()

    def __enter__(self) -> VideoRecorder:
        self._open = True
        self._client.on_frame(self._add)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open = False
            if self._writer is not None:
                self._writer.close()

    def _add(self, message: Any) -> None:
        with self._lock:
            if not self._open:
                return
            try:
                self._write(message)
            except OSError:  # a full disk takes the video, not the instruction
                self._open = False

    def _write(self, message: Any) -> None:
        if self._writer is None:
            size = (message.width, message.height)
            self._writer = imageio_ffmpeg.write_frames(
                str(self._path), size, fps=_VIDEO_FPS, codec='libx264', macro_block_size=2
            )
            self._writer.send(None)
        self._writer.send(pixels(message).tobytes())
