"""Generated functions on simple inputs: a good one is never refused, and a broken one is."""

from __future__ import annotations

import ast
import builtins
import keyword
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cap_planner import trial
from cap_planner.api import TABLETOP, WHITEBOARD
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import Session
from cap_planner.trial import attempts_for, try_function
from cap_planner.verifier import Undefined

EMPTY = Session()


def missing_from(signature: str) -> Undefined:
    """What the verifier would say of the call."""
    calls = [node for node in ast.walk(ast.parse(signature)) if isinstance(node, ast.Call)]
    assert isinstance(calls[0].func, ast.Name)
    return Undefined(calls[0].func.id, signature, 1)


def tried(
    sandbox: Sandbox,
    signature: str,
    source: str,
    session: Session = EMPTY,
    api: Any = TABLETOP,
    **helpers: str,
) -> str | None:
    missing = missing_from(signature)
    return try_function(missing, {**helpers, missing.name: source}, api, session, sandbox)


# ── good functions ───────────────────────────────────────────────────────────────────────────────

GOOD = {
    # numpy
    'idx = get_closest_idx(points=block_positions, point=bowl_pos)': """
def get_closest_idx(points, point):
    return int(np.argmin(np.linalg.norm(np.array(points) - np.array(point), axis=1)))
""",
    'turned = rotate(pts=shape, angle_deg=a)': """
def rotate(pts, angle_deg):
    angle = np.radians(angle_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (np.array(pts) - np.mean(pts, axis=0)) @ turn.T + np.mean(pts, axis=0)
""",
    'moved = transform(pts=shape, matrix=m)': """
def transform(pts, matrix):
    return pts @ matrix
""",
    'ret_val = interpolate(start, end, n)': """
def interpolate(start, end, n):
    return [start + (end - start) * i / (n - 1) for i in range(n)]
""",
    'ok = is_close(a_pos, b_pos, tolerance=0.01)': """
def is_close(a_pos, b_pos, tolerance):
    return bool(np.allclose(a_pos, b_pos, atol=tolerance))
""",
    # shapely
    'length = get_length(points=path)': """
def get_length(points):
    from shapely.geometry import LineString
    return LineString(points).length
""",
    'pos = get_pos_along(line=path, fraction=0.5)': """
def get_pos_along(line, fraction):
    point = line.interpolate(fraction, normalized=True)
    return np.array([point.x, point.y])
""",
    'corners = get_corners_within(polygon=region, points=corners)': """
def get_corners_within(polygon, points):
    return [point for point in points if polygon.contains(shapely.Point(point))]
""",
    # names and texts
    'names = sort_by_length(names=block_names)': """
def sort_by_length(names):
    return sorted(names, key=len)
""",
    'groups = group_by_color(obj_names=all_names)': """
def group_by_color(obj_names):
    groups = {}
    for name in obj_names:
        groups.setdefault(name.split()[0], []).append(name)
    return groups
""",
    'text = join_names(names)': """
def join_names(names):
    *first, last = names
    return f"{', '.join(first)} and {last}"
""",
    # what nothing tells: a dictionary, a function, a color, pairs, a grid
    'names = get_keys(assignment=d)': """
def get_keys(assignment):
    return [f'{key} on {value}' for key, value in assignment.items()]
""",
    'best = get_best(names=block_names, score=lambda name: get_obj_pos(name)[0])': """
def get_best(names, score):
    return max(names, key=score)
""",
    'for_each(names=block_names, action=say)': """
def for_each(names, action):
    for name in names:
        action(name)
""",
    'near = is_like(color=get_color(name), other=other_color)': """
def is_like(color, other):
    return all(abs(a - b) < 0.1 for a, b in zip(color[:3], other[:3]))
""",
    'red = is_red(color=c, threshold=0.3)': """
def is_red(color, threshold):
    red, green, blue, _ = color
    return red - max(green, blue) > threshold
""",
    'put_in_pairs(pairs=block_bowl_pairs)': """
def put_in_pairs(pairs):
    for block, bowl in pairs:
        put_first_on_second(block, bowl)
""",
    'cell = get_cell(grid=board, row=0, column=1)': """
def get_cell(grid, row, column):
    return grid[row][column]
""",
    # actions
    'stack(object_names=block_names)': """
def stack(object_names):
    for lower, upper in zip(object_names, object_names[1:]):
        put_first_on_second(upper, lower)
""",
    'swap(first=a_name, second=b_name)': """
def swap(first, second):
    first_pos, second_pos = get_obj_pos(first), get_obj_pos(second)
    put_first_on_second(first, denormalize_xy([0.5, 0.5]))
    put_first_on_second(second, first_pos)
    put_first_on_second(first, second_pos)
""",
    'put_all_away()': """
def put_all_away():
    for name in parse_obj_name('the blocks', f'objects = {get_obj_names()}'):
        put_first_on_second(name, parse_position('the left side'))
""",
    # loops over queries
    'wait_for(name=block_name)': """
def wait_for(name):
    while not is_obj_visible(name):
        pass
""",
    'wait_until_right_of(name=block_name, x=0.3)': """
def wait_until_right_of(name, x):
    while get_obj_pos(name)[0] < x:
        pass
""",
    'n = count_in_bowl(block_names, bowl_name)': """
def count_in_bowl(block_names, bowl_name):
    bowl_pos = get_obj_pos(bowl_name)
    return sum(np.linalg.norm(get_obj_pos(name) - bowl_pos) < 0.05 for name in block_names)
""",
    # recursion, and loops that a wrong guess sets going for ever
    'total = sum_all(values=nested)': """
def sum_all(values):
    return sum(sum_all(value) if isinstance(value, list) else value for value in values)
""",
    'result = factorial(x)': """
def factorial(x):
    return 1 if x == 0 else x * factorial(x - 1)
""",
    'divisor = gcd(a, b)': """
def gcd(a, b):
    while a != b:
        a, b = max(a, b) - min(a, b), min(a, b)
    return a
""",
    'steps = count_down(amount=height)': """
def count_down(amount):
    steps = 0
    while amount != 1:
        amount = amount / 2 if amount % 2 == 0 else amount * 3 + 1
        steps += 1
    return steps
""",
    # a variable that only some arguments set
    'y = get_width(thing=t)': """
def get_width(thing):
    if isinstance(thing, dict):
        width = thing.get('width', 1)
    return width
""",
    # errors of its own
    'name = get_only(names=found)': """
def get_only(names):
    if len(names) != 1:
        raise ObjectNotFoundError(f'there are {names}')
    return names[0]
""",
    'check(amount=k)': """
def check(amount):
    if not isinstance(amount, set):
        raise ValueError(f'a set is needed, not {amount}')
""",
}


@pytest.mark.parametrize('signature', GOOD)
def test_good_functions_pass(sandbox: Sandbox, signature: str) -> None:
    assert tried(sandbox, signature, GOOD[signature].strip()) is None


def test_what_ends_only_on_some_numbers_is_not_refused(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, '_WALL_S', 0.5)
    source = 'def halve(amount):\n    while amount != 8:\n        amount = amount / 2'
    assert tried(sandbox, 'halve(amount=x)', source) is None


# ── good functions, called in ways that say less and less ────────────────────────────────────────

ANY_NAME = st.one_of(
    st.sampled_from(
        ['x', 'item', 'names', 'block_names', 'pos', 'pts', 'shape', 'd', 'color', 'n']
    ),
    st.from_regex(r'[a-z]{1,6}(_[a-z]{1,6})?', fullmatch=True),
).filter(lambda name: name not in {'f', 'np', *dir(builtins), *keyword.kwlist})

BODIES = {
    'return np.mean(np.array({0}), axis=0)': '[[0.1, -0.4], [0.2, -0.5]]',
    'return [get_obj_pos(name) for name in {0}]': "['red block', 'blue block']",
    'return {0}.split()[0].capitalize()': "'red block'",
    'return {0}[-1]': '[1, 2]',
    'return {0}.area': 'shapely.Point(0, 0).buffer(1)',
    'return {{value: key for key, value in {0}.items()}}': "{'a': 'b'}",
    'return {0}(get_obj_names()[0])': 'get_obj_pos',
    'return sum(1 for _ in range({0}))': '4',
    'return [a + b for a, b in {0}]': '[(1, 2), (3, 4)]',
    'return {0} @ np.eye(2)': 'np.array([0.1, 0.2])',
    'return {0} | {{1}}': '{1, 2}',
    'return 0 if not {0} else 1 + f({0}[1:])': '[1, 2, 3]',
    'while not {0}:\n        pass\n    return 1': 'True',
}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(sorted(BODIES)),
    ANY_NAME,
    st.one_of(st.none(), ANY_NAME),
    st.booleans(),
)
def test_no_name_of_an_argument_makes_a_good_function_bad(
    sandbox: Sandbox, body: str, parameter: str, variable: str | None, with_keyword: bool
) -> None:
    """`f(parameter=variable)`, where None stands for the value itself."""
    value = BODIES[body] if variable is None else variable
    argument = f'{parameter}={value}' if with_keyword else value
    source = f'def f({parameter}):\n    {body.format(parameter)}'
    assert tried(sandbox, f'y = f({argument})', source) is None


# ── broken functions ─────────────────────────────────────────────────────────────────────────────

BAD = {
    'a name that is not there': (
        'total = get_total(numbers=values)',
        'def get_total(numbers):\n    return sum(number)',
        "line 2: return sum(number)\nNameError: name 'number' is not defined",
    ),
    'a name that is not there, and an argument of which nothing tells': (
        'y = f(x=z)',
        'def f(x):\n    return w',
        "NameError: name 'w' is not defined",
    ),
    'parameters that are not those of the call': (
        'area = get_area(bbox=get_bbox(name))',
        'def get_area(box):\n    return box',
        "TypeError: get_area() got an unexpected keyword argument 'bbox'",
    ),
    'too few parameters': (
        'f(a, b)',
        'def f(a):\n    return a',
        'TypeError: f() takes 1 positional argument but 2 were given',
    ),
    'no such function in a library': (
        'y = f(x=z)',
        'def f(x):\n    return np.closest(x)',
        "AttributeError: module 'numpy' has no attribute 'closest'",
    ),
    'no such method': (
        'text = f(name=block_name)',
        'def f(name):\n    return name.uppercase()',
        "AttributeError: 'str' object has no attribute 'uppercase'",
    ),
    'beyond the end': (
        'name = get_third(names=block_names)',
        'def get_third(names):\n    return names[len(names)]',
        'IndexError: list index out of range',
    ),
    'an array taken for a truth': (
        'ok = is_same(first_pos, second_pos)',
        'def is_same(a, b):\n    if get_obj_pos("red block") == get_obj_pos("blue block"):\n'
        '        return True',
        'ValueError: The truth value of an array',
    ),
    'recursion without an end': (
        'y = f(n=3)',
        'def f(n):\n    return f(n)',
        'RecursionError',
    ),
    'without arguments': ('f()', 'def f():\n    return 1 / 0', 'ZeroDivisionError'),
}


@pytest.mark.parametrize('case', BAD)
def test_broken_functions_are_refused_with_line_and_error(sandbox: Sandbox, case: str) -> None:
    signature, source, says = BAD[case]
    problem = tried(sandbox, signature, source)
    assert problem
    assert problem.startswith('tried as ')
    assert says in problem


@pytest.mark.parametrize(
    ('signature', 'body'),
    [
        ('f(names=block_names)', 'while True:\n        names = list(names)'),
        ('f(names=get_obj_names())', 'for name in names:\n        names.append(name)'),
    ],
)
def test_what_does_not_end_is_refused(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, signature: str, body: str
) -> None:
    monkeypatch.setattr(trial, '_WALL_S', 0.5)
    problem = tried(sandbox, signature, f'def f(names):\n    {body}')
    assert problem
    assert 'it does not end' in problem


def test_a_helper_that_fails_is_named_with_its_line(sandbox: Sandbox) -> None:
    helper = 'def half(x):\n    return x // 0'
    problem = tried(sandbox, 'y = f(n=3)', 'def f(n):\n    return half(n)', half=helper)
    assert problem
    assert problem.splitlines()[1:] == [
        'line 2: return half(n)',
        'line 2: return x // 0',
        'ZeroDivisionError: integer division or modulo by zero',
    ]


def test_variables_of_the_session_are_what_they_are(sandbox: Sandbox) -> None:
    source = 'def f(thing):\n    return thing["a"] + 1'
    assert tried(sandbox, 'y = f(thing=stored)', source, Session({'stored': {'a': 1}})) is None
    problem = tried(sandbox, 'y = f(thing=stored)', source, Session({'stored': {'b': 1}}))
    assert problem
    assert "KeyError: 'a'" in problem


def test_functions_of_the_program_are_there(sandbox: Sandbox) -> None:
    """With what they import; what the program computes first is not, and that says nothing."""
    source = 'def f(x):\n    return helper(x) + 1'
    program = 'from math import sqrt\ndef helper(x):\n    return sqrt(x)\nsay(str(f(x=1)))'
    assert tried(sandbox, 'f(x=1)', source, Session(functions={'text0': program})) is None
    problem = tried(sandbox, 'f(x=-1)', source, Session(functions={'text0': program}))
    assert problem
    assert 'ValueError: math domain error' in problem


@pytest.mark.parametrize(
    'program',
    [
        'factor = 2\ndef helper(x):\n    return x * factor',
        'factor = 2\ndef helper(x, y=factor):\n    return x * y',
        'if len(get_obj_names()) > 1:\n    def helper(x):\n        return x',
    ],
)
def test_what_only_the_program_has_is_not_missed(sandbox: Sandbox, program: str) -> None:
    source = 'def f(x):\n    return helper(x)'
    missing, session = missing_from('f(x=1)'), Session(functions={'text0': program})
    found = try_function(missing, {'f': source}, TABLETOP, session, sandbox, {'helper'})
    assert found is None


def test_other_guesses_that_could_not_be_tried_say_nothing(sandbox: Sandbox) -> None:
    """Here because no session can have a function of that name."""
    source = 'def f(names):\n    return helper(names) + 1'
    helper = Session(functions={'0': 'def helper(x):\n    return x'})
    assert tried(sandbox, 'f(names=names)', source, helper) is None


def test_a_session_too_large_for_a_trial_says_nothing(sandbox: Sandbox) -> None:
    session = Session({'big': 'x' * 5_000_000})
    assert tried(sandbox, 'f(x=1)', 'def f(x):\n    return x', session) is None


def test_what_a_long_call_comes_to_is_told_shortly(sandbox: Sandbox) -> None:
    problem = tried(sandbox, f'f("{"x" * 9000}")', 'def f(x):\n    return x.nothing')
    assert problem
    assert len(problem) < 1000


def test_a_trial_leaves_nothing_behind(sandbox: Sandbox) -> None:
    session = Session({'stored': [1]})
    tried(sandbox, 'f(thing=stored)', 'def f(thing):\n    thing.append(2)', session)
    assert session.variables == {'stored': [1]}


def test_functions_of_the_whiteboard_are_tried_too(sandbox: Sandbox) -> None:
    source = 'def f(shape_pts):\n    draw(scale(pts=shape_pts))'
    scale = 'def scale(pts):\n    return pts * 2'
    assert tried(sandbox, 'f(shape_pts=pts)', source, api=WHITEBOARD, scale=scale) is None


# ── the guesses ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ('signature', 'first', 'is_certain'),
    [
        ('f(1, x=-2.5)', 'f(1, x=-2.5)', True),
        ('f(pos=get_obj_pos("a"))', "f(pos=get_obj_pos('a'))", True),
        ('f(pos=np.array([0, 1]) * 2)', 'f(pos=np.array([0, 1]) * 2)', True),
        ('f(key=lambda name: get_obj_pos(name)[0])', None, True),
        ('f(bbox=get_bbox(name))', 'f(bbox=[0.0, -0.5, 0.1, -0.4])', True),
        ('f([get_obj_pos(name) for name in names])', None, True),
        ('f(number=len(names))', 'f(number=3)', True),
        ('f(a_pos)', 'f(np.array([0.05, -0.45]))', True),
        ('f(cup_names)', "f(['blue block', 'red block', 'green bowl'])", True),
        ('f(shape)', None, True),
        ('f(x)', 'f(3)', False),
        ('f(*x)', None, False),
    ],
)
def test_the_likeliest_arguments(signature: str, first: str | None, is_certain: bool) -> None:
    attempts = attempts_for(missing_from(signature), TABLETOP)
    assert first is None or attempts.calls[0] == first
    assert attempts.is_certain is is_certain
    assert len(set(attempts.calls)) == len(attempts.calls)
    for call in attempts.calls:
        ast.parse(call)


def test_what_is_known_is_not_varied() -> None:
    (only,) = attempts_for(missing_from("f(1, name='a', pos=[0, 1])"), TABLETOP).calls
    assert only == "f(1, name='a', pos=[0, 1])"
