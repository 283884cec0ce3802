"""Prompts: what a model is told, and in which form."""

from __future__ import annotations

import ast

import pytest

from cap_planner.api import TABLETOP
from cap_planner.domains import DOMAINS, Domain
from cap_planner.lmp import (
    Lmp,
    SessionTurn,
    build_messages,
    parse_prompt,
    repair_round,
)
from cap_planner.verifier import verify

OBJECTS = "objects = ['blue block', 'red bowl']"


ALL = [(domain, lmp) for domain in DOMAINS.values() for lmp in domain.prompts.values()]
EVERY = pytest.mark.parametrize(
    ('domain', 'lmp'), ALL, ids=[f'{domain.name}-{lmp}' for domain, lmp in ALL]
)
TABLE_LMPS = DOMAINS['tabletop'].prompts


def test_the_lmps_of_the_domains() -> None:
    assert list(TABLE_LMPS) == [
        'tabletop_ui',
        'parse_obj_name',
        'parse_position',
        'parse_question',
        'fgen',
        'decompose',
    ]
    assert {'draw_ui', 'parse_shape_pts', 'transform_shape_pts'} <= set(
        DOMAINS['whiteboard'].prompts
    )
    assert {lmp.name for _, lmp in ALL if lmp.maintain_session} == {'tabletop_ui', 'draw_ui'}
    without = {lmp.name for _, lmp in ALL if lmp.returns is None}
    assert without == {'tabletop_ui', 'draw_ui', 'fgen'}


@EVERY
def test_roles_alternate_and_the_request_is_last(domain: Domain, lmp: Lmp) -> None:
    turns = [SessionTurn('first', OBJECTS, 'say(1)'), SessionTurn('second', OBJECTS, 'say(2)')]
    messages = build_messages(
        lmp, domain.api, 'do this', OBJECTS, turns if lmp.maintain_session else []
    )
    assert messages[0]['role'] == 'system'
    roles = [message['role'] for message in messages[1:]]
    assert roles == ['user', 'assistant'] * (len(roles) // 2) + ['user']
    lines = messages[-1]['content'].splitlines()
    assert lines[-1].endswith('do this.')
    assert lines[-1].startswith('# ')
    assert (lines[0] == OBJECTS) == lmp.include_context
    in_prompt = [m['content'] for m in messages if m['content'] in ('say(1)', 'say(2)')]
    assert in_prompt == (['say(1)', 'say(2)'] if lmp.maintain_session else [])


@EVERY
def test_hints_come_from_the_declaration(domain: Domain, lmp: Lmp) -> None:
    system = build_messages(lmp, domain.api, 'x')[0]['content']
    for function in domain.api.values():
        assert (function.header() in system) == (function.kind in lmp.calls)
    if lmp.calls:
        assert 'ObjectNotFoundError' in system


@EVERY
def test_examples_are_programs_of_this_api(domain: Domain, lmp: Lmp) -> None:
    assert len(lmp.examples) >= 3
    earlier: set[str] = set()
    for example in lmp.examples:
        assert example.request.splitlines()[-1].startswith('# ')
        tree = ast.parse(example.program)
        for missing in verify(
            example.program, domain.api, known=earlier, allow_undefined=True
        ).undefined:
            # A helper that has to be written: its arguments have names.
            calls = [n for n in ast.walk(ast.parse(missing.signature)) if isinstance(n, ast.Call)]
            assert calls[0].keywords, missing
            assert not calls[0].args, missing
        if lmp.returns and not isinstance(tree.body[-1], ast.Raise):
            assert lmp.returns in example.program
        earlier |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_an_earlier_request_did_stands_before_the_next() -> None:
    done = ("moved 'red block' from [0.1, -0.4] to [0.0, -0.5]", 'it failed: X: a\nb')
    turns = [SessionTurn('first', OBJECTS, 'say(1)', done=done)]
    messages = build_messages(TABLE_LMPS['tabletop_ui'], TABLETOP, 'undo that', OBJECTS, turns)
    assert messages[-1]['content'].splitlines() == [
        "# moved 'red block' from [0.1, -0.4] to [0.0, -0.5]",
        '# it failed: X: a b',
        OBJECTS,
        '# undo that.',
    ]


def test_given_variables_are_told() -> None:
    lmp = DOMAINS['whiteboard'].lmps['transform_shape_pts']
    messages = build_messages(lmp, TABLETOP, 'bigger', variables=['shape_pts'])
    assert messages[-1]['content'] == '# given: shape_pts\n# bigger.'


@pytest.mark.parametrize(
    'source',
    [
        'x = 1',
        '"""Task."""\n\n# a query without a program.\n',
        '"""Task.\n"""\n\n# a query without a program.\n',
        '"""Task.\n"""\n\nsay(1)\n',
        '"""Task.\n"""\n\nobjects = []\nsay(1)\n',
    ],
)
def test_a_prompt_file_with_a_fault_is_refused(source: str) -> None:
    if source.startswith('"""Task."""'):
        assert parse_prompt(source) == ('Task.', ())
        return
    with pytest.raises(ValueError, match=r'docstring|no example'):
        parse_prompt(source)


def test_a_request_stays_one_comment() -> None:
    """A line break in an instruction must not become a line of the program."""
    messages = build_messages(TABLE_LMPS['tabletop_ui'], TABLETOP, 'a\nsay(1)\r\n  b?', OBJECTS)
    assert messages[-1]['content'] == f'{OBJECTS}\n# a say(1) b?'


def test_repair_quotes_program_and_report() -> None:
    answer, word = repair_round('sya(1)', 'line 1: no function sya\n# x')
    assert answer == {'role': 'assistant', 'content': 'sya(1)'}
    assert word['role'] == 'user'
    assert 'line 1: no function sya' in word['content']
    assert '\n# x' not in word['content']


def test_an_answer_without_text_can_be_repaired() -> None:
    assert repair_round(' ', 'cut off')[0]['content'].strip()


def test_a_turn_without_a_program_is_no_empty_message() -> None:
    """Endpoints refuse one, and with it every later request of the session."""
    turns = [SessionTurn('first', OBJECTS, '')]
    messages = build_messages(TABLE_LMPS['tabletop_ui'], TABLETOP, 'x', OBJECTS, turns)
    assert all(message['content'].strip() for message in messages)


def test_what_was_not_kept_is_told() -> None:
    turns = [SessionTurn('first', OBJECTS, 'big = 1', ('big', 'gen'))]
    messages = build_messages(TABLE_LMPS['tabletop_ui'], TABLETOP, 'x', OBJECTS, turns)
    assert messages[-2]['content'] == 'big = 1\n# Not kept for later requests: big, gen'


def test_context_of_parse_position_is_optional() -> None:
    messages = build_messages(TABLE_LMPS['parse_position'], TABLETOP, 'the middle')
    assert messages[-1]['content'] == '# the middle.'
