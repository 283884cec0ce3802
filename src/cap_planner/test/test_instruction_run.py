"""One instruction: what its programs find, and what a failure leaves to be done and remembered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cap_common.errors import GraspFailedError
from cap_planner.engine import Engine, Report, Request
from cap_planner.labels import Label
from cap_planner.models import Completion, ModelUnavailableError
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import Outcome, Status
from cap_planner.testing import ScriptedModel, SymbolicTable

MakeEngine = Callable[..., Engine]


def run(engine: Engine, session: str = '', **request: Any) -> Report:
    return engine.run(Request('do it', session, **request), lambda _: None, lambda: None)


PUT = 'put_first_on_second("red block", "red bowl")'


# ── functions that are written for it ────────────────────────────────────────────────────────────

FOUND = {
    'a function of the program': (
        'def helper(x):\n    return x + 1\nsay(str(f(x=1)))',
        'def f(x):\n    return helper(x)',
    ),
    'one that needs a variable of the program': (
        'one = 1\ndef helper(x):\n    return x + one\nsay(str(f(x=1)))',
        'def f(x):\n    return helper(x)',
    ),
    'a named lambda, and an import': (
        'from math import sqrt\nhelper = lambda x: int(sqrt(x))\nsay(str(f(x=4)))',
        'def f(x):\n    return helper(x)',
    ),
    'the objects': ('say(str(f(x=-2)))', 'def f(x):\n    return x + len(objects)'),
}


@pytest.mark.parametrize('case', FOUND)
def test_a_function_is_tried_with_what_the_program_finds(
    make_engine: MakeEngine, case: str
) -> None:
    report = run(make_engine(ScriptedModel(*FOUND[case])))
    assert (report.error, report.answer) == ('', '2')


def test_a_function_of_an_earlier_program_is_found(make_engine: MakeEngine) -> None:
    model = ScriptedModel(
        'def helper(x):\n    return x + 1\nsay("a")',
        'say(str(f(x=1)))',
        'def f(x):\n    return helper(x)',
    )
    engine = make_engine(model)
    run(engine, 's')
    assert run(engine, 's').answer == '2'


@pytest.mark.parametrize('kept', ['', 'def helper(x):\n    return x\n'])
def test_a_function_that_only_other_arguments_suit_is_good(
    make_engine: MakeEngine, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    """The likeliest does not, by its name. Functions of the session keep no trial from its end."""
    statuses: list[Status] = []

    def watched(*args: Any, **kwargs: Any) -> Outcome:
        outcome = Sandbox.run(sandbox, *args, **kwargs)
        statuses.append(outcome.status)
        return outcome

    model = ScriptedModel(
        f'{kept}say("a")',
        'names = 3\nsay(str(f(names=names)))',
        'def f(names):\n    return names + 1',
    )
    engine = make_engine(model)
    run(engine, 's')
    monkeypatch.setattr(sandbox, 'run', watched)
    report = run(engine, 's')
    assert (report.error, report.answer) == ('', '4')
    assert statuses == [Status.PROGRAM_ERROR, Status.FINISHED, Status.FINISHED]


def test_another_way_is_asked_for_where_a_function_cannot_be_written(
    make_engine: MakeEngine, table: SymbolicTable
) -> None:
    broken = [
        'def f():\n    return [][0]',
        'def f():\n    return [][1]',
        'def f():\n    return 1/0',
    ]
    model = ScriptedModel(f'f()\n{PUT}', *broken, PUT)
    assert run(make_engine(model)).outcome == 'succeeded'
    assert len(table.moves) == 1
    word = model.asked[-1][-1]['content']
    assert 'nothing defines f()' in word
    assert 'ZeroDivisionError' in word


def test_what_nobody_can_write_is_an_unknown_function(make_engine: MakeEngine) -> None:
    broken = [f'def f():\n    return [][{number}]' for number in range(3)]
    report = run(make_engine(ScriptedModel('say(f())', *broken, 'say(f())')))
    assert report.label is Label.UNKNOWN_API
    assert 'nothing defines f(), nor could it be written' in report.error


# ── who is asked ─────────────────────────────────────────────────────────────────────────────────


class Gone(ScriptedModel):
    def complete(self, *_: Any) -> Completion:
        raise ModelUnavailableError('no endpoint at x')


def test_the_stronger_model_is_asked_where_the_first_is_not_there(make_engine: MakeEngine) -> None:
    report = run(make_engine(Gone(), stronger=ScriptedModel('say("strong")')))
    assert (report.outcome, report.answer) == ('succeeded', 'strong')


@pytest.mark.parametrize('again', [f'```python\n{PUT}\n```', f'Sure:\n\n{PUT}', f'{PUT}  # again'])
def test_the_same_program_in_other_words_is_not_run_twice(
    make_engine: MakeEngine, table: SymbolicTable, again: str
) -> None:
    table.failures = [GraspFailedError('slippery')] * 9
    report = run(make_engine(ScriptedModel(PUT, again, f'\n{again}')))
    assert report.label is Label.GRASP_FAILED
    assert len(table.moves) == 1


def test_a_long_answer_full_of_faults_is_told_shortly(make_engine: MakeEngine) -> None:
    names = [', '.join(f'u{number}_{i}' for number in range(1300)) for i in range(9)]
    model = ScriptedModel(*[f'x = [{each}]' for each in names])
    report = run(make_engine(model))
    assert report.label is Label.VERIFIER_REJECTED
    assert len(report.error) < 8000


# ── when a program fails after it has done something ─────────────────────────────────────────────


@pytest.mark.parametrize('answer', ['pass', '# nothing is left to do', '```python\npass\n```'])
def test_that_nothing_is_left_to_do_is_an_answer(
    make_engine: MakeEngine, table: SymbolicTable, answer: str
) -> None:
    model = ScriptedModel(f'{PUT}\nx = 1 / 0', answer)
    report = run(make_engine(model))
    assert (report.outcome, report.error) == ('succeeded', '')
    assert len(table.moves) == 1
    assert 'If nothing is left to do, write `pass` alone.' in model.asked[-1][-1]['content']


def test_that_nothing_is_left_is_looked_at(make_engine: MakeEngine, table: SymbolicTable) -> None:
    table.failures = [None, GraspFailedError('slippery')]
    both = f'{PUT}\nput_first_on_second("blue block", "blue bowl")'
    report = run(make_engine(ScriptedModel(both, 'pass')))
    assert report.label is Label.GRASP_FAILED


@pytest.mark.parametrize('first', ['x = 1 / 0\nsay("x")', 'pass'])
def test_who_has_done_nothing_has_something_left_to_do(make_engine: MakeEngine, first: str) -> None:
    assert run(make_engine(ScriptedModel(first, 'pass'))).outcome == 'failed'


@pytest.mark.parametrize(
    'first',
    [
        'say("3")\nx = 1 / 0',
        'say(f"{len(get_obj_names())}")\nx = [][int(get_obj_pos("red block")[0])]\nsay("x")',
        'point_gripper_to("red block")\nx = 1 / 0\npoint_gripper_to("blue block")',
    ],
)
def test_where_words_were_all_or_more_was_done_nothing_may_be_left(
    make_engine: MakeEngine, first: str
) -> None:
    assert run(make_engine(ScriptedModel(first, 'pass'))).outcome == 'succeeded'


TIDY = f'def tidy():\n    {PUT}'


@pytest.mark.parametrize(
    'answers',
    [
        [f'say("I put it there now")\nx = 1 / 0\n{PUT}'],
        [f'{TIDY}\nsay("I put it there now")\nx = 1 / 0\ntidy()'],
        ['say("I put it there now")\nx = 1 / 0\nf()', f'def f():\n    {PUT}'],
        ['say("I put it there now")\nx = 1 / 0\nkept()'],
        [f'say("I put it there now")\nx = 1 / 0\n{PUT}', 'say("I did")\nx = 1 / 0'],
    ],
)
def test_words_are_no_deeds(
    make_engine: MakeEngine, table: SymbolicTable, answers: list[str]
) -> None:
    """Who says that it does something has to do it."""
    model = ScriptedModel(f'def kept():\n    {PUT}\nsay("a")')
    engine = make_engine(model)
    run(engine, 's')
    model.answers = [*answers, 'pass', PUT]
    report = run(engine, 's')
    assert table.moves or report.outcome == 'failed'
    assert all('write `pass`' not in chat[-1]['content'] for chat in model.asked)


def test_a_part_that_does_nothing_does_not_live_on_what_others_did(
    make_engine: MakeEngine,
) -> None:
    parts = 'ret_val = ["put the red block away", "say done"]'
    model = ScriptedModel('x = [][1]\nsay("x")', 'no', 'no', parts, PUT, 'x = 1 / 0', 'pass')
    report = run(make_engine(model))
    assert report.outcome == 'failed'
    assert "number 2, 'say done'" in report.error


def test_the_program_that_moved_something_and_failed_is_remembered(
    make_engine: MakeEngine, table: SymbolicTable
) -> None:
    """Who is to undo it, or to say why, reads it; and no message is empty."""
    table.failures = [None, GraspFailedError('slippery')]
    both = f'{PUT}\nput_first_on_second("blue block", "blue bowl")'
    model = ScriptedModel(both)
    engine = make_engine(model)
    assert run(engine, 's').label is Label.GRASP_FAILED
    model.answers = ['say("because")']
    assert run(engine, 's').outcome == 'succeeded'
    comment = '# It failed, and its variables are gone: GraspFailedError: slippery'
    assert model.asked[-1][-2] == {'role': 'assistant', 'content': f'{both}\n{comment}'}
    assert all(message['content'].strip() for message in model.asked[-1])


def test_what_a_later_part_sets_again_is_kept(make_engine: MakeEngine) -> None:
    parts = 'ret_val = ["say a", "say b"]'
    first, second = 'x = y = float("inf")\nsay("a")', 'x = 1\nsay("b")'
    model = ScriptedModel('no', 'no', parts, first, second, 'say("c")')
    engine = make_engine(model)
    assert run(engine, 's').answer == 'a\nb'
    run(engine, 's')
    assert model.asked[-1][-2]['content'].endswith('# Not kept for later requests: y')


def test_a_program_and_its_repair_are_remembered(
    make_engine: MakeEngine, table: SymbolicTable
) -> None:
    model = ScriptedModel(f'{PUT}\nx = 1 / 0', 'say("done")', 'say("because")')
    engine = make_engine(model)
    assert run(engine, 's').outcome == 'succeeded'
    run(engine, 's')
    program = model.asked[-1][-2]['content']
    assert program.startswith(f'{PUT}\nx = 1 / 0\n# It failed')
    assert program.endswith('\nsay("done")')
