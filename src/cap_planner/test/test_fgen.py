"""Functions that programs call and nobody has defined."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from cap_planner.api import TABLETOP
from cap_planner.fgen import generate_functions
from cap_planner.models.base import ModelMalformedError
from cap_planner.verifier import Undefined, verify


def undefined(source: str, generated: Collection[str]) -> Sequence[Undefined]:
    return verify(source, TABLETOP, known=generated).undefined


def asker(answers: dict[str, str], asked: list[str] | None = None):  # type: ignore[no-untyped-def]
    def ask(signature: str) -> str:
        if asked is not None:
            asked.append(signature)
        name = signature.rsplit('= ', maxsplit=1)[-1].split('(', maxsplit=1)[0]
        return answers[name]

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
    assert [(f.name, f.depth) for f in functions] == [
        ('low', 2),
        ('middle', 1),
        ('top', 0),
        ('other', 0),
    ]
    scope: dict[str, object] = {}
    for function in functions:
        exec(function.source, scope)
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
    for function in functions:
        exec(function.source, scope)
    assert eval('even(10)', scope) is True


def test_helpers_that_come_along_are_not_asked_for() -> None:
    both = 'import numpy as np\n\ndef a(x):\n    return b(x)\n\ndef b(x):\n    return np.abs(x)'
    (function,) = generate_functions('a(1)\nb(2)', undefined, asker({'a': both}))
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
        generate_functions('f(1)', undefined, lambda _: answer)


def test_depth_is_bounded() -> None:
    def ask(signature: str) -> str:
        name = signature.split('(', maxsplit=1)[0]
        number = int(name[1:])
        return f'def {name}(x):\n    return f{number + 1}(x)'

    with pytest.raises(ModelMalformedError, match='4 deep'):
        generate_functions('f0(1)', undefined, ask)


def test_number_is_bounded() -> None:
    source = '\n'.join(f'f{i}(1)' for i in range(20))
    with pytest.raises(ModelMalformedError, match='only 12'):
        generate_functions(source, undefined, lambda s: f'def {s.split("(")[0]}(x):\n    return x')
