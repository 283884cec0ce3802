"""The judge: was this instruction carried out? It sees the simulator's state and what was said.

It reads the instruction with a grammar of its own and knows nothing of how it was carried out: no
module of this package imports the planner, the skills or the perception.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cap_eval.drawings import judge_drawing
from cap_eval.places import CORNERS, PLACES
from cap_eval.relations import disturbed
from cap_eval.state import WorldState
from cap_eval.success import COLORS, ImpossibleError
from cap_eval.tasks import FAMILIES, Task


@dataclass(frozen=True)
class Verdict:
    """What the judge says.

    Attributes:
        carried_out: None: no family has this wording, it was not judged.
        reason: one sentence, or several joined by "; ".
        family: of the instruction; empty when not judged.
    """

    carried_out: bool | None
    reason: str
    family: str = ''


_PUT = r'(?:put|place|set|move|bring)'
_THE = r'(?:the )?'
_ALL = r'(?:all (?:of )?)?(?:the )?'
# Also colors that nothing has: "put the black block ..." is understood, and cannot be done.
_COLORS = '|'.join((*COLORS, 'black', 'white', 'magenta', 'violet', 'turquoise'))
_COLOR = f'(?P<{{}}>{_COLORS})'
_SIDE = r'(?P<direction>left|right|top|bottom)'
_BOWL = rf'{_THE}{_COLOR.format("bowl")} bowl'
_BLOCK = rf'{_THE}{_COLOR.format("color")} block'
_PLACE = rf'(?:on|in|at|to|onto) {_THE}(?P<place>{"|".join(PLACES)})'

_WORDINGS: tuple[tuple[str, str], ...] = (
    (
        'matching_bowls',
        rf'{_PUT} {_ALL}blocks (?:in|into|on) {_THE}bowls '
        r'(?:with|of) (?:the )?(?:matching|same) colors?',
    ),
    ('matching_bowls', rf'{_PUT} {_ALL}blocks (?:in|into) (?:their |the )?matching bowls'),
    ('stack_all', rf'stack {_ALL}blocks(?: up)?'),
    ('extreme_in_bowl', rf'{_PUT} {_THE}{_SIDE}-?most block (?:in|into|on) {_BOWL}'),
    (
        'block_on_block',
        rf'(?:{_PUT}|stack) {_BLOCK} (?:on|onto|on top of) {_THE}{_COLOR.format("on")} block',
    ),
    ('block_in_bowl', rf'{_PUT} {_BLOCK} (?:in|into|inside|on) {_BOWL}'),
    ('beside_bowl', rf'{_PUT} {_BLOCK} (?:to )?(?:the )?{_SIDE} of {_BOWL}'),
    ('all_at_place', rf'{_PUT} {_ALL}blocks {_PLACE}'),
    ('move_a_bit', rf'(?:{_PUT}|push) {_BLOCK} a (?:bit|little) (?:to )?(?:the )?{_SIDE}'),
    ('extreme_said', rf'(?:what|which)(?: is|s|) {_THE}{_SIDE}-?most block'),
    ('extreme_said', rf'(?:what|which) block is {_THE}{_SIDE}-?most'),
)
_COMPILED = tuple((family, re.compile(pattern)) for family, pattern in _WORDINGS)


def normalized(instruction: str) -> str:
    """Lower case, American spelling, single spaces, no punctuation at the end."""
    text = ' '.join(instruction.lower().replace("'", '').split())
    text = re.sub(r'\bcolour(s?)\b', r'color\1', text).replace('grey', 'gray')
    return text.rstrip(' .!?;,').removeprefix('please ').removesuffix(' please').rstrip(' ,')


def recognize(instruction: str) -> Task | None:
    """The task that an instruction asks for, or None when no family has such a wording."""
    text = normalized(instruction)
    for family, pattern in _COMPILED:
        match = pattern.fullmatch(text)
        if match:
            return _task(family, match.groupdict())
    return None


def _task(family: str, params: dict[str, str]) -> Task:
    if family == 'all_at_place':
        family = 'all_on_corner' if params['place'] in CORNERS else 'all_on_side'
    return Task(family, params)


def judge(instruction: str, before: WorldState, after: WorldState, spoken: str = '') -> Verdict:
    """Whether an instruction was carried out.

    An instruction that names what is not there was not carried out, whatever happened. Neither was
    one whose side effects nobody asked for: an object that it does not name was moved by more than
    3 cm, fell, or was knocked over.

    Args:
        before: the world when the instruction was given.
        after: the world at rest (see `state.at_rest`), after the system said that it is done.
        spoken: everything it said, line by line.
    """
    task = recognize(instruction)
    if task is None and (drawn := judge_drawing(normalized(instruction), before, after)):
        problems = [drawn[1], *disturbed(before, after, frozenset())]
        return Verdict(drawn[0] and len(problems) == 1, '; '.join(problems), 'drawing')
    if task is None:
        return Verdict(None, f'no known family of instructions has this wording: {instruction!r}')
    return judge_task(task, before, after, spoken)


def judge_task(task: Task, before: WorldState, after: WorldState, spoken: str = '') -> Verdict:
    """The same, for a task. The verdict's `carried_out` is never None."""
    gone = sorted(before.names - after.names)
    if gone:
        return Verdict(False, f'gone: {", ".join(gone)}', task.family)
    try:
        finding = FAMILIES[task.family].check(before, after, spoken, task.params)
    except ImpossibleError as error:
        return Verdict(False, str(error), task.family)
    problems = [*finding.missing, *disturbed(before, after, finding.may_move, finding.limit)]
    if problems:
        return Verdict(False, '; '.join(problems), task.family)
    return Verdict(True, f'as asked: {task.instruction}', task.family)
