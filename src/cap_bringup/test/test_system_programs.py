"""A program of one's own, its record, and that record replayed: the command line end to end."""

import json
import subprocess
import sys

import pytest

from cap_common.domain import free_domain_id

pytestmark = pytest.mark.system

# The model writes what it does not: parse_obj_name's program, and a function.
PROGRAM = """\
blocks = parse_obj_name('the blocks', f'objects = {get_obj_names()}')
stack_objects_in_order(object_names=blocks)
say(f'{blocks[0]} and {blocks[1]}')
"""


def command(*words, stdin=None):
    run = subprocess.run(
        [sys.executable, '-m', 'cap_bringup.cli', *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    print(run.stdout, run.stderr)
    return run


def test_run_log_replay(tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', str(free_domain_id()))
    out, again = tmp_path / 'run', tmp_path / 'replay'
    world = ('--objects', 'red block 0.1 -0.4; blue block -0.1 -0.4 0 0.5; blue bowl 0 -0.6')
    assert command('run', '-', '--out', out, *world, stdin=PROGRAM).returncode == 0

    logged = command('log', 'last', '--json', '--evidence', out / 'evidence.db')
    record = json.loads(logged.stdout)
    assert (record['outcome'], record['instruction']) == ('succeeded', 'run standard input')
    assert record['given_program'] == PROGRAM
    assert [function['name'] for function in record['functions']] == ['stack_objects_in_order']
    assert {completion['lmp'] for completion in record['completions']} == {'parse_obj_name', 'fgen'}
    assert record['session_before']['turns'] == []
    places = {item['name']: item['position'] for item in record['world_after']['objects']}
    assert sorted(places) == ['blue block', 'blue bowl', 'red block']
    blocks = places['red block'], places['blue block']
    assert sorted(z for _, _, z in blocks) == pytest.approx([0.02, 0.06], abs=0.01)
    assert (out / 'video.mp4').exists()

    replay = command('replay', 'last', '--evidence', out / 'evidence.db', '--out', again)
    assert replay.returncode == 0
    for same in ('world before: the same', 'program: the same', 'calls: the same', 'outcome: the'):
        assert same in replay.stdout
    logged = command('log', '--json', '--evidence', again / 'evidence.db')
    assert json.loads(logged.stdout)['answer'] == record['answer']
