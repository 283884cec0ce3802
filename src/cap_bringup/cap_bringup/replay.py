"""`./cap replay`: a record once more, in a simulated world like its own, with the recorded answers
of the model; says whether program, calls and outcome are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from cap_bringup.comparison import Difference, compare
from cap_bringup.log import planner_evidence, planner_setting
from cap_bringup.node_list import robot_description, tabletop
from cap_bringup.record_view import outcome, when
from cap_bringup.run import ALLOWED, may_skip_verifier
from cap_bringup.stage import Order, Stage, StageError, tell_planner
from cap_bringup.workspace import ROOT
from cap_common.frames import Matrix, transform_points
from cap_description import transform
from cap_eval.state import FRAME
from cap_planner.domains import DOMAINS
from cap_planner.evidence import EvidenceStore
from cap_planner.evidence_reader import EvidenceReader, NoEvidenceError
from cap_planner.session import session_key
from cap_sim.layout import BLOCKS, FRUITS, WHITEBOARD, Layout, LayoutError, ObjectSpec
from cap_sim.placement import layout_text
from cap_sim.shapes import KINDS

DIFFERS, USAGE, NOT_RUN = 1, 2, 4
# Lower than this is the table, seen with noise [m].
_ON_TABLE_M = 0.008
# What stands on something is let go so far above where it was seen: nothing may begin inside of
# another thing, from which physics would throw it out [m].
_DROP_M = 0.002


class ReplayError(Exception):
    """The record cannot be run again; the text says why."""


@dataclass(frozen=True)
class ReplayOptions:
    """What the command line says; see LogOptions."""

    record: str
    out: Path
    evidence: Path | None


def run_replay(options: ReplayOptions, console: Console) -> int:
    """Returns the exit status: 0 only if it ended as the record did."""
    path = options.evidence or planner_evidence()
    try:
        with EvidenceReader.open(path) as reader:
            record = reader.export(reader.find(options.record))
    except NoEvidenceError as error:
        console.print(f'{error}. --evidence FILE names another file', style='red')
        return USAGE
    if path.resolve().parent == options.out.resolve():
        console.print(f'--out {options.out} would write over the record; name another', style='red')
        return USAGE
    try:
        again = _perform(record, path, options.out, console)
    except (ReplayError, StageError) as error:
        console.print(str(error), style='red')
        return NOT_RUN
    return _conclude(console, record, again)


def _perform(
    record: Mapping[str, Any], path: Path, out: Path, console: Console
) -> Mapping[str, Any]:
    """Run the record again; returns the new record."""
    if record['outcome'] is None:
        raise ReplayError(f'{record["id"]} has not ended')
    if record.get('skip_verifier') and not may_skip_verifier():
        raise ReplayError(f'{record["id"]} ran unverified, which needs {ALLOWED}=1')
    domain = domain_of(record)
    arguments = {'domain': domain, **world_for(record, domain), **models_for(record, path)}
    if hidden := hidden_objects(record):
        arguments['source'] = 'ground_truth'
    stage = Stage(out, arguments)
    console.print(f'replay of {record["id"]} of {when(record["started"])}:')
    console.print(Text(order_of(record).instruction, 'bold'))
    if hidden:
        names = ', '.join(hidden)
        console.print(
            f'seen by ground truth, not by the camera, from which {names} would be hidden'
        )
    if not record.get('domain'):
        console.print(
            f'the record does not say its domain: {domain}, as in config/', style='yellow'
        )
    if record.get('session_before'):
        with EvidenceStore(stage.evidence) as store:
            key = session_key(domain, record['session'])
            store.save_session(key, record['session_before'])
    else:
        console.print('the record does not say what its session held: it is empty', style='yellow')
    ending = stage.perform(order_of(record), console)
    tell_planner(console, ending)
    console.print(f'{ending.duration_s:.0f} s; in {out}/: {", ".join(ending.made)}')
    if not ending.result or not ending.result.evidence_id:
        raise ReplayError('the planner left no record of it')
    with EvidenceReader.open(stage.evidence) as reader:
        return reader.export(ending.result.evidence_id)


def domain_of(record: Mapping[str, Any]) -> str:
    """What its programs are for; where the record does not say it, as config/ has it.

    Raises:
        ReplayError: there is no such domain.
    """
    domain = record.get('domain') or planner_setting('domain')
    if domain not in DOMAINS:
        text = f'{record["id"]} is of the domain {domain!r}; there are {", ".join(DOMAINS)}'
        raise ReplayError(text)
    return str(domain)


def models_for(record: Mapping[str, Any], path: Path) -> dict[str, str]:
    """Launch arguments: who answers. Never a model that costs something."""
    spec = f'replay:{path.absolute()}#{record["id"]}'
    if _had_stronger_model(record['completions']) or planner_setting('stronger_model'):
        return {'model': spec, 'stronger_model': spec}
    return {'model': spec}


def _had_stronger_model(completions: Sequence[Mapping[str, Any]]) -> bool:
    names = {completion['model'] for completion in completions if completion['model']}
    # A model that gave no answer has no name on record; the other one was asked the same at once.
    return len(names) > 1 or any(
        first['text'] is None and first['messages'] == then['messages']
        for first, then in pairwise(completions)
    )


def order_of(record: Mapping[str, Any]) -> Order:
    """What was asked for."""
    return Order(
        record['instruction'],
        record.get('given_program') or '',
        bool(record.get('skip_verifier')),
        record['session'],
    )


def world_for(record: Mapping[str, Any], domain: str = 'tabletop') -> dict[str, str]:
    """Launch arguments: the world before, and with its name the detector that knows its things.

    Args:
        domain: whose frame the record's positions are in. What was drawn before is not in it.

    Raises:
        ReplayError: it was not seen, or the simulator has no such objects.
    """
    world = record['world_before']
    if not world:
        raise ReplayError(f'{record["id"]} ended before the world was looked at: {record["error"]}')
    try:
        workspace_from_frame = _workspace_from_frame(domain)
        layout = Layout(tuple(_spec(item, workspace_from_frame) for item in world['objects']))
    except LayoutError as error:
        raise ReplayError(
            f'the simulator cannot make the world of {record["id"]}: {error}'
        ) from None
    objects = layout_text(layout) or ';'  # an empty text would have them drawn
    if domain == WHITEBOARD:
        return {'objects': objects}
    is_of_blocks = all(spec.kind in ('block', 'bowl') for spec in layout.objects)
    return {'world': BLOCKS if is_of_blocks else FRUITS, 'objects': objects}


def _workspace_from_frame(domain: str) -> Matrix:
    """Of the frame in which programs of a domain speak."""
    if domain != WHITEBOARD:
        return np.eye(4)
    sim = next(spec for spec in tabletop({'domain': domain}) if spec.cell is not None)
    return transform(robot_description(sim, ROOT / 'config'), FRAME, WHITEBOARD)


def hidden_objects(record: Mapping[str, Any]) -> list[str]:
    """What could not be seen, but was known to be there, such as below another block."""
    return [item['name'] for item in record['world_before']['objects'] if not item['visible']]


def _spec(item: Mapping[str, Any], workspace_from_frame: Matrix) -> ObjectSpec:
    x, y, z = (float(v) for v in transform_points(workspace_from_frame, np.array(item['position'])))
    ground = float(workspace_from_frame[2, 3])
    bottom = z - item['size'][2] / 2
    height = bottom + _DROP_M if bottom > ground + _ON_TABLE_M else ground
    kind = KINDS.get(item['class_name'])
    color = kind.color if kind and kind.color else item['color']
    return ObjectSpec(item['class_name'], color, (x, y), item['yaw'], height)


def _conclude(console: Console, record: Mapping[str, Any], again: Mapping[str, Any]) -> int:
    for name, difference in compare(record, again).items():
        console.print(Text.assemble(f'{name}: ', _verdict(difference)))
    ended, ends = outcome(record), outcome(again)
    if ended == ends:
        console.print(Text.assemble('outcome: ', ('the same', 'green'), ': ', ends))
        return 0
    console.print(
        Text.assemble('outcome: ', ('differs', 'red'), ': it was ', ended, ', it is ', ends)
    )
    return DIFFERS


def _verdict(difference: Difference) -> Text:
    if difference.same:
        return Text.assemble(('the same', 'green'), difference.text and f', {difference.text}')
    return Text.assemble(('differs', 'red'), f': {difference.text}')
