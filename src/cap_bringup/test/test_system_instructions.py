"""Instructions end to end, with the camera as the only eye: a slice of benchmarks/ and the demo."""

import json
import os
import subprocess
import sys

import imageio.v3 as iio
import numpy as np
import pytest

from cap_bringup.campaign import ALL_FAMILIES, run_one
from cap_bringup.testing import running_system
from cap_eval.report import Run, to_markdown

pytestmark = pytest.mark.system


@pytest.fixture(scope='module')
def blind_to_the_truth(tmp_path_factory):
    """An environment in whose processes the ground-truth provider cannot be imported."""
    folder = tmp_path_factory.mktemp('blind')
    (folder / 'sitecustomize.py').write_text(
        "import sys\nsys.modules['cap_perception.ground_truth'] = None\n"
    )
    return {'PYTHONPATH': f'{folder}{os.pathsep}{os.environ.get("PYTHONPATH", "")}'}


def test_the_provider_is_really_absent(blind_to_the_truth):
    run = subprocess.run(
        [sys.executable, '-c', 'import cap_perception.ground_truth'],
        env={**os.environ, **blind_to_the_truth},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert 'ModuleNotFoundError' in run.stderr


# What each of the others asks for is a part of one of these, or of test_demo.
FAMILIES = ['beside_bowl', 'stack_all', 'extreme_in_bowl', 'extreme_said']


def test_one_world_of_some_families(tmp_path, blind_to_the_truth):
    runs: list[Run] = []
    with running_system(tmp_path, environment=blind_to_the_truth, restart=True) as system:
        for family in FAMILIES:
            seed = 1000 + ALL_FAMILIES.index(family)
            runs.append(run_one(system.client, family, seed))
            if not runs[-1].reported:
                system.wait_ready()
    report = to_markdown(runs)
    print(report)
    assert not [run for run in runs if run.is_false_success], report
    done = [run for run in runs if run.carried_out and run.reported]
    assert len(done) >= len(runs) - 1, report


def test_demo(tmp_path, blind_to_the_truth):
    out = tmp_path / 'out'
    run = subprocess.run(
        [sys.executable, '-m', 'cap_bringup.cli', 'demo', '--seed', '4', '--out', str(out)],
        env={**os.environ, **blind_to_the_truth},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert 'put_first_on_second' in run.stdout
    assert 'carried out' in run.stdout
    before, after = iio.imread(out / 'before.png'), iio.imread(out / 'after.png')
    assert before.shape == after.shape == (480, 640, 3)
    assert np.abs(before.astype(int) - after).max() > 100, 'something has moved'
    assert len(list(iio.imiter(out / 'video.mp4'))) > 20
    evidence = json.loads((out / 'evidence.json').read_text())
    assert evidence['outcome'] == 'succeeded'
    assert evidence['program'] == (out / 'program.py').read_text()


def test_demo_that_cannot_be_carried_out(tmp_path):
    run = subprocess.run(
        [
            *(sys.executable, '-m', 'cap_bringup.cli', 'demo'),
            *('put the black block in the black bowl', '--out', str(tmp_path / 'out')),
        ],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert 'black block' in run.stdout
