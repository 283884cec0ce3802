"""Programs in the real sandbox: calls, sessions, errors, budgets, and who dies with whom."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from shapely.geometry import Point, Polygon

from cap_common.errors import ObjectNotFoundError
from cap_planner.api import TABLETOP
from cap_planner.sandbox.doctor import doctor
from cap_planner.sandbox.host import Sandbox, SandboxConfig
from cap_planner.sandbox.program import (
    Budget,
    Nested,
    Program,
    Raised,
    Returned,
    SandboxUnavailableError,
    Session,
    Status,
)

WALL = 20.0


@pytest.fixture(scope='module')
def sandbox():
    with Sandbox(SandboxConfig(cpu_seconds=1, memory_bytes=256 << 20)) as started:
        yield started


class Robot:
    """Answers calls from a table and keeps what was asked."""

    def __init__(self, **answers):
        self.answers = answers
        self.calls = []

    def __call__(self, call):
        self.calls.append(call)
        answer = self.answers.get(call.name, Returned())
        return answer(call) if callable(answer) else answer

    def said(self):
        return [call.args[0] for call in self.calls if call.name == 'say']


def run(sandbox, source, robot=None, session=None, **options):
    program = Program(textwrap.dedent(source), TABLETOP, session or Session())
    return sandbox.run(program, robot or Robot(), wall_seconds=options.pop('wall', WALL), **options)


def test_a_program_calls_the_robot_and_gets_its_answers(sandbox):
    robot = Robot(get_obj_pos=Returned(np.array([0.1, -0.5])))
    source = """
        p = get_obj_pos('blue block')
        for i in range(2):
            put_first_on_second('blue block',
                                second=p + np.array([0.1 * i, 0]))
        print('at', p)
    """
    outcome = run(sandbox, source, robot)
    assert outcome.status is Status.FINISHED, outcome.text
    assert outcome.printed == 'at [ 0.1 -0.5]\n'
    assert [call.name for call in robot.calls] == ['get_obj_pos'] + ['put_first_on_second'] * 2
    assert robot.calls[0].args == ('blue block',)
    assert np.array_equal(robot.calls[2].kwargs['second'], [0.2, -0.5])
    assert [call.line for call in robot.calls] == [2, 4, 4]


def test_the_line_of_a_call_is_that_of_the_top_level_program(sandbox):
    robot = Robot()
    session = Session(functions={'far': 'def far():\n\n\n\n    say("x")'})
    run(sandbox, '\n\ndef near():\n    far()\nnear()', robot, session)
    assert robot.calls[0].line == 5


def test_a_variable_that_is_none_is_kept(sandbox):
    first = run(sandbox, 'line_pts = None\nsay("a")')
    assert dict(first.session.variables) == {'line_pts': None}


def test_a_session_goes_on_in_the_next_program(sandbox):
    first = run(
        sandbox,
        """
        import numpy as n
        from math import hypot as length
        corner = np.array([[1, 2], [3, 4]])
        area = Polygon([(0, 0), (2, 0), (2, 2)])
        names = {'blue block': (1, 2.5), 'none': None}
        if names:
            def shifted(points, by=corner):
                # the comment stays
                return n.sum(points) + length(3, 4) + double(by)[0, 0]
        double = lambda x: 2 * x
        maker = lambda k: (lambda x: k)
        made = maker(3)
        nothing = float('inf')
        gen = (i for i in [])
        _private = 1
        box = 3
        """,
    )
    assert first.status is Status.FINISHED, first.text
    assert set(first.session.variables) == {'corner', 'area', 'names', 'box'}
    assert list(first.session.functions) == ['shifted', 'double', 'maker']
    assert '# the comment stays' in first.session.functions['shifted']
    assert set(first.dropped) == {'made', 'nothing', 'gen'}
    assert 'finite' in first.dropped['nothing']
    second = run(
        sandbox,
        """
        total = shifted(corner) + area.area + names['blue block'][1] + maker(1)(2)
        area = area.buffer(1)
        """,
        session=first.session,
    )
    assert second.status is Status.FINISHED, second.text
    assert second.session.variables['total'] == 10 + 5 + 2 + 2 + 2.5 + 1
    assert second.session.variables['area'].contains(Point(-0.5, 0))
    assert second.session.functions == first.session.functions
    assert second.session.imports == first.session.imports


def test_every_kind_of_session_data_comes_back(sandbox):
    variables = {
        'array': np.arange(6, dtype=np.int16).reshape(2, 3),
        'shape': Polygon([(0, 0), (1, 0), (1, 1)]),
        'nested': [{'a': (1, 2.5)}, {3: {4}}, None, True, 'é'],
    }
    outcome = run(sandbox, 'extra = 1', session=Session(variables))
    assert np.array_equal(outcome.session.variables['array'], variables['array'])
    assert outcome.session.variables['array'].dtype == np.int16
    assert outcome.session.variables['shape'].equals(variables['shape'])
    assert outcome.session.variables['nested'] == variables['nested']


def test_variables_beyond_the_room_are_dropped_by_name(sandbox):
    outcome = run(sandbox, 'big = np.zeros(250_000)\nsmall = np.zeros(4)')
    assert set(outcome.session.variables) == {'small'}
    assert 'no room' in outcome.dropped['big']


def test_what_is_named_like_a_builtin_is_not_kept_and_told(sandbox):
    source = """
        from math import pow
        import numpy as np
        sum = 3
        range = 0.05
        def round(x): return x
        len = len
    """
    outcome = run(sandbox, source)
    assert outcome.status is Status.FINISHED, outcome.text
    assert outcome.session.variables == outcome.session.functions == {}
    assert set(outcome.dropped) == {'pow', 'sum', 'range', 'round'}
    assert outcome.dropped['sum'] == 'a name of the language, of a library or of the robot'


def test_a_session_keeps_the_functions_that_the_parser_saw_and_nothing_else(sandbox):
    hidden = '#\u2028say = lambda m: None\u2028#\ndef f():\n    return 1\nsay("x")'
    assert run(sandbox, hidden).session.functions == {'f': 'def f():\n    return 1'}
    source = 's = "a\u2028b"\ndef f():\n    return s\nsay("x"); g = lambda: f()'
    first = run(sandbox, source)
    assert first.session.functions == {
        'f': 'def f():\n    return s',
        'g': 'g = lambda: f()',
    }
    robot = Robot()
    assert run(sandbox, 'say(g())', robot, first.session).status is Status.FINISHED
    assert robot.said() == ['a\u2028b'], 'nothing is said but by this program'


def test_a_function_of_a_branch_keeps_its_texts(sandbox):
    source = 'if True:\n    def f():\n        return """a\nb"""'
    first = run(sandbox, source)
    second = run(sandbox, 'x = f()', session=first.session)
    assert second.session.variables == {'x': 'a\nb'}, second.text


def test_a_poisoned_library_does_not_survive_its_program(sandbox):
    first = run(sandbox, 'np = 3\nmath = 4')
    assert first.session.variables == {}
    assert run(sandbox, 'x = float(np.sqrt(4))', session=first.session).status is Status.FINISHED


def test_a_nested_program_has_the_imports_of_the_session(sandbox):
    robot = Robot(parse_position=Nested('ret_val = n.hypot(3, h)', 'ret_val', {'h': 4}))
    outcome = run(
        sandbox, 'x = float(parse_position("x"))', robot, Session(imports=('import numpy as n',))
    )
    assert outcome.session.variables == {'x': 5.0}, outcome.text


@pytest.mark.parametrize('value', [float('nan'), object()])
def test_an_answer_that_cannot_be_carried_is_no_fault_of_the_program(sandbox, value):
    outcome = run(sandbox, 'get_obj_pos("x")', Robot(get_obj_pos=Returned(value)))
    assert outcome.status is Status.PROGRAM_ERROR
    assert 'get_obj_pos: the answer cannot be given' in outcome.error.message


@pytest.mark.parametrize('depth', range(28, 36))
def test_no_variable_keeps_the_next_program_from_running(sandbox, depth):
    first = run(sandbox, f'deep = []\nfor i in range({depth - 1}):\n    deep = [deep]')
    assert first.status is Status.FINISHED, first.text
    second = run(sandbox, 'y = 1', session=first.session)
    assert second.status is Status.FINISHED, second.text
    assert ('deep' in first.dropped) == ('deep' not in second.session.variables) == (depth > 30)


def test_what_no_frame_carries_of_a_session_is_dropped_and_told(sandbox):
    outcome = run(sandbox, 'x = 1', session=Session({'bad': object(), 'good': 2}))
    assert outcome.status is Status.FINISHED, outcome.text
    assert outcome.session.variables == {'x': 1, 'good': 2}
    assert outcome.dropped == {'bad': 'a value of type object is no data'}


def test_what_is_set_again_is_not_told_as_dropped(sandbox):
    left = Session({'x': object(), 'f': object()})
    outcome = run(sandbox, 'x = 1\ndef f():\n    return 2', session=left)
    assert outcome.session.variables == {'x': 1}
    assert list(outcome.session.functions) == ['f']
    assert outcome.dropped == {}


def test_functions_beyond_the_room_are_dropped_by_name(sandbox):
    text = 'def f{}():\n    return "' + 'x' * 18_000 + '"'
    functions = {f'f{i}': text.format(i) for i in range(300)}  # more than one frame
    outcome = run(sandbox, 'x = len(f0())', session=Session({'kept': 1}, functions))
    assert outcome.status is Status.FINISHED, outcome.text
    assert outcome.session.variables == {'kept': 1, 'x': 18_000}
    kept = list(outcome.session.functions)
    assert kept == list(functions)[: len(kept)]
    assert sum(map(len, outcome.session.functions.values())) <= SandboxConfig().session_bytes
    assert 'no room' in outcome.dropped['f299']
    assert run(sandbox, 'y = len(f1())', session=outcome.session).status is Status.FINISHED


def test_a_program_of_more_than_a_frame_is_its_own_fault(sandbox):
    outcome = run(sandbox, f'x = "{"x" * 5_000_000}"')
    assert outcome.status is Status.PROGRAM_ERROR
    assert 'cannot be given to its process' in outcome.error.message


def test_a_program_whose_zygote_dies_is_lost():
    with Sandbox(SandboxConfig()) as own:
        kill = lambda call: os.kill(own._zygote.pid, signal.SIGKILL) or Returned()  # noqa: E731
        assert run(own, 'say("x")\nwhile True: pass', Robot(say=kill)).status is Status.LOST


def test_a_poisoned_name_does_not_survive_its_program(sandbox):
    poison = """
        say = lambda text: None
        len = lambda x: 0
        np.add = None
        np.linalg.norm = lambda x: 0
        Point.area = 5
    """
    first = run(sandbox, poison)
    robot = Robot()
    source = 'say(str(len([1]))+str(np.linalg.norm([3.0, 4.0])) + str(np.add(1, 1)))'
    second = run(sandbox, source, robot, first.session)
    assert second.status is Status.FINISHED, second.text
    assert robot.said() == ['15.02']


def test_numbers_at_random_are_those_of_the_seed(sandbox):
    def drawn(seed):
        program = Program('x = np.random.uniform()', TABLETOP, seed=seed)
        return sandbox.run(program, Robot(), wall_seconds=WALL).session.variables['x']

    assert drawn(1) == drawn(1) != drawn(2)


def test_sets_are_walked_in_the_same_order_in_every_process():
    source = 'order = list({"red", "green", "blue", "cyan", "pink", "gray"})'
    orders = []
    for _ in range(2):
        with Sandbox(SandboxConfig()) as fresh:
            orders.append(run(fresh, source).session.variables['order'])
    assert orders[0] == orders[1]


def test_the_libraries_work_behind_the_layers(sandbox):
    source = """
        import shapely.ops, transforms3d.quaternions as quaternions
        from shapely.geometry import *
        a = np.random.default_rng(1).normal(size=(30, 30))
        checks = [
            np.allclose(np.linalg.inv(a) @ a, np.eye(30)), len(np.linalg.eigvals(a)) == 30,
            np.linalg.svd(a)[1].min() > 0, abs(np.polyfit([0, 1, 2], [0, 1, 4], 2)[0] - 1) < 1e-9,
            np.median(a) < 1, len(np.unique([1, 1, 2])) == 2, np.fft.fft(a).shape == (30, 30),
            shapely.ops.unary_union([box(0, 0, 1, 1), Point(3, 3).buffer(1)]).area > 4,
            LineString([(0, 0), (1, 1)]).interpolate(0.5, normalized=True).x == 0.5,
            shapely.STRtree([Point(0, 0)]).query(box(-1, -1, 1, 1))[0] == 0,
            rotate(box(0, 0, 1, 1), 45).is_valid, quaternions.qeye()[0] == 1,
            math.isclose(np.log(np.array([1.0, 0.0]))[0], 0), '%r' % np.float32(1.5) != '',
            np.einsum('ij,ij', a, a) > 0, np.histogram(a)[0].sum() == 900, str(a) != repr(a),
            np.array(['b', 'a'])[np.argsort(['b', 'a'])][0] == 'a', 'é'.encode('utf-16') != b'',
            np.datetime64 if False else True, sorted({1: 2}.items()) == [(1, 2)],
        ]
        failed = [i for i, check in enumerate(checks) if not check]
    """
    outcome = run(sandbox, source)
    assert outcome.status is Status.FINISHED, outcome.text
    assert outcome.session.variables['failed'] == []


def test_errors_of_calls_are_typed_and_can_be_caught(sandbox):
    robot = Robot(get_obj_pos=Raised.of(ObjectNotFoundError("no 'cup'; there are ['bowl']")))
    source = """
        try:
            get_obj_pos('cup')
        except ObjectNotFoundError as error:
            say(f'sorry: {error}')
        get_obj_pos('cup')
    """
    outcome = run(sandbox, source, robot)
    assert robot.said() == ["sorry: no 'cup'; there are ['bowl']"]
    assert outcome.status is Status.PROGRAM_ERROR
    assert outcome.error.type == 'ObjectNotFoundError'
    assert outcome.error.line == 6
    assert "there are ['bowl']" in outcome.text


def test_an_error_names_the_failing_lines_of_the_program_only(sandbox):
    session = Session({'kept': 1}, {'ratio': 'def ratio(a, b):\n    return a / b'})
    outcome = run(sandbox, '\ndef f(x):\n    return ratio(x, 0)\nf(3)', None, session)
    assert outcome.error.type == 'ZeroDivisionError'
    places = [(p.where, p.line, p.source) for p in outcome.error.trace]
    assert places == [
        ('program', 4, 'f(3)'),
        ('program', 3, 'return ratio(x, 0)'),
        ('function ratio', 2, 'return a / b'),
    ]
    assert outcome.error.line == 4
    assert outcome.session == session
    assert 'return a / b' in outcome.error.describe()


@pytest.mark.parametrize(
    ('source', 'type_name'),
    [
        ('x = (', 'SyntaxError'),
        ('undefined_thing', 'NameError'),
        ('import os', 'ImportError'),
        ('from utils import fly\nfly()', 'NameError'),
        ('def f(): f()\nf()', 'RecursionError'),
        ('say(print)', 'WrongArgumentsError'),
        ('say(float("nan"))', 'WrongArgumentsError'),
        ('"x".encode("no such codec")', 'LookupError'),
        ('class A: pass', 'NameError'),
    ],
)
def test_errors_of_programs(sandbox, source, type_name):
    outcome = run(sandbox, source)
    assert outcome.status is Status.PROGRAM_ERROR
    assert outcome.error.type == type_name


def test_a_nested_program_runs_in_a_scope_of_its_own(sandbox):
    nested = Nested(
        'found = [n for n in objects if color in n and known(n)]\nname = 3\nret_val = pick(found)',
        'ret_val',
        {'objects': ['red block', 'blue block', 'blue bowl']},
        {'pick': 'def pick(names):\n    say(names[0])\n    return names[0]'},
    )
    results = []
    robot = Robot(parse_obj_name=nested)
    source = """
        name = 'mine'
        def known(n): return 'block' in n
        answer = parse_obj_name('the one', color='blue')
        def pick(names): return 'my own'
        again = pick(['x'])
    """
    outcome = run(sandbox, source, robot, on_nested_result=lambda c, r: results.append((c.name, r)))
    assert outcome.status is Status.FINISHED, outcome.text
    assert outcome.session.variables == {'name': 'mine', 'answer': 'blue block', 'again': 'my own'}
    assert set(outcome.session.functions) == {'known', 'pick'}
    assert 'my own' in outcome.session.functions['pick']
    assert robot.said() == ['blue block']
    assert [(c.depth, c.line) for c in robot.calls] == [(0, 4), (1, 4)]
    assert [(name, r.value, r.error) for name, r in results] == [
        ('parse_obj_name', 'blue block', None)
    ]


@pytest.mark.parametrize(
    ('text', 'type_name'), [('x = 1', 'NameError'), ('ret_val = 1 / 0', 'ZeroDivisionError')]
)
def test_a_failing_nested_program_is_an_error_of_the_call(sandbox, text, type_name):
    results = []
    outcome = run(
        sandbox,
        'parse_position("x")',
        Robot(parse_position=Nested(text, 'ret_val')),
        on_nested_result=lambda call, result: results.append(result),
    )
    assert outcome.error.type == type_name
    assert results[0].error[0] == type_name
    assert outcome.error.trace[0].source == 'parse_position("x")'


def test_programs_that_compute_too_long_are_killed(sandbox):
    outcome = run(sandbox, 'while True: pass', wall=0.2)
    assert (outcome.status, outcome.budget) == (Status.KILLED, Budget.WALL)
    outcome = run(sandbox, 'while True: pass')
    assert (outcome.status, outcome.budget) == (Status.KILLED, Budget.CPU)
    assert outcome.cpu_seconds > 0.5


def test_programs_that_take_too_much_memory_are_killed(sandbox):
    # Zeros that nobody writes: a page that is, takes a slow machine more CPU time than is granted.
    for source in ('x = []\nwhile True: x.append(np.zeros(10**6))', 'x = np.zeros(10**10)'):
        outcome = run(sandbox, source)
        assert (outcome.status, outcome.budget) == (Status.KILLED, Budget.MEMORY), outcome
    assert run(sandbox, 'x = 1').status is Status.FINISHED


def test_without_a_free_descriptor_it_says_so(sandbox):
    free = os.dup(0)
    os.close(free)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        outcome = run(sandbox, 'x = 1')
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert outcome.status is Status.UNAVAILABLE
    assert 'Too many open files' in outcome.text
    assert run(sandbox, 'x = 1').status is Status.FINISHED


def test_the_time_of_calls_does_not_count(sandbox, monkeypatch):
    later = 0.0

    class Clock:
        @staticmethod
        def monotonic():
            return time.monotonic() + later

    for module in ('run', 'wire'):
        monkeypatch.setattr(f'cap_planner.sandbox.{module}.time', Clock)

    def slow(call):
        nonlocal later
        later += 100.0
        return Returned()

    outcome = run(sandbox, 'say("a")\nsay("b")', slow, wall=20.0)
    assert outcome.status is Status.FINISHED
    assert outcome.child_seconds < 20.0


def test_what_is_told_after_an_answer_comes_before_the_next_call(sandbox):
    order = []
    outcome = run(
        sandbox,
        'say("a")\nsay("b")',
        lambda call: order.append(call.args[0]) or Returned(),
        on_answered=lambda: order.append('answered'),
    )
    assert outcome.status is Status.FINISHED, outcome.text
    assert order == ['a', 'answered', 'b', 'answered']


def test_a_call_of_a_dead_child_counts_as_answered(sandbox):
    told = []

    def kill(call):
        sandbox._run.kill()
        return Returned('x' * 10**6)

    run(sandbox, 'say("a")', kill, on_answered=lambda: told.append(1))
    assert told == [1]


def test_a_run_is_canceled_while_it_computes(sandbox):
    asked = []
    started = time.monotonic()
    outcome = run(sandbox, 'while True: pass', canceled=lambda: len(asked) > 2 or asked.append(1))
    assert (outcome.status, outcome.budget) == (Status.KILLED, Budget.CANCELED)
    assert time.monotonic() - started < 10.0


def test_what_a_call_raises_ends_the_program_and_comes_out(sandbox):
    def broken(call):
        raise ConnectionError('arm')

    with pytest.raises(ConnectionError, match='arm'):
        run(sandbox, 'while True:\n    try:\n        say("x")\n    except Exception: pass', broken)
    assert run(sandbox, 'x = 1').status is Status.FINISHED


def test_printed_text_is_bounded(sandbox):
    outcome = run(sandbox, 'for i in range(100000): print("x" * 10)\nprint("\\ud800")')
    assert len(outcome.printed) == SandboxConfig().print_limit


# A program that got to the real os, past the verifier, writes to the pipe what it likes.
WRITE = """
cls = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close'][0]
write = cls.__init__.__globals__['write']
def send(payload):
    write(3, len(payload).to_bytes(4, 'big') + payload)
def call(argument):
    send(b'{"kind":"call","id":1,"name":"say","line":1,"depth":0,"kwargs":{},"args":['
         + argument + b']}')
"""
CALL = '{"kind":"call","id":%s,"name":"say","line":%s,"depth":%s,"kwargs":{},"args":["x"]}'
END = '{"kind":"end","printed":"","error":{"type":"E","message":"m","line":%s,"trace":[]}}'
ARRAY = '{"~":"array","dtype":"%s","shape":%s,"data":"%s"}'


@pytest.mark.parametrize(
    ('source', 'text'),
    [
        ("write(3, b'x' * 100)", 'a frame of 2021161080 bytes'),
        ("write(3, b'\\0\\x40\\0\\1')", 'a frame of 4194305 bytes'),
        ("send(b'[' * 100_000)", 'RecursionError'),
        ("call(b'[' * 40 + b']' * 40)", 'nested deeper'),
        ("call(b'1e999')", 'only finite numbers'),
        ("call(b'NaN')", 'only finite numbers'),
        ("call(b'9' * 30)", 'an integer of 30 digits'),
        (f"call(b'{ARRAY}')" % ('float64', '[1]', '?'), 'array data'),
        (f"call(b'{ARRAY}')" % ('float64', '[2]', 'AAAAAAAA8D8='), '8 bytes of array data'),
        (f"call(b'{ARRAY}')" % ('float64', '[4000000,4000000]', ''), '0 bytes of array data'),
        (f"call(b'{ARRAY}')" % ('O', '[1]', 'AAAAAAAA8D8='), "an array of 'O'"),
        ("send(b'{}')", 'a message of kind'),
        (f"send(b'{CALL}')" % (1, 2**63, 0), 'a message whose line is 9223372036854775808'),
        (f"send(b'{CALL}')" % (1, -1, 0), 'a message whose line is -1'),
        (f"send(b'{CALL}')" % (2**63, 1, 0), 'a message whose id is 9223372036854775808'),
        (f"send(b'{CALL}')" % (1, 1, 2**32), 'a message whose depth is 4294967296'),
        (f"send(b'{END}')" % (2**63), 'a message whose line is 9223372036854775808'),
        ("send(b'[]')", 'a list instead of a message'),
        ("send(b'\\x80\\x04\\x95')", 'not a frame'),
    ],
)
def test_what_is_no_frame_ends_the_program_and_not_the_next(sandbox, source, text):
    robot = Robot()
    outcome = run(sandbox, WRITE + source + '\nwhile True: pass', robot)
    assert outcome.status is Status.VIOLATION, outcome
    assert text in outcome.text
    assert robot.calls == []
    assert run(sandbox, 'say("next")', robot).status is Status.FINISHED
    assert robot.said() == ['next']


def test_half_a_frame_does_not_hold_the_host(sandbox):
    outcome = run(sandbox, WRITE + "write(3, b'\\0\\0\\1\\0half')\nwhile True: pass", wall=0.3)
    assert (outcome.status, outcome.budget) == (Status.KILLED, Budget.WALL)
    assert run(sandbox, 'x = 1').status is Status.FINISHED


def test_a_dead_zygote_is_replaced(sandbox):
    before = sandbox._zygote.pid

    def kill(call):
        os.kill(before, signal.SIGKILL)
        return Returned()

    outcome = run(sandbox, 'say("x")\nwhile True: pass', kill)
    assert outcome.status is not Status.FINISHED
    assert run(sandbox, 'x = 1').status is Status.FINISHED
    assert sandbox._zygote.pid != before


def test_a_zygote_that_dies_between_two_programs_costs_none(sandbox):
    for _ in range(5):
        os.kill(sandbox._zygote.pid, signal.SIGKILL)
        assert run(sandbox, 'x = 1').status is Status.FINISHED


def test_a_zygote_that_hangs_is_replaced():
    with Sandbox(SandboxConfig()) as own:
        hung = own._zygote
        fork = hung.fork
        hung.fork = lambda job, _, first: fork(job, 0.1, first)
        os.kill(hung.pid, signal.SIGSTOP)
        assert run(own, 'x = 1').status is Status.FINISHED
        assert own._zygote is not hung
        assert not hung.alive(), 'its late answer would be taken for that to the next job'


def test_a_program_is_lost_whose_zygote_was_replaced_meanwhile():
    with Sandbox(SandboxConfig()) as own:

        def kill(call):
            os.kill(own._zygote.pid, signal.SIGKILL)
            assert run(own, 'x = 1').status is Status.FINISHED
            return Returned()

        assert run(own, 'say("x")\nwhile True: pass', kill).status is Status.LOST


HOST = """
import os, sys
from cap_planner.api import TABLETOP
from cap_planner.sandbox.host import Sandbox, SandboxConfig
from cap_planner.sandbox.program import Program
sandbox = Sandbox(SandboxConfig())
sandbox.start()
def on_call(call):
    children = {}
    for name in filter(str.isdecimal, os.listdir('/proc')):
        try:
            with open(f'/proc/{name}/stat') as file:
                parent = int(file.read().rpartition(')')[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    zygote = sandbox._zygote.pid
    print(zygote, *children[zygote], flush=True)
    sys.stdin.read()
sandbox.run(Program('say("x")', TABLETOP), on_call, wall_seconds=60)
"""


def test_nothing_outlives_a_killed_host():
    host = subprocess.Popen(
        [sys.executable, '-c', HOST],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    pids = [int(word) for word in host.stdout.readline().split()]
    watched = []
    for pid in pids:
        # The child that `start` has tried may be on its way out.
        with contextlib.suppress(ProcessLookupError):
            watched.append(os.pidfd_open(pid))
    assert len(watched) >= 2, pids
    host.kill()
    host.wait()
    import select

    for pidfd in watched:
        assert select.select([pidfd], [], [], 20.0)[0], 'still alive 20 s after its host'
        os.close(pidfd)
    host.stdin.close()
    host.stdout.close()


def test_the_zygote_is_clean(sandbox):
    run(sandbox, 'x = 1')
    pid = sandbox._zygote.pid
    with open(f'/proc/{pid}/environ', 'rb') as file:
        names = {entry.partition(b'=')[0] for entry in file.read().split(b'\0') if entry}
    assert names == {
        *(b'PYTHONHASHSEED', b'OPENBLAS_NUM_THREADS', b'OMP_NUM_THREADS', b'MKL_NUM_THREADS'),
        b'LC_ALL',
    }
    assert len(os.listdir(f'/proc/{pid}/task')) == 1
    with open(f'/proc/{pid}/maps') as file:
        maps = file.read()
    assert 'numpy' in maps
    assert 'rclpy' not in maps
    assert 'rmw' not in maps


def test_all_layers_hold_here():
    layers = doctor()
    assert [layer for layer in layers if not layer.ok] == []
    assert len(layers) == 9


def test_without_a_layer_nothing_runs_unless_the_operator_says_so(tmp_path, monkeypatch):
    # A pyseccomp that finds no library, as on a machine without libseccomp.
    (tmp_path / 'pyseccomp.py').write_text('raise RuntimeError("Unable to find libseccomp")')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'pyseccomp', raising=False)
    strict = Sandbox(SandboxConfig())
    with pytest.raises(SandboxUnavailableError, match=r'seccomp \(Unable to find libseccomp\)'):
        strict.start()
    outcome = run(strict, 'x = 1')
    assert outcome.status is Status.UNAVAILABLE
    assert 'libseccomp' in outcome.text
    strict.stop()
    assert [layer.name for layer in doctor() if not layer.ok] == ['seccomp']
    with Sandbox(SandboxConfig(allow_missing=('seccomp',))) as lenient:
        assert run(lenient, 'x = 1').status is Status.FINISHED
    with Sandbox(SandboxConfig(allow_missing=('seccomp',))) as lenient:
        assert run(lenient, 'x = 1').session.variables == {'x': 1}


def test_allow_missing_takes_only_names_of_layers():
    with pytest.raises(ValueError, match='no layer'):
        Sandbox(SandboxConfig(allow_missing=('selinux',)))


def test_a_zygote_that_cannot_start_says_why(tmp_path, monkeypatch):
    (tmp_path / 'numpy.py').write_text('raise ImportError("half an installation")')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'numpy')
    with pytest.raises(SandboxUnavailableError, match='half an installation'):
        Sandbox(SandboxConfig()).start()
    assert not all(layer.ok for layer in doctor())
