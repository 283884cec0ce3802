"""The whole planner in one process: real model code, verifier and sandbox over a symbolic table."""

import sqlite3
import time
from dataclasses import replace

import numpy as np
import pytest

from cap_common.errors import (
    CanceledError,
    GraspFailedError,
    ObjectLostError,
    RobotFaultError,
    UnreachableError,
)
from cap_planner.engine import Request
from cap_planner.evidence import EvidenceStore, Record
from cap_planner.labels import InstructionError, Label
from cap_planner.models import ModelUnavailableError, open_model
from cap_planner.models.base import estimated_prompt_tokens
from cap_planner.testing import LIMITS, ScriptedModel

BOTH_IN_THE_RED_BOWL = """
put_first_on_second("red block", "red bowl")
put_first_on_second("blue block", "red bowl")
"""


def run(engine, text='do it', session='', stopped=lambda: None, **request):
    progress = []
    report = engine.run(Request(text, session, **request), progress.append, stopped)
    return report, progress


def test_an_instruction_is_carried_out_and_kept(make_engine, table):
    engine = make_engine(open_model('offline'))
    report, progress = run(engine, 'put the blocks in the bowls with matching colors')
    assert (report.outcome, report.label, report.error) == ('succeeded', None, '')
    assert sorted(table.moves) == [('blue block', 'blue bowl'), ('red block', 'red bowl')]
    assert progress[0].state == 'prompting'
    assert progress[-1].state == 'done'
    assert any(p.call.startswith('put_first_on_second') and p.line for p in progress)
    data = engine.parts.evidence.export(report.evidence_id)
    assert (data['outcome'], data['domain']) == ('succeeded', 'tabletop')
    assert data['program'] == report.program
    assert {c['lmp'] for c in data['completions']} >= {'tabletop_ui', 'parse_obj_name'}
    assert all(v['violations'] == [] for v in data['verifications'])
    nested = [c for c in data['calls'] if c['name'] == 'parse_obj_name']
    assert nested
    assert all(c['result'] for c in nested), 'the value that the nested program came to'
    assert data['world_before'] != data['world_after']


def test_functions_are_generated_and_shown(make_engine, table):
    report, _ = run(make_engine(open_model('offline')), 'stack all the blocks')
    assert report.outcome == 'succeeded'
    assert 'def stack_objects_in_order' in report.program
    assert len(table.moves) == 1


def test_questions_are_answered_by_saying(make_engine, table):
    report, _ = run(make_engine(open_model('offline')), 'what is the leftmost block?')
    assert (report.outcome, report.answer, table.moves) == ('succeeded', 'blue block', [])


def test_a_session_remembers(make_engine, table):
    model = ScriptedModel('x = [1, 2]\nsay("a")', *['say(str(len(x)))'] * 4)
    engine = make_engine(model)
    assert run(engine, 'remember', session='s')[0].outcome == 'succeeded'
    assert run(engine, 'how many', session='s')[0].answer == '2'
    earlier = [m['content'] for m in model.asked[1]]
    assert any('# remember' in text for text in earlier)
    other = run(engine, 'how many', session='other')[0]
    assert other.label is not None, 'another session knows nothing of it'


def test_a_program_whose_process_is_killed_takes_its_action_along(make_engine, table, monkeypatch):
    def put(*_):
        # As a skill that is under way when the process dies.
        engine.parts.sandbox._run.kill()
        deadline = time.monotonic() + 10
        while not table.stopped():
            assert time.monotonic() < deadline
            time.sleep(0.001)
        raise CanceledError('canceled')

    monkeypatch.setattr(table, 'pick_place', put)
    engine = make_engine(ScriptedModel('put_first_on_second("red block", "blue bowl")', 'say("b")'))
    report, _ = run(engine)
    assert report.outcome == 'failed'
    assert 'killed from outside' in report.error
    (call,) = engine.parts.evidence.export(report.evidence_id)['calls']
    assert 'canceled' in call['error']
    assert run(engine)[0].answer == 'b'


def test_a_program_that_fails_is_written_again_with_what_was_done(make_engine, table):
    table.failures = [None, GraspFailedError('slippery')]
    model = ScriptedModel(BOTH_IN_THE_RED_BOWL, 'put_first_on_second("blue block", "blue bowl")')
    report, progress = run(make_engine(model))
    assert (report.outcome, report.label) == ('succeeded', None)
    assert [move for move in table.moves if move[0] == 'red block'] == [('red block', 'red bowl')]
    word = model.asked[1][-1]['content']
    assert "moved 'red block' from [0.100, -0.400] to [0.100, -0.600] on 'red bowl'" in word
    assert 'line 2' in word
    assert 'GraspFailedError: slippery' in word
    assert 'repairing' in [p.state for p in progress]


def test_the_same_program_is_not_run_twice(make_engine, table):
    table.failures = [UnreachableError('too far')] * 9
    model = ScriptedModel('put_first_on_second("red block", "red bowl")')
    report, _ = run(make_engine(model))
    assert report.label is Label.UNREACHABLE
    assert len(table.moves) == 1


def test_why_it_failed_is_not_hidden_by_what_came_of_repairs(make_engine, table):
    table.failures = [UnreachableError('too far')]
    model = ScriptedModel('put_first_on_second("red block", "red bowl")', 'I am sorry.')
    report, _ = run(make_engine(model))
    assert (report.label, 'too far' in report.error) == (Label.UNREACHABLE, True)


def test_the_stronger_model_is_asked_last(make_engine):
    weak = ScriptedModel(*[f'x = [][{i}]\nsay("x")' for i in range(9)])
    strong = ScriptedModel('say("strong")')
    report, _ = run(make_engine(weak, stronger=strong))
    assert report.answer == 'strong'
    assert len(weak.asked) == LIMITS.tries
    assert 'IndexError' in strong.asked[0][-1]['content']


def test_what_fails_as_a_whole_is_split(make_engine, table):
    parts = 'ret_val = ["put the red block away", "say done"]'
    model = ScriptedModel(
        *['x = [][1]\nsay("x")'] * 2,
        parts,
        'put_first_on_second("red block", "red bowl")',
        'say("done")',
    )
    engine = make_engine(model)
    report, _ = run(engine, 'put the red block away and say done', session='s')
    assert (report.outcome, report.answer) == ('succeeded', 'done')
    assert model.asked[2][0]['content'].startswith('Your part: decompose')
    assert '# say done.' in model.asked[-1][-1]['content']
    assert "# moved 'red block'" in model.asked[-1][-1]['content']
    (turn,) = engine.parts.evidence.load_session('tabletop/s')['turns']
    assert turn['query'] == 'put the red block away and say done'
    assert turn['program'].count('\n') == 1


def test_a_part_that_fails_says_which(make_engine):
    model = ScriptedModel(*['x = [][1]\nsay("x")'] * 2, 'ret_val = ["a", "b"]', 'say(f())')
    report, _ = run(make_engine(model))
    assert "of 2 simpler requests number 1, 'a'" in report.error


def test_what_failed_after_it_moved_something_can_be_undone(make_engine, table):
    table.failures = [None, GraspFailedError('slippery')]
    model = ScriptedModel(BOTH_IN_THE_RED_BOWL)
    engine = make_engine(model)
    assert run(engine, 'put them away', session='s')[0].label is Label.GRASP_FAILED
    model.answers = ['put_first_on_second("red block", [0.1, -0.4])']
    assert run(engine, 'undo that', session='s')[0].outcome == 'succeeded'
    lines = model.asked[-1][-1]['content'].splitlines()
    assert lines[0] == "# moved 'red block' from [0.100, -0.400] to [0.100, -0.600] on 'red bowl'"
    assert lines[1] == '# it failed: GraspFailedError: slippery'


def test_functions_written_for_nested_programs_are_kept(make_engine):
    model = ScriptedModel(
        'say(parse_obj_name("the red one"))',
        'ret_val = first_of(names=objects_of())',
        'def first_of(names):\n    return names[0]',
        'def objects_of():\n    return get_obj_names()',
        'say(first_of(names=["x"]))',
    )
    engine = make_engine(model)
    assert run(engine, session='s')[0].answer == 'red block'
    assert run(engine, session='s')[0].answer == 'x'
    assert not model.answers
    assert len(model.asked) == 5, 'the function was there'


def test_what_was_written_before_is_told_and_has_to_be_called_so(make_engine):
    model = ScriptedModel(
        'say(twice(text="a"))',
        'def twice(text):\n    return text + text',
        'say(twice(word="b"))',
        'say(twice(text="b"))',
    )
    engine = make_engine(model)
    assert run(engine, session='s')[0].answer == 'aa'
    assert run(engine, session='s')[0].answer == 'bb'
    assert '# defined: twice(text)' in model.asked[2][-1]['content'].splitlines()
    assert 'it is twice(text)' in model.asked[3][-1]['content']


def test_a_generated_function_is_tried_before_it_is_used(make_engine, table):
    model = ScriptedModel(
        'put_first_on_second("red block", middle_of(positions=get_side_positions()))',
        'def middle_of(positions):\n    return np.mean(positions, axis=0)[5]',
        'def middle_of(positions):\n    return np.mean(positions, axis=0)',
    )
    report, _ = run(make_engine(model))
    assert report.outcome == 'succeeded'
    assert len(table.moves) == 1
    assert 'IndexError' in model.asked[2][-1]['content']
    assert 'np.mean(positions, axis=0)[5]' in model.asked[2][-1]['content']


def test_nested_programs_do_not_act_through_functions_of_the_session(make_engine, table):
    model = ScriptedModel(
        'def put_away(name):\n    put_first_on_second(name, "red bowl")\nsay("x")',
        'say(str(parse_question("how many?")))',
        'put_away("red block")\nret_val = 1',
        'say(str(parse_question("how many?")))',
    )
    engine = make_engine(model)
    assert run(engine, session='s')[0].outcome == 'succeeded'
    report, _ = run(engine, session='s')
    assert report.label is Label.WRONG_ARGUMENTS
    assert not table.moves


def test_a_given_program_runs_without_the_model(make_engine, table):
    model = ScriptedModel()
    program = 'put_first_on_second("red block", "red bowl")'
    report, _ = run(make_engine(model), '', program=program)
    assert (report.outcome, report.program) == ('succeeded', program)
    assert table.moves
    assert not model.asked


def test_a_given_program_is_verified_and_not_repaired(make_engine):
    model = ScriptedModel('say("x")')
    report, _ = run(make_engine(model), program='import os\nsay("x")')
    assert report.label is Label.VERIFIER_REJECTED
    assert not model.asked


def test_unverified_programs_need_the_operators_word(make_engine):
    program = 'say(str(().__class__))'
    refused, _ = run(make_engine(ScriptedModel()), program=program, skip_verifier=True)
    assert refused.label is Label.UNSUPPORTED_MODE
    assert 'CAP_ALLOW_UNVERIFIED=1' in refused.error
    engine = make_engine(ScriptedModel(), allow_unverified=True)
    assert run(engine, program=program, skip_verifier=True)[0].answer == "<class 'tuple'>"
    asked = run(engine, 'do it', skip_verifier=True)[0]
    assert asked.label is Label.INVALID_INSTRUCTION, 'what a model writes is always verified'


def test_an_unverified_program_leaves_nothing_behind(make_engine):
    engine = make_engine(ScriptedModel('say(str(x))'), allow_unverified=True)
    run(engine, program='x = 5\nsay("a")', session='s', skip_verifier=True)
    assert run(engine, session='s')[0].outcome == 'failed'


def test_a_loop_over_queries_waits_for_pictures(make_engine, table):
    limits = replace(LIMITS, calls_per_s=10**6, calls=250, compute_s=30.0)
    model = ScriptedModel('for i in range(1200):\n    x = get_obj_pos("red block")\nsay("x")')
    pictures = []
    newer = table.newer
    table.newer = lambda stamp: pictures.append(stamp) or newer(stamp)
    report, _ = run(make_engine(model, limits))
    assert (report.outcome, report.error) == ('succeeded', '')
    assert len(pictures) >= 50


def test_tokens_are_budgeted(make_engine):
    model = ScriptedModel(*[f'import os\nsay("{i}")' for i in range(9)])
    report, _ = run(make_engine(model, replace(LIMITS, tokens=4)))
    assert report.label is Label.BUDGET_EXCEEDED
    assert 'tokens' in report.error


def test_old_requests_make_room(make_engine):
    model = ScriptedModel('say("x")')
    assert run(make_engine(model))[0].outcome == 'succeeded'
    room = LIMITS.text_tokens + estimated_prompt_tokens(model.asked[0]) + 600
    engine = make_engine(model, replace(LIMITS, window_tokens=room))
    for number in range(6):
        assert run(engine, f'request {number} ' + 'x' * 400, session='s')[0].outcome == 'succeeded'
    told = [m['content'] for m in model.asked[-1] if '# request' in m['content']]
    assert 1 < len(told) < 6
    assert 'request 5' in told[-1]
    report, _ = run(make_engine(model, replace(LIMITS, window_tokens=1_000)), session='s')
    assert report.label is Label.MODEL_UNAVAILABLE
    assert 'window_tokens' in report.error


def test_a_rejected_program_is_repaired(make_engine):
    model = ScriptedModel('import os\nsay("x")', 'say("better")')
    report, _ = run(make_engine(model))
    assert (report.outcome, report.answer) == ('succeeded', 'better')
    assert 'os' in model.asked[1][-1]['content'], 'the report goes to the model'


def test_repair_is_bounded(make_engine):
    model = ScriptedModel(*[f'import os\nsay("{i}")' for i in range(9)])
    report, _ = run(make_engine(model))
    assert report.label is Label.VERIFIER_REJECTED
    assert len(model.asked) == 2 * LIMITS.tries, 'the tries, and those to split it'


@pytest.mark.parametrize(
    ('program', 'label', 'word'),
    [
        ('Certainly!', Label.MODEL_MALFORMED, 'Certainly'),
        ('put_first_on_second("red block")', Label.WRONG_ARGUMENTS, 'second'),
        ('x = [][1]\nsay("x")', Label.PROGRAM_ERROR, 'IndexError'),
        ('put_first_on_second("gold block", "red bowl")', Label.OBJECT_NOT_FOUND, 'red block'),
        ('x = get_obj_pos("gold bowl")\nsay("x")', Label.OBJECT_NOT_FOUND, 'gold bowl'),
        ('for i in range(10**9):\n    pass\nsay("x")', Label.BUDGET_EXCEEDED, ''),
        ('for i in range(500):\n    say("x")', Label.BUDGET_EXCEEDED, 'calls'),
        ('x = get_obj_names()', Label.WRONG_OUTCOME, 'without doing'),
    ],
)
def test_bad_programs_have_labels(make_engine, program, label, word):
    model = ScriptedModel(*[program] * 3)
    report, _ = run(make_engine(model))
    assert report.label is label, report.error
    assert word in report.error
    assert report.outcome == 'failed'


CATCHES = (
    'try:\n    put_first_on_second("red block", "red bowl")\n'
    'except GraspFailedError as error:\n    '
)


@pytest.mark.parametrize('target', ['red bowl', 'blue bowl'])
def test_a_program_may_catch_what_a_skill_raises_and_make_it_good(make_engine, table, target):
    table.failures = [GraspFailedError('slippery')]
    program = f'{CATCHES}put_first_on_second("red block", "{target}")'
    assert run(make_engine(ScriptedModel(program)))[0].outcome == 'succeeded'
    assert len(table.moves) == 2


def test_what_was_caught_and_not_made_good_is_no_success(make_engine, table):
    table.failures = [GraspFailedError('slippery')]
    report, _ = run(make_engine(ScriptedModel(CATCHES + 'say(f"sorry: {error}")')))
    assert (report.label, report.answer) == (Label.GRASP_FAILED, 'sorry: slippery')
    assert 'the red block was to be put on the red bowl (slippery)' in report.error


@pytest.mark.parametrize(
    ('action', 'label'),
    [
        ('put_first_on_second([0.2, -0.7], "red bowl")', Label.GRASP_FAILED),
        ('put_first_on_second("gold block", "red bowl")', Label.OBJECT_NOT_FOUND),
        ('point_gripper_to("gold block")', Label.OBJECT_NOT_FOUND),
        ('put_first_on_second("red block", np.zeros(3))', Label.WRONG_ARGUMENTS),
    ],
)
def test_no_failure_is_swallowed(make_engine, action, label):
    program = f'try:\n    {action}\nexcept Exception:\n    pass\nsay("Done")'
    report, _ = run(make_engine(ScriptedModel(program)))
    assert (report.label, report.answer) == (label, 'Done')


def test_a_repair_may_ask_for_another_name_but_not_give_up(make_engine, table):
    wrong = 'put_first_on_second("gold block", "red bowl")'
    gives_up = ScriptedModel(wrong, 'say("sorry")')
    assert run(make_engine(gives_up))[0].label is Label.OBJECT_NOT_FOUND
    right = ScriptedModel(wrong, 'put_first_on_second("red block", "red bowl")')
    assert run(make_engine(right))[0].outcome == 'succeeded'


def test_what_failed_as_a_whole_may_succeed_in_parts(make_engine, table):
    table.failures = [UnreachableError('too far')]
    model = ScriptedModel(
        'put_first_on_second("blue block", "red bowl")',
        *['x = [][1]\nsay("x")'] * 2,
        'ret_val = ["put the red block away", "put the blue block away"]',
        'put_first_on_second("red block", "red bowl")',
        'put_first_on_second("blue block", "blue bowl")',
    )
    report, _ = run(make_engine(model))
    assert (report.outcome, report.error) == ('succeeded', '')
    assert len(model.asked) == 6, 'the first part is not held to what the second is to do'


def test_what_was_said_is_not_said_again(make_engine):
    model = ScriptedModel('say("hello")\nx = [][1]', 'say("world")')
    engine = make_engine(model)
    report, _ = run(engine, session='s')
    assert report.answer == 'hello\nworld'
    assert "  said 'hello'" in model.asked[1][-1]['content'].splitlines()
    run(engine, session='s')
    assert '# said' not in str(model.asked[-1]), 'the programs of a session tell it'


def test_what_a_failure_displaced_can_be_undone(make_engine, table):
    def drop(*_):
        table.objects['red block'] = (0.2, -0.5, 0.02)
        raise ObjectLostError('it fell')

    table.pick_place = drop
    model = ScriptedModel('put_first_on_second("red block", "red bowl")')
    engine = make_engine(model)
    assert run(engine, session='s')[0].label is Label.GRASP_FAILED
    line = "displaced 'red block' from [0.100, -0.400] to [0.200, -0.500]"
    assert f'  {line}' in model.asked[1][-1]['content'].splitlines()
    model.answers = ['say("x")']
    run(engine, session='s')
    told = model.asked[-1][-1]['content'].splitlines()
    assert told[:2] == [f'# {line}', '# it failed: ObjectLostError: it fell']


def test_a_failed_action_that_is_swallowed_is_no_deed(make_engine, table):
    table.failures = [UnreachableError('too far')]
    table.move_to = lambda target, *_: table.pick_place(target, target)
    program = 'try:\n    point_gripper_to("red block")\nexcept Exception:\n    pass'
    report, _ = run(make_engine(ScriptedModel(program)))
    assert report.label is Label.WRONG_OUTCOME
    assert 'without doing' in report.error


def test_what_fell_off_is_no_success(make_engine, table):
    put = table.pick_place

    def topple(first, second, *_):
        put(first, second)
        x, y, _ = table.objects[first]
        table.objects[first] = (x + 0.041, y, 0.02)

    table.pick_place = topple
    report, _ = run(make_engine(ScriptedModel('put_first_on_second("red block", "blue block")')))
    assert report.label is Label.WRONG_OUTCOME


@pytest.mark.parametrize(
    'when', ['begin', 'session_before', 'world', 'completion', 'call_started', 'end']
)
def test_a_full_disk_is_reported(make_engine, monkeypatch, when):
    def fail(*_, **__):
        raise sqlite3.OperationalError('database or disk is full')

    monkeypatch.setattr(EvidenceStore if when == 'begin' else Record, when, fail)
    engine = make_engine(ScriptedModel('say("x")', 'say("y")'))
    report, _ = run(engine)
    assert (report.outcome, report.label) == ('failed', Label.INTERNAL_ERROR)
    assert 'disk is full' in report.error
    assert bool(report.evidence_id) is (when != 'begin')
    monkeypatch.undo()
    if when not in ('begin', 'end'):
        assert engine.parts.evidence.export(report.evidence_id)['label'] == 'internal_error'
    assert run(engine)[0].outcome == 'succeeded', 'the next one is served'


def test_feedback_that_nobody_takes_is_reported(make_engine):
    def fail(progress):
        raise RuntimeError('no such goal')

    engine = make_engine(ScriptedModel('say("x")'))
    report = engine.run(Request('do it'), fail, lambda: None)
    assert report.label is Label.INTERNAL_ERROR
    assert 'no such goal' in report.error


def test_an_uncaught_skill_error_ends_it(make_engine, table):
    table.failures = [UnreachableError('too far')]
    report, _ = run(make_engine(ScriptedModel('put_first_on_second("red block", "red bowl")')))
    assert report.label is Label.UNREACHABLE
    assert 'line 1' in report.error
    assert 'too far' in report.error


def test_after_a_broken_motion_it_looks_first(make_engine, table):
    table.failures = [UnreachableError('too far')]
    engine = make_engine(ScriptedModel(*['put_first_on_second("red block", "red bowl")'] * 3))
    assert run(engine)[0].label is Label.UNREACHABLE
    assert table.looks == 0
    assert run(engine)[0].label is None
    assert table.looks == 1
    run(engine)
    assert table.looks == 1


def test_what_slipped_is_no_success(make_engine, table):
    table.slip = np.array([0.08, 0.0])
    report, _ = run(make_engine(ScriptedModel('put_first_on_second("red block", "red bowl")')))
    assert report.label is Label.WRONG_OUTCOME
    assert 'red block' in report.error
    assert '8.0 cm' in report.error


@pytest.mark.parametrize('limits', [{'motion_s': 0.1}, {'wall_s': 0.3}])
def test_an_action_is_canceled_when_its_time_is_up(make_engine, table, limits):
    def work(*_):
        deadline = time.monotonic() + 20.0
        while not table.stopped():
            assert time.monotonic() < deadline, 'nobody cancels'
        raise CanceledError('canceled')

    table.pick_place = work
    model = ScriptedModel('put_first_on_second("red block", "red bowl")')
    report, _ = run(make_engine(model, replace(LIMITS, **limits)))
    assert report.label is Label.BUDGET_EXCEEDED, report.error


def test_a_stop_is_told_before_a_budget(make_engine, table):
    stop = InstructionError(Label.STOPPED, 'stopped by ann')
    model = ScriptedModel('put_first_on_second("red block", "red bowl")')
    report, _ = run(
        make_engine(model, replace(LIMITS, motion_s=0.0)),
        stopped=lambda: stop if table.moves else None,
    )
    assert report.label is Label.STOPPED


def test_what_was_moved_on_is_judged_where_it_went(make_engine):
    program = (
        'put_first_on_second("red block", "red bowl")\n'
        'put_first_on_second("red block", "blue bowl")'
    )
    assert run(make_engine(ScriptedModel(program)))[0].outcome == 'succeeded'


@pytest.mark.parametrize(
    ('text', 'label'),
    [('', 'INVALID_INSTRUCTION'), ('\u202e \x00', 'INVALID_INSTRUCTION'), ('x' * 501,) * 1
     + ('INVALID_INSTRUCTION',)],
)  # fmt: skip
def test_what_is_no_instruction(make_engine, text, label):
    report, _ = run(make_engine(ScriptedModel()), text)
    assert report.label is Label[label]
    assert report.evidence_id


def test_modes_that_are_not_offered(make_engine):
    assert run(make_engine(ScriptedModel()), mode='rehearse')[0].label is Label.UNSUPPORTED_MODE
    assert run(make_engine(ScriptedModel()), mode='fast')[0].label is Label.UNSUPPORTED_MODE


def test_a_stop_before_and_between(make_engine, table):
    stop = InstructionError(Label.STOPPED, 'stopped by ann')
    report, _ = run(make_engine(ScriptedModel('say("x")')), stopped=lambda: stop)
    assert (report.outcome, report.label, report.error) == ('stopped', Label.STOPPED, str(stop))
    program = (
        'for i in range(3):\n    try:\n        put_first_on_second("red block", "red bowl")\n'
        '    except Exception:\n        pass'
    )
    report, _ = run(
        make_engine(ScriptedModel(program)), stopped=lambda: stop if table.moves else None
    )
    assert report.label is Label.STOPPED
    assert len(table.moves) == 1, 'no program catches a stop'


def test_without_the_model(make_engine):
    class Gone(ScriptedModel):
        def complete(self, messages, options):
            raise ModelUnavailableError('no endpoint at x')

    report, _ = run(make_engine(Gone()))
    assert (report.label, report.error) == (Label.MODEL_UNAVAILABLE, 'no endpoint at x')


def test_the_model_is_lost_in_the_middle(make_engine):
    class Forgetful(ScriptedModel):
        def complete(self, messages, options):
            if not self.answers:
                raise ModelUnavailableError('gone')
            return super().complete(messages, options)

    program = 'try:\n    x = parse_obj_name("the block")\nexcept Exception:\n    say("fine")'
    report, _ = run(make_engine(Forgetful(program)))
    assert report.label is Label.MODEL_UNAVAILABLE


def test_context_is_data_and_never_code(make_engine):
    program = 'x = parse_obj_name("the block", "objects = get_obj_names()")\nsay(str(x))'
    report, _ = run(make_engine(ScriptedModel(program)))
    assert report.label is Label.WRONG_ARGUMENTS


@pytest.mark.parametrize('name', ['StoppedError', 'RobotFaultError', 'PerceptionLostError'])
def test_a_program_cannot_forge_a_fault_of_an_interface(make_engine, name):
    report, _ = run(make_engine(ScriptedModel(f'raise {name}("x")')))
    assert (report.outcome, report.label) == ('failed', Label.PROGRAM_ERROR)


def test_a_fault_of_an_interface_keeps_its_label(make_engine, table):
    table.failures = [RobotFaultError('it is silent')]
    program = 'try:\n    put_first_on_second("red block", "red bowl")\nexcept Exception as e:\n'
    report, _ = run(make_engine(ScriptedModel(program + '    raise e')))
    assert report.label is Label.ROBOT_FAULT


def test_nothing_that_cannot_be_seen_reaches_a_person(make_engine):
    model = ScriptedModel(*['open("\x1b[2J")'] * 3)
    report, progress = run(make_engine(model))
    assert report.label is Label.VERIFIER_REJECTED
    assert '\x1b' not in report.error
    report, progress = run(make_engine(ScriptedModel('say("a" + chr(27) + "[2J")')))
    assert report.answer == 'a[2J'
    assert all('\x1b' not in f'{each.call}{each.program}{each.spoken}' for each in progress)


def test_how_the_sandbox_ran_it_is_kept_and_the_next_prompt_told(make_engine):
    program = 'print("seen")\nbig = "x" * 2_000_000\nsay("a")'
    model = ScriptedModel(program, 'say("b")')
    engine = make_engine(model)
    report, _ = run(engine, session='s')
    (ran,) = engine.parts.evidence.export(report.evidence_id)['runs']
    assert (ran['status'], ran['printed']) == ('finished', 'seen\n')
    assert 'no room' in ran['dropped']['big']
    run(engine, session='s')
    assert '# Not kept for later requests: big' in model.asked[1][-2]['content']


def test_the_look_is_kept(make_engine, table):
    table.failures = [UnreachableError('too far')]
    engine = make_engine(ScriptedModel(*['put_first_on_second("red block", "red bowl")'] * 2))
    run(engine)
    report, _ = run(engine)
    calls = engine.parts.evidence.export(report.evidence_id)['calls']
    assert [call['name'] for call in calls] == ['look', 'put_first_on_second']


def test_functions_of_the_session_are_verified_again(make_engine):
    engine = make_engine(ScriptedModel('def f():\n    return "good"\nsay("a")', 'say(f())'))
    run(engine, session='s')
    data = engine.parts.evidence.load_session('tabletop/s')
    for bad in ('say = lambda m: None', 'def g(:', 'def h():\n    open("x")'):
        data['functions'][bad] = bad
    engine.parts.evidence.save_session('tabletop/s', data)
    report, _ = run(engine, session='s')
    assert report.answer == 'good', report.error


@pytest.mark.parametrize('kept', ['{}', '[]', '"x"', '{"name": "s", "turns": [{}]}', '{'])
def test_a_session_that_cannot_be_read_begins_anew(make_engine, kept):
    engine = make_engine(ScriptedModel('x = 1\nsay("a")', 'say(str(x))'))
    row = ('tabletop/s', time.time(), kept)
    engine.parts.evidence._execute('INSERT INTO sessions VALUES (?, ?, ?)', row)
    report, progress = run(engine, session='s')
    assert (report.outcome, report.error) == ('succeeded', '')
    word, answer = report.answer.splitlines()
    assert word.startswith("What I kept of the session 's' cannot be read, so it begins anew: ")
    assert [each.spoken for each in progress if each.spoken] == [word, answer]
    assert engine.parts.evidence.export(report.evidence_id)['session_before']['turns'] == []
    assert run(engine, session='s')[0].answer == '1', 'now it can'


def test_each_domain_has_its_own_sessions(make_engine):
    table, board = ScriptedModel('x = 1\nsay("a")'), ScriptedModel('say("b")')
    assert run(make_engine(table), session='s')[0].outcome == 'succeeded'
    assert run(make_engine(board, domain='whiteboard'), session='s')[0].outcome == 'succeeded'
    assert 'x = 1' not in str(board.asked)


def test_what_is_said_is_told_once(make_engine):
    program = 'say("a")\nget_obj_names()\nsay("a")\nsay("b")\nget_obj_names()'
    report, progress = run(make_engine(ScriptedModel(program)))
    assert [each.spoken for each in progress if each.spoken] == ['a', 'a', 'b']
    assert report.answer == 'a\na\nb'


def test_a_nested_program_leaves_the_functions_of_the_program_alone(make_engine):
    program = (
        'def pick(x):\n    return "mine"\n'
        'a = parse_obj_name("the block")\nb = parse_obj_name("the bowl")\nsay(a + b + pick(x=1))'
    )
    nested = 'ret_val = pick(x=1) + helper(x=2)'
    helper = 'def helper(x):\n    return "his"'
    report, _ = run(make_engine(ScriptedModel(program, nested, helper, nested)))
    assert report.answer == 'minehisminehismine', report.error


def test_a_helper_that_comes_along_is_known(make_engine):
    both = 'def a(x):\n    return x\n\ndef b(x):\n    return a(x) + 1'
    model = ScriptedModel('say(str(a(x=1) + b(x=2)))', both, 'say(str(b(x=3)))')
    engine = make_engine(model)
    assert run(engine, session='s')[0].answer == '4'
    assert run(engine, session='s')[0].answer == '4', 'in the session, too'


def test_a_program_that_is_asked_for_a_value_moves_nothing(make_engine, table):
    nested = 'put_first_on_second("red block", "red bowl")\nret_val = 1'
    model = ScriptedModel('say(str(parse_question("how many?")))', *[nested] * 3)
    report, _ = run(make_engine(model))
    assert report.label is Label.VERIFIER_REJECTED
    assert table.moves == []


def test_context_holds_only_what_a_program_can_be_given(make_engine):
    report, _ = run(make_engine(ScriptedModel('parse_obj_name("x", "objects = [1e999]")')))
    assert report.label is Label.WRONG_ARGUMENTS, report.error
    odd = 'say(np.array([1j]))'
    report, _ = run(make_engine(ScriptedModel(odd)))
    assert report.label is Label.WRONG_ARGUMENTS, report.error


def test_motion_is_budgeted(make_engine, table):
    limits = replace(LIMITS, motion_s=0.0)
    program = 'put_first_on_second("red block", "red bowl")\nsay("done")'
    report, _ = run(make_engine(ScriptedModel(program), limits))
    assert report.label is Label.BUDGET_EXCEEDED
