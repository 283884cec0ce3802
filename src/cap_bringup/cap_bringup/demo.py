"""`./cap demo`: one instruction, from a sentence to a judged world, with pictures and evidence."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from cap_bringup.stage import Ending, Order, Stage, StageError, tell_planner
from cap_eval.judge import Verdict, judge

# Exit statuses. 2 is a command line that cannot be, as everywhere.
NOT_CARRIED_OUT, NOT_JUDGED, NOT_RUN = 1, 3, 4


@dataclass(frozen=True)
class DemoOptions:
    """What the command line says. `arguments`: values of launch arguments by name."""

    instruction: str
    out: Path
    arguments: dict[str, str]


def run_demo(options: DemoOptions, console: Console) -> int:
    """Returns the exit status: 0 only if the judge says that the instruction was carried out."""
    try:
        stage = Stage(options.out, options.arguments)
        console.print(Text(options.instruction, 'bold'), f'  (world of seed {stage.seed})')
        # A session of its own: nothing that an earlier world has left is in the prompt.
        order = Order(options.instruction, session=f'demo {uuid.uuid4().hex[:8]}')
        ending = stage.perform(order, console)
    except StageError as error:
        console.print(str(error), style='red')
        return NOT_RUN
    return _conclude(console, options, ending)


def _conclude(console: Console, options: DemoOptions, ending: Ending) -> int:
    tell_planner(console, ending)
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
    console.print(f'{ending.duration_s:.0f} s; in {options.out}/: {", ".join(ending.made)}')
    if ending.error or verdict.carried_out is False:
        return NOT_CARRIED_OUT
    return 0 if verdict.carried_out else NOT_JUDGED
