"""Answers, programs and instructions that nobody would want, through the whole planner.

Whatever comes in, an instruction ends with a label and a text to act on, its record is closed, what
the session held is still there, and the next instruction works.
"""

import threading
from dataclasses import replace

import pytest
from escapes.attack import WALK

from cap_planner.engine import Request
from cap_planner.labels import Label
from cap_planner.models.base import estimated_prompt_tokens
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import SandboxConfig
from cap_planner.testing import LIMITS, ScriptedModel

# Enough for programs that end, and soon over for those that do not.
SHORT = replace(LIMITS, wall_s=60.0, compute_s=1.5, calls=50)
MIB = 2**20
MOST_TOLD = 5000  # characters of an error that a person is to read


@pytest.fixture(scope='module')
def sandbox():
    with Sandbox(SandboxConfig(memory_bytes=128 * MIB)) as running:
        yield running


def carry_out(engine, text='do it', **request):
    return engine.run(Request(text, 's', **request), lambda _: None, lambda: None)


@pytest.fixture
def endure(make_engine, table):
    """Have bad input carried out in a session that holds something; returns report and record."""

    def endure(*answers, text='do it', limits=SHORT, **request):
        model = ScriptedModel('kept = [1, 2]\ndef twice(items):\n    return items * 2\nsay("kept")')
        engine = make_engine(model, limits, allow_unverified=True)
        assert carry_out(engine).outcome == 'succeeded'
        model.answers, model.asked = list(answers), []
        report = carry_out(engine, text, **request)
        record = engine.parts.evidence.export(report.evidence_id)
        assert (record['outcome'], record['label'] or None) == (report.outcome, report.label)
        assert record['ended']
        assert all(call['duration_s'] is not None for call in record['calls'])
        assert len(report.error) < MOST_TOLD
        model.answers = ['say(str(twice(kept)))']
        after = carry_out(engine)
        assert (after.outcome, after.answer) == ('succeeded', '[1, 2, 1, 2]'), after.error
        return report, record

    return endure


def refused(report, label, *words):
    assert (report.outcome, report.label) == ('failed', label), report
    for word in words:
        assert word in report.error, report.error


# ── answers of the model ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ('answer', 'words'),
    {
        'prose': ('Certainly! I will move it.', ['Certainly!']),
        'another language': ('function f() { return 1; }', ['line 1', 'function f()']),
        'cut in a call': ('put_first_on_second("red block", ', ['never closed', 'red block']),
        'cut in a loop': ('for name in get_obj_names():', ['indented block', 'get_obj_names']),
        'cut in a text': ('say("I will', ['unterminated string', 'I will']),
        'nothing': ('', ['wrote nothing']),
        'spaces': (' \n\t ', ['wrote nothing']),
        'NUL': ('say("x")\0', ['null bytes']),
        'half a surrogate pair': ('say("\ud800")', ['surrogate']),
        '1 MB of lines': ('say("x")\n' * (MIB // 9), ['at most 50000', 'say("x")']),
        '1 MB in a text': (f'say("{"x" * MIB}")', ['at most 50000']),
        '1 MB of parentheses': ('(' * MIB, ['at most 50000']),
        '1 MB of NUL': ('\0' * MIB, ['at most 50000']),
        'nested too deeply': ('x = a' + '.b' * 20_000, ['recursion', 'x = a.b']),
    }.values(),
)
def test_what_is_no_program(endure, answer, words):
    report, _ = endure(*[answer] * 9)
    refused(report, Label.MODEL_MALFORMED, *words)


def test_a_long_answer_is_not_sent_back(make_engine):
    model = ScriptedModel(f'say("{"x" * MIB}")', 'say("short")')
    engine = make_engine(model)
    report = carry_out(engine)
    assert report.answer == 'short'
    first, second = map(estimated_prompt_tokens, model.asked)
    assert second < first + 2000
    assert 'more characters' in model.asked[1][-2]['content']
    kept = engine.parts.evidence.export(report.evidence_id)['completions'][0]['text']
    assert len(kept) > MIB, 'as the model wrote it'


HUGE = f'0x{"f" * 5000}'  # Python reads it, and does not write it in decimal
DEEP = f'{"-" * 2000}1'


@pytest.mark.parametrize('value', [HUGE, DEEP], ids=['huge', 'deep'])
@pytest.mark.parametrize(
    'answers',
    [
        ['say({})'],
        ['x = {}\nsay("x")'],
        ['say(f(1))', 'def f(x):\n    return str(x)\nx = {}'],
        ['def g(x: {}):\n    return x\nsay(f(1))', 'def f(x):\n    return g(str(x))'],
    ],
)
def test_what_python_cannot_write(make_engine, value, answers):
    model = ScriptedModel(*[answer.format(value) for answer in answers], 'say("x")')
    report = carry_out(make_engine(model))
    assert (report.outcome, report.error) == ('succeeded', '')
    told = [chat[-1]['content'] for chat in model.asked]
    assert all(len(text) < MOST_TOLD for text in told)


def test_a_program_that_is_too_long(endure):
    report, _ = endure(*['say("x")\n' * 4000] * 9)
    refused(report, Label.VERIFIER_REJECTED, '36000 characters', 'at most 20000')


# ── prompts that do not fit ──────────────────────────────────────────────────────────────────────


def test_a_prompt_larger_than_the_window(make_engine, endure):
    model = ScriptedModel('say("x")')
    carry_out(make_engine(model))
    room = estimated_prompt_tokens(model.asked[0]) + 200 + SHORT.text_tokens
    limits = replace(SHORT, window_tokens=room)
    report, record = endure(text='x ' * 245, limits=replace(limits, window_tokens=room - 150))
    refused(report, Label.MODEL_UNAVAILABLE, 'tokens', 'fewer words', 'window_tokens')
    assert record['completions'] == [], 'the model was not asked'


def test_a_query_larger_than_the_window(endure):
    limits = replace(SHORT, window_tokens=6000)
    report, record = endure('x = parse_obj_name("block " * 1600)\nsay(x)', limits=limits)
    refused(report, Label.MODEL_UNAVAILABLE, 'tokens', 'window_tokens')
    assert len(record['completions']) == 1


# ── programs that do not fit the API ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ('program', 'label', 'words'),
    {
        'unknown function': ('open_gripper()', Label.UNKNOWN_API, ['put_first_on_second']),
        'unknown object': (
            'robot.open_gripper()',
            Label.VERIFIER_REJECTED,
            ["nothing defines the name 'robot'"],
        ),
        'unknown keyword': ('say(text="x")', Label.WRONG_ARGUMENTS, ['say(message: str)']),
        'too few': ('put_first_on_second("red block")', Label.WRONG_ARGUMENTS, ["'second'"]),
        'too few at run time': (
            'put_first_on_second(*["red block"])',
            Label.WRONG_ARGUMENTS,
            ["'second'", 'line 1'],
        ),
        'too many': ('say("x", "y")', Label.WRONG_ARGUMENTS, ['say(message: str)']),
        'number for a name': (
            'put_first_on_second(5, "red bowl")',
            Label.WRONG_ARGUMENTS,
            ["'first'", 'a string or a finite position', 'int 5'],
        ),
        'list for a text, at run time': (
            'x = get_obj_names()[:1]\nsay(x)',
            Label.WRONG_ARGUMENTS,
            ["'message'", "list ['red block']", 'line 2'],
        ),
        'function for a text': ('say(len)', Label.WRONG_ARGUMENTS, ['say', 'no data']),
        'list that holds itself': (
            'x = []\nx.append(x)\nput_first_on_second("red block", x)',
            Label.WRONG_ARGUMENTS,
            ['nested deeper than 32'],
        ),
        'no such thing': (
            'put_first_on_second("gold block", "red bowl")',
            Label.OBJECT_NOT_FOUND,
            ['gold block', 'blue block', 'middle'],
        ),
    }.values(),
)
def test_what_does_not_fit_the_api(endure, table, program, label, words):
    report, _ = endure(*[program] * 9)
    refused(report, label, *words)
    assert table.moves == []


NO_NUMBERS = {
    '1e999': '[1e999, 0.0]',
    'nan': '[float("nan"), 0.0]',
    'inf': '[1e308 * 10, 0.0]',
    'array': 'np.array([np.nan, -0.5])',
    'quotient': 'np.zeros(2) / 0.0',
    'of an empty mean': 'np.mean([], axis=0) + np.zeros(2)',
    'integer': '[10**400, 0]',
    'complex': 'np.array([1j, 0])',
}


@pytest.mark.parametrize('position', NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_a_coordinate_that_is_no_number(endure, table, position):
    program = f'put_first_on_second("red block", {position})'
    report, record = endure(*[program] * 9)
    refused(report, Label.WRONG_ARGUMENTS, 'put_first_on_second')
    assert table.moves == []
    assert len(record['completions']) > 1, 'the model is told, and asked again'


def test_a_coordinate_is_put_right(make_engine, table):
    bad = 'put_first_on_second("red block", np.zeros(2) / 0.0)'
    model = ScriptedModel(bad, 'put_first_on_second("red block", [0.0, -0.5])')
    assert carry_out(make_engine(model)).outcome == 'succeeded'
    assert 'NaN or infinity' in model.asked[1][-1]['content']


# ── programs that do not end, or take too much ───────────────────────────────────────────────────


@pytest.mark.parametrize(
    ('program', 'label', 'words'),
    {
        'seen before it runs': (
            'while True:\n    pass\nsay("x")',
            Label.VERIFIER_REJECTED,
            ['line 1', 'never ends', 'break'],
        ),
        'computing': ('while 1 < 2:\n    x = 1\nsay("x")', Label.BUDGET_EXCEEDED, ['1.5 s']),
        'iterating': ('x = list(iter(int, 1))\nsay("x")', Label.BUDGET_EXCEEDED, ['killed']),
        'catching all': (
            'while 1 < 2:\n    try:\n        x = [][1]\n    except Exception:\n        x = 1\n'
            'say("x")',
            Label.BUDGET_EXCEEDED,
            ['1.5 s'],
        ),
        'speaking': ('while 1 < 2:\n    say("x")', Label.BUDGET_EXCEEDED, ['API calls']),
        'asking': (
            'while True:\n    x = get_obj_pos("red block")\n    if len(x) > 2:\n        break\n'
            'say("x")',
            Label.BUDGET_EXCEEDED,
            ['API calls'],
        ),
        'waiting for what never comes': (
            'while not is_obj_visible("green block"):\n    pass\nsay("x")',
            Label.BUDGET_EXCEEDED,
            ['1.5 s'],
        ),
        'catching the budget': (
            'while 1 < 2:\n    try:\n        say("x")\n    except Exception:\n        pass',
            Label.BUDGET_EXCEEDED,
            ['API calls'],
        ),
        'recursion': (
            'def f(n):\n    return f(n)\nsay(f(1))',
            Label.PROGRAM_ERROR,
            ['RecursionError', 'line 2, in f', 'return f(n)'],
        ),
        'recursion in C': (
            'x = []\nfor i in range(10**5):\n    x = [x]\nsay(str(x))',
            Label.PROGRAM_ERROR,
            ['RecursionError', 'line 4'],
        ),
        'one large text': (
            'x = "x" * 10**10\nsay("x")',
            Label.BUDGET_EXCEEDED,
            ['128 MiB of memory', 'line 1'],
        ),
        'one large array': (
            'x = np.zeros(10**10)\nsay("x")',
            Label.BUDGET_EXCEEDED,
            ['128 MiB of memory', 'line 1', '10000000000'],
        ),
        'much by and by': (
            'x = []\nwhile len(x) < 10**9:\n    x += [1.5] * 10**6\nsay("x")',
            Label.BUDGET_EXCEEDED,
            ['killed: more than'],  # memory or, on a busy machine, time
        ),
        'a large number': ('x = 10 ** 10 ** 8\nsay("x")', Label.BUDGET_EXCEEDED, ['1.5 s']),
        'a large text said': (
            'say("x" * 20_000)',
            Label.WRONG_ARGUMENTS,
            ['say', '20000 characters', 'at most 10000'],
        ),
        'one that no frame carries': (
            'say("x" * 10**7)',
            Label.WRONG_ARGUMENTS,
            ['say', 'at most 4194304'],
        ),
        'a large error': ('raise ValueError("x" * 10**7)', Label.PROGRAM_ERROR, ['ValueError: xx']),
    }.values(),
)
def test_what_takes_too_much(endure, program, label, words):
    report, _ = endure(*[program] * 9)
    refused(report, label, *words)


def test_a_wait_ends_with_the_instructions_time(endure, table):
    pause = table.newer

    def slow(than_ns):
        threading.Event().wait(0.05)  # as the next picture takes its time
        return pause(than_ns)

    table.newer = slow
    program = 'while not is_obj_visible("green block"):\n    pass\nsay("x")'
    report, _ = endure(program, limits=replace(SHORT, wall_s=2.0, compute_s=30.0))
    refused(report, Label.BUDGET_EXCEEDED, 'more than 2 s')


def test_programs_that_ask_for_themselves(endure):
    nested = [f'ret_val = parse_obj_name("block {number}")' for number in range(99)]
    report, record = endure('say(parse_obj_name("the block"))', *nested)
    refused(report, Label.BUDGET_EXCEEDED, '20 texts')
    assert len(record['completions']) == SHORT.programs


def test_a_program_that_asks_what_it_was_asked(endure):
    question = 'parse_obj_name("the block")'
    report, record = endure(f'say({question})', f'ret_val = {question}')
    refused(report, Label.BUDGET_EXCEEDED, '50 API calls')
    assert len(record['completions']) == 2


def test_functions_that_need_further_functions(endure):
    texts = [f'def f{n}():\n    return f{n + 1}()' for n in range(4)]
    report, record = endure('say(f0())', *texts, 'say(f0())')
    refused(report, Label.UNKNOWN_API, 'f4()', '4 deep')
    assert len(record['completions']) <= SHORT.programs


def test_what_prints_much(endure):
    report, record = endure('for i in range(1000):\n    print("x" * 10**5)\nsay("done")')
    assert report.answer == 'done'
    assert len(record['runs'][0]['printed']) == SandboxConfig.print_limit


def test_what_keeps_much(endure):
    report, record = endure('big = "x" * 3_000_000\nsay("done")')
    assert report.answer == 'done'
    assert 'no room' in record['runs'][0]['dropped']['big']


# ── names and texts that look other than they are ────────────────────────────────────────────────


@pytest.mark.parametrize(
    ('program', 'label', 'words'),
    {
        'Cyrillic a': ('s\u0430y("x")', Label.VERIFIER_REJECTED, ['look alike', r's\u0430y']),
        'its definition': (
            'def s\u0430y(message):\n    return message\ns\u0430y("x")',
            Label.VERIFIER_REJECTED,
            ['line 1', r's\u0430y'],
        ),
        'Greek o': ('g\u03bfal = 1\nsay(str(g\u03bfal))', Label.VERIFIER_REJECTED, ['look alike']),
        'variation selector': ('say\ufe0f("x")', Label.VERIFIER_REJECTED, [r'say\ufe0f']),
        'bold': (
            '\U0001d428\U0001d429\U0001d41e\U0001d427("x")',
            Label.VERIFIER_REJECTED,
            ["'open'"],
        ),
        'wide letter': ('say(().__\uff43lass__)', Label.VERIFIER_REJECTED, ["'__class__'"]),
        'long s': ('\u017fay = 5\nsay("x")', Label.VERIFIER_REJECTED, ["'say' is a function"]),
        'turned comment': ('say("x")  # \u202e\u2066', Label.VERIFIER_REJECTED, ['U+202E']),
        'turned text': ('say("\u2067x\u2069")', Label.VERIFIER_REJECTED, ['U+2067']),
        'line end that is none': (
            'x = "a\u2028say(1)"\nsay(x)',
            Label.VERIFIER_REJECTED,
            ['U+2028'],
        ),
        'escape': ('say("\x1b[2J")', Label.VERIFIER_REJECTED, ['U+001B']),
        'turned name': ('s\u202eay("x")', Label.MODEL_MALFORMED, ['U+202E']),
        'zero width': ('s\u200bay("x")', Label.MODEL_MALFORMED, ['U+200B']),
        'joiner': ('s\u200day("x")', Label.MODEL_MALFORMED, ['U+200D']),
        'hard space': ('x =\u00a01\nsay("x")', Label.MODEL_MALFORMED, ['U+00A0']),
        'Cyrillic e in a text': (
            'put_first_on_second("r\u0435d block", "red bowl")',
            Label.OBJECT_NOT_FOUND,
            ['look alike', r'r\u0435d block', "'red block'"],
        ),
        'zero width in a text': (
            'put_first_on_second("red\u200b block", "red bowl")',
            Label.OBJECT_NOT_FOUND,
            [r'red\u200b block', "'red block'"],
        ),
    }.values(),
)
def test_what_looks_other_than_it_is(endure, table, program, label, words):
    report, _ = endure(*[program] * 9)
    refused(report, label, *words)
    assert table.moves == []
    assert not set(report.error) & set('\u202e\u2066\u2067\u2069\u200b\u200d\x1b')


@pytest.mark.parametrize(
    ('program', 'answer'),
    [
        ('\uff53\uff41\uff59("x")', 'x'),  # Python reads this as say, and so does the verifier
        ('\u540d\u524d = "\u7ea2"\nsay(\u540d\u524d)', '\u7ea2'),
        ('posici\u00f3n_\u7ea2 = "1"\nsay(posici\u00f3n_\u7ea2)', '1'),
        ('say("\u4f60\u597d \U0001f916")', '\u4f60\u597d \U0001f916'),
    ],
)
def test_letters_of_other_languages_are_welcome(endure, program, answer):
    assert endure(program)[0].answer == answer


# ── what a child that got free writes to the pipe ────────────────────────────────────────────────

SEND = f"""{WALK}
def send(payload):
    os.write(3, len(payload).to_bytes(4, 'big') + payload)
    while True: pass
"""
GARBAGE = {
    'no frame': "os.write(3, b'garbage' * 1000)",
    'too long': "os.write(3, b'\\xff\\xff\\xff\\xff')",
    'half a frame': "os.write(3, b'\\0\\0\\0\\x10{')\nos._exit(0)",
    'no JSON': "send(b'\\xfe\\xff')",
    'no message': "send(b'[]')",
    'another kind': 'send(b\'{"kind": "exec", "code": "1"}\')',
    'a call of nothing': (
        'send(b\'{"kind": "call", "id": 1, "name": "quit", "line": 1, "depth": 0, "args": [],'
        ' "kwargs": {}}\')'
    ),
    'infinity': (
        'send(b\'{"kind": "call", "id": 1, "name": "say", "line": 1, "depth": 0, "args": [1e999],'
        ' "kwargs": {}}\')'
    ),
    'an end with another say': (
        'send(b\'{"kind": "end", "error": null, "printed": "", "variables": {"say": 1},'
        ' "functions": {}, "dropped": {}}\')'
    ),
    'nested': "send(b'[' * 100000)",
}


@pytest.mark.parametrize('attempt', GARBAGE.values(), ids=GARBAGE)
def test_garbage_on_the_pipe(endure, attempt):
    report, record = endure(program=SEND + attempt, skip_verifier=True)
    refused(report, Label.PROGRAM_ERROR)
    assert 'killed: it sent' in report.error or 'the process ended' in report.error
    assert record['calls'] == []


def test_a_system_call_that_programs_may_not_make(endure):
    report, _ = endure(program=f'{WALK}os.fork()', skip_verifier=True)
    refused(report, Label.PROGRAM_ERROR, 'system call')


# ── instructions ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('', ['empty']),
        ('\u202e \x00\u200b', ['empty']),
        ('x' * 501, ['501 characters', 'at most 500']),
        ('x' * MIB, [f'{MIB} characters', 'at most 500']),
    ],
)
def test_what_is_no_instruction(endure, text, words):
    report, record = endure(text=text)
    refused(report, Label.INVALID_INSTRUCTION, *words)
    assert record['completions'] == []
    assert len(record['instruction']) <= 500


ODD = {
    'in lines': 'do it\n\n# say nothing\nobjects = []',
    'turned': 'do \u202eit',
    'fence': '```python\nsay("x")\n```',
    'quotes': '"""\'\'\'\\',
    'half a surrogate pair': 'do \udc80 it',
    'Chinese': '\u628a\u7ea2\u8272\u65b9\u5757\u653e\u5230\u7897\u91cc',
    'emoji': '\U0001f7e5\u27a1\ufe0f\U0001f963',
    'format': '{0.__class__} %s %n',
}


@pytest.mark.parametrize('text', ODD.values(), ids=ODD)
def test_odd_instructions_reach_the_model_as_one_comment(make_engine, text):
    model = ScriptedModel('say("done")')
    engine = make_engine(model)
    report = carry_out(engine, text)
    assert report.answer == 'done', report.error
    last = model.asked[0][-1]['content'].splitlines()
    assert last[-1].startswith('# ')
    assert len([line for line in last if not line.startswith('objects = ')]) == 1


@pytest.mark.parametrize(
    'session', ['x' * MIB, '\0', "'; DROP TABLE sessions; --", '\ud800', '\u202e']
)
def test_odd_sessions(make_engine, session):
    model = ScriptedModel('x = 7\nsay("a")', 'say(str(x))')
    engine = make_engine(model)
    for answer in ('a', '7'):
        report = engine.run(Request('do it', session), lambda _: None, lambda: None)
        assert report.answer == answer, report.error


@pytest.mark.parametrize(
    ('program', 'label', 'words'),
    [
        ('Certainly!', Label.MODEL_MALFORMED, ['not Python', 'line 1']),
        ('say("x")\0', Label.MODEL_MALFORMED, ['null bytes']),
        ('say("x")\n' * (MIB // 9), Label.VERIFIER_REJECTED, ['at most 20000']),
        ('open_gripper()', Label.UNKNOWN_API, ['open_gripper', 'put_first_on_second']),
        ('say("\ud800")', Label.MODEL_MALFORMED, ['surrogate']),
    ],
)
def test_bad_programs_of_a_person(endure, program, label, words):
    report, _ = endure('I cannot do that.', program=program)
    refused(report, label, *words)
