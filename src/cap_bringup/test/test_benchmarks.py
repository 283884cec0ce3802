"""The exit status of the benchmarks that judge: 0 only if all was as it should be."""

import contextlib
import importlib.util
import sys
import tempfile
from types import SimpleNamespace

import pytest

from cap_bringup.hands_bench import FreeMotion, Trial
from cap_bringup.workspace import ROOT
from cap_eval.conversations import CONVERSATIONS
from cap_eval.report import Run

# These only measure.
FIGURES = {'first_motion', 'sandbox', 'verifier'}


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f'benchmarks/{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def argv(monkeypatch):
    def give(*words):
        monkeypatch.setattr(sys, 'argv', ['x', *map(str, words)])

    return give


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """What is kept of a run stays here."""
    folder = tmp_path / 'temporary'
    folder.mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(folder))
    return folder


@contextlib.contextmanager
def no_system(*_, **__):
    yield SimpleNamespace(client=None, wait_ready=lambda: None)


@pytest.mark.parametrize(
    'name', sorted({path.stem for path in (ROOT / 'benchmarks').glob('*.py')} - FIGURES)
)
def test_each_ends_with_what_its_main_returns(name):
    assert load(name).main.__annotations__['return'] is int
    assert 'sys.exit(main())' in (ROOT / f'benchmarks/{name}.py').read_text(encoding='utf-8')


@pytest.mark.parametrize(('wrong', 'status'), [('', 0), ('the apple is not there', 1)])
def test_conversations(argv, monkeypatch, temporary, wrong, status):
    bench = load('conversations')
    turns = [('one', 'done', '', 1.0), ('two', 'done', wrong, 1.0)]
    monkeypatch.setattr(bench, 'running_system', no_system)
    monkeypatch.setattr(bench, 'set_up', lambda *_: (1, None))
    monkeypatch.setattr(bench, 'run', lambda *_: iter(turns))
    argv()
    assert bench.main() == status
    assert len(list(temporary.iterdir())) == (len(CONVERSATIONS) + 1 if wrong else 0)


@pytest.mark.parametrize(
    ('reported', 'carried_out', 'status'),
    [(True, True, 0), (True, False, 1), (False, True, 1), (True, None, 1)],
)
def test_families(argv, monkeypatch, tmp_path, temporary, reported, carried_out, status):
    bench = load('tabletop_families')

    def campaign(client, families, seeds, on_run, recover):
        on_run(Run('stack_all', 1, 'x', True, True, ''))
        on_run(Run('stack_all', 2, 'x', reported, carried_out, ''))

    monkeypatch.setattr(bench, 'running_system', no_system)
    monkeypatch.setattr(bench, 'run_campaign', campaign)
    argv('--out', tmp_path)
    assert bench.main() == status
    assert len(list(temporary.iterdir())) == status


@pytest.mark.parametrize(
    ('why', 'fell', 'status'), [('', '', 0), ('it slipped', '', 1), ('', '3 cm off', 1)]
)
def test_plates(argv, monkeypatch, why, fell, status):
    bench = load('plates')
    found = [('egg', ''), ('apple', why), ('still there', fell)]
    monkeypatch.setattr(bench, 'run', lambda _: found)
    argv('--worlds', 1)
    assert bench.main() == status


@pytest.mark.parametrize(
    ('change', 'status'),
    [
        ({}, 0),
        ({'why': 'it fell'}, 1),
        ({'wall_s': 0.05}, 1),
        ({'error_m': 0.008}, 1),
        ({'collisions': ['red block in blue block']}, 1),
        ({'free_motions': [FreeMotion(ratio=1.1, alone=1.6, carrying=True)]}, 1),
    ],
)
def test_hands(argv, monkeypatch, change, status):
    bench = load('hands')
    as_good = {'error_m': 0.001, 'wall_s': 0.02, 'cpu_s': 0.02, 'motions': 6}
    as_good['free_motions'] = [FreeMotion(ratio=1.1, alone=1.2, carrying=True)]
    trials = [Trial('red block to blue bowl', **{**as_good, **change}) for _ in range(200)]
    monkeypatch.setattr(bench, 'run_trials', lambda *_: (trials, [9.0]))
    monkeypatch.setattr(bench, 'run_stacks', lambda *_: [([], '')] * 100)
    argv('--seed', 1)
    assert bench.main() == status
