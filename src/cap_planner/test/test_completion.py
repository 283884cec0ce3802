"""What counts as a program in what a model writes."""

from __future__ import annotations

import ast
import contextlib
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cap_planner.completion import MAX_CHARS, program_from_completion
from cap_planner.models.base import ModelMalformedError


@pytest.mark.parametrize(
    'text',
    [
        "say('hi')",
        "  say('hi')\r\n",
        "say('hi')\r",
        "\ufeffsay('hi')",
        "\n\n\tsay('hi')\n\n",
        # fences
        "```python\nsay('hi')\n```",
        "```\nsay('hi')\n```",
        "```py\nsay('hi')",
        "~~~python\nsay('hi')\n~~~",
        "~~~python\nsay('hi')",
        "````python\nsay('hi')\n````",
        "```{.python}\nsay('hi')\n```",
        '```python title="a.py"\nsay(\'hi\')\n```',
        "```tool_code\nsay('hi')\n```",
        "```python\r\nsay('hi')\r\n```\r\n",
        "```python\n\n    say('hi')  \n\n```",
        "say('hi')\n```",
        "Here is the program:\n\n```python\nsay('hi')\n```\nThis says hi.",
        "Here is the program: ```python\nsay('hi')\n```",
        "1. First, greet:\n\n   ```python\n   say('hi')\n   ```\n\n2. Done.",
        "- ```python\n  say('hi')\n  ```",
        # several blocks, one program
        "```bash\npip install numpy\n```\n```python\nsay('hi')\n```",
        "```python\nsay('hi')\n```\nOutput:\n```\nhi there\n```",
        "```python\nsay('hi')\n```\nIt prints:\n```text\nsay('no')\n```",
        '```python\nsay(\'hi\')\n```\n```json\n{"said": "hi"}\n```',
        "```python\nsay('hi')\n```\nOnce more:\n```python\nsay('hi')\n```",
        "```python\nblue_block\n```\n```python\nsay('hi')\n```",
        "```python\n```\n```python\nsay('hi')\n```",
        # sentences
        "Here is the program:\n\nsay('hi')\n",
        "here is the code you asked for:\nsay('hi')",
        "Sure, I can do that.\nsay('hi')\n\nThis greets the person.",
        "**Program:**\n\nsay('hi')\n\n---\n\n- It says `hi` (with `say()`), once.\n- Done.",
        "## Program\n\nSure!\n\nsay('hi')",
        "¡Claro! Aquí está el programa:\n\nsay('hi')",
        "这是代码：\n\nsay('hi')\n\n它会打招呼。",
        "Voici le programme :\nsay('hi')\n✅ Terminé !",
        "I'll greet the person first.\n\nsay('hi')",
        # thoughts, marks, prompts, JSON
        "<think>\nThe person wants x = ```\n</think>\nsay('hi')",
        "<thinking>```python\nsay('no')\n```</thinking>```python\nsay('hi')\n```",
        "<think></think>\n\n<reasoning>a()</reasoning>say('hi')",
        "The person wants a greeting.\nsay('no')\n</think>\n\nsay('hi')",
        "say('hi')<|im_end|>",
        "```python\nsay('hi')\n```</s>\n",
        ">>> say('hi')",
        "```pycon\n>>> say('hi')\nhi\n```",
        json.dumps({'code': "say('hi')"}),
        json.dumps({'thought': 'greet', 'program': "```python\nsay('hi')\n```"}),
        '```json\n{"code": "say(\'hi\')\\n"}\n```',
    ],
)
def test_program_is_found(text: str) -> None:
    assert program_from_completion(text) == "say('hi')\n"


@pytest.mark.parametrize(
    'program',
    [
        '# Each block.\nfor name in names:\n    # Up.\n\n    say(name)\n',
        'def f():\n    """Such as\n\n    ```\n    f()\n    ```\n    """\n    g()\n',
        'def f():\n\tif x:\n\t\tg()\n',
        'try:\n    f()\nexcept Error:\n    pass\n',
        "x = '''\nIt is here.\n'''\nsay(x)\n",
        "say('a')\n# It is done.\n",
        "say('</think>')\n",
        "say('你好 🤖')\n",
        'f(\n    a,\n    b\n)\n',
    ],
)
def test_nothing_of_a_program_is_lost(program: str) -> None:
    for text in (
        program,
        f'```python\n{program}```',
        f'~~~\n{program}~~~\nThis is it.',
        f'Here it is:\n\n{program}\n\nThis is it.\n',
        f'<think>Hm.</think>{program}',
        program.replace('\n', '\r\n'),
        json.dumps({'code': program}),
    ):
        assert program_from_completion(text) == program


def test_prompts_of_an_interpreter() -> None:
    text = "```python\n>>> for x in names:\n...     say(x)\n...\na\n..., b]\n>>> say('b')\n```"
    assert program_from_completion(text) == "for x in names:\n    say(x)\n\nsay('b')\n"


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('', 'nothing'),
        ('  \n\t', 'nothing'),
        ('\ufeff', 'nothing'),
        ('<|im_end|>', 'nothing'),
        ('<think>\nI wonder', 'only thoughts'),
        ("<think>\nI wonder\n```python\nsay('hi')\n```", 'only thoughts'),
        ('```python\n```', 'no program'),
        ('Sorry', 'not a program'),
        ("I'm sorry, I cannot do that.", "I'm sorry"),
        ('I cannot do that (it is dangerous).', 'I cannot do that'),
        ("say('hi'", 'line 1'),
        ("Here it is:\nsay('hi'\nsay('there')", 'line'),
        ("```python\nsay('a')\n```\nor\n```python\nsay('b')\n```", '2 code blocks'),
        ("```\nsay('a')\n```\nor\n```\nsay('b')\n```", '2 code blocks'),
        ("```python\nsay('a')\n```\n```python\nsay(\n```", '2 code blocks'),
        ('```python\ndef f():\n    g()\n```\nand\n```python\nf()\n```', '2 code blocks'),
        ('x = 1\n\n```python\nsay(x)\n```', '2 code blocks'),
        ("```\nsay('a')\n```\nprints\n```\nIt moved.\n```", '2 code blocks'),
        ('```\n"""\n```\nsay(\'example\')\n```\n"""\nsay(\'real\')\n```', 'code blocks'),
        ("```python\nsay('a')\n```\n" * 1 + '```python\nb()\n```\n' * 30, 'code blocks'),
        ('```bash\nls -l\n```', 'not a program'),
        ('```python\npass\n```', 'not a program'),
        ('pass', 'not a program'),
        ('# only a comment', 'not a program'),
        ('x = (' * 300, 'not a Python program'),
        ('-' * 40_000 + '1', 'not a Python program'),
        ('say("\0")', 'not a Python program'),
        ("say('\ud83e')", 'not a Python program'),
        ('<html><body>502</body></html>', 'not a Python program'),
        ("say('a')\nmove the arm home", 'not a Python program'),
        ("say('a')\nfor x in", 'not a Python program'),
        ("say('a')\nfoo.", 'not a Python program'),
        ("\u00a0\u00a0say('hi')", 'not a Python program'),
        ('{"code": 7}', 'not a program'),
        ('{"code": "a()", "program": "b()"}', 'not a program'),
        ('{"code": "{\\"code\\": \\"a()\\"}"}', 'not a program'),
        ('{"code": "say("}', 'line 1'),
    ],
)
def test_no_program_is_invented(text: str, says: str) -> None:
    with pytest.raises(ModelMalformedError) as caught:
        program_from_completion(text)
    assert says in str(caught.value)
    assert caught.value.name == 'MODEL_MALFORMED'


@pytest.mark.parametrize(
    'text',
    [
        "names = [\nput_first_on_second('a', 'b')\n",
        "try:\n    say('a')\n",
        "Point = 3 +\nsay('a')",
        "say('a')\nPoint = (",
        "else:\n    say('a')",
        "say('a')\n)",
        "x = '''\nsay('a')\n",
    ],
)
def test_a_broken_line_is_not_dropped(text: str) -> None:
    """Leaving it away would run a program that the model did not write."""
    with pytest.raises(ModelMalformedError):
        program_from_completion(text)


@pytest.mark.parametrize('odd', ['I am afraid ', '\0', '\ud83e', "'"])
def test_quotes_are_bounded(odd: str) -> None:
    with pytest.raises(ModelMalformedError) as caught:
        program_from_completion(odd * 5000)
    assert len(str(caught.value)) < 600


# ── whatever a model may write ───────────────────────────────────────────────────────────────────

FRAGMENTS = [
    *('\n', '\n\n', ' ', '    ', '\t', '\r\n', '\ufeff', '\0', '\ud83e', '🤖'),
    *('```', '```python', '~~~', '````', '`', '"""', "'''", '> ', '- ', '1. ', '# '),
    *('<think>', '</think>', '<|im_end|>', '>>> ', '... ', '{"code": "', '"}', '---'),
    *("say('hi')", 'x = 1', 'for x in y:', 'def f():', 'pass', 'f(', ')', 'Sure!', 'This is it.'),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=25).map(''.join))
def test_an_answer_is_a_program_that_stood_there_or_an_error(text: str) -> None:
    try:
        program = program_from_completion(text)
    except ModelMalformedError:
        return
    assert ast.parse(program).body
    if '>>>' not in text and '{' not in text:
        # White space apart, which line ends and indentation are.
        assert ''.join(program.split()) in ''.join(text.replace('\ufeff', ' ').split())


PROSE = st.sampled_from(['', 'Sure!', 'Here is the code:', 'Aquí está:', 'It moves `x` (once).'])
PROGRAMS = st.sampled_from(
    [
        "say('hi')\n",
        'for x in y:\n    f(x)\n',
        '# Why.\nx = 1\n',
        "def f():\n    '''It.'''\n    g()\n",
    ]
)
FENCES = st.sampled_from([('', ''), ('```python\n', '```'), ('```\n', '```'), ('~~~py\n', '~~~')])


@settings(deadline=None)
@given(PROSE, FENCES, PROGRAMS, PROSE, st.sampled_from(['\n', '\r\n', '\r']))
def test_a_program_in_the_usual_wrapping(
    before: str, fence: tuple[str, str], program: str, after: str, newline: str
) -> None:
    text = f'{before}\n\n{fence[0]}{program}{fence[1]}\n\n{after}\n'.replace('\n', newline)
    assert program_from_completion(text) == program


MEGABYTE = 2**20


@pytest.mark.parametrize(
    'unit',
    [
        *('\n', ' ', '`', '- ```\n', 'a()\n```\n', '```python\na()\n```\n', '~~~\n', '\\\n', "'"),
        *('<think>', '</think>  ', '</s>', '>>> a()\n', 'This is it.\n', ' (a', '{"code": "', '('),
    ],
)
@pytest.mark.parametrize('frame', ['{}', '{}\n```python\na()\n```', '```python\na()\n{}'])
def test_a_megabyte_takes_no_longer_than_it_has_to(unit: str, frame: str) -> None:
    text = frame.replace('{}', unit * (MEGABYTE // len(unit)))
    start = time.process_time()
    with contextlib.suppress(ModelMalformedError):
        assert len(program_from_completion(text)) <= MAX_CHARS
    assert time.process_time() - start < 5.0


IDLE = ('pass', '# nothing is left to do', '# It is done.\npass')


@pytest.mark.parametrize('program', IDLE)
@pytest.mark.parametrize('form', ['{}', '```python\n{}\n```', 'All is done.\n\n{}\n'])
def test_that_nothing_is_to_be_done_is_a_program_where_it_may_be(program: str, form: str) -> None:
    text = form.format(program)
    with pytest.raises(ModelMalformedError):
        program_from_completion(text)
    if program.startswith('#') and form.startswith('All'):
        return  # a comment behind a sentence goes with it
    assert program_from_completion(text, may_be_idle=True) == f'{program}\n'


@pytest.mark.parametrize('text', ['', 'Sorry', 'Nothing is left to do.', '```\n```', '...', '0'])
def test_what_says_nothing_is_no_program_even_there(text: str) -> None:
    with pytest.raises(ModelMalformedError):
        program_from_completion(text, may_be_idle=True)


def test_where_nothing_may_be_done_something_may() -> None:
    assert program_from_completion("say('hi')", may_be_idle=True) == "say('hi')\n"


@pytest.mark.parametrize('joiner', ['\u200c', '\u200d'])
@pytest.mark.parametrize('code', ['NAME = 1', 'import NAME', 'say(NAME=1)', 'global NAME'])
def test_a_name_with_a_letter_that_nobody_sees(
    monkeypatch: pytest.MonkeyPatch, code: str, joiner: str
) -> None:
    name = f's{joiner}ay'
    tree = ast.parse(code)
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if value in ('NAME', ['NAME']):
                setattr(node, field, name if value == 'NAME' else [name])
    # As Python 3.13 reads it; the versions before raise.
    monkeypatch.setattr(ast, 'parse', lambda _: tree)
    with pytest.raises(ModelMalformedError, match=f'U\\+{ord(joiner):04X}'):
        program_from_completion(code.replace('NAME', name))


def test_texts_may_have_such_letters() -> None:
    text = 'say("\u0915\u094d\u200d\u0937")\n'
    assert program_from_completion(text) == text
