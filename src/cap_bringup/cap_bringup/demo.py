"""`./cap demo`: one instruction, from a sentence to a judged world, with pictures and evidence."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import imageio_ffmpeg
from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax

from cap_bringup.client import Client, pixels
from cap_bringup.node_list import TABLETOP_ARGUMENTS, tabletop
from cap_bringup.supervisor import Supervisor, node_environment
from cap_common.domain import free_domain_id
from cap_common.errors import CapError
from cap_eval.judge import Verdict, judge
from cap_planner.evidence import EvidenceStore

_READY_S = 90.0
_INSTRUCTION_S = 900.0
_VIDEO_FPS = 5  # operator_rate_hz of config/sim.yaml: the video runs in simulated time
NOT_CARRIED_OUT, NOT_JUDGED, NOT_RUN = 1, 2, 3


@dataclass(frozen=True)
class DemoOptions:
    """What the command line says. `arguments`: values of launch arguments by name."""

    instruction: str
    out: Path
    arguments: dict[str, str]


def run_demo(options: DemoOptions, console: Console) -> int:
    """Returns the exit status: 0 only if the judge says that the instruction was carried out."""
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    database = out / 'evidence.db'
    arguments = {a.name: a.default for a in TABLETOP_ARGUMENTS}
    arguments |= {'seed': str(random.randrange(1_000_000)), 'evidence': str(database)}
    arguments |= options.arguments
    environment = node_environment(free_domain_id())
    os.environ.update(environment)
    console.print(f'[bold]{options.instruction}[/bold]   (world of seed {arguments["seed"]})')
    started = time.monotonic()
    with (
        Supervisor(tabletop(arguments), out / 'log', environment, restart=False) as nodes,
        Client(watch_world=True) as client,
    ):
        with console.status('starting the nodes'):
            try:
                client.wait_ready(_READY_S, meanwhile=lambda: _fail_on_death(nodes))
                before = client.world()
                iio.imwrite(out / 'before.png', client.picture())
            except CapError as error:
                console.print(f'[red]the system did not start: {error}[/red]')
                return NOT_RUN
        console.print(f'nodes ready after {time.monotonic() - started:.1f} s')
        with VideoRecorder(client, out / 'video.mp4'), console.status('') as status:
            view = ProgressView(console, status)
            failure = ''
            result = None
            try:
                result = client.execute(
                    options.instruction, timeout_s=_INSTRUCTION_S, on_feedback=view.show
                )
                failure = result.error_msg
            except CapError as error:
                failure = str(error)
            after = client.world()
            iio.imwrite(out / 'after.png', client.picture())
    answer = result.answer if result else ''
    verdict = judge(options.instruction, before, after, answer)
    if result:
        (out / 'program.py').write_text(result.program, encoding='utf-8')
        evidence = EvidenceStore(database).export(result.evidence_id)
        (out / 'evidence.json').write_text(json.dumps(evidence, indent=1), encoding='utf-8')
    return _conclude(console, options, failure, verdict, time.monotonic() - started)


def _fail_on_death(nodes: Supervisor) -> None:
    for event in nodes.poll():
        name = event.split()[0]
        raise CapError(f'{event}\n{nodes.log_tail(name)}')


def _conclude(
    console: Console, options: DemoOptions, error: str, verdict: Verdict, duration_s: float
) -> int:
    if error:
        console.print(f'the planner reports: [red]{error}[/red]')
    else:
        console.print('the planner reports: success')
    says = {True: '[green]carried out', False: '[red]not carried out', None: '[yellow]not judged'}
    console.print(f'the simulator shows: {says[verdict.carried_out]}[/]: {verdict.reason}')
    console.print(
        f'{duration_s:.0f} s; pictures, video, program and evidence are in {options.out}/'
    )
    if verdict.carried_out is None:
        return NOT_JUDGED
    return 0 if verdict.carried_out and not error else NOT_CARRIED_OUT


class ProgressView:
    """Prints what the action's feedback tells, each thing once."""

    def __init__(self, console: Console, status: Any) -> None:
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
        self._status.update(f'{feedback.state}  {where}{feedback.call}')


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
            if self._writer is None:
                size = (message.width, message.height)
                self._writer = imageio_ffmpeg.write_frames(
                    str(self._path), size, fps=_VIDEO_FPS, codec='libx264', macro_block_size=2
                )
                self._writer.send(None)
            self._writer.send(pixels(message).tobytes())
