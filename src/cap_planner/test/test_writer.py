"""From requests to checked programs: whose chat a repair goes to, and what bounds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cap_common.errors import CapError
from cap_planner.budget import Budget, Limits
from cap_planner.domains import DOMAINS
from cap_planner.evidence import EvidenceStore
from cap_planner.labels import InstructionError, Label
from cap_planner.models import (
    Completion,
    Message,
    ModelMalformedError,
    ModelUnavailableError,
    Options,
)
from cap_planner.models.base import estimated_prompt_tokens
from cap_planner.testing import ScriptedModel
from cap_planner.writer import ProgramWriter

LIMITS = Limits(
    wall_s=9.0,
    model_s=9.0,
    text_s=5.0,
    text_tokens=77,
    window_tokens=20_000,
    tokens=1_000_000,
    compute_s=9.0,
    motion_s=9.0,
    calls=9,
    calls_per_s=9,
    programs=9,
    tries=2,
)

TABLE_LMPS = DOMAINS['tabletop'].prompts
UI, QUESTION = TABLE_LMPS['tabletop_ui'], TABLE_LMPS['parse_question']

MakeWriter = Callable[..., ProgramWriter]


@pytest.fixture
def make_writer(tmp_path: Path) -> MakeWriter:
    def make(
        model: Any,
        limits: Limits = LIMITS,
        stopped: Callable[[], InstructionError | None] = lambda: None,
        stronger: Any = None,
    ) -> ProgramWriter:
        record = EvidenceStore(tmp_path / 'evidence.db').begin('x', 's', 'auto')
        return ProgramWriter(DOMAINS['tabletop'], model, stronger, Budget(limits), record, stopped)

    return make


def test_a_bad_function_is_repaired_in_its_own_chat(make_writer: MakeWriter) -> None:
    good = 'def f(x):\n    return x\n'
    model = ScriptedModel('say(str(f(x=1)))', 'def f(x):\n    return open(x)', good)
    written = make_writer(model).write(UI, 'do it')
    assert written.source == 'say(str(f(x=1)))\n'
    assert written.functions == {'f': good}
    assert 'define function: say' not in model.asked[0][-1]['content']
    assert model.asked[2][: len(model.asked[1])] == model.asked[1], 'the chat of the function'
    assert 'return open(x)' in model.asked[2][-1]['content'], 'the line that is wrong'


def test_an_answer_that_is_no_definition_is_repaired_too(make_writer: MakeWriter) -> None:
    model = ScriptedModel('say(f(x=1))', 'I cannot.', 'def f(x):\n    return str(x)')
    assert list(make_writer(model).write(UI, 'do it').functions) == ['f']


def test_repairs_of_a_function_are_bounded(make_writer: MakeWriter) -> None:
    bad = [f'def f(x):\n    return open({number})' for number in range(LIMITS.tries)]
    model = ScriptedModel('say(f(x=1))', *bad, 'say(f(x=1))')
    with pytest.raises(InstructionError) as caught:
        make_writer(model).write(UI, 'do it')
    assert caught.value.label is Label.UNKNOWN_API
    assert 'nothing defines f(x=1), nor could it be written' in str(caught.value)
    assert 'open' in str(caught.value)
    assert len(model.asked) == 1 + LIMITS.tries + 1


def test_a_function_that_cannot_be_written_is_told_to_who_needs_it(make_writer: MakeWriter) -> None:
    model = ScriptedModel('say(f(x=1))', 'I cannot.', 'I cannot.', 'say("1")')
    assert make_writer(model).write(UI, 'do it').source == 'say("1")\n'
    assert model.asked[-1][: len(model.asked[0])] == model.asked[0], 'the chat of the program'
    assert 'nothing defines f(x=1)' in model.asked[-1][-1]['content']


SAME = (
    'say("x")',
    '```python\nsay("x")\n```',
    "Sure:\n\nsay('x')\n",
    '# Now it works.\nsay( "x" )  # really',
)


def test_the_same_program_in_other_words_is_the_same(make_writer: MakeWriter) -> None:
    for again in SAME:
        model = ScriptedModel(SAME[0], again, 'say("y")')
        draft = make_writer(model, replace(LIMITS, tries=3)).draft(UI, 'do it')
        draft.next()
        failure = InstructionError(Label.UNREACHABLE, 'too far')
        draft.has_run(failure, 'too far')
        with pytest.raises(InstructionError) as caught:
            draft.next()
        assert caught.value is failure
        assert len(model.asked) == 2, again


def test_what_was_no_good_before_a_run_may_be_after_it(make_writer: MakeWriter) -> None:
    model = ScriptedModel('say("a")', 'say("b")', 'say("a")')
    draft = make_writer(model, replace(LIMITS, tries=3)).draft(UI, 'do it')
    for program in ('say("a")\n', 'say("b")\n', 'say("a")\n'):
        assert draft.next() == program
        draft.has_run(InstructionError(Label.UNREACHABLE, 'too far'), 'too far')


def test_what_was_refused_two_answers_ago_is_not_looked_at_again(make_writer: MakeWriter) -> None:
    model = ScriptedModel('say(a)', 'say(b)', 'say(a)', 'say("c")')
    with pytest.raises(InstructionError, match="'b'"):
        make_writer(model, replace(LIMITS, tries=4)).write(UI, 'do it')
    assert len(model.asked) == 3


def test_a_repair_fits_into_the_window(make_writer: MakeWriter) -> None:
    """However long the answers: the prompt, the last try and what is wrong with it remain."""
    bad = [f'x = {number}\n' + f'say({"y" * 9000})' for number in range(8)]
    model = ScriptedModel(*bad, 'say("x")')
    limits = replace(LIMITS, tries=9)
    assert make_writer(model, limits).write(UI, 'do it').source == 'say("x")\n'
    room = limits.window_tokens - limits.text_tokens
    assert all(estimated_prompt_tokens(chat) <= room for chat in model.asked)
    first, last = model.asked[0], model.asked[-1]
    assert last[: len(first)] == first
    assert last[-2]['content'] == bad[-1]
    assert 'nothing defines' in last[-1]['content']


def test_a_repair_that_cannot_fit_ends_with_what_was_wrong(make_writer: MakeWriter) -> None:
    model = ScriptedModel('say("x")')
    writer = make_writer(model)
    writer.write(UI, 'do it')
    room = estimated_prompt_tokens(model.asked[0]) + 50
    limits = replace(LIMITS, window_tokens=room + LIMITS.text_tokens)
    model = ScriptedModel(f'say({"y" * 900})', 'say("x")')
    with pytest.raises(InstructionError) as caught:
        make_writer(model, limits).write(UI, 'do it')
    assert caught.value.label is Label.VERIFIER_REJECTED
    assert len(model.asked) == 1


def test_who_cannot_be_reached_is_not_the_last_to_be_asked(make_writer: MakeWriter) -> None:
    weak, strong = Model(ModelUnavailableError('gone')), Model('say("strong")')
    assert make_writer(weak, stronger=strong).write(UI, 'do it').source == 'say("strong")\n'
    assert len(weak.asked) == 1


def test_when_nobody_can_be_reached_it_is_said(make_writer: MakeWriter) -> None:
    weak = Model('say(x)', ModelUnavailableError('gone'))
    strong = Model(ModelUnavailableError('gone, too'))
    with pytest.raises(ModelUnavailableError, match='gone, too'):
        make_writer(weak, stronger=strong).write(UI, 'do it')


def test_helpers_that_come_along_are_known(make_writer: MakeWriter) -> None:
    both = 'def a(x):\n    return b(x=x)\n\ndef b(x):\n    return x\n'
    model = ScriptedModel('say(str(a(x=1) + b(x=2)))', both)
    assert make_writer(model).write(UI, 'do it').functions == {'a': both}


def test_functions_of_the_program_are_not_written_anew(make_writer: MakeWriter) -> None:
    source = 'def mine(x):\n    return x\nsay(f(x=1))\n'
    model = ScriptedModel(source, 'def f(x):\n    return mine(x)')
    assert list(make_writer(model).write(UI, 'do it').functions) == ['f']


@pytest.mark.parametrize(
    'answers',
    [
        ('say("x")\nret_val = 1', 'ret_val = 1'),
        ('ret_val = f(x=1)', 'def f(x):\n    say(x)', 'def f(x):\n    return x'),
    ],
)
def test_a_question_moves_and_says_nothing(make_writer: MakeWriter, answers: list[str]) -> None:
    model = ScriptedModel(*answers)
    make_writer(model).write(QUESTION, 'how many?')
    assert not model.answers, 'the text that acts was sent back'
    assert 'say is no part of a program' in model.asked[-1][-1]['content']
    systems = [messages[0]['content'] for messages in model.asked]
    assert all('put_first_on_second(first' not in text for text in systems)


class Model:
    """Does what a test wants."""

    def __init__(self, *ends: Any) -> None:
        self.ends = list(ends)
        self.asked: list[tuple[Sequence[Message], Options]] = []

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        self.asked.append((messages, options))
        end = self.ends.pop(0)
        if callable(end):
            end = end(options)
        if isinstance(end, CapError):
            raise end
        return Completion(end, 'm', 0, 0, 0.0)


def test_an_answer_that_was_cut_off_is_asked_for_again(make_writer: MakeWriter) -> None:
    model = Model(ModelMalformedError('the answer was cut off at 77 tokens'), 'say("x")')
    assert make_writer(model).write(UI, 'do it').source == 'say("x")\n'
    assert 'cut off' in model.asked[1][0][-1]['content']
    assert model.asked[0][1].max_tokens == 77


def test_text_that_is_none_is_asked_for_again(make_writer: MakeWriter) -> None:
    model = Model('say("\ud800")', 'say("x")')
    assert make_writer(model).write(UI, 'do it').source == 'say("x")\n'


def late(options: Options) -> ModelUnavailableError:
    time.sleep(options.deadline_s)
    return ModelUnavailableError('no answer')


def test_a_text_has_its_own_deadline(make_writer: MakeWriter) -> None:
    model = Model(late)
    with pytest.raises(ModelUnavailableError):
        make_writer(model, replace(LIMITS, text_s=0.05)).write(UI, 'do it')
    assert model.asked[0][1].deadline_s == 0.05


def test_a_budget_that_is_used_up_is_no_fault_of_the_endpoint(make_writer: MakeWriter) -> None:
    with pytest.raises(InstructionError) as caught:
        make_writer(Model(late), replace(LIMITS, model_s=0.05)).write(UI, 'do it')
    assert caught.value.label is Label.BUDGET_EXCEEDED


def test_a_stop_reaches_a_model_that_thinks(make_writer: MakeWriter) -> None:
    stop = InstructionError(Label.STOPPED, 'stopped by ann')
    stops = iter([None])  # before it thinks; from then on there is one

    def think(options: Options) -> ModelUnavailableError:
        assert options.canceled()
        return ModelUnavailableError('nobody waits')

    with pytest.raises(InstructionError) as caught:
        make_writer(Model(think), stopped=lambda: next(stops, stop)).write(UI, 'do it')
    assert caught.value is stop
