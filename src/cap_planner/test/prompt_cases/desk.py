"""A planner over a table of names and positions, for one example of a prompt after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from cap_planner.budget import Limits
from cap_planner.domains import Domain
from cap_planner.engine import Engine, Report, Request
from cap_planner.evidence import EvidenceStore
from cap_planner.instruction_run import Parts
from cap_planner.labels import Label
from cap_planner.lmp import Example
from cap_planner.models.base import Completion, Message, Options, cut_at_stop
from cap_planner.models.offline import OfflineModel
from cap_planner.places import Table
from cap_planner.robot import ORDINARY, Manner
from cap_planner.sandbox.host import Sandbox
from cap_planner.session import Session
from cap_planner.testing import BOWL, SymbolicTable
from prompt_cases.functions import FUNCTIONS

LIMITS = Limits(
    wall_s=50.0,
    model_s=50.0,
    text_s=20.0,
    text_tokens=2000,
    window_tokens=40_000,
    tokens=1_000_000,
    compute_s=20.0,
    motion_s=50.0,
    calls=400,
    calls_per_s=400,
    programs=30,
    tries=1,
)
TABLES = {'tabletop': Table(-0.25, -0.75, 0.25, -0.25), 'whiteboard': Table(-0.3, -0.2, 0.3, 0.2)}
FLAT, CUP, MUG = (0.14, 0.14, 0.02), (0.08, 0.08, 0.09), (0.07, 0.07, 0.1)


class Things(SymbolicTable):
    """The table of the examples.

    Attributes:
        comes: what appears once so many pictures have been looked at.
    """

    SIZES: ClassVar = {
        **{'bowl': BOWL, 'plate': FLAT, 'saucer': FLAT, 'tray': FLAT},
        **{'cup': CUP, 'mug': MUG},
    }
    comes: tuple[int, str, tuple[float, float]] | None = None

    def newer(self, than_ns: int):
        if self.comes and self.now_ns() > self.comes[0]:
            self.appear(self.comes[1], *self.comes[2])
            self.comes = None
        return super().newer(than_ns)


class Program(str):
    """An answer as it is; any other answer is a value."""


@dataclass(frozen=True)
class Case:
    """What an example is given, and what it does.

    Attributes:
        objects: where they are at first; None: the example goes on in the session before.
        comes: as of Things.
        variables: with which an LMP is called.
        answers: of the LMPs that it asks, by the request.
        moves: what is put where; names or positions.
        manner: of all of them.
        held: what hangs on the gripper in the end.
        strokes: 'draw' or 'erase', and the points.
        value: of the LMP; a value, or a check of it.
        fails: why, and a part of the text.
        also: other worlds, in which it comes to something else.
    """

    objects: Mapping[str, tuple[float, float]] | None = None
    comes: tuple[int, str, tuple[float, float]] | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    moves: Sequence[tuple[Any, Any]] = ()
    manner: Manner = ORDINARY
    held: str = ''
    strokes: Sequence[tuple[str, Any]] = ()
    said: Sequence[str] = ()
    value: Any = None
    fails: tuple[Label, str] | None = None
    also: tuple[Case, ...] = ()


class PromptModel:
    """Answers as the examples do, then as the case says; functions are those below or offline's.

    Attributes:
        asked: the last message, by LMP and request.
    """

    def __init__(self, domain: Domain, answers: Mapping[str, Any] = {}) -> None:
        self._examples = {
            (lmp.name, query_of(example)): example.program
            for lmp in domain.prompts.values()
            for example in lmp.examples
        }
        self.answers = answers
        self.asked: dict[tuple[str, str], str] = {}

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        (lmp,) = re.findall(r'^Your part: (\w+)', messages[0]['content'])
        request = messages[-1]['content']
        query = stripped(request.splitlines()[-1])
        self.asked[lmp, query] = request
        text = self._answer(lmp, query)
        if text is None and lmp == 'fgen':
            return OfflineModel().complete(messages, options)
        if text is None:
            text = f'I do not know what {query!r} means.'
        return Completion(cut_at_stop(text, options.stop), 'prompts', 1, 1, 0.0)

    def _answer(self, lmp: str, query: str) -> str | None:
        if (lmp, query) in self._examples:
            return self._examples[lmp, query]
        if query in self.answers:
            answer = self.answers[query]
            return answer if isinstance(answer, Program) else f'ret_val = {answer!r}'
        called = re.search(r'(\w+)\(', query)
        return FUNCTIONS.get(called[1]) if lmp == 'fgen' and called else None


def query_of(example: Example) -> str:
    return stripped(example.request.splitlines()[-1])


def stripped(line: str) -> str:
    """A query, without what a request adds to it."""
    return line.removeprefix('# ').removeprefix('define function: ').removesuffix('.')


class Desk:
    """A planner over a table, and the session of some examples."""

    def __init__(self, domain: Domain, sandbox: Sandbox, evidence: EvidenceStore, case: Case):
        self.model = PromptModel(domain)
        self.table = Things()
        for name, place in (case.objects or {}).items():
            self.table.appear(name, *place)
        self._parts = Parts(
            domain=domain,
            model=self.model,
            sandbox=sandbox,
            scenes=self.table,
            eyes=self.table,
            skills=self.table,
            table=TABLES[domain.name],
            evidence=evidence,
            limits=LIMITS,
            settle_s=0.0,
            placement_tolerance_m=0.045,
        )
        self.engine = Engine(self._parts, max_instruction_chars=500)

    def run(self, case: Case, **request: Any) -> Report:
        """Carry out a request, and see that it does what the case says."""
        self.model.answers = case.answers
        self.table.comes = case.comes
        self.table.moves, self.table.strokes, self.table.manners = [], [], []
        report = self.engine.run(
            Request(**{'instruction': '', 'session': 's', **request}), lambda _: None, lambda: None
        )
        told = f'{report.program}\n{report.error}'
        if case.fails:
            assert report.label is case.fails[0], told
            assert case.fails[1] in report.error
        else:
            assert report.outcome == 'succeeded', told
        assert matches(self.table.moves, list(case.moves)), self.table.moves
        assert matches(self.table.strokes, list(case.strokes)), self.table.strokes
        assert set(self.table.manners) <= {case.manner}
        assert self.table.held == case.held
        assert report.answer.splitlines() == list(case.said)
        for name, value in self.variables.items():
            is_of_kind = KINDS.get(name.rpartition('_')[2])
            assert not is_of_kind or is_of_kind(value), f'{name} is {value}'
        return report

    @property
    def variables(self) -> Mapping[str, Any]:
        data = self._parts.evidence.load_session(f'{self._parts.domain.name}/s')
        return Session.from_data(data).left.variables if data else {}


def is_array(*shape: int) -> Callable[[Any], bool]:
    """Of this shape; -1 is any length."""
    return lambda value: (
        isinstance(value, np.ndarray)
        and all(wanted in (-1, length) for wanted, length in zip(shape, value.shape, strict=True))
    )


def is_list(of: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(of, value))


def is_text(value: Any) -> bool:
    return isinstance(value, str)


# A name that is an array in one example and a list in the next teaches neither: docs/prompting.md.
KINDS: dict[str, Callable[[Any], bool]] = {
    'name': is_text,
    'names': is_list(is_text),
    'pos': is_array(2),
    'positions': is_list(is_array(2)),
    'pts': lambda value: value is None or is_array(-1, 2)(value),
    'idx': lambda value: isinstance(value, int),
    'deg': lambda value: isinstance(value, float),
}


def matches(actual: Any, expected: Any) -> bool:
    """The same value of the same kind; numbers to a tenth of a millimetre."""
    if callable(expected):
        return bool(expected(actual))
    if isinstance(expected, list | tuple):
        return (
            isinstance(actual, type(expected))
            and len(actual) == len(expected)
            and all(map(matches, actual, expected))
        )
    if isinstance(expected, dict):
        return actual.keys() == expected.keys() and all(
            matches(actual[key], value) for key, value in expected.items()
        )
    if isinstance(expected, np.ndarray):
        same_shape = isinstance(actual, np.ndarray) and actual.shape == expected.shape
        return same_shape and np.allclose(actual, expected, atol=1e-4)
    if isinstance(expected, float):
        return isinstance(actual, float) and abs(actual - expected) < 1e-4
    return type(actual) is type(expected) and actual == expected


def check_value(desk: Desk, lmp: str, example: Example, case: Case) -> None:
    """Ask the LMP as a program does, and look at its value."""
    query = query_of(example)
    context = ''.join(line for line in example.request.splitlines() if line[0] != '#')
    passed = ''.join(f', {name}={name}' for name in case.variables)
    program = (
        assignments(case.variables) + f"value = {lmp}({query!r}, {context!r}{passed})\nsay('x')"
    )
    desk.run(replace(case, said=() if case.fails else ['x']), program=program)
    assert desk.model.asked[lmp, query] == example.request
    if not case.fails:
        assert matches(desk.variables['value'], case.value), desk.variables['value']
        # Once more, where its own variables can be seen.
        alone = f"{assignments(case.variables)}{context}\n{example.program}\nsay('x')"
        desk.run(replace(case, said=['x']), program=alone)


def assignments(variables: Mapping[str, Any]) -> str:
    """Lines that set them."""
    return ''.join(f'{name} = {source(value)}\n' for name, value in variables.items())


def source(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f'np.array({value.tolist()})'
    if isinstance(value, list):
        return f'[{", ".join(map(source, value))}]'
    return repr(value)


def check_function(desk: Desk, example: Example, case: Case) -> None:
    """Run the line that calls the function, and look at what it sets."""
    query = query_of(example)
    # Within an expression the call alone is what is asked for.
    line = query if ' = ' in query or case.said else f'value = [{query}][0]'
    last = '' if case.said else "\nsay('x')"
    run = replace(case, said=case.said or ['x'])
    desk.run(run, program=assignments(case.variables) + line + last)
    assert desk.model.asked['fgen', query] == example.request
    value = desk.variables.get(line.partition(' = ')[0])
    assert matches(value, case.value), value
