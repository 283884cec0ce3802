"""Functions that programs call and nobody has defined."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from cap_planner.api import TABLETOP
from cap_planner.fgen import definition_from_completion, definitions, generate_functions
from cap_planner.models.base import ModelMalformedError
from cap_planner.testing import GivenTexts
from cap_planner.verifier import Undefined, verify


def undefined(source: str, generated: Collection[str]) -> Sequence[Undefined]:
    return verify(source, TABLETOP, known=generated).undefined


def asker(answers: dict[str, str], asked: list[str] | None = None):  # type: ignore[no-untyped-def]
    def ask(missing: Undefined, _: Collection[str]) -> GivenTexts:
        if asked is not None:
            asked.append(missing.signature)
        return GivenTexts(answers[missing.name])

    return ask


def test_depth_first_callees_first() -> None:
    asked: list[str] = []
    functions = generate_functions(
        'x = top(1)\nother(x)',
        undefined,
        asker(
            {
                'top': 'def top(a):\n    y = middle(a)\n    return y',
                'middle': 'def middle(a):\n    return low(a) + abs(a)',
                'low': 'def low(a):\n    return a * 10',
                'other': 'def other(x):\n    return low(x)',
            },
            asked,
        ),
    )
    assert asked == ['x = top(1)', 'y = middle(a)', 'low(a)', 'other(x)']
    assert list(functions) == ['low', 'middle', 'top', 'other']
    scope: dict[str, object] = {}
    for text in functions.values():
        exec(text, scope)
    assert eval('top(2)', scope) == 22


def test_self_recursion_and_mutual_recursion() -> None:
    functions = generate_functions(
        'even(4)',
        undefined,
        asker(
            {
                'even': 'def even(n):\n    return n == 0 or odd(n - 1)',
                'odd': 'def odd(n):\n    return n != 0 and even(n - 1)',
            }
        ),
    )
    scope: dict[str, object] = {}
    for text in functions.values():
        exec(text, scope)
    assert eval('even(10)', scope) is True


def test_helpers_that_come_along_are_not_asked_for() -> None:
    both = 'import numpy as np\n\ndef a(x):\n    return b(x)\n\ndef b(x):\n    return np.abs(x)'
    assert generate_functions('a(1)\nb(2)', undefined, asker({'a': both})) == {'a': both}


@pytest.mark.parametrize(
    ('answer', 'says'),
    [
        ('def other(x):\n    return x', 'not defined'),
        ('f = lambda x: x', 'only definitions'),
        ("def f(x):\n    return x\n\nput_first_on_second('a', 'b')", 'only definitions'),
        ('I would rather not.', 'no program'),
        ('', 'nothing'),
        ('def f(x:', 'not a Python program'),
        ('def f(x):\n    return g(x)\n\ndef g(x):\n    return x', 'there is g already'),
    ],
)
def test_answers_that_do_not_define_it(answer: str, says: str) -> None:
    with pytest.raises(ModelMalformedError, match=says):
        definition_from_completion(answer, Undefined('f', 'f(1)', 1), {'g'})


def test_a_definition_is_taken_out_of_the_answer() -> None:
    text = 'Here it is:\n```python\ndef f(x):\n    return x\n```'
    definition = definition_from_completion(text, Undefined('f', 'f(1)', 1), {'g'})
    assert definition == 'def f(x):\n    return x\n'


def test_depth_is_bounded() -> None:
    def ask(missing: Undefined, _: Collection[str]) -> GivenTexts:
        return GivenTexts(f'def {missing.name}(x):\n    return f{int(missing.name[1:]) + 1}(x)')

    with pytest.raises(ModelMalformedError, match='4 deep'):
        generate_functions('f0(1)', undefined, ask)


def test_number_is_bounded() -> None:
    source = '\n'.join(f'f{i}(1)' for i in range(20))
    with pytest.raises(ModelMalformedError, match='only 12'):
        generate_functions(
            source, undefined, lambda f, _: GivenTexts(f'def {f.name}(x):\n    return x')
        )


def test_a_function_that_fails_its_trial_is_written_again_with_its_helpers() -> None:
    draft = GivenTexts('def f(x):\n    return bad(x)', 'def f(x):\n    return good(x)')
    helpers = {'bad': 'def bad(x):\n    return 0', 'good': 'def good(x):\n    return 1'}
    tried: list[list[str]] = []

    def ask(missing: Undefined, _: Collection[str]) -> GivenTexts:
        return draft if missing.name == 'f' else GivenTexts(helpers[missing.name])

    def problem(missing: Undefined, functions: Mapping[str, str]) -> str | None:
        tried.append(list(functions))
        return 'it is bad' if 'bad' in functions[missing.name] and missing.name == 'f' else None

    functions = generate_functions('f(1)', undefined, ask, problem)
    assert draft.reports == ['it is bad']
    assert list(functions)[-2:] == ['good', 'f']
    assert [set(names) for names in tried] == [
        {'bad', 'f'},
        {'bad', 'f'},
        {'bad', 'good', 'f'},
        {'bad', 'good', 'f'},
    ]


def test_functions_that_call_each_other_are_tried_together() -> None:
    texts = {
        'even': 'def even(n):\n    return n == 0 or odd(n - 1)',
        'odd': 'def odd(n):\n    return n != 0 and even(n - 1)',
    }

    def problem(missing: Undefined, functions: Mapping[str, str]) -> str | None:
        scope: dict[str, object] = {}
        for text in functions.values():
            exec(text, scope)
        eval(f'{missing.name}(3)', scope)
        return None

    assert set(generate_functions('even(4)', undefined, asker(texts), problem)) == set(texts)


def test_what_a_program_is_told_of_a_long_call_is_short() -> None:
    call = f'f("{"x" * 15_000}")'
    with pytest.raises(ModelMalformedError) as caught:
        definition_from_completion('say(1)', Undefined('f', call, 1))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ('text', 'left'),
    [
        ('def f():\n    # here\n    return 1\n', 'def f():\n    # here\n    return 1\n'),
        (
            'from math import pi\nx = pi\nf = lambda y: y\nsay(f(x))',
            'from math import pi\nf = lambda y: y',
        ),
        (
            'x = 1; f = lambda: "é"; y = 2\ndef g():\n    # é\n    return 1\n',
            'f = lambda: "é"\ndef g():\n    # é\n    return 1',
        ),
        ('if x:\n    def f():\n        pass', ''),
        ('say(', ''),
        ('', ''),
    ],
)
def test_the_definitions_of_a_text_run_nothing(text: str, left: str) -> None:
    assert definitions(text) == left
