"""Prompts: what a model is told, and in which form."""

from __future__ import annotations

import ast

import pytest

from cap_planner.api import TABLETOP
from cap_planner.api.spec import Kind
from cap_planner.lmp import (
    LMPS,
    MAX_SESSION_TURNS,
    Lmp,
    SessionTurn,
    build_messages,
    repair_messages,
)
from cap_planner.verifier import verify

OBJECTS = "objects = ['blue block', 'red bowl']"


def test_the_five_of_the_tabletop() -> None:
    assert list(LMPS) == [
        'tabletop_ui',
        'parse_obj_name',
        'parse_position',
        'parse_question',
        'fgen',
    ]
    assert {name for name, lmp in LMPS.items() if lmp.maintain_session} == {'tabletop_ui'}
    assert {name for name, lmp in LMPS.items() if lmp.returns == 'ret_val'} == {
        'parse_obj_name',
        'parse_position',
        'parse_question',
    }


@pytest.mark.parametrize('lmp', LMPS.values(), ids=str)
def test_roles_alternate_and_the_request_is_last(lmp: Lmp) -> None:
    turns = [SessionTurn('first', OBJECTS, 'say(1)'), SessionTurn('second', OBJECTS, 'say(2)')]
    messages = build_messages(lmp, TABLETOP, 'do this', OBJECTS, turns)
    assert messages[0]['role'] == 'system'
    roles = [message['role'] for message in messages[1:]]
    assert roles == ['user', 'assistant'] * (len(roles) // 2) + ['user']
    lines = messages[-1]['content'].splitlines()
    assert lines[-1].endswith('do this.')
    assert lines[-1].startswith('# ')
    assert (lines[0] == OBJECTS) == lmp.include_context
    in_prompt = [m['content'] for m in messages if m['content'] in ('say(1)', 'say(2)')]
    assert in_prompt == (['say(1)', 'say(2)'] if lmp.maintain_session else [])


@pytest.mark.parametrize('lmp', LMPS.values(), ids=str)
def test_hints_come_from_the_declaration(lmp: Lmp) -> None:
    system = build_messages(lmp, TABLETOP, 'x')[0]['content']
    for function in TABLETOP.values():
        assert (function.header() in system) == (function.kind in lmp.calls)
    assert ('put_first_on_second(first' in system) == (Kind.ACTION in lmp.calls)
    assert 'ObjectNotFoundError' in system


@pytest.mark.parametrize('lmp', LMPS.values(), ids=str)
def test_examples_are_programs_of_this_api(lmp: Lmp) -> None:
    assert len(lmp.examples) >= 5
    earlier: set[str] = set()
    for example in lmp.examples:
        assert example.request.splitlines()[-1].startswith('# ')
        tree = ast.parse(example.program)
        for missing in verify(example.program, TABLETOP, known=earlier).undefined:
            # A helper that has to be written: its arguments have names.
            calls = [n for n in ast.walk(ast.parse(missing.signature)) if isinstance(n, ast.Call)]
            assert calls[0].keywords, missing
            assert not calls[0].args, missing
        if lmp.returns and not isinstance(tree.body[-1], ast.Raise):
            assert lmp.returns in example.program
        earlier |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_only_the_last_turns_are_told() -> None:
    turns = [SessionTurn(f'do {i}', OBJECTS, f'say({i})') for i in range(MAX_SESSION_TURNS + 5)]
    messages = build_messages(LMPS['tabletop_ui'], TABLETOP, 'x', OBJECTS, turns)
    contents = [message['content'] for message in messages]
    assert 'say(4)' not in contents
    assert contents[-2] == f'say({MAX_SESSION_TURNS + 4})'
    assert contents.index('say(5)') == len(contents) - 2 * MAX_SESSION_TURNS


def test_a_request_stays_one_comment() -> None:
    """A line break in an instruction must not become a line of the program."""
    messages = build_messages(LMPS['tabletop_ui'], TABLETOP, 'a\nsay(1)\r\n  b?', OBJECTS)
    assert messages[-1]['content'] == f'{OBJECTS}\n# a say(1) b?'


def test_repair_quotes_program_and_report() -> None:
    messages = build_messages(LMPS['tabletop_ui'], TABLETOP, 'x', OBJECTS)
    repair = repair_messages(messages, 'sya(1)', 'line 1: no function sya\n# x')
    assert repair[: len(messages)] == messages
    assert repair[-2] == {'role': 'assistant', 'content': 'sya(1)'}
    assert 'line 1: no function sya' in repair[-1]['content']
    assert '\n# x' not in repair[-1]['content']


def test_an_answer_without_text_can_be_repaired() -> None:
    messages = build_messages(LMPS['tabletop_ui'], TABLETOP, 'x', OBJECTS)
    assert repair_messages(messages, ' ', 'cut off')[-2]['content'].strip()


def test_what_was_not_kept_is_told() -> None:
    turns = [SessionTurn('first', OBJECTS, 'big = 1', ('big', 'gen'))]
    messages = build_messages(LMPS['tabletop_ui'], TABLETOP, 'x', OBJECTS, turns)
    assert messages[-2]['content'] == 'big = 1\n# Not kept for later requests: big, gen'


def test_context_of_parse_position_is_optional() -> None:
    messages = build_messages(LMPS['parse_position'], TABLETOP, 'the middle')
    assert messages[-1]['content'] == '# the middle.'
