"""The whole planner in one process: real model code, verifier and sandbox over a symbolic table."""

from dataclasses import replace

import numpy as np
import pytest

from cap_common.errors import GraspFailedError, UnreachableError
from cap_planner.api import TABLETOP
from cap_planner.budget import Limits
from cap_planner.engine import Engine, Request
from cap_planner.evidence import EvidenceStore
from cap_planner.labels import InstructionError, Label
from cap_planner.models import ModelUnavailableError, open_model
from cap_planner.places import Table
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import SandboxConfig
from cap_planner.testing import ScriptedModel, SymbolicTable

LIMITS = Limits(
    wall_s=30.0,
    model_s=30.0,
    compute_s=2.0,
    motion_s=30.0,
    calls=200,
    calls_per_s=150,
    programs=20,
    repairs=2,
)


@pytest.fixture(scope='module')
def sandbox():
    with Sandbox(SandboxConfig()) as running:
        yield running


@pytest.fixture
def table():
    return SymbolicTable(
        red_block=(0.1, -0.4), blue_block=(-0.1, -0.4), red_bowl=(0.1, -0.6), blue_bowl=(-0.1, -0.6)
    )


@pytest.fixture
def make_engine(sandbox, table, tmp_path):
    def make(model, limits=LIMITS):
        return Engine(
            api=TABLETOP,
            model=model,
            sandbox=sandbox,
            scenes=table,
            skills=table,
            table=Table(-0.25, -0.75, 0.25, -0.25),
            evidence=EvidenceStore(tmp_path / 'evidence.db'),
            limits=limits,
            settle_s=0.2,
            placement_tolerance_m=0.045,
            max_instruction_chars=500,
        )

    return make


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
    data = engine._evidence.export(report.evidence_id)
    assert data['outcome'] == 'succeeded'
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


def test_a_rejected_program_is_repaired(make_engine):
    model = ScriptedModel('import os\nsay("x")', 'say("better")')
    report, _ = run(make_engine(model))
    assert (report.outcome, report.answer) == ('succeeded', 'better')
    assert 'os' in model.asked[1][-1]['content'], 'the report goes to the model'


def test_repair_is_bounded(make_engine):
    model = ScriptedModel(*['import os\nsay("x")'] * 5)
    report, _ = run(make_engine(model))
    assert report.label is Label.VERIFIER_REJECTED
    assert len(model.asked) == 1 + LIMITS.repairs


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


def test_a_program_may_catch_what_a_skill_raises(make_engine, table):
    table.failures = [GraspFailedError('slippery')]
    program = (
        'try:\n    put_first_on_second("red block", "red bowl")\n'
        'except GraspFailedError as error:\n    say(f"sorry: {error}")'
    )
    report, _ = run(make_engine(ScriptedModel(program)))
    assert (report.outcome, report.answer) == ('succeeded', 'sorry: slippery')


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
        def complete(self, messages, **_):
            raise ModelUnavailableError('no endpoint at x')

    report, _ = run(make_engine(Gone()))
    assert (report.label, report.error) == (Label.MODEL_UNAVAILABLE, 'no endpoint at x')


def test_the_model_is_lost_in_the_middle(make_engine):
    class Forgetful(ScriptedModel):
        def complete(self, messages, **kwargs):
            if not self.answers:
                raise ModelUnavailableError('gone')
            return super().complete(messages, **kwargs)

    program = 'try:\n    x = parse_obj_name("the block")\nexcept Exception:\n    say("fine")'
    report, _ = run(make_engine(Forgetful(program)))
    assert report.label is Label.MODEL_UNAVAILABLE


def test_context_is_data_and_never_code(make_engine):
    program = 'x = parse_obj_name("the block", "objects = get_obj_names()")\nsay(str(x))'
    report, _ = run(make_engine(ScriptedModel(program, 'ret_val = objects')))
    assert report.label is Label.WRONG_ARGUMENTS


def test_motion_is_budgeted(make_engine, table):
    limits = replace(LIMITS, motion_s=0.0)
    program = 'put_first_on_second("red block", "red bowl")\nsay("done")'
    report, _ = run(make_engine(ScriptedModel(program), limits))
    assert report.label is Label.BUDGET_EXCEEDED
