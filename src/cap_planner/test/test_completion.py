"""What counts as a program in what a model writes."""

from __future__ import annotations

import pytest

from cap_planner.completion import program_from_completion
from cap_planner.models.base import ModelMalformedError


@pytest.mark.parametrize(
    'text',
    [
        "say('hi')",
        "```python\nsay('hi')\n```",
        "```\nsay('hi')\n```",
        "```py\nsay('hi')",
        "Here is the program:\n\nsay('hi')\n",
        "Here is the program:\n\n```python\nsay('hi')\n```\nThis says hi.",
        "Sure, I can do that.\nsay('hi')\n\nThis greets the person.",
        "<think>\nThe person wants x = ```\n</think>\nsay('hi')",
        "  say('hi')\r\n",
        "say('hi')\r",
    ],
)
def test_program_is_found(text: str) -> None:
    assert program_from_completion(text) == "say('hi')\n"


def test_comments_and_blocks_stay() -> None:
    program = '# Each block.\nfor name in names:\n    # Up.\n\n    say(name)\n'
    assert program_from_completion(f'```python\n{program}```') == program
    assert program_from_completion(program) == program


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('', 'nothing'),
        ('  \n\t', 'nothing'),
        ('```python\n```', 'not a'),
        ('Sorry', 'not a program'),
        ("I'm sorry, I cannot do that.", "I'm sorry"),
        ('I cannot do that (it is dangerous).', 'I cannot do that'),
        ("say('hi'", 'line 1'),
        ("Here it is:\nsay('hi'\nsay('there')", 'line'),
        ("```python\nsay('a')\n```\nor\n```python\nsay('b')\n```", '2 code blocks'),
        ('pass', 'not a program'),
        ('# only a comment', 'not a program'),
        ('x = (' * 300, 'not a Python program'),
        ('say("\0")', 'not a Python program'),
        ('<html><body>502</body></html>', 'not a Python program'),
    ],
)
def test_no_program_is_invented(text: str, says: str) -> None:
    with pytest.raises(ModelMalformedError) as caught:
        program_from_completion(text)
    assert says in str(caught.value)
    assert caught.value.name == 'MODEL_MALFORMED'


def test_a_broken_first_line_is_not_dropped() -> None:
    """Leaving it away would run a program that the model did not write."""
    with pytest.raises(ModelMalformedError):
        program_from_completion("names = [\nput_first_on_second('a', 'b')\n")


def test_quotes_are_bounded() -> None:
    with pytest.raises(ModelMalformedError) as caught:
        program_from_completion('I am afraid ' * 5000)
    assert len(str(caught.value)) < 600
