"""Functions that programs call and nobody has defined."""

from __future__ import annotations

import pytest

from cap_planner.fgen import MissingFunction, generate_functions, undefined_calls
from cap_planner.models.base import ModelMalformedError


def asker(answers: dict[str, str], asked: list[str] | None = None):  # type: ignore[no-untyped-def]
    def ask(signature: str) -> str:
        if asked is not None:
            asked.append(signature)
        name = signature.rsplit('= ', maxsplit=1)[-1].split('(', maxsplit=1)[0]
        return answers[name]

    return ask


def test_signature_is_the_assignment_or_the_call() -> None:
    source = 'idx = get_idx(points=p)\nput_all(names)\nx = [get_name(i=1) for _ in range(2)]'
    assert undefined_calls(source, {'p', 'names'}) == [
        MissingFunction('get_idx', 'idx = get_idx(points=p)'),
        MissingFunction('put_all', 'put_all(names)'),
        MissingFunction('get_name', 'get_name(i=1)'),
    ]


@pytest.mark.parametrize(
    'source',
    [
        'np.mean(points)',
        'known(1)',
        'print(len([1]))',
        'def f(x):\n    return f(x - 1)\nf(2)',
        'g = lambda x: x\ng(1)',
        'from shapely import box as b\nb(0, 0, 1, 1)',
        'import shapely.geometry\nshapely.geometry.Point(0, 0)',
        'def f(callback):\n    return callback(1)',
        'for act in acts:\n    act()',
        'exec("1")\nopen("x")',
        '[h(1) for h in hs]',
        'try:\n    known(1)\nexcept KeyError as e:\n    known(e)',
    ],
)
def test_what_is_not_missing(source: str) -> None:
    assert undefined_calls(source, {'known'}) == []


def test_each_function_is_asked_for_once_in_the_order_of_the_text() -> None:
    missing = undefined_calls('a(b(1))\nb(2)\na(3)', ())
    assert [item.name for item in missing] == ['a', 'b']


def test_depth_first_callees_first() -> None:
    asked: list[str] = []
    functions = generate_functions(
        'x = top(1)\nother(x)',
        {'known'},
        asker(
            {
                'top': 'def top(a):\n    y = middle(a)\n    return y',
                'middle': 'def middle(a):\n    return low(a) + known(a)',
                'low': 'def low(a):\n    return a * 10',
                'other': 'def other(x):\n    return low(x)',
            },
            asked,
        ),
    )
    assert asked == ['x = top(1)', 'y = middle(a)', 'low(a)', 'other(x)']
    assert [(f.name, f.depth) for f in functions] == [
        ('low', 2),
        ('middle', 1),
        ('top', 0),
        ('other', 0),
    ]
    scope = {'known': lambda a: a}
    for function in functions:
        exec(function.source, scope)
    assert eval('top(2)', scope) == 22


def test_self_recursion_and_mutual_recursion() -> None:
    functions = generate_functions(
        'even(4)',
        (),
        asker(
            {
                'even': 'def even(n):\n    return n == 0 or odd(n - 1)',
                'odd': 'def odd(n):\n    return n != 0 and even(n - 1)',
            }
        ),
    )
    scope: dict[str, object] = {}
    for function in functions:
        exec(function.source, scope)
    assert eval('even(10)', scope) is True


def test_helpers_that_come_along_are_not_asked_for() -> None:
    both = 'import numpy as np\n\ndef a(x):\n    return b(x)\n\ndef b(x):\n    return np.abs(x)'
    (function,) = generate_functions('a(1)\nb(2)', {'np'}, asker({'a': both}))
    assert function.source.strip() == both


@pytest.mark.parametrize(
    ('answer', 'says'),
    [
        ('def other(x):\n    return x', 'not defined'),
        ('f = lambda x: x', 'only definitions'),
        ("def f(x):\n    return x\n\nput_first_on_second('a', 'b')", 'only definitions'),
        ('I would rather not.', 'no program'),
        ('', 'nothing'),
        ('def f(x:', 'not a Python program'),
    ],
)
def test_answers_that_do_not_define_it(answer: str, says: str) -> None:
    with pytest.raises(ModelMalformedError, match=says):
        generate_functions('f(1)', (), lambda _: answer)


def test_depth_is_bounded() -> None:
    def ask(signature: str) -> str:
        name = signature.split('(', maxsplit=1)[0]
        number = int(name[1:])
        return f'def {name}(x):\n    return f{number + 1}(x)'

    with pytest.raises(ModelMalformedError, match='4 deep'):
        generate_functions('f0(1)', (), ask)


def test_number_is_bounded() -> None:
    source = '\n'.join(f'f{i}(1)' for i in range(20))
    with pytest.raises(ModelMalformedError, match='only 12'):
        generate_functions(source, (), lambda s: f'def {s.split("(")[0]}(x):\n    return x')


def test_syntax_errors_are_the_callers() -> None:
    with pytest.raises(SyntaxError):
        undefined_calls('f(', ())
