"""One pair: what the benchmark of the same name runs by the hundred."""

from contextlib import closing

import pytest

from cap_bringup.eyes_pairs import NOISY, PairBench
from cap_bringup.workspace import ROOT


@pytest.fixture
def bench(tmp_path):
    with closing(PairBench(ROOT / 'config', tmp_path, NOISY)) as opened:
        yield opened


def test_a_world_by_the_camera_and_by_the_truth(bench):
    pair = bench.pair('block_in_bowl', 100)
    assert pair.truth.carried_out, pair.truth
    assert pair.camera.carried_out, pair.camera
    assert pair.truth.reported
    assert pair.camera.reported
    assert pair.difference == 0


def test_a_question_is_answered_from_what_is_seen(bench):
    pair = bench.pair('extreme_said', 100)
    assert pair.camera.carried_out, pair.camera
