"""Every example of every prompt is run as the planner would run it, so that no prompt has a bug.

The model of these tests answers a request with the example that the prompt has for it. All else is
real: what the model is asked has to be the example's request word for word; the answer goes through
verifier, generated functions and their trial, sandbox and broker to a symbolic table; and what it
then does is compared with its case in prompt_cases/. An example without a case fails.
"""

from __future__ import annotations

import re
import shlex
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prompt_cases import ALL_CASES, LMP_CASES, UI_CASES
from prompt_cases.desk import Case, Desk, check_function, check_value, query_of
from prompt_cases.document import DOC_ANGLE, DOC_FGEN, DOC_UI
from prompt_cases.writing import DECOMPOSE, FGEN

from cap_planner.api.spec import Api, Kind, api_from_module, declare
from cap_planner.domains import DOMAINS, Domain
from cap_planner.evidence import EvidenceStore
from cap_planner.lmp import Example, Lmp, parse_prompt
from cap_planner.models import show_prompt
from cap_planner.models.base import cut_at_stop
from cap_planner.sandbox.host import Sandbox

EVERY = [(domain, lmp) for domain in DOMAINS.values() for lmp in domain.prompts.values()]
every_lmp = pytest.mark.parametrize(
    ('domain', 'lmp'), EVERY, ids=[f'{domain.name}-{lmp}' for domain, lmp in EVERY]
)


def every_example(of: Callable[[Domain, Lmp], bool]) -> Any:
    found = [
        pytest.param(domain, lmp, example, id=f'{domain.name}-{lmp}-{query_of(example)}')
        for domain, lmp in EVERY
        for example in lmp.examples
        if of(domain, lmp)
    ]
    return pytest.mark.parametrize(('domain', 'lmp', 'example'), found)


@pytest.fixture
def make_desk(sandbox: Sandbox, tmp_path) -> Callable[[Domain, Case], Desk]:
    evidence = iter(EvidenceStore(tmp_path / f'{number}.db') for number in range(99))
    return lambda domain, case: Desk(domain, sandbox, next(evidence), case)


@every_lmp
def test_every_example_has_its_case(domain: Domain, lmp: Lmp) -> None:
    assert [query_of(example) for example in lmp.examples] == list(ALL_CASES[lmp.name])


@every_lmp
def test_no_example_has_what_an_answer_is_cut_at(domain: Domain, lmp: Lmp) -> None:
    for example in lmp.examples:
        assert cut_at_stop(example.program, lmp.stop) == example.program


def sessions() -> Iterator[Any]:
    """The examples that take instructions, by sessions: one may go on from the one before."""
    for domain in DOMAINS.values():
        cases = UI_CASES[domain.ui.name]
        session: list[Example] = []
        for example in (*domain.ui.examples, None):
            if session and (example is None or cases[query_of(example)].objects is not None):
                yield pytest.param(domain, session, id=f'{domain.name}-{query_of(session[0])}')
                session = []
            session = [*session, example]


@pytest.mark.parametrize(('domain', 'session'), list(sessions()))
def test_examples_of_the_ui(domain: Domain, session: list[Example], make_desk) -> None:
    cases = UI_CASES[domain.ui.name]
    desk = make_desk(domain, cases[query_of(session[0])])
    for example in session:
        query = query_of(example)
        desk.run(cases[query], instruction=query)
        assert desk.model.asked[domain.ui.name, query] == example.request


@every_example(lambda domain, lmp: lmp.name in domain.lmps)
def test_examples_of_the_lmps(domain: Domain, lmp: Lmp, example: Example, make_desk) -> None:
    case = LMP_CASES[lmp.name][query_of(example)]
    for world in (case, *case.also):
        check_value(make_desk(domain, world), lmp.name, example, world)


@every_example(lambda domain, lmp: lmp is domain.fgen)
def test_examples_of_fgen(domain: Domain, lmp: Lmp, example: Example, make_desk) -> None:
    case = FGEN[query_of(example)]
    check_function(make_desk(domain, case), example, case)


@every_example(lambda domain, lmp: lmp is domain.decompose and domain.name == 'tabletop')
def test_examples_of_decompose(domain: Domain, lmp: Lmp, example: Example, make_desk) -> None:
    """The whole instruction is answered with no program; then it is split."""
    query = query_of(example)
    case = DECOMPOSE[query]
    desk = make_desk(domain, case)
    desk.run(case, instruction=query)
    assert desk.model.asked[lmp.name, query] == example.request


# ── docs/prompting.md ────────────────────────────────────────────────────────────────────────────

DOC = (Path(__file__).parents[3] / 'docs/prompting.md').read_text(encoding='utf-8')
FILE, *BLOCKS = re.findall(r'^```python\n(.+?)^```', DOC, re.MULTILINE | re.DOTALL)
DECLARATIONS = [block for block in BLOCKS if block.startswith('@declare')]
_, DOC_EXAMPLES = parse_prompt(
    '"""The examples of the document.\n"""\n'
    + '\n'.join(block for block in BLOCKS if block not in DECLARATIONS)
)


@pytest.fixture
def documented(make_desk) -> Callable[[Case], Desk]:
    """Desks of the tabletop, with what the document adds to it."""
    domain = DOMAINS['tabletop']
    module = types.ModuleType('documented')
    (declaration,) = DECLARATIONS
    exec(declaration, names := {'declare': declare, 'Kind': Kind, 'Any': Any})
    module.parse_angle = names['parse_angle']
    api = Api('tabletop', {**domain.api, **api_from_module('tabletop', module)})
    task, examples = parse_prompt(FILE)
    angle = replace(
        domain.lmps['parse_position'], name='parse_angle', instructions=task, examples=examples
    )
    shown = replace(domain.ui, examples=(*domain.ui.examples, *DOC_EXAMPLES))
    fgen = replace(domain.fgen, examples=tuple(e for e in DOC_EXAMPLES if is_function(e)))
    lmps = {**domain.lmps, 'parse_angle': angle}
    extended = replace(domain, api=api, ui=shown, lmps=lmps, fgen=fgen)
    return lambda case: make_desk(extended, case)


def is_function(example: Example) -> bool:
    return example.program.startswith('def ')


def test_the_prompt_file_of_the_document(documented) -> None:
    _, examples = parse_prompt(FILE)
    assert [query_of(example) for example in examples] == list(DOC_ANGLE)
    for example in examples:
        case = DOC_ANGLE[query_of(example)]
        check_value(documented(case), 'parse_angle', example, case)


def test_the_instructions_of_the_document(documented) -> None:
    examples = [example for example in DOC_EXAMPLES if not is_function(example)]
    assert [query_of(example) for example in examples] == list(DOC_UI)
    for example in examples:
        case = DOC_UI[query_of(example)]
        if case.objects is not None:
            desk = documented(case)
        desk.run(case, instruction=query_of(example))
        assert desk.model.asked['tabletop_ui', query_of(example)] == example.request


def test_the_functions_of_the_document(documented) -> None:
    examples = [example for example in DOC_EXAMPLES if is_function(example)]
    assert [query_of(example) for example in examples] == list(DOC_FGEN)
    for example in examples:
        case = DOC_FGEN[query_of(example)]
        check_function(documented(case), example, case)


@pytest.mark.parametrize('line', re.findall(r'^    ./cap prompt (.+)$', DOC, re.MULTILINE))
def test_the_commands_of_the_document(line: str, monkeypatch, capsys) -> None:
    offline = re.sub(r'--model \S+', '', line)
    assert show_prompt.main(shlex.split(offline)) == 0
    shown = capsys.readouterr().out
    assert shown.startswith('── system\nYour part: ')
    assert '── user\n' in shown
