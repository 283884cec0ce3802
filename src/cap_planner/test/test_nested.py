"""Programs that a program asks for while it runs: what they find, and how they are put right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cap_planner.engine import Engine, Report, Request
from cap_planner.labels import Label
from cap_planner.models import Completion, Message, Options
from cap_planner.scene import Scene
from cap_planner.testing import LIMITS, ScriptedModel, SymbolicTable

MakeEngine = Callable[..., Engine]


def run(engine: Engine, session: str = '', **request: Any) -> Report:
    return engine.run(Request('do it', session, **request), lambda _: None, lambda: None)


def asked_of(model: ScriptedModel, lmp: str) -> list[Any]:
    part = f'Your part: {lmp}\n'
    return [chat for chat in model.asked if chat[0]['content'].startswith(part)]


PUT = 'put_first_on_second("red block", parse_position("the middle"))'
MIDDLE = 'ret_val = denormalize_xy([0.5, 0.5])'
BROKEN = 'ret_val = get_corner_positions()[7]'


def test_a_program_that_fails_is_told_so_and_written_again(
    make_engine: MakeEngine, table: SymbolicTable
) -> None:
    """The program that asked is well, and not asked for again."""
    model = ScriptedModel(PUT, BROKEN, MIDDLE)
    report = run(make_engine(model))
    assert (report.outcome, report.error) == ('succeeded', '')
    assert len(table.moves) == 1
    first, second = asked_of(model, 'parse_position')
    assert second[: len(first)] == first
    assert second[-2]['content'] == BROKEN
    assert 'parse_position 1, line 1' in second[-1]['content']
    assert 'IndexError: list index out of range' in second[-1]['content']
    assert len(asked_of(model, 'tabletop_ui')) == 1


def test_the_innermost_is_told(make_engine: MakeEngine) -> None:
    model = ScriptedModel(
        'say(str(parse_position("left of the block")))',
        'ret_val = get_obj_pos(parse_obj_name("the block"))',
        'ret_val = get_obj_names()[9]',
        'ret_val = get_obj_names()[0]',
    )
    assert run(make_engine(model)).outcome == 'succeeded'
    assert not model.answers
    assert len(asked_of(model, 'parse_position')) == 1, 'it is well, and not asked for again'
    assert 'IndexError' in asked_of(model, 'parse_obj_name')[1][-1]['content']


def test_what_was_done_is_not_done_again(make_engine: MakeEngine, table: SymbolicTable) -> None:
    """Who asked is told what was done, and writes the rest; then who failed is told, too."""
    both = f'put_first_on_second("blue block", "blue bowl")\n{PUT}'
    model = ScriptedModel(both, BROKEN, PUT, MIDDLE)
    assert run(make_engine(model)).outcome == 'succeeded'
    assert [first for first, _ in table.moves] == ['blue block', 'red block']
    assert "moved 'blue block'" in asked_of(model, 'tabletop_ui')[1][-1]['content']
    assert 'IndexError' in asked_of(model, 'parse_position')[1][-1]['content']


def test_who_never_gets_it_right_is_not_asked_for_ever(make_engine: MakeEngine) -> None:
    bad = [f'ret_val = get_corner_positions()[{number}]' for number in (7, 8, 9)]
    model = ScriptedModel(PUT, *bad, 'put_first_on_second("red block", "red bowl")')
    assert run(make_engine(model)).outcome == 'succeeded'
    assert len(asked_of(model, 'parse_position')) == 3
    assert 'IndexError' in asked_of(model, 'tabletop_ui')[1][-1]['content']


class Deaf(ScriptedModel):
    """Writes the same for the same prompt: a broken program, until it is told."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self.program = program

    def complete(self, messages: Sequence[Message], options: Options) -> Completion:
        is_told = 'IndexError' in messages[-1]['content']
        if messages[0]['content'].startswith('Your part: tabletop_ui'):
            self.answers = ['say("I cannot")' if is_told else self.program]
        else:
            self.answers = [MIDDLE if is_told else BROKEN]
        return super().complete(messages, options)


def test_who_asks_the_same_twice_is_given_the_same_program(
    make_engine: MakeEngine, table: SymbolicTable
) -> None:
    twice = 'first = parse_position("the middle")\nsecond = parse_position("the middle")\n'
    model = Deaf(f'{twice}put_first_on_second("red block", (first + second) / 2)')
    assert run(make_engine(model)).outcome == 'succeeded'
    assert len(table.moves) == 1
    assert len(asked_of(model, 'parse_position')) == 2


def test_questions_that_are_never_the_same_are_not_asked_for_ever(
    make_engine: MakeEngine, table: SymbolicTable
) -> None:
    """Such as one with a measured position; in the end, who asks is told."""
    model = Deaf('x = len(get_obj_names())\nsay(str(parse_position(f"{x} m from the left")))')
    latest = table.latest

    def more() -> Scene:
        table.appear(f'block {len(table.objects)}', 0.0, -0.5)
        return latest()

    table.latest = more  # type: ignore[method-assign]
    report = run(make_engine(model))
    assert (report.outcome, report.answer) == ('succeeded', 'I cannot')
    assert len(asked_of(model, 'parse_position')) == 1 + LIMITS.tries


def test_its_own_answer_is_no_failure(make_engine: MakeEngine) -> None:
    answer = 'raise ObjectNotFoundError("there is no moon")'
    model = ScriptedModel('say(parse_obj_name("the moon"))', answer)
    report = run(make_engine(model))
    assert (report.label, 'there is no moon' in report.error) == (Label.OBJECT_NOT_FOUND, True)
    assert len(model.asked) == 2


def test_it_finds_the_functions_around_it(make_engine: MakeEngine) -> None:
    """So does the trial of what is generated for it."""
    model = ScriptedModel(
        'def helper(x):\n    return x * 2\nsay(str(parse_question("how many?")))',
        'ret_val = f(x=2)',
        'def f(x):\n    return helper(x) + 1',
    )
    report = run(make_engine(model))
    assert (report.error, report.answer) == ('', '5')


def test_it_finds_the_helpers_of_those_before_it(make_engine: MakeEngine) -> None:
    model = ScriptedModel(
        'say(str(parse_question("a?")) + str(parse_question("b?")))',
        'ret_val = g(x=2)',
        'def g(x):\n    return x * 2',
        'ret_val = f(x=2)',
        'def f(x):\n    return g(x) + 1',
    )
    report = run(make_engine(model))
    assert (report.error, report.answer) == ('', '45')


# On the names of a trial it ends well, and on those of the table it does not.
FAULTY = """def f(x):
    names = ["blue block", "red block", "green bowl", "yellow block"]
    return x + names.index(get_obj_names()[3])"""


def test_a_helper_that_fails_is_written_again(make_engine: MakeEngine) -> None:
    model = ScriptedModel(
        'say(str(parse_question("how many?")))',
        *('ret_val = f(x=2)', FAULTY),
        *('many = f(x=2)\nret_val = many', 'def f(x):\n    return x'),
    )
    engine = make_engine(model)
    report = run(engine, 's')
    assert (report.error, report.answer) == ('', '2')
    assert (
        'function f of parse_question 1, line 3'
        in asked_of(model, 'parse_question')[1][-1]['content']
    )
    model.answers = ['say(str(f(x=3)))']
    assert run(engine, 's').answer == '3'


def test_a_helper_of_a_program_that_came_to_nothing_is_not_kept(make_engine: MakeEngine) -> None:
    catches = (
        'try:\n    x = parse_question("how many?")\nexcept ValueError:\n    x = 0\nsay(str(x))'
    )
    model = ScriptedModel(catches, 'ret_val = f(x=2)', FAULTY, 'say("a")')
    engine = make_engine(model)
    assert run(engine, 's').answer == '0'
    run(engine, 's')
    assert 'defined: ' not in model.asked[-1][-1]['content']


def test_it_finds_what_the_call_gives_it(make_engine: MakeEngine) -> None:
    """A function may use it as well, and is tried with it."""
    model = ScriptedModel(
        'say(str(parse_question("how many?", factor=3)))',
        'ret_val = f(x=factor)',
        'def f(x):\n    return "abc"[x]',
        'def f(x):\n    return x * factor',
    )
    report = run(make_engine(model))
    assert (report.error, report.answer) == ('', '9')
    assert 'tried as f(x=factor)' in model.asked[3][-1]['content']


def test_variables_of_the_program_around_it_are_not_its_own(make_engine: MakeEngine) -> None:
    """They are not there when it runs, so it must not name them."""
    model = ScriptedModel('x = 5\nsay("a")', 'say(str(parse_question("how many?")))', 'ret_val = x')
    engine = make_engine(model)
    assert run(engine, 's').outcome == 'succeeded'
    model.answers += ['ret_val = 4']
    assert run(engine, 's').answer == '4'
    assert "nothing defines the name 'x'" in model.asked[-1][-1]['content']


def test_a_function_that_a_nested_program_needs_and_nobody_can_write(
    make_engine: MakeEngine,
) -> None:
    model = ScriptedModel(
        'say(str(parse_question("how many?")))', 'ret_val = f(x=2)', *['I cannot.'] * 2, MIDDLE
    )
    assert run(make_engine(model)).outcome == 'succeeded'
    assert 'nothing defines ret_val = f(x=2)' in model.asked[-1][-1]['content']
