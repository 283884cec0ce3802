import inspect

import pytest

from cap_planner.api import TABLETOP
from cap_planner.api.spec import Kind
from cap_planner.labels import Label
from cap_planner.verifier import defined_functions, scope_names, signatures, verify


def rules(source, **options):
    return [violation.rule for violation in verify(source, TABLETOP, **options).violations]


GOOD = [
    'put_first_on_second("blue block", "red bowl")',
    'pos = get_obj_pos("blue block") + [0.1, 0]\nput_first_on_second("blue block", pos)',
    'from env_utils import put_first_on_second, stack_objects_in_order\nsay("hi")',
    'from shapely.geometry import *\nimport numpy as n\np = Point(n.array([0, 1])).buffer(2)',
    'import shapely.affinity as aff\nq = aff.rotate(box(0, 0, 1, 1), 45).centroid.x',
    'from numpy.linalg import norm\nd = norm(np.linalg.inv(np.eye(2)))',
    'from transforms3d import euler\nr = euler.euler2mat(0, 0, 1)',
    'import math\nx = math.sin(math.pi)',
    'import numpy as np\nimport shapely as shapely\nimport numpy.linalg',
    'for n in sorted(get_obj_names(), key=lambda n: get_obj_pos(n)[0]):\n    say(f"{n!r:>9}")',
    'try:\n    get_obj_pos("x")\nexcept (ObjectNotFoundError, ValueError) as e:\n    raise e',
    'def width(b):\n    x0, _, x1, _ = b\n    return x1 - x0\na = width(get_bbox("x"))',
    'def f(n: int, p: List[np.ndarray] = ()) -> Dict[str]:\n    return f(n - 1) if n else {}',
    'say("{} and {name:.2f}".format(1, name=2.0))',
    'while True:\n    if is_obj_visible("cup"):\n        break',
    'while True:\n    get_obj_pos("cup")',
    'x = 3\nwhile x > 0:\n    x -= 1',
    'names = [n for n in get_obj_names() if "block" in n]\nassert names, "no blocks"',
    'if (n := len(get_obj_names())) > 2: say(str(n))',
    'def outer():\n    total = 0\n    def add(x):\n        nonlocal total\n        total += x\n'
    '    add(1)\n    return total\nt = outer()',
    'a = {1: 2, **{3: 4}}\nb, *c = [*a, 5]\ndel a[1]',
    'm = max(get_obj_names(), key=len)\nraise ValueError(m) from None',
    'print("x", 3)',
    'xy = []\nxy.append(0.1)\nxy += [-0.5]\nput_first_on_second("blue block", xy)',
    'xy = []\nfor v in (0.1, -0.5):\n    xy.append(v)\nput_first_on_second("blue block", xy)',
    'x = -18446744073709551615',
    'posici\u00f3n_\u7ea2 = 1',
]


@pytest.mark.parametrize('source', GOOD)
def test_ordinary_programs_pass(source):
    assert str(verify(source, TABLETOP)) == ''


BAD = {
    'import os': 'import',
    'import numpy.lib.npyio': 'import',
    'from . import x': 'import',
    'import env_utils': 'import',
    'from numpy import load': 'import',
    'from numpy import *': 'import',
    'import time': 'import',
    'open("x")': 'forbidden_name',
    'exec("1")': 'forbidden_name',
    'eval("1")': 'forbidden_name',
    'compile("1", "", "exec")': 'forbidden_name',
    'getattr(1, "real")': 'forbidden_name',
    'setattr(say, "a", 1)': 'forbidden_name',
    'vars()': 'forbidden_name',
    'globals()': 'forbidden_name',
    'input()': 'forbidden_name',
    'breakpoint()': 'forbidden_name',
    'f = memoryview': 'forbidden_name',
    'super()': 'forbidden_name',
    'x = BaseException': 'forbidden_name',
    'type("A", (), {})': 'forbidden_name',
    '__import__("os")': 'dunder',
    'x = __builtins__': 'dunder',
    'dict(__class__=1)': 'dunder',
    'say("".__class__.__name__)': 'private',
    'np._core': 'private',
    'say("%s" % "__class__")': 'dunder',
    '"{0.real}".format(1)': 'format',
    '"{0[0]}".format([1])': 'format',
    '"{:{0.real}}".format(1)': 'format',
    't = "{}"\nt.format(1)': 'format',
    '"{a}".format_map({"a": 1})': 'format',
    'f = "{}".format': 'format',
    'np.load("x")': 'attribute',
    'np.linalg.linalg': 'attribute',
    'shapely.lib': 'attribute',
    'import numpy as n\nn.memmap("x")': 'attribute',
    'np.zeros(3).tofile("x")': 'attribute',
    'np.zeros(3).dump("x")': 'attribute',
    'np.zeros(3).ctypes': 'attribute',
    'g = (i for i in [1])\ng.gi_frame': 'attribute',
    'try:\n    pass\nexcept AttributeError as e:\n    e.obj': 'attribute',
    'class A: pass': 'statement',
    'with say("x"): pass': 'statement',
    'def f():\n    yield 1': 'statement',
    'async def f():\n    pass': 'statement',
    'match 1:\n    case _: pass': 'statement',
    'try:\n    pass\nexcept* ValueError:\n    pass': 'statement',
    'def f():\n    global x\n    x = 1': 'statement',
    'def f(): pass\n@f\ndef g(): pass': 'decorator',
    'while True: pass': 'endless_loop',
    'while 1:\n    say("hi")': 'endless_loop',
    'while True:\n    for i in range(3):\n        break': 'endless_loop',
    'while True:\n    def f():\n        return 1': 'endless_loop',
    'raise 3': 'raise',
    'raise x.y': 'raise',
    'say = 3': 'api_rebound',
    'def get_obj_pos(x): return 3': 'api_rebound',
    'def f(say): pass': 'api_rebound',
    'for say in []: pass': 'api_rebound',
    'from math import sin as say': 'api_rebound',
    's\u0430y = 3': 'lookalike',
    'np = 3': 'library_rebound',
    'def math(): pass': 'library_rebound',
    'for shapely in []: pass': 'library_rebound',
    'import math as np': 'library_rebound',
    'from numpy import linalg as np': 'library_rebound',
    'x = 18446744073709551616': 'integer',
    'say(f"{-0x10000000000000000}")': 'integer',
    'say(missing)': 'undefined_name',
    'x = [i for i in range(3)]\nsay(str(i))': 'undefined_name',
    'make_line()': 'unknown_function',
    'from utils import make_line\nmake_line()': 'unknown_function',
    'get_obj_pos()': 'arguments',
    'get_obj_pos(nme="x")': 'arguments',
    'put_first_on_second("a", "b", "c")': 'arguments',
    'get_obj_pos(3)': 'arguments',
    'get_obj_pos(["a"])': 'arguments',
    'from utils import get_obj_pos as pos\npos(3)': 'arguments',
    'x = 1 # \u202e': 'hidden',
    'say("x") # \x1b[2J': 'hidden',
    'say("x") # \u2028say = 3': 'hidden',
    's = "a\x85b"': 'hidden',
    'x = ' + 'a' * 30_000: 'too_long',
    'x = ' + '-' * 9_000 + '1': 'too_deep',
    'x = y' + '.z' * 4_000: 'too_deep',
    'x = ' + '+'.join(['1'] * 100): 'too_deep',
    'x = (': 'syntax',
    'return 1': 'syntax',
    'x = "\0"': 'syntax',
    'Put the block in the bowl.': 'syntax',
}


@pytest.mark.parametrize('source', BAD)
def test_each_rule_sees_its_violation(source):
    assert BAD[source] in rules(source)


def test_every_violation_is_reported_with_its_line_and_advice():
    report = verify('import os\nx = open("a")\nget_obj_pos(1, 2)\nfly()\n', TABLETOP)
    assert [v.line for v in report.violations] == [1, 2, 3, 4]
    assert 'open("a")' in str(report)
    assert 'get_obj_pos(name: str) -> Point' in str(report)
    assert all(v.advice for v in report.violations[:2])


def test_the_labels_of_the_rules():
    labels = {rule: verify(s, TABLETOP).violations[-1].label for s, rule in BAD.items()}
    assert labels['syntax'] is Label.MODEL_MALFORMED
    assert labels['arguments'] is Label.WRONG_ARGUMENTS
    assert labels['unknown_function'] is Label.UNKNOWN_API
    assert labels['import'] is Label.VERIFIER_REJECTED


def test_undefined_functions_are_listed_in_the_order_of_the_text_with_their_signatures():
    source = (
        'from utils import make_line, get_obj_pos, never_called\n'
        'pts = make_line(start=(0, 0), end=(1, 1))\n'
        'def mine(x):\n    return helper(x, np.pi)\n'
        'say(str(mine(closest(pts)) + known_one(2)))\n'
        'pts = make_line(pts)'
    )
    report = verify(source, TABLETOP, known=['known_one'], allow_undefined=True)
    assert report.ok, str(report)
    assert [(u.name, u.signature, u.line) for u in report.undefined] == [
        ('make_line', 'pts = make_line(start=(0, 0), end=(1, 1))', 2),
        ('helper', 'helper(x, np.pi)', 4),
        ('closest', 'closest(pts)', 5),
    ]
    names = ('make_line', 'helper', 'closest', 'known_one')
    assert verify(source, TABLETOP, known=names) == verify('', TABLETOP)


def test_a_function_behind_an_alias_is_asked_for_by_its_own_name():
    source = 'from utils import make_line as line\npts = line(n=3)\nsay(str(pts))'
    (missing,) = verify(source, TABLETOP).undefined
    assert (missing.name, missing.signature) == ('make_line', 'pts = make_line(n=3)')


HUGE = f'0x{"f" * 5000}'  # more digits than Python writes


@pytest.mark.parametrize(
    'source',
    [
        f'put_first_on_second("a", [1{"0" * 400}, 0])',
        f'put_first_on_second("a", {HUGE} + 1j)',
        f'say({HUGE})',
        f'x = f({HUGE})',
        f'raise f({HUGE})',
        f'match 1:\n    case {HUGE}: pass',
    ],
)
def test_a_huge_integer_is_one_violation_among_others(source):
    found = rules(f'{source}\nopen("x")')
    assert {'integer', 'forbidden_name'} <= set(found)


@pytest.mark.parametrize('annotation', [HUGE, '-' * 500 + '1'])
def test_an_annotation_may_be_anything(annotation):
    report = verify(f'x: {annotation} = f(1)', TABLETOP, allow_undefined=True)
    assert report.ok
    assert [missing.signature for missing in report.undefined] == ['f(1)']


def test_a_value_that_is_asked_for_has_to_be_set():
    assert rules('x = 1', returns='ret_val') == ['missing_result']
    assert rules('if get_obj_names():\n    ret_val = 1', returns='ret_val') == []
    assert rules('def f():\n    ret_val = 1', returns='ret_val') == ['missing_result']
    assert rules('raise ObjectNotFoundError("no cup")', returns='ret_val') == []


def test_names_of_the_session_are_known():
    assert rules('say(greeting)') == ['undefined_name']
    assert rules('say(greeting)', known={'greeting'}) == []


def test_imports_of_the_session_are_known():
    source = 'x = n.linalg.norm([hypot(3, 4)])\nn.load("x")'
    imports = ['import numpy as n', 'from math import hypot']
    assert rules(source, imports=imports) == ['attribute']
    assert 'undefined_name' in rules(source)


def test_near_misses_are_named():
    assert 'get_obj_pos' in str(verify('get_object_pos("x")', TABLETOP))
    assert 'startswith' in str(verify('"a".startwith("b")', TABLETOP))


def test_libraries_that_are_hidden_by_a_variable_are_values():
    assert rules('import shapely.affinity as a\na = "x"\ny = a.upper()') == []


def test_the_scope_that_function_writers_must_not_generate():
    assert {'np', 'Point', 'rotate', 'say', 'len', 'ObjectNotFoundError'} <= scope_names(TABLETOP)


def test_a_part_that_only_looks_moves_nothing():
    looks = {'calls': {Kind.QUERY, Kind.LMP}}
    assert rules('put_first_on_second("a", "b")\nret_val = 1', **looks) == ['not_its_part']
    assert rules('from env_utils import say as tell\ntell("x")', **looks) == ['not_its_part']
    assert rules('f = say', **looks) == ['not_its_part']
    assert rules('ret_val = parse_obj_name("x")\nget_obj_pos("x")', **looks) == []


def test_lines_are_counted_as_python_counts_them():
    (violation,) = verify('x = "a\x0cb"\r\nopen("a")', TABLETOP).violations[1:]
    assert (violation.line, violation.source) == (2, 'open("a")')


def test_the_functions_that_a_text_defines():
    text = 'def a():\n    def inner(): pass\nif x:\n    b = lambda: 1\ntry:\n    c = d = 1\n'
    text += 'except ValueError:\n    def e(): pass'
    assert defined_functions(text, 'def f(): pass') == {'a', 'b', 'e', 'f'}


@pytest.mark.parametrize(
    ('source', 'where'),
    [
        ('say("ü 你好 🤖"); sya(1)', 'line 1, column 16: '),
        ('x = 1\n  y = 2', 'line 2, column '),
        ('x = 1\nsay("a\u202eb")', 'line 2, column 7: '),
        ('x = 1\nif x:\n    import os', 'line 3, column 5: '),
    ],
)
def test_a_place_is_told_as_editors_count(source, where):
    text = str(verify(source, TABLETOP))
    assert text.startswith(where)
    assert source.splitlines()[-1].strip() in text


@pytest.mark.parametrize(
    ('source', 'says'),
    [
        ('names = get_obj_names()\nx = get_obj_pos(names)', "'name' must be a string"),
        ('put_first_on_second(get_obj_names(), "a")', "'first' must be"),
        ('put_first_on_second(f"{1}", is_obj_visible("a"))', "'second' must be"),
        ('x = get_corner_name("a")', "'pos' must be a finite position"),
        ('x = denormalize_xy([1e999, 0])', "'pos_normalized' must be a finite position"),
    ],
)
def test_types_that_the_text_tells(source, says):
    (violation,) = verify(source, TABLETOP).violations
    assert violation.rule == 'arguments'
    assert says in violation.message


@pytest.mark.parametrize(
    'source',
    [
        'x = get_obj_names()\nx = x[0]\ny = get_obj_pos(x)',
        'def f(names):\n    return get_obj_pos(names)\nnames = get_obj_names()',
        'for x in get_obj_names():\n    y = get_obj_pos(x)',
        'x = parse_obj_name("a")\ny = get_obj_pos(x)',
        'try:\n    x = get_obj_names()\nexcept ValueError as x:\n    y = get_obj_pos(x)',
        'y = get_obj_pos(old)\nold = get_obj_names()',
    ],
)
def test_types_that_the_text_leaves_open(source):
    assert verify(source, TABLETOP, known=['old']).ok


def test_calls_of_written_functions_have_to_fit_them():
    written = signatures('def get_middle(points, weights=None):\n    return points[0]\n')
    options = {'known': ['other'], 'functions': written}
    assert verify('x = get_middle(points=[1])', TABLETOP, **options).ok
    assert verify('x = get_middle(*other)', TABLETOP, **options).ok
    (violation,) = verify('x = get_middle(positions=[1])', TABLETOP, **options).violations
    assert 'it is get_middle(points, weights=...)' in violation.message
    own = 'def get_middle(positions):\n    return positions\nx = get_middle(positions=[1])'
    assert verify(own, TABLETOP, **options).ok, 'the program has its own'


@pytest.mark.parametrize(
    'text',
    [
        'def f(a, b=1, *c, d, e=2, **g): pass',
        'def f(a, /, b, *, c=None): pass',
        'def f(): pass',
        'def f(*, a): pass',
    ],
)
def test_signatures_are_those_of_python(text):
    scope = {}
    exec(text, scope)
    theirs = inspect.signature(scope['f'])
    ours = signatures(text)['f']
    assert [(p.name, p.kind) for p in ours.parameters.values()] == [
        (p.name, p.kind) for p in theirs.parameters.values()
    ]
    assert [p.default is p.empty for p in ours.parameters.values()] == [
        p.default is p.empty for p in theirs.parameters.values()
    ]
